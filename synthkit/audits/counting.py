"""What the audits that count failing rows share: their result, their SQL literals, their examples."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult, ColumnResult
from synthkit.audits.measures.exact import MOST_DIGITS
from synthkit.errors import SynthError, shortened
from synthkit.project.types import Relation
from synthkit.sources.types import provisional_type
from synthkit.sql.quoting import literal, quote

EXAMPLES = 5


def counted(
    total: int,
    failing: int,
    bad: bool,
    threshold: str,
    message: str,
    columns: tuple[ColumnResult, ...] = (),
    failing_rows: str | None = None,
) -> AuditResult:
    """The result of a rule that ``failing`` of ``total`` rows break; ``message`` is for when it is ``bad``.

    ``failing_rows`` is a SELECT of them.

    A table without rows is skipped: that nothing breaks a rule in it is no evidence.
    """
    if total == 0:
        return AuditResult(None, "skipped", threshold, message="there are no rows to look at")
    text = message if bad else f"{row_text(total)} looked at" + (f", {failing:,} allowed to fail" if failing else "")
    return AuditResult(
        failing,
        "fail" if bad else "pass",
        threshold,
        failing,
        failing,
        message=text,
        columns=columns,
        details={"rows": total, "failing": failing},
        failing_rows=failing_rows if failing else None,
    )


def each_row(context: AuditContext, column: str, bad: str, threshold: str) -> AuditResult:
    """The result of a SQL condition ``bad`` on one column, with the most frequent offending values."""
    table = context.scan("synthetic")
    total, failing = fetch_row(context, f"SELECT count(*), count(*) FILTER (WHERE {bad}) FROM {table}")
    message = ""
    if failing:
        groups = f"SELECT {quote(column)}, count(*) FROM synthetic WHERE {bad} GROUP BY 1"
        rows = context.query(f"{groups} ORDER BY 2 DESC, 1 LIMIT {EXAMPLES}")
        shown = listed([value_text(value) + (f" ({n:,}×)" if n > 1 else "") for value, n in rows])
        message = f"{column!r} breaks the rule in {share_text(failing, total)}: {shown}"
    found = {column: failing}
    columns = column_results(found, found if failing else {})
    return counted(total, failing, failing > 0, threshold, message, columns, f"SELECT * FROM synthetic WHERE {bad}")


def column_results(found: Mapping[str, int], bad: Mapping[str, int]) -> tuple[ColumnResult, ...]:
    """Failing rows per column, the worst first."""
    order = sorted(found, key=lambda c: (c not in bad, -found[c]))
    return tuple(ColumnResult(c, found[c], "fail" if c in bad else "pass", found[c], found[c]) for c in order)


# -- SQL -----------------------------------------------------------------------------------------------


def typed_literal(context: AuditContext, value: Any, sql_type: str, column: str) -> str:
    """A SQL literal of the column's own type. Raises SynthError where the value is none of that type.

    A number stays as it is beside a whole-number or decimal column: casting 1.5 to an integer gives 2. Where no DECIMAL
    has digits enough for it and for the column, it is a DOUBLE, and so is the column beside it.
    """
    kind = provisional_type(sql_type)
    whole = kind in ("integer", "decimal")
    if whole and isinstance(value, int | float) and not isinstance(value, bool):
        return f"CAST({literal(value)} AS DOUBLE)" if _too_long(value, sql_type) else literal(value)
    good = not (isinstance(value, bool) and kind != "boolean")
    if good and whole:
        tried = f"TRY_CAST({literal(value)} AS DOUBLE) = TRY_CAST({literal(value)} AS {sql_type})"
        good = context.scalar(f"SELECT {tried}") is True
    if not good or context.scalar(f"SELECT TRY_CAST({literal(value)} AS {sql_type})") is None:
        raise SynthError(
            f"{value!r} is no value of {column!r}, which is {sql_type}",
            hint="put text in quotes" if isinstance(value, bool) else f"write it as {sql_type}",
        )
    return f"CAST({literal(value)} AS {sql_type})"


def _too_long(value: float, sql_type: str) -> bool:
    """Whether no DECIMAL holds both the number and every value of a whole-number or decimal column."""
    number = Decimal(repr(value))
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        return False
    decimals = max(0, -exponent)
    return not share_a_decimal(sql_type, f"DECIMAL({max(1, number.adjusted() + 1 + decimals)},{decimals})")


def share_a_decimal(one: str, other: str) -> bool:
    """Whether there is a DECIMAL of both types' digits: DuckDB compares values of two DECIMALs in such a one, and ends
    in an error where a value does not fit."""
    digits = [re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", kind) for kind in (one, other)]
    found = [(int(d[1]), int(d[2])) for d in digits if d is not None]
    if len(found) < 2:
        return True
    return max(p - s for p, s in found) + max(s for _, s in found) <= MOST_DIGITS


def in_catalogue(context: AuditContext, relation: Relation) -> str:
    """The relation's full name in SQL: a model may be called ``train``, as one of the sides is."""
    catalogue = context.shared(("catalogue",), lambda: str(context.scalar("SELECT current_database()")))
    schema = "main." if relation.source is None else ""
    return f"{quote(catalogue)}.{schema}{relation.sql}"


def columns_of(context: AuditContext, relation: Relation) -> dict[str, str]:
    """Column → DuckDB type of another table. Raises SynthError where the audit does not have it."""
    if relation.sql not in context.relations:
        raise SynthError(f"{relation} is not at hand for this audit", hint="correct its name, or build it first")
    rows = context.query(f"DESCRIBE SELECT * FROM {in_catalogue(context, relation)}")
    return {str(row[0]): str(row[1]) for row in rows}


def fetch_row(context: AuditContext, query: str) -> tuple[Any, ...]:
    """The first row of a query that has one."""
    return context.query(query)[0]


# -- text ----------------------------------------------------------------------------------------------


def rows_shown(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as ``{column: value, …}``; wide ones are cut."""
    return "; ".join(
        "{" + shortened(", ".join(f"{n}: {value_text(v)}" for n, v in zip(names, row, strict=True)), 160) + "}"
        for row in rows
    )


def value_text(value: Any) -> str:
    if value is None:
        return "null"
    return repr(shortened(value, 40)) if isinstance(value, str) else shortened(str(value), 40)


def listed(items: Sequence[str]) -> str:
    return ", ".join(items[:EXAMPLES]) + (", …" if len(items) > EXAMPLES else "")


def row_text(count: int) -> str:
    return f"{count:,} row{'s' if count != 1 else ''}"


def share_text(count: int, total: int) -> str:
    return f"{row_text(count)} ({count / total:.2%})" if total else row_text(count)
