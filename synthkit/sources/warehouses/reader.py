"""An engine as a reader: what the registry of connections asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.reader import Listed, Lookup, Reader, Urls
from synthkit.sources.warehouses.engine import Engine
from synthkit.sources.warehouses.rows import connected, open_rows, server_digest

QUOTES = '"`[]'


def reader_of(engine: Engine) -> Reader:
    """The reader of a kind of warehouse.

    Its names fold, as two that differ in case only are mostly one; and its database is the whole server: a query may
    read other databases of it by names of three parts.
    """
    return Reader(
        dialect=engine.dialect,
        default_schema=partial(_schema, engine),
        folds=True,
        open=partial(open_rows, engine),
        catalogue=partial(_catalogue, engine),
        database=partial(_database, engine),
        digest=partial(server_digest, engine),
        listing=partial(_listing, engine),
        urls=Urls(engine.schemes, engine.url, partial(_said, engine)),
        lineage=partial(_lineage, engine),
    )


@contextmanager
def _catalogue(engine: Engine, spec: SourceTableSpec, chosen: ConnectionSpec, _root: Path) -> Iterator[Lookup]:
    with connected(engine, spec, chosen) as (session, address):
        yield lambda name: engine.looked_up(session, address, (_bare(name[0]), _bare(name[1]) or ""), spec.query or "")


def _bare(part: str | None) -> str | None:
    """A part of a name without the quotes that the YAML may write around it."""
    return part[1:-1] if part is not None and part[:1] in QUOTES and part[-1:] in QUOTES and len(part) > 2 else part


def _listing(engine: Engine, chosen: ConnectionSpec, _root: Path) -> tuple[Listed, ...]:
    with connected(engine, SourceTableSpec(name="tables", connection="it"), chosen) as (session, address):
        return tuple(engine.listed(session, address))


def _database(engine: Engine, chosen: ConnectionSpec, _root: Path) -> tuple[str, str] | None:
    try:
        address = engine.parsed(chosen.url or "")
    except ValueError:  # a url that cannot be parsed was said to be so
        return None
    shown = engine.database(address)
    return f"{engine.extra} {address.shown}", shown


def _schema(engine: Engine, chosen: ConnectionSpec) -> str:
    try:
        return engine.schema(engine.parsed(chosen.url or ""))
    except ValueError:
        return ""


def _said(engine: Engine, url: str) -> tuple[str, bool]:
    """The database's name, and whether the url holds a secret."""
    address = engine.parsed(url)
    return (address.path[0] if address.path else address.host), bool(address.secrets)


def _lineage(engine: Engine, url: str, table: str) -> tuple[str, str]:
    address = engine.parsed(url)
    schema, _, name = table.rpartition(".")
    found = [engine.named(part)[1:-1] if part else engine.schema(address) for part in (schema, name)]
    return engine.lineage(address, found[0], found[1])
