"""What every spec has: the place where it was written, and relations as ``ref`` and ``source`` name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, PrivateAttr

from synthkit.errors import Location
from synthkit.project.lookups import Rendering
from synthkit.sql.quoting import quote

KeyPath = tuple[str | int, ...]
Tree = Mapping[str, Any]  # YAML below a key, as it was read
Options = Mapping[str, Any]  # by name: parameters of a generator or audit, variables of Jinja, options of a reader
Conditions = Mapping[str, Any]  # column → value, or value → share
Row = Mapping[str, Any]  # column → value, as it is written in YAML


@dataclass(frozen=True, order=True)
class Relation:
    """What ``source('crm', 'customers')`` or ``ref('model')`` stands for; ``source`` is None for a ref.

    >>> customers, model = Relation("customers", "crm"), Relation("fake")
    >>> customers.id, customers.sql, str(model)
    ('source:crm.customers', '"crm"."customers"', "ref('fake')")
    """

    name: str
    source: str | None = None

    @property
    def id(self) -> str:
        """The node of the graph: ``source:crm.customers`` or ``model:name``."""
        return f"source:{self.source}.{self.name}" if self.source is not None else f"model:{self.name}"

    @property
    def sql(self) -> str:
        """The quoted name under which SQL finds it: ``"crm"."customers"`` or ``"name"``."""
        parts = (self.name,) if self.source is None else (self.source, self.name)
        return ".".join(map(quote, parts))

    def __str__(self) -> str:
        return f"source({self.source!r}, {self.name!r})" if self.source is not None else f"ref({self.name!r})"


@dataclass(frozen=True)
class Group:
    """What ``source('shop')`` stands for: all tables of a group, which a family is made from."""

    name: str

    def __str__(self) -> str:
        return f"source({self.name!r})"


@dataclass(frozen=True)
class Origin:
    """Where a spec was written: a file, the path of keys down to it, and all marks of that file."""

    file: Path
    path: KeyPath = ()
    marks: Mapping[KeyPath, tuple[int, int]] = field(default_factory=dict, repr=False)
    key_marks: Mapping[KeyPath, tuple[int, int]] = field(default_factory=dict, repr=False)
    elsewhere: Mapping[str, Origin] = field(default_factory=dict, repr=False)  # keys that a default gave

    def at(self, *keys: str | int, key: bool = False) -> Location:
        """The place of a value (or with ``key`` of the key itself) below this spec.

        Where the exact path was not written (a default), the nearest written parent answers.
        """
        if keys and isinstance(keys[0], str) and keys[0] in self.elsewhere:
            return self.elsewhere[keys[0]].at(*keys[1:], key=key)
        path = (*self.path, *keys)
        table = self.key_marks if key else self.marks
        while path and path not in table:
            path = path[:-1]
            table = self.marks
        line, column = table.get(path, (1, 1))
        return Location(self.file, line, column)


UNPLACED = Origin(Path("?"))


class Spec(BaseModel):
    """Base of all specs: frozen, unknown keys forbidden. ``uses``: what the values below it were rendered with."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)
    _origin: Origin = PrivateAttr(default_factory=lambda: UNPLACED)  # a default would be copied for each
    _uses: Mapping[KeyPath, Rendering] = PrivateAttr(default_factory=dict)

    @property
    def origin(self) -> Origin:
        return self._origin

    @property
    def uses(self) -> Mapping[KeyPath, Rendering]:
        return self._uses
