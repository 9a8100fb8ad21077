"""Whether a database that is published to can be, and has a place for each table, before anything is trained."""

from __future__ import annotations

from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.errors import did_you_mean
from synthkit.extras import absent
from synthkit.project.targets import DELTA, LOCAL, MYSQL, OBJECTS, POSTGRES, SERVERS
from synthkit.sql import mysql, postgres
from synthkit.sql.serveraddress import is_schema, server_address
from synthkit.sql.types import NoPlaceError

SHOWN = ("table", "view")  # what is a table of the database; other tables are published to its files alone


URLS = {k: f"{s}://user:password@host/database" for k, s in ((POSTGRES, "postgresql"), (MYSQL, "mysql"))}
TYPES = {POSTGRES: (postgres, "PostgreSQL"), MYSQL: (mysql, "MySQL")}


def check_servers(draft: Draft) -> None:
    """A database needs a URL, a schema and a driver; each column a type there, and each name few enough bytes."""
    project = draft.project
    target, origin, name = project.target, project.spec.origin, project.target_name
    if target.connection is not None:
        _check_connection(draft)
    if target.kind not in SERVERS.values():
        if target.schema_name is not None and target.connection is None and target.kind in (LOCAL, OBJECTS, DELTA):
            at = origin.at("targets", name, "schema", key=True)
            draft.fault(f"a target of type {target.kind} has no schemas", at, "schema", "drop it")
        return
    url = target.warehouse or ""
    if server_address(url) is None:
        at = origin.at("targets", name, "warehouse" if target.warehouse else "type")
        hint = "write warehouse: \"{{ env_var('WAREHOUSE_URL') }}\", which is " + URLS[target.kind]
        hint += ", special characters in % notation"
        draft.fault(f"a target of type {target.kind} needs the URL of a database", at, None, hint)
    if target.schema_name is None:
        at = origin.at("targets", name, key=True)
        draft.fault("it is not said which schema holds the tables", at, name, "add schema: NAME")
    elif not is_schema(target.schema_name):
        at = origin.at("targets", name, "schema")
        hint = "letters, digits and _, at most 51 of them"
        draft.fault(f"{target.schema_name!r} is no name for a schema of a target", at, target.schema_name, hint)
    if target.database is not None:
        at = origin.at("targets", name, "database", key=True)
        draft.fault("tables in a database have no DuckDB file: they are in it", at, "database", "drop it")
    lacking = absent(f"target {name}", target.kind, where=origin.at("targets", name, key=True))
    if lacking is not None:
        draft.fault(lacking.message, lacking.where, None, lacking.hint)
    for model in draft.models.values():
        if model.spec.materialized in SHOWN and model.schema is not None and not model.broken:
            _check_model(draft, model)


def _check_connection(draft: Draft) -> None:
    project = draft.project
    target, origin = project.target, project.spec.origin
    at = origin.at("targets", project.target_name, "connection")
    named = project.spec.connections.get(str(target.connection))
    if named is None:
        hint = did_you_mean(str(target.connection), project.spec.connections, "a connection")
        draft.fault(f"there is no connection {target.connection!r}", at, target.connection, hint)
    elif target.warehouse is not None and target.warehouse != named.url:
        draft.fault("it has both a warehouse and a connection", at, target.connection, "drop one of the two")
    elif target.kind not in SERVERS.values():
        message = f"the connection {target.connection!r} is of type {named.type}, to which no target publishes"
        draft.fault(message, at, target.connection, f"there are {', '.join(sorted({*SERVERS.values()}))}")


def _check_model(draft: Draft, model: ModelDraft) -> None:
    """Names and types of one table."""
    assert model.schema is not None
    where = model.spec.origin.at("name")
    server, called = TYPES[draft.project.target.kind]
    found = [server.misfit_of(model.spec.name, "table")]
    for column in model.schema.columns:
        found.append(server.misfit_of(column.name))
        try:
            server.type_of(column.sql_type)
        except NoPlaceError as error:
            found.append((f"the column {column.name!r}: {error}", error.hint))
    many = len(model.schema.columns)
    if many > server.MOST_COLUMNS:
        message = f"{called} takes at most {server.MOST_COLUMNS:,} columns, and this has {many:,}"
        found.append((message, "make two tables of it"))
    for fault in found:
        if fault is not None:
            draft.fault(f"target {draft.project.target_name}: {fault[0]}", where, model.spec.name, fault[1])
