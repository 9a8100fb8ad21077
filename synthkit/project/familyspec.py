"""Keys between the tables of a group, and what a family says of each of its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from synthkit.project.auditspec import AuditSpec, OnInconclusive
from synthkit.project.columnspec import ColumnSpec, Constraints, Rules
from synthkit.project.decides import AUDIT, NOTHING, SAMPLE, SPLIT, TRAIN
from synthkit.project.spec import Spec
from synthkit.project.usage import UNSAID, UsageSpec
from synthkit.records.receipt import Materialized


class ForeignKeySpec(Spec):
    """Columns that name a row of another table of the group, by its primary key.

    Args:
        column: that names the row.
        columns: several, in the order of the other table's primary key.
        references: the other table of the group, or this one.
        owner: whether a row belongs to the row that it names, as a line does to its order: which rows are held out,
            whose they are and what they are learnt from follow this key. A table has at most one.
        max_per_parent: the most rows that may name one row.
        orphans: keys that name no row: kept at their rate (keep), or none of them (none).
        cut: leaves the key out of the order in which tables are made, where keys run in a circle: it is matched when
            both tables are there.
    """

    column: Annotated[str | None, SPLIT] = None
    columns: Annotated[tuple[str, ...] | None, SPLIT] = Field(default=None, min_length=1)
    references: Annotated[str, SPLIT]
    owner: Annotated[bool, SPLIT] = False
    max_per_parent: Annotated[int | None, TRAIN] = Field(default=None, ge=1)
    orphans: Annotated[Literal["keep", "none"], TRAIN] = "none"
    cut: Annotated[bool, TRAIN] = False

    @model_validator(mode="after")
    def _one_way(self) -> ForeignKeySpec:
        if (self.column is None) == (self.columns is None):
            raise ValueError("a foreign key has column: NAME or columns: [NAMES], one of them")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns."""
        return (self.column,) if self.column is not None else self.columns or ()


class MemberSpec(Spec):
    """One table of a family: what is said of it alone; the rest is the family's.

    Args:
        table: of the source group.
        name: of the published table; default: the family's, with that of the table.
        description: for people.
        enabled: false leaves the table out of the family.
        conditions: column → value, or value → share, of this table: kept exactly. ``count(TABLE)`` is how many rows of
            a table belong to each row: ``{count(orders): {0: 20%, 1+: 80%}}``.
        at_least: rows that belong to each row of its owner, at least.
        at_most: rows that belong to each row of its owner, at most.
        constraints: comparisons that hold in every row, besides those of the source.
        rules: what holds between columns of this table, besides the rules of the source.
        columns: descriptions, and what is said otherwise than at the source.
        audits: what it must pass; default: the family's.
        on_inconclusive: what an audit of it that cannot tell comes to.
        materialized: table, view or parquet; default: the family's.
        tags: words to select it by, besides the family's.
        meta: anything else, for people.
        usage: of this table, key by key over the family's.
    """

    table: Annotated[str, NOTHING]
    name: Annotated[str | None, NOTHING] = None
    description: Annotated[str | None, NOTHING] = None
    enabled: Annotated[bool, NOTHING] = True
    conditions: Annotated[Mapping[str, Any], SAMPLE] = {}
    at_least: Annotated[int | None, SAMPLE] = Field(default=None, ge=0)
    at_most: Annotated[int | None, SAMPLE] = Field(default=None, ge=0)
    constraints: Annotated[Constraints, TRAIN] = ()
    rules: Annotated[Rules | None, TRAIN] = None
    columns: Annotated[tuple[ColumnSpec, ...], TRAIN] = ()
    audits: Annotated[tuple[AuditSpec, ...] | None, AUDIT] = None
    on_inconclusive: Annotated[OnInconclusive | None, AUDIT] = None
    materialized: Annotated[Materialized | None, NOTHING] = None
    tags: Annotated[tuple[str, ...], NOTHING] = ()
    meta: Annotated[Mapping[str, Any], NOTHING] = {}
    usage: Annotated[UsageSpec, NOTHING] = UNSAID
