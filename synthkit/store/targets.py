"""The target that a project publishes to: the local one, or what an installed package brings."""

from __future__ import annotations

from synthkit.errors import SynthError, did_you_mean
from synthkit.plugins import entries, loaded, no_kind
from synthkit.project.project import Project
from synthkit.project.targets import GROUP, LOCAL, OBJECTS
from synthkit.store.local import Local
from synthkit.store.target import Place, Target


def target_of(project: Project) -> Target:
    """Where the project publishes. Raises SynthError where the package of its kind does not load."""
    scratch = project.target_dir / "cache" / "published"
    target = project.target
    place = Place(
        project.warehouse_dir, project.database_path, scratch, target.address, target.schema_name, target.catalog
    )
    return opened(project.target.kind, place)


def opened(kind: str, place: Place) -> Target:
    """A target of a kind, by the name of an entry point that is called with the place."""
    if kind == LOCAL:  # without a look at what is installed: `synthkit.open` asks for it
        if place.address is not None:
            raise SynthError(f"no target of type local publishes to {place.address}", hint="leave type: out")
        return Local(place.path, place.database)
    if kind == OBJECTS:
        from synthkit.store.objectstore import ObjectStore

        return ObjectStore(place)
    entry = entries(GROUP).get(kind)
    if entry is None:
        hint = did_you_mean(kind, {LOCAL, OBJECTS, *entries(GROUP)}, "a kind of target")
        raise SynthError(f"there is no kind of target {kind!r}", hint=hint)
    target = loaded(entry, "target {name!r} of the package {package!r} does not load")(place)
    if not isinstance(target, Target):
        raise no_kind(entry, "target")
    return target
