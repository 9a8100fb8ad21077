"""Does a query give at most one row for each row of one table, whatever the other rows are? Decided by its text.

Adding one row to a table then adds at most one row to the result and changes no other: what a guarantee about rows of
the table needs to hold of rows of the query. The check goes by sqlglot's tree, node by node: it allows columns,
literals, operators, CASE, casts and functions of one row's values (:data:`FUNCTIONS`) of one table, a WHERE and an
ORDER BY, and refuses whatever else there is.

sqlglot and a database may read one text differently, so what they are known to differ in is refused as text: block
comments (some nest, some do not), backslashes in strings, dollar quotes, and a carriage return alone (which ends a
comment or does not).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

Dialect = Literal["duckdb", "sqlite", "postgres", "mysql", "snowflake", "trino", "bigquery", "databricks", "tsql"]
Name = tuple[str | None, str]  # schema and table

_PARTS = ("expressions", "from_", "where", "order")  # that a SELECT may have
_CLAUSES: Mapping[str, str] = {
    "with_": "WITH",
    "joins": "a join",
    "laterals": "LATERAL",
    "group": "GROUP BY",
    "having": "HAVING",
    "qualify": "QUALIFY",
    "distinct": "DISTINCT",
    "limit": "LIMIT",
    "offset": "OFFSET",
    "sample": "a sample",
    "pivots": "PIVOT",
    "windows": "a window",
    "locks": "FOR UPDATE",
    "catalog": "a table of another database (its name has three parts)",
}
# What is built of one row's values, by the names of sqlglot's classes.
_NODES = """
    Alias Identifier Column Star Literal Null Boolean Paren Tuple Neg Not And Or Xor Add Sub Mul Div IntDiv Mod EQ
    NEQ GT GTE LT LTE Is In Between Like ILike Escape SimilarTo NullSafeEQ NullSafeNEQ DPipe BitwiseAnd
    BitwiseOr BitwiseXor BitwiseNot BitwiseLeftShift BitwiseRightShift Case If Cast TryCast DataType
    DataTypeParam Interval Var Where Order Ordered From Table TableAlias AtTimeZone JSONExtract
    JSONExtractScalar JSONPath JSONPathRoot JSONPathKey JSONPathSubscript
"""
FUNCTIONS = """
    Abs Sign Typeof Ceil Floor Round Sqrt Cbrt Ln Log Exp Pow Greatest Least Coalesce Nullif Upper Lower Initcap Trim
    Length Left Right Substring Replace Concat ConcatWs StrPosition Pad Reverse Ascii Chr Repeat Translate
    SplitPart StartsWith EndsWith Contains RegexpLike RegexpILike RegexpReplace RegexpExtract Extract Year Month
    Day Hour Minute Second Quarter Week DayOfWeek DayOfMonth DayOfYear DayOfWeekIso WeekOfYear DateTrunc
    TimestampTrunc DateDiff DateAdd DateSub TimestampAdd TimestampSub TimestampDiff LastDay MakeInterval Date
    DateFromParts TsOrDsToDate TsOrDsToTimestamp TsOrDsToDatetime TsOrDsToTime TimeToStr StrToTime ToChar
    ToNumber MD5 SHA SHA2 Hex
"""
_NAMED = frozenset(
    ("strftime", "ifnull", "instr", "typeof", "strip_accents", "btrim", "date_part", "make_date", "isfinite")
)
_TYPES = """
    BOOLEAN TINYINT SMALLINT INT BIGINT INT128 UTINYINT USMALLINT UINT UBIGINT FLOAT DOUBLE DECIMAL CHAR NCHAR
    VARCHAR NVARCHAR TEXT DATE TIME TIMETZ TIMESTAMP TIMESTAMPTZ DATETIME UUID JSON JSONB
