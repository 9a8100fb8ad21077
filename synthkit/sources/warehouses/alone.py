"""The one table whose columns a query names and no more: its catalogue knows more of them than the result says."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from synthkit.sources.projection import Dialect


def table_alone(query: str, dialect: Dialect) -> tuple[str, str, str] | None:
    """Database, schema and name of the table of a ``SELECT *``, or of one from that; not said: an empty text.

    >>> table_alone("SELECT * FROM (SELECT * FROM shop.t WHERE a > 1) AS t", "bigquery")
    ('', 'shop', 't')
    >>> table_alone("SELECT * REPLACE (a + 1 AS a) FROM shop.t", "bigquery")
    >>> table_alone("SELECT * FROM shop.t PIVOT(SUM(a) FOR b IN ('x' AS a))", "bigquery")
    """
    import sqlglot
    from sqlglot import exp

    with suppress(sqlglot.errors.SqlglotError, RecursionError):
        tree: Any = sqlglot.parse_one(query, dialect=dialect)
        while isinstance(tree, exp.Select):
            others = any(value for key, value in tree.args.items() if key not in ("expressions", "from_", "where"))
            if others or tree.expressions != [exp.Star()] or not tree.args.get("from_"):
                break
            origin = tree.args["from_"].this
            if any(value for key, value in origin.args.items() if key not in ("this", "db", "catalog", "alias")):
                break  # PIVOT, FOR SYSTEM_TIME and the like have columns of their own
            if isinstance(origin, exp.Table) and isinstance(origin.this, exp.Identifier):
                return origin.catalog, origin.db, origin.name
            tree = origin.this
    return None
