"""Check what is declared of a source's freshness: its column, and that no private row is read for it."""

from __future__ import annotations

from synthkit.compiler.draft import Draft
from synthkit.errors import did_you_mean
from synthkit.project.types import SourceTableSpec


def check_freshness(draft: Draft) -> None:
    """``freshness`` needs a time to go by; under ``epsilon``, none that the rows hold."""
    for id_, (_, table) in draft.tables.items():
        if table.freshness is None:
            continue
        if table.loaded_at_field is None:
            if table.path is None:
                where = table.origin.at("freshness", key=True)
                hint = "name the column that says when a row was loaded: loaded_at_field: updated_at"
                draft.fault(f"{table.name!r} is behind a connection, so it has no file time", where, hint=hint)
            elif table.freshness.filter is not None:
                hint = "name the column that says when a row was loaded, or drop the filter"
                draft.fault("a filter without loaded_at_field", table.origin.at("freshness", "filter"), hint=hint)
            continue
        _check_column(draft, id_, table)
        private = [n for n, m in draft.models.items() if m.spec.epsilon is not None and id_ in m.lineage.sources]
        if private:
            draft.fault(
                f"the newest {table.loaded_at_field!r} is a private row's, and {private[0]!r} learns from the source "
                "under epsilon: builds and their output would tell of it outside the budget",
                table.origin.at("loaded_at_field"),
                table.loaded_at_field,
                "drop loaded_at_field: the time of the file's modification is used then, which is no row's",
            )


def _check_column(draft: Draft, id_: str, table: SourceTableSpec) -> None:
    node, name = draft.sources.get(id_), table.loaded_at_field
    if node is None or name is None:
        return
    where = table.origin.at("loaded_at_field")
    column = node.schema.by_name.get(name)
    if column is None:
        draft.fault(
            f"{table.name!r} has no column {name!r}", where, name, did_you_mean(name, node.schema.names, "a column")
        )
    elif column.type not in ("date", "datetime"):
        hint = "declare it: columns: [{name: " + name + ", type: datetime}], or name another column"
        draft.fault(f"{name!r} is {column.sql_type}, no point in time", where, name, hint)
