"""Custom SQL audits: a SELECT of the failing rows; none of them passes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult
from synthkit.audits.counting import EXAMPLES, row_text, rows_shown
from synthkit.audits.sqltext import open_views
from synthkit.errors import SynthError
from synthkit.sql.statements import one_select

if TYPE_CHECKING:
    import duckdb

_SOURCE = re.compile(r'^".*"\."')


def run_sql(context: AuditContext, sql: str) -> AuditResult:
    """Run rendered SQL that selects failing rows; the value is how many it selects.

    It sees the audited rows as ``synthetic`` and under the model's own name, both narrowed by ``where``, and
    the other tables that it refers to, whole. Held-out rows are not there for it to see. Up to five
    failing rows are shown, unless the SQL reads a source: those rows may be real ones.
    """
    with open_audited(context) as connection:
        try:
            select = one_select(connection, sql)
        except ValueError as error:
            raise SynthError(f"the audit's SQL: {error}", hint="write one SELECT of failing rows") from None
        names, count, examples = _stream(connection, select)
    if count == 0:
        return AuditResult(0, "pass", "no rows", 0, 0, message="no row fails")
    message = f"{row_text(count)} fail{'s' if count == 1 else ''}"
    if any(_SOURCE.match(name) and name in sql for name in context.relations):
        message += " (not shown, as the audit reads real rows)"
    else:
        message += f": {rows_shown(names, examples)}"
    return AuditResult(
        count, "fail", "no rows", count, count, message=message, details={"failing": count}, failing_rows=sql
    )


def open_audited(context: AuditContext) -> duckdb.DuckDBPyConnection:
    """A DuckDB with what a custom audit may read: the audited rows, narrowed, and its other tables, whole."""
    own = {name for name, paths in context.relations.items() if paths == context.synthetic.paths}
    others = {name: paths for name, paths in context.relations.items() if name not in own}
    narrowed = dict.fromkeys(own, context.synthetic.paths)
    if '"synthetic"' not in context.relations:
        narrowed["synthetic"] = context.synthetic.paths
    return open_views(narrowed, others, context.where, {})


def _stream(connection: Any, statement: Any) -> tuple[list[str], int, list[tuple[Any, ...]]]:
    """Names, number, and the first few of the rows that a statement gives, a batch at a time."""
    cursor = connection.execute(statement)
    names = [d[0] for d in cursor.description]
    examples: list[tuple[Any, ...]] = list(cursor.fetchmany(EXAMPLES))
    count = len(examples)
    while rows := cursor.fetchmany(10_000):
        count += len(rows)
    return names, count, examples
