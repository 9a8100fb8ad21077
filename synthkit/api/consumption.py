"""What builds took, from Python: rates, peaks, money, waiting, cache hits and verdicts, with their trends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.api.project import load
from synthkit.errors import SynthError, did_you_mean

if TYPE_CHECKING:
    from datetime import datetime

    from synthkit.compiler import Manifest
    from synthkit.planning.plan import Plan
    from synthkit.stats.expected import Forecast
    from synthkit.stats.summary import Stats


def stats(
    project: str | Path = ".",
    model: str | None = None,
    *,
    since: str | datetime | None = None,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
) -> Stats:
    """What the builds of a target took, as this machine's ``target/`` records it.

    Args:
        project: its folder.
        model: of this one alone.
        since: ``30d``, ``12h``, a day or a moment; default: all that is recorded.
        target: default: the project's.

    Raises:
        SynthError: there is no such model, neither in the project nor in the record; or ``since`` is no time.
    """
    from synthkit.building.runrecord import clock
    from synthkit.stats.kept import read
    from synthkit.stats.since import since as parsed
    from synthkit.stats.summary import summarise

    found = load(project, target=target, vars=vars)
    start = parsed(since, clock()) if isinstance(since, str) else since
    names = list(dict.fromkeys(name for spec in found.models for name in found.published_by(spec) or (spec.name,)))
    kept = read(found.target_dir)
    recorded = {e.model for e in kept.used}
    if model is not None and model not in names and model not in recorded:
        raise SynthError(f"there is no model {model!r}", hint=did_you_mean(model, {*names, *recorded}, "a model"))
    return summarise(kept, found.target_name, found.prices, models=names, since=start, only=model)


def estimates(manifest: Manifest, plan: Plan, threads: int | None = None) -> Forecast:
    """What carrying out a plan is likely to take, by earlier builds: time, memory, money, each with its error.

    Args:
        threads: models at a time; default: the project's.
    """
    from synthkit.stats.forecast import forecast

    return forecast(manifest, plan, threads or manifest.project.threads)
