"""Tables that are learnt, drawn and published together, as the compiler hands them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel

from synthkit.compiler.declared import FamilyRule
from synthkit.generators.base import Generator
from synthkit.generators.tables import Key, Shape
from synthkit.project.size import Size
from synthkit.project.types import Conditions, ModelSpec, Relation
from synthkit.records.parts import FamilyRecord


@dataclass(frozen=True)
class FamilyNode:
    """Tables that are learnt, drawn and published together. Each is a model as well (``ModelNode.family``).

    Args:
        spec: as the family was declared; each member's spec says what holds for that.
        members: source table → model, each after all that its keys name, but for keys that are cut.
        keys: between the members, by the names of their source tables.
        kept: source tables that are public: they are published as they are, and looked up in.
        root: the source table that the size is of.
        conditions: source table → its conditions, where it has any.
        at_least, at_most: source table → how many of its rows belong to each row of its owner, where that is asked for.
        path: of the file that declares it, in the project.
        shape: under epsilon, what is learnt of its tables.
        rules: across its tables.
    """

    name: str
    spec: ModelSpec
    members: Mapping[str, str]
    keys: tuple[Key, ...]
    kept: tuple[str, ...]
    root: str
    generator: Generator
    params: BaseModel
    size: Size
    conditions: Mapping[str, Conditions]
    at_least: Mapping[str, int]
    at_most: Mapping[str, int]
    path: str
    shape: Shape | None = None
    rules: tuple[FamilyRule, ...] = ()

    @property
    def group(self) -> str:
        """The source group whose tables it is of."""
        assert self.spec.group is not None
        return self.spec.group

    def source_of(self, table: str) -> str:
        """The node of a member's real table."""
        return Relation(table, self.group).id

    def recorded(self) -> FamilyRecord:
        """What the receipt of each of its tables says of it."""
        return FamilyRecord(name=self.name, members=tuple(self.members.values()))

    def to_json(self) -> dict[str, Any]:
        return {
            "file": self.path,
            "description": self.spec.description,
            "source": self.group,
            "root": self.root,
            "members": dict(self.members),
            "keys": [{k: v for k, v in asdict(key).items() if v not in (None, False)} for key in self.keys],
            "kept": list(self.kept),
            "size": str(self.size),
            "conditions": {table: dict(c) for table, c in self.conditions.items()},
            "at_least": dict(self.at_least),
            **({"at_most": dict(self.at_most)} if self.at_most else {}),
            "rules": [str(r.rule) for r in self.rules],
        }
