"""The names of tables in lineage: the same table has the same name in every run, and on every machine where it can.

Whatever else writes or reads a table of a server names it after OpenLineage's naming specification
(https://openlineage.io/docs/spec/naming), so that its graph and this one join. Files of the project are named by their
path in it, as where the project lies differs from machine to machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from synthkit.compiler import Manifest
from synthkit.objects.address import parsed, refused
from synthkit.project.addresses import scheme_of
from synthkit.project.project import Project
from synthkit.project.types import Relation, SourceTableSpec
from synthkit.sources import conninfo
from synthkit.sources.mysqlserver import parsed as parsed_url
from synthkit.sources.readers import reader_of


class Name(NamedTuple):
    """OpenLineage's name of a table."""

    namespace: str
    name: str


def namespace_of(project: Project) -> str:
    """The declared namespace, or the project's name."""
    spec = project.spec.lineage
    return project.spec.name if spec is None or spec.namespace is None else spec.namespace


def name_of(manifest: Manifest, relation: Relation) -> Name:
    """Of a published table ``target.model``; of a source where its rows are, or else ``source:group.table``."""
    project = manifest.project
    if relation.source is None:
        return Name(namespace_of(project), f"{project.target_name}.{relation.name}")
    spec = manifest.sources[relation.id].spec
    return _place(project, spec) or Name(namespace_of(project), relation.id)


def _place(project: Project, spec: SourceTableSpec) -> Name | None:
    if spec.path is not None:
        return _object(spec.path) or _file(project, spec.path)
    connection = project.spec.connections.get(spec.connection or "")
    if connection is None or spec.query is not None:
        return None  # a query has no place of its own
    table = spec.table or spec.name
    if connection.path is not None:
        found = _file(project, connection.path)
        return Name(found.namespace, f"{found.name}/{table}")
    if connection.url is None:
        return None
    by_reader = reader_of(connection).lineage
    if by_reader is not None:
        try:
            return Name(*by_reader(connection.url, table))
        except ValueError:
            return None
    return (_mysql if connection.type in ("mysql", "mariadb") else _postgres)(connection.url, table)


def _object(written: str) -> Name | None:
    """Of an object: its bucket is the namespace, its key the name."""
    if scheme_of(written) is None or refused(written) is not None:
        return None
    address = parsed(written)
    return Name(f"{address.scheme}://{address.bucket}", address.prefix)


def _file(project: Project, written: str) -> Name:
    path = Path(written)
    if path.is_absolute() and path.is_relative_to(project.root):
        path = path.relative_to(project.root)
    if not path.is_absolute() and ".." not in path.parts:
        return Name(namespace_of(project), path.as_posix())
    return Name("file", (project.root / path).resolve().as_posix())


def _mysql(url: str, table: str) -> Name | None:
    """Of the URL host, port and database alone."""
    from openlineage.client.naming.dataset import MySQL

    try:
        server = parsed_url(url)
    except ValueError:
        return None
    schema, _, name = table.rpartition(".")
    naming = MySQL(server.host, str(server.port), schema or server.database, name)
    return Name(naming.get_namespace(), naming.get_name())


def _postgres(url: str, table: str) -> Name | None:
    """Of the URL host, port and database alone: user and password are nobody's business."""
    from openlineage.client.naming.dataset import Postgres

    try:
        parts = conninfo.parsed(url)
    except ValueError:
        return None
    if not parts.get("dbname"):
        return None
    schema, _, name = table.rpartition(".")
    naming = Postgres(
        str(parts.get("host") or "localhost"),
        str(parts.get("port") or 5432),
        str(parts["dbname"]),
        schema or "public",
        name,
    )
    return Name(naming.get_namespace(), naming.get_name())
