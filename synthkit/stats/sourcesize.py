"""How much a model has to learn from, as far as that is seen without reading a row."""

from __future__ import annotations

from synthkit.compiler import Manifest
from synthkit.errors import SynthError
from synthkit.project.addresses import scheme_of
from synthkit.sources.standing import source_files


def source_bytes(manifest: Manifest, model: str) -> int | None:
    """Bytes of the files of all sources that a model reads, and of those that are learnt together with them.

    None where it reads no source, or one that lies on a server or in an object store, which is asked for nothing here.
    """
    node = manifest.models[model]
    family = manifest.families.get(node.family or "")
    read = [node] if family is None else [manifest.models[name] for name in family.members.values()]
    project, total = manifest.project, 0
    ids = {relation.id for one in read for relation in one.reads if relation.source is not None}
    for id_ in ids:
        source = manifest.sources.get(id_)
        if source is None or scheme_of(source.spec.path) is not None:
            return None
        try:
            files = source_files(source.spec, project.root, project.spec.connections)
            if files is None:
                return None
            total += sum(path.stat().st_size for path in files)
        except (SynthError, OSError):
            return None
    return total or None