"""
LONE_RETURN = r"\r(?!\n)"
_READ_DIFFERENTLY = re.compile(rf"/\*|\\|\$|\x00|{LONE_RETURN}")
_DIFFERING = {
    "/*": "a block comment",
    "\\": "a backslash",
    "$": "a dollar sign",
    "\x00": "a NUL",
    "\r": "a carriage return alone",
}
_MYSQL_COMMENT = re.compile(r"#|--(?!\s)|--$")


class NotRowwise(ValueError):  # noqa: N818 - it says what the query is
    """The query may give other rows than one for each row of one table; the text says what it has."""


@dataclass(frozen=True)
class Projection:
    """Columns and rows of one table. ``columns`` are read of it, as (qualifier, name); ``names`` are the table's."""

    table: Name
    columns: frozenset[tuple[str, str]]
    names: frozenset[str]
    given: frozenset[str]  # aliases that the query itself gives
    text: str

    def of(self, known: Collection[str], dialect: Dialect) -> None:
        """Hold the columns against those that the table has.

        A name that is none of them may be anything: in PostgreSQL ``t.count`` is ``count(t)``, a pseudo-column such as
        ``rowid`` counts rows. Raises NotRowwise.
        """
        have = {c if dialect == "postgres" else c.lower() for c in known}
        for qualifier, name in sorted(self.columns):
            struct = dialect == "duckdb" and qualifier in have
            own = not qualifier and name in self.given
            if not (struct or own or (name in have and (not qualifier or qualifier in self.names))):
                shown = f"{qualifier}.{name}" if qualifier else name
                raise NotRowwise(f"{shown}, which is no column of {self.table[1]}")


def projection(sql: str, dialect: Dialect, database: str | None = None) -> Projection:
    """What a query reads of its one table. Raises NotRowwise where it may do anything else.

    Args:
        database: whose name may stand before the table's schema; that of another one is refused.
    """
    import sqlglot
    from sqlglot import exp

    found = _READ_DIFFERENTLY.search(sql)
    if found is not None:
        raise NotRowwise(f"{_DIFFERING[found[0]]}, which dialects of SQL read differently")
    if dialect == "mysql" and _MYSQL_COMMENT.search(sql):
        raise NotRowwise("# or -- without a blank, which dialects of SQL read differently")
    try:
        trees = [t for t in sqlglot.parse(sql, dialect=dialect) if t is not None]
    except (sqlglot.errors.SqlglotError, RecursionError):
        raise NotRowwise("something that cannot be read here") from None
    tree = trees[0] if len(trees) == 1 else None
    if isinstance(tree, exp.Create) and tree.kind == "VIEW":
        tree = tree.expression
    if isinstance(tree, exp.SetOperation):
        raise NotRowwise("a set operation (UNION, INTERSECT, EXCEPT)")
    if type(tree) is not exp.Select:
        raise NotRowwise("no plain SELECT")
    for key, value in tree.args.items():
        if value and key not in _PARTS:
            raise NotRowwise(_CLAUSES.get(key, f"the clause {key.strip('_').upper()}"))
    table = _table(tree, dialect, database)
    for node in _below(tree):
        _allowed(node)
    fold = _folded if dialect == "postgres" else _lowered
    alias = table.args.get("alias")
    name = fold(table.this)
    names = {fold(alias.this)} if alias is not None else {name}
    columns, given = set(), set()
    for column in tree.find_all(exp.Column):
        if column.args.get("catalog") or (column.args.get("db") and not _of_table(column, table, dialect)):
            raise NotRowwise(f"{column.sql(dialect)}, whose name has more than two parts")
        qualifier = fold(column.args["table"]) if column.args.get("table") else ""
        if not isinstance(column.this, exp.Star):
            columns.add((qualifier, fold(column.this)))
    for given_name in tree.find_all(exp.Alias):
        given.add(fold(given_name.args["alias"]))
    own = _as_written if dialect == "mysql" else fold  # whose tables may differ in case alone
    schema = own(table.args["db"]) if table.args.get("db") else None
    return Projection((schema, own(table.this)), frozenset(columns), frozenset(names), frozenset(given), sql)


