"""What a run was asked to do, on disk before it does anything: so that a run that failed or was killed can be retried.

``target/invocation.json`` is written at the start of a run, ``target/run_results.json`` at its end, both with the run's
id. An invocation without results of that id is a run that was killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from synthkit.errors import SynthError
from synthkit.files import parsed_json, write_json_atomic
from synthkit.results import RunResults
from synthkit.store.staging import Staging
from synthkit.store.target import Tables

FILE = "invocation.json"
_UNFINISHED = frozenset({"fail", "error", "skipped"})


@dataclass(frozen=True)
class Asked:
    """What the command line, or a program, asked of a run besides its models; as in :class:`Invocation`."""

    variables: str | None = None
    seed: int | None = None
    device: str | None = None
    full_refresh: bool = False


NOTHING_ASKED = Asked()


@dataclass(frozen=True)
class Invocation:
    """One run as it was asked for.

    Args:
        command: ``build`` or ``audit``.
        models: what its plan held, in order.
        variables: ``--vars`` as it was written.
        seed, device: where the command line gave them, as other ones make other rows.
    """

    run_id: str
    command: str
    target: str
    models: tuple[str, ...]
    variables: str | None = None
    seed: int | None = None
    device: str | None = None
    full_refresh: bool = False

    def write(self, target_dir: Path) -> None:
        write_json_atomic(target_dir / FILE, asdict(self))

    @staticmethod
    def read(path: Path) -> Invocation | None:
        """None where there is none, or something else."""
        try:
            data = parsed_json(path.read_text("utf-8"))
            return Invocation(**{**data, "models": tuple(data["models"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None


def last_invocation(root: Path, target: str | None = None) -> Invocation:
    """The latest run of a project, of one target if that is named.

    Raises:
        SynthError: nothing was run yet.
    """
    found = [i for i in map(Invocation.read, _files(root)) if i is not None and target in (None, i.target)]
    if not found:
        where = "" if target is None else f" with target {target!r}"
        raise SynthError(f"there is no run to retry{where}", hint="run synth build")
    return max(found, key=lambda i: i.run_id)


def _files(root: Path) -> Iterator[Path]:
    yield root / "target" / FILE
    yield from (root / "target" / "targets").glob(f"*/{FILE}")


def unfinished(invocation: Invocation, target_dir: Path, target: Tables) -> tuple[str, ...]:
    """The models that failed, were skipped or were never reached, in the order of the run's plan."""
    results = _results(invocation, target_dir)
    if results is not None:
        return tuple(m for m in invocation.models if results.get(m, "skipped") in _UNFINISHED)
    staging = Staging(target_dir)

    def by_this_run(model: str) -> bool:
        state = target.published(model) or staging.audited(model)
        return state is not None and state.run_id == invocation.run_id

    return tuple(m for m in invocation.models if not by_this_run(m))


def _results(invocation: Invocation, target_dir: Path) -> dict[str, str] | None:
    """Model → status, or None where the run did not come to its end."""
    try:
        run = RunResults.read(target_dir / "run_results.json")
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {r.model: r.status for r in run.results} if run.run_id == invocation.run_id else None
