"""Which published tables join, by which columns, and what their audits found of it.

A key of a source table names rows of another one. The tables that are made from the two join by it where one family
made both; made one by one they do not, as each has keys of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from synthkit.records.audit import AuditRecord, Status
from synthkit.records.parts import KeyRecord
from synthkit.records.record import Record, Several

if TYPE_CHECKING:
    from synthkit.records.receipt import AuditedTable

JoinKind = Literal["owner", "looked up", "within the table", "in a circle", "apart"]
Verdict = Literal["none"] | Status
OF_KEYS = ("references", "cardinality")  # the audits that say something of each key
WORST: Sequence[Status] = ("error", "fail", "inconclusive", "warn", "skipped", "pass")


class Join(Record):
    """A key between two tables that are made.

    Args:
        columns: of the table, in the order of the primary key of the one whose rows they name.
        references: the table whose rows they name, or, of tables made one by one, do not name.
        table: what that one is made from, by its name in the source.
        to: its primary key; empty where nothing declares it.
        kind: what the key is to the family; apart: no family makes both tables, and they will not join.
    """

    columns: Several[str]
    references: str
    table: str
    to: Several[str] = ()
    kind: JoinKind

    @property
    def holds(self) -> bool:
        """Whether the columns name rows that are there."""
        return self.kind != "apart"

    @property
    def named(self) -> str:
        """As audits of families name the key."""
        return f"{', '.join(self.columns)} → {self.table}"

    @property
    def target(self) -> str:
        """What it names: ``customers.customer_id``."""
        return f"{self.references}.{', '.join(self.to)}" if self.to else self.references

    def verdicts(self, audits: Iterable[AuditRecord]) -> dict[str, Status]:
        """Audit → what it found of this key; of one whose parts are withheld, what it found of the table."""
        found: dict[str, Status] = {}
        for record in audits:
            if record.name in OF_KEYS:
                parts = [c.status for c in record.columns if c.column == self.named] or [record.status]
                seen = [found[record.name]] if record.name in found else []
                found[record.name] = min([*seen, *parts], key=WORST.index)
        return {name: found[name] for name in OF_KEYS if name in found}

    def verdict(self, audits: Iterable[AuditRecord]) -> Verdict:
        """The worst of them; none where nothing looked at it."""
        found = self.verdicts(audits).values()
        return min(found, key=WORST.index, default="none")


@dataclass(frozen=True)
class Keyed:
    """A table that was drawn, as its keys are looked at.

    Args:
        source: the node that it was learnt from.
        family: the family that made it.
        keys: those of its source table.
        primary_key: its own.
    """

    source: str
    family: str | None
    keys: tuple[KeyRecord, ...]
    primary_key: tuple[str, ...] = ()


def joins(tables: Mapping[str, Keyed]) -> dict[str, tuple[Join, ...]]:
    """Table → its keys that lead to another one of these, or to itself; tables without any are left out.

    >>> from synthkit.records.parts import KeyRecord
    >>> key = KeyRecord(columns=("of",), references="source:shop.people", owner=True)
    >>> people = Keyed("source:shop.people", "shop", (), ("id",))
    >>> [j.target for j in joins({"p": people, "o": Keyed("source:shop.orders", "shop", (key,))})["o"]]
    ['p.id']
    >>> [j.kind for j in joins({"p": people, "o": Keyed("source:shop.orders", None, (key,))})["o"]]
    ['apart']
    """
    made: dict[str, list[str]] = {}
    for name, table in tables.items():
        made.setdefault(table.source, []).append(name)
    found = {name: tuple(_of(name, table, tables, made)) for name, table in tables.items()}
    return {name: keys for name, keys in found.items() if keys}


def _of(name: str, table: Keyed, tables: Mapping[str, Keyed], made: Mapping[str, list[str]]) -> Iterator[Join]:
    for key in table.keys:
        others = made.get(key.references, [])
        within = key.references == table.source
        if within and table.family is None:
            others = [name]
        together = [o for o in others if table.family is not None and tables[o].family == table.family]
        for other in together or others:
            yield Join(
                columns=key.columns,
                references=other,
                table=key.references.removeprefix("source:").partition(".")[2],
                to=tables[other].primary_key,
                kind=_kind(key, within) if together else "apart",
            )


def _kind(key: KeyRecord, within: bool) -> JoinKind:
    return "in a circle" if key.cut else "within the table" if within else "owner" if key.owner else "looked up"


def of_receipts(receipts: Mapping[str, AuditedTable]) -> dict[str, tuple[Join, ...]]:
    """:func:`joins` of tables as their receipts have them; of one that does not tell its keys nothing is said."""
    return joins(
        {
            name: Keyed(r.source, None if r.family is None else r.family.name, r.keys, r.table_schema.primary_key)
            for name, r in receipts.items()
            if r.keys is not None and r.source is not None
        }
    )