def routine(made: Iterable[object], sql: str) -> str | None:
    """What stands against SQL that calls a function which users of the database made, of all of theirs: it may bear the
    name of one that another dialect has, and look at many rows.

    >>> routine(["strftime", "f"], "SELECT STRFTIME(a) AS b FROM t")
    'read with strftime, which is a function of the database'
    """
    words = set(re.findall(r"\w+", sql.lower()))
    used = sorted(str(name) for name in made if str(name).lower() in words)
    return f"read with {used[0]}, which is a function of the database" if used else None


def _table(tree: Any, dialect: Dialect, database: str | None) -> Any:
    from sqlglot import exp

    origin = tree.args.get("from_")
    table = None if origin is None else origin.this
    if isinstance(table, exp.Subquery):
        raise NotRowwise("a subquery")
    if type(table) is not exp.Table or type(table.this) is not exp.Identifier:
        raise NotRowwise("no table in FROM" if table is None else f"{table.sql()} in the place of a table")
    if table.this.args.get("temporary") or table.this.args.get("global_"):
        raise NotRowwise("a temporary table")
    for key, value in table.args.items():
        own = key == "catalog" and table.args.get("db") and _same_database(value, dialect, database)
        if value and key not in ("this", "db", "alias") and not own:
            raise NotRowwise(_CLAUSES.get(key, f"{key.upper()} of the table"))
    alias = table.args.get("alias")
    if alias is not None and alias.args.get("columns"):
        raise NotRowwise("other names for the table's columns")
    return table


def _same_database(said: Any, dialect: Dialect, database: str | None) -> bool:
    """A server of SQL Server may have two whose names differ in case alone."""
    from sqlglot import exp

    if database is None or type(said) is not exp.Identifier:
        return False
    return bool(said.name == database or (dialect != "tsql" and said.name.lower() == database.lower()))


def _below(tree: Any) -> Iterator[Any]:
    for node in tree.walk():
        if node is not tree:
            yield node


def _allowed(node: Any) -> None:
    from sqlglot import exp

    kind = type(node)
    if kind is exp.DataType:
        if node.args.get("nested") or node.this.name not in _TYPES.split():
            raise NotRowwise(f"a cast to {node.sql()}")
    elif kind is exp.Anonymous:
        if str(node.this).lower() not in _NAMED:
            raise NotRowwise(f"the function {node.this}, which is not known to look at one row alone")
    elif kind not in _known():
        raise NotRowwise(_named(node))


def _named(node: Any) -> str:
    from sqlglot import exp

    if isinstance(node, exp.Window):
        return f"a window function ({node.sql()})"
    if isinstance(node, exp.AggFunc):
        return f"an aggregate ({node.sql()})"
    if isinstance(node, exp.Subquery | exp.Select | exp.Exists | exp.SetOperation):
        return "a subquery"
    if isinstance(node, exp.Func):
        return f"the function {node.sql_name().lower()}, which is not known to look at one row alone"
    return f"{node.sql() or type(node).__name__}, which is not known to look at one row alone"


@cache
def _known() -> frozenset[type]:
    from sqlglot import exp

    names = (*_NODES.split(), *FUNCTIONS.split())
    found = {getattr(exp, n) for n in names if hasattr(exp, n)}
    return frozenset(k for k in found if not issubclass(k, exp.AggFunc))


def _folded(identifier: Any) -> str:
    return str(identifier.name) if identifier.args.get("quoted") else str(identifier.name).lower()


def _of_table(column: Any, table: Any, dialect: Dialect) -> bool:
    """Whether a column's name begins with the schema of the one table, as MySQL writes it in the text of a view."""
    schema = table.args.get("db")
    return dialect == "mysql" and schema is not None and column.args["db"].name == schema.name


def _as_written(identifier: Any) -> str:
    return str(identifier.name)


def _lowered(identifier: Any) -> str:
    return str(identifier.name).lower()
