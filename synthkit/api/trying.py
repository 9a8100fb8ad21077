"""A model tried in seconds, from Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.api.project import compiled
from synthkit.errors import SynthError

if TYPE_CHECKING:
    from synthkit.building.trial import Preview
    from synthkit.compiler import Manifest
    from synthkit.generators.base import Progress


def preview(
    model: str,
    project: str | Path | Manifest = ".",
    *,
    rows: int = 20,
    learn: int = 2000,
    progress: Progress | None = None,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
) -> Preview:
    """Some rows and a verdict from a small fit. Nothing is published, kept or charged.

    Args:
        model: without ``epsilon``; a family, or one of its tables, is learnt with all its tables.
        rows: that are shown.
        learn: training rows that are learnt from, at most about so many; of a family, of its largest table.
        progress: is told how far it is. Default: in a notebook a bar, elsewhere nobody.

    Returns:
        ``.rows`` as an Arrow table, ``.audits`` of the drawn rows, ``.verdict`` the worst of them;
        of a family its root, and ``.others``.

    Raises:
        SynthError: there is no such model, or it cannot be tried without a price: epsilon, a teacher's money.
        BuildError: it cannot be trained or drawn.
    """
    from synthkit.building.preview import preview as tried
    from synthkit.report.notebook import watching

    if rows < 1 or learn < 1:
        raise SynthError("a preview learns from rows, and shows rows", hint="ask for one or more")
    manifest = compiled(project, target=target, vars=vars)
    with watching(f"preview of {model}", progress) as told:

        def phase(phase: str, done: int, total: int, unit: str, note: str = "") -> None:
            told(done, total, unit, f"{phase} {note}")

        return tried(manifest, model, rows=rows, learn=learn, progress=phase)
