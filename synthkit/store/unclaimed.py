"""Tables that are still published, though no model makes them any more: it was renamed, removed or made ephemeral."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from synthkit.compiler import Manifest
from synthkit.project.project import Project
from synthkit.store.targets import target_of

REMOVAL = "synth gc --removed withdraws what nobody reads any more"


def orphans(names: Iterable[str], project: Project) -> dict[str, bool]:
    """Of the published names, those that no model of the project publishes; True of a model that is disabled."""
    made, disabled = {n for m in project.models for n in project.published_by(m)}, {m.name for m in project.disabled}
    return {n: n in disabled for n in names if n not in made}


def unclaimed(names: Iterable[str], project: Project) -> list[str]:
    """Of the published names, those that no model publishes any more. A disabled model may be back tomorrow."""
    return [name for name, disabled in orphans(names, project).items() if not disabled]


def unclaimed_tables(manifest: Manifest) -> list[str]:
    """:func:`unclaimed` of all that has a receipt in the manifest's target."""
    project = manifest.project
    return unclaimed(target_of(project).names(), project)


def told(names: Sequence[str]) -> str | None:
    """One sentence about such tables, and what to do; None where there are none."""
    if not names:
        return None
    listed = ", ".join(repr(n) for n in names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    which = "the table" if len(names) == 1 else "the tables"
    verb, them = ("is", "it") if len(names) == 1 else ("are", "them")
    return f"{which} {listed} {verb} still published, but no model makes {them} any more ({REMOVAL})"
