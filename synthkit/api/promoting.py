"""What one target has published and audited, published in another from Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.api.project import Names, compile, run_options, run_plan, several
from synthkit.errors import SynthError
from synthkit.events import Listener

if TYPE_CHECKING:
    from synthkit.compiler import Manifest
    from synthkit.planning.plan import Plan
    from synthkit.results import RunResults


@dataclass(frozen=True)
class Promotion:
    """Two targets of a project, as they are declared now. ``origin`` has what ``manifest``'s is to have."""

    origin: Manifest
    manifest: Manifest

    def plan(self, select: Names = (), exclude: Names = ()) -> Plan:
        """What would be published, which audits would be run again, and why. Nothing is run.

        Raises:
            BuildError: a table may not go, with every reason of each.
        """
        from synthkit.planning.promotion import make_promotion

        return make_promotion(
            self.origin, self.manifest, select=several(select), exclude=several(exclude), wrong=_wrong(self.origin)
        )


def promotion(
    origin: str,
    target: str,
    project: str | Path = ".",
    *,
    vars: Mapping[str, object] | None = None,
    **given: Any,
) -> Promotion:
    """The project under each of two targets. ``given``: see :func:`promote`; of a build that is to follow.

    Raises:
        ConfigurationError, SynthError: see :func:`compile`; or the targets are one and the same.
    """
    if origin == target:
        raise SynthError(f"{origin!r} is the same target twice", hint="synth promote FROM TO")
    kept = {k: v for k, v in given.items() if k in ("seed", "device")}  # they decide rows, so both are asked with them
    return Promotion(
        compile(project, target=origin, vars=vars, **kept), compile(project, target=target, vars=vars, **given)
    )


def promote(
    origin: str | Promotion,
    target: str = "",
    project: str | Path = ".",
    *,
    select: Names = (),
    exclude: Names = (),
    fail_fast: bool = False,
    lock_wait: float = 0.0,
    listener: Listener | None = None,
    vars: Mapping[str, object] | None = None,
    threads: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    runner: str | None = None,
) -> RunResults:
    """Publish in one target what another has published and audited, as ``synth promote`` does: the same bytes.

    Nothing is trained, drawn or charged. What audits found is taken over, but for those that look at something that is
    another in the target: :mod:`synthkit.planning.promotion` says which. Families go whole.

    Args:
        origin: the target that has the tables, or what :func:`promotion` gave.
        target: the one that is to have them.
        vars, threads, seed, device, runner: see :func:`compile`.
        select, exclude, fail_fast, lock_wait, listener: see :func:`build`.

    Raises:
        BuildError: a table may not go: it is not what the YAML says, its rows or receipt are not what was audited, or
            the target asks for other rows. Nothing is published then.
        SynthError: see :func:`build`; or a build of the first target runs.
    """
    from synthkit.store.lock import ProjectLock

    given = {"threads": threads, "seed": seed, "device": device, "runner": runner}
    both = promotion(origin, target, project, vars=vars, **given) if isinstance(origin, str) else origin
    busy = ProjectLock(both.origin.project.target_dir / "lock", wait=lock_wait)
    with busy.held():  # what is published there stays until it is here too
        options = run_options(both.manifest, "promote", fail_fast, lock_wait)
        return run_plan(both.manifest, lambda: both.plan(select, exclude), options, listener)


def _wrong(origin: Manifest) -> dict[str | None, list[str]]:
    """What keeps tables of a target from being trusted: table → the errors that a full verification finds."""
    from synthkit.verify.review import review

    found: dict[str | None, list[str]] = {}
    for finding in review(origin.project, full=True).of("error"):
        if finding.kind != "fingerprint" or not finding.details:  # the plan says that, and why
            found.setdefault(finding.model, []).append(f"{finding.where}: {finding.message}")
    return found
