"""Keys of tables that are made: which tables they join, and which name one another's rows and will not join.

Those that are made one by one will not, as each has keys of its own, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from synthkit.compiler.manifest import ModelNode, SourceNode
from synthkit.errors import Fault
from synthkit.project.ownership import keys_of
from synthkit.project.types import Relation
from synthkit.records.joins import Join, Keyed, joins
from synthkit.records.parts import KeyRecord

HINT = "make them together, by a model of the whole group (source: \"{{ source('GROUP') }}\"), or drop the key"
WITHIN = "make it by a family of its own (source: \"{{ source('GROUP') }}\", tables: [TABLE]), or drop the key"


def recorded(source: SourceNode) -> tuple[KeyRecord, ...]:
    """The keys of a source table, as the receipt of a table that is drawn like it has them."""
    found = []
    for key in keys_of(source.spec):
        said = {"columns": list(key.names), "references": Relation(key.references, source.relation.source).id}
        flags = {"owner": key.owner, "cut": key.cut}
        found.append(KeyRecord.from_json({**said, **{k: v for k, v in flags.items() if v}}))
    return tuple(found)


def joined(models: Mapping[str, ModelNode]) -> dict[str, tuple[Join, ...]]:
    """Model → its keys that lead to models."""
    return joins(
        {
            name: Keyed(m.source.id, m.family, m.keys, m.schema.primary_key)
            for name, m in models.items()
            if m.keys is not None and m.source is not None
        }
    )


def apart(
    sources: Mapping[str, SourceNode], models: Mapping[str, ModelNode], found: Mapping[str, tuple[Join, ...]]
) -> Iterator[tuple[str, Fault]]:
    """(child model, what is wrong) for each foreign key whose two tables are made, and by no family together.

    Each model draws keys of its own, so that the rows of the one name no rows of the other, or name them at random; and
    so do the rows of a table that name other rows of it.

    Args:
        found: what :func:`joined` gives of the models.
    """
    children: dict[Relation | None, list[str]] = {}
    for name in found:
        children.setdefault(models[name].source, []).append(name)
    for source in sources.values():
        group = source.relation.source
        for index, key in enumerate(keys_of(source.spec)):
            if group is None:
                continue
            within = key.references == source.spec.name
            for child in children.get(source.relation, ()):
                ways = [join for join in found[child] if not join.holds and join.columns == key.names]
                named = Relation(key.references, group)
                others = dict.fromkeys(w.references for w in ways if models[w.references].source == named)
                if not others:
                    continue
                names = "itself" if within else ", ".join(others)
                columns = ", ".join(key.names)
                why = (
                    "a table that is made by itself has keys of its own"
                    if within
                    else "each of these tables is made by itself, with keys of its own"
                )
                message = (
                    f"{child!r} will not join {names}: {columns} of {group}.{source.spec.name} names rows of "
                    f"{key.references}, but {why}"
                )
                where = source.spec.origin.at("foreign_keys", index)
                hint = (WITHIN if within else HINT).replace("GROUP", group).replace("TABLE", source.spec.name)
                yield child, Fault(message, where, hint=hint)
