"""Unit tests of SQL: given rows → expected rows, in a DuckDB in memory that can open no file.

What is compared are the columns that ``expect`` names, as a multiset of rows: as in dbt, the order is of no account.
Expected values are read in the types that the query gives; floats are equal to twelve significant digits.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.compiler.manifest import GivenTable, UnitTest
from synthkit.errors import BuildError
from synthkit.project.types import Row
from synthkit.sql.quoting import quote
from synthkit.sql.statements import NO_EXTENSIONS, one_select, shut

if TYPE_CHECKING:
    import duckdb

SHOWN = 10  # rows of a difference
Values = tuple[Any, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of one unit test; ``differences`` is empty where it passed."""

    test: UnitTest
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.differences

    def __str__(self) -> str:
        head = f"{'ok' if self.passed else 'FAIL':<5} {self.test.name}: {self.test.subject} ({self.test.location})"
        return "\n".join((head, *(f"        {line}" for line in self.differences)))


def run_unit_tests(tests: Iterable[UnitTest]) -> tuple[Outcome, ...]:
    """Run each in a database of its own."""
    return tuple(Outcome(test, _differences(test)) for test in tests)


def check_unit_tests(tests: Sequence[UnitTest]) -> None:
    """Raises BuildError, with every difference, where one of them fails."""
    failed = [o for o in run_unit_tests(tests) if not o.passed]
    if failed:
        many = f"{len(failed)} of {len(tests)} unit tests fail{'s' if len(failed) == 1 else ''}, so nothing was run"
        raise BuildError(
            "\n".join((many, *map(str, failed))), hint="mend the SQL or the test; synth test runs them alone"
        )


def _differences(test: UnitTest) -> tuple[str, ...]:
    import duckdb

    with duckdb.connect(":memory:", config={"threads": 1, **NO_EXTENSIONS}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        shut(connection)
        try:
            for table in test.given:
                _create(connection, table)
            select = one_select(connection, test.sql)
            described = connection.execute(f"DESCRIBE {select}").fetchall()
            types = {str(row[0]): str(row[1]) for row in described}
            actual = connection.execute(select).fetchall()
            return _compared(connection, test.expect, types, actual)
        except ValueError as error:
            return (str(error),)
        except duckdb.Error as error:
            return (" ".join(str(error).split("\n\nLINE ")[0].split()),)


# -- given rows ----------------------------------------------------------------------------------------


def _create(connection: duckdb.DuckDBPyConnection, table: GivenTable) -> None:
    head, dot, _ = table.sql.rpartition('"."')
    if dot:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS {head}"')
    names = list(dict.fromkeys([*table.types, *(c for row in table.rows for c in row)]))
    columns = ", ".join(f"{quote(c)} {table.types.get(c) or _type(row.get(c) for row in table.rows)}" for c in names)
    connection.execute(f"CREATE TABLE {table.sql} ({columns or 'nothing INTEGER'})")
    if table.rows:
        slots = ", ".join("?" for _ in names)
        connection.executemany(
            f"INSERT INTO {table.sql} VALUES ({slots})", [[row.get(c) for c in names] for row in table.rows]
        )


def _type(values: Iterable[Any]) -> str:
    """The SQL type of a column by its given values: the narrowest of these that holds them all."""
    kinds = {type(v) for v in values if v is not None}
    for fits, sql_type in (({bool}, "BOOLEAN"), ({int}, "BIGINT"), ({int, float}, "DOUBLE")):
        if kinds and kinds <= fits:
            return sql_type
    return "VARCHAR"


# -- expected rows -------------------------------------------------------------------------------------


def _compared(
    connection: duckdb.DuckDBPyConnection,
    expect: Sequence[Row],
    types: Mapping[str, str],
    actual: Sequence[Values],
) -> tuple[str, ...]:
    named = list(dict.fromkeys(c for row in expect for c in row))
    absent = [c for c in named if c not in types]
    if absent:
        return (f"the result has no column {absent[0]!r}: it has {', '.join(types)}",)
    columns = named or list(types)
    at = [list(types).index(c) for c in columns]
    found = Counter(tuple(_canonical(row[i]) for i in at) for row in actual)
    wanted = Counter(tuple(map(_canonical, _typed(connection, row, columns, types))) for row in expect)
    lines = [*_listed("missing", columns, wanted - found), *_listed("unexpected", columns, found - wanted)]
    return tuple(lines)


def _typed(connection: duckdb.DuckDBPyConnection, row: Row, columns: Sequence[str], types: Mapping[str, str]) -> Values:
    """An expected row in the query's own types. Raises duckdb.Error where a value is none of its type."""
    if not columns:
        return ()
    casts = ", ".join(f"CAST(? AS {types[c]})" for c in columns)
    typed: Values = connection.execute(f"SELECT {casts}", [row.get(c) for c in columns]).fetchall()[0]
    return typed


def _canonical(value: Any) -> Any:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else float(f"{value:.12g}")
    return repr(value) if isinstance(value, list | dict) else value


def _listed(word: str, columns: Sequence[str], rows: Counter[Values]) -> list[str]:
    lines = []
    for row, count in sorted(rows.items(), key=lambda item: tuple(map(repr, item[0]))):
        cells = ", ".join(f"{c}: {'null' if v is None else v}" for c, v in zip(columns, row, strict=True))
        lines.append(f"{word:<10} {{{cells}}}" + (f" ({count}×)" if count > 1 else ""))
    rest = len(lines) - SHOWN
    return lines if rest <= 0 else [*lines[:SHOWN], f"{word:<10} … and {rest} more rows"]
