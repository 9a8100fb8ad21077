"""What the rows of a table keep for sure, by how they are made and by what its audits demand: keys, no nulls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from synthkit.records.receipt import AuditedTable


def sure_key(table: AuditedTable) -> tuple[str, ...]:
    """The columns that name a row, none where that is not sure: a query may have doubled what its source had."""
    key = table.table_schema.primary_key
    if not key or not {*key} <= {c.name for c in table.columns}:
        return ()
    if table.generator.name != "sql":
        return key
    together = [{*several(demand.get("together"))} for demand in demanded(table, "unique")]
    alone = len(key) == 1 and key[0] in listed(table, "unique")
    told = {*key} <= listed(table, "not_null") and (alone or {*key} in together)
    return key if told else ()


def demanded(table: AuditedTable, audit: str) -> Iterator[Mapping[str, Any]]:
    """The parameters of each audit of that name that blocks on the first row."""
    for demand in table.required or ():
        blocks = demand.severity == "error" and demand.where is None and demand.error_if is None
        if demand.audit == audit and blocks and not demand.params.get("max_share"):
            yield demand.params


def listed(table: AuditedTable, audit: str) -> frozenset[str]:
    """The columns that such an audit names."""
    return frozenset(c for demand in demanded(table, audit) for c in several(demand.get("columns")))


def several(columns: Any) -> tuple[str, ...]:
    """The names of a parameter that lists some; none of another."""
    return tuple(map(str, columns)) if isinstance(columns, list | tuple) else ()
