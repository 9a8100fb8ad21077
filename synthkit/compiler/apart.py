"""Tables that name one another's rows and are made one by one: they will not join, and that is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from synthkit.compiler.manifest import ModelNode, SourceNode
from synthkit.errors import Fault
from synthkit.generators.base import Trained
from synthkit.project.ownership import keys_of
from synthkit.project.types import Relation

HINT = "make them together, by a model of the whole group (source: \"{{ source('GROUP') }}\"), or drop the key"


def apart(sources: Mapping[str, SourceNode], models: Mapping[str, ModelNode]) -> Iterator[tuple[str, Fault]]:
    """(child model, what is wrong) for each foreign key whose two tables are made, and by no family together.

    Each model draws keys of its own, so that the rows of the one name no rows of the other, or name them at random.
    """
    made: dict[str, list[ModelNode]] = {}
    for model in models.values():
        if model.source is not None and (isinstance(model.generator, Trained) or model.kept):
            made.setdefault(model.source.id, []).append(model)
    for id_, source in sources.items():
        group = source.relation.source
        for index, key in enumerate(keys_of(source.spec)):
            if group is None or key.references == source.spec.name:
                continue
            for child in made.get(id_, ()):
                others = made.get(Relation(key.references, group).id, [])
                if not others or any(child.family is not None and child.family == other.family for other in others):
                    continue
                names = ", ".join(other.name for other in others)
                columns = ", ".join(key.names)
                message = (
                    f"{child.name!r} will not join {names}: {columns} of {group}.{source.spec.name} names rows of "
                    f"{key.references}, but each of these tables is made by itself, with keys of its own"
                )
                where = source.spec.origin.at("foreign_keys", index)
                yield child.name, Fault(message, where, hint=HINT.replace("GROUP", group))
