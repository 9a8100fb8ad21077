"""SQL models: find the query, render it, and learn its columns from DuckDB without running it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.errors import Location, SynthError, nearest
from synthkit.project.containment import outside
from synthkit.schema import Schema
from synthkit.sql.quoting import quote
from synthkit.sql.statements import NO_EXTENSIONS, one_select, shut
from synthkit.sql.types import publishable

if TYPE_CHECKING:
    import duckdb


def query_location(model: ModelDraft) -> Location:
    """Where the query, or the name of its file, is written."""
    key = "query" if getattr(model.params, "query", None) is not None else "file"
    return model.spec.origin.at("generator", key)


def render_query(draft: Draft, model: ModelDraft) -> None:
    """Render an SQL model's Jinja; its refs and sources become edges of the graph."""
    where = query_location(model)
    query, file = getattr(model.params, "query", None), getattr(model.params, "file", None)
    if file is not None:
        path = (draft.project.root / file).resolve()
        if outside(path, draft.project.root) is not None:
            draft.fault("the query's file lies outside the project", where, file, "move it into the project")
            model.broken = True
            return
        try:
            query = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            siblings = [p.name for p in path.parent.glob("*.sql")] if path.parent.is_dir() else []
            close = nearest(path.name, siblings)
            hint = f"did you mean {close!r}?" if close else "paths count from the project's root"
            draft.fault(f"cannot read the query's file: {error}", where, file, hint)
            model.broken = True
            return
    try:
        rendered = draft.project.renderer.sql(query or "", extra=None if file is None else {"config": _configured})
    except SynthError as error:
        draft.fault(f"the query of {model.spec.name!r}: {error.message}", where, hint=error.hint)
        model.broken = True
        return
    model.sql, model.sql_uses = rendered.text, rendered.uses
    model.sql_relations = tuple(sorted(rendered.relations, key=lambda r: r.id))


def _configured(**_keys: Any) -> str:
    """What ``config(…)`` leaves of itself in the text of an SQL file: its keys were read with the model's."""
    return ""


class Describer:
    """A DuckDB of empty tables in which queries are bound, never run.

    It cannot touch files or the network, so a query that reads one is refused here already.
    """

    def __init__(self) -> None:
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._made: set[str] = set()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            import duckdb

            self._connection = duckdb.connect(":memory:", config={"threads": 1, **NO_EXTENSIONS})
            shut(self._connection, lock=False)
        return self._connection

    def add(self, relation_sql: str, schema: Schema) -> None:
        """Make the relation known by its quoted name, once."""
        if relation_sql in self._made:
            return
        head, dot, _ = relation_sql.rpartition('"."')
        if dot:
            self.connection.execute(f'CREATE SCHEMA IF NOT EXISTS {head}"')
        self.connection.execute(f"CREATE TABLE {relation_sql} ({_columns(schema)})")
        self._made.add(relation_sql)

    def side(self, name: str, schema: Schema) -> None:
        """(Re)place a temporary table such as ``synthetic`` by one with these columns."""
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({_columns(schema)})")

    def columns(self, query: str) -> Mapping[str, str]:
        """Column name → SQL type of a SELECT. Raises ValueError with DuckDB's reason."""
        found = self._bound(query)
        return {name: str(t) for name, t in zip(found.columns, found.types, strict=True)}

    def published(self, query: str) -> Mapping[str, str]:
        """Column name → SQL type that a published table of a SELECT's rows has.

        Raises:
            NoPlaceError: two columns have one name, or no table holds the type of one.
            ValueError: with DuckDB's reason.
        """
        found = publishable(self._bound(query))
        return {name: str(t) for name, t in zip(found.columns, found.types, strict=True)}

    def _bound(self, query: str) -> duckdb.DuckDBPyRelation:
        import duckdb

        try:
            return self.connection.sql(one_select(self.connection, query))
        except duckdb.Error as error:
            raise ValueError(_reason(error)) from None


def _columns(schema: Schema) -> str:
    quoted = [f"{quote(c.name)} {c.sql_type}" for c in schema.columns]
    return ", ".join(quoted)


def _reason(error: Exception) -> str:
    """DuckDB's message without its class of error and without the echo of the query."""
    text = str(error).strip()
    return text.split("\n\nLINE ")[0].replace("\n", " ")
