"""A connection to a MySQL or MariaDB server: its url, TLS, and one snapshot that only reads, through PyMySQL (MIT).

PyMySQL is slower than mysqlclient and than MySQL's and MariaDB's own connectors, which are under the GPL or need a C
library at hand, and than asyncmy, which wants an event loop; so a row comes as one text (:mod:`.mysqltypes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from synthkit.errors import SynthError, did_you_mean
from synthkit.extras import refuse_absent
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.duckdbfile import missing_table
from synthkit.sources.location import location
from synthkit.sql.serveraddress import without

if TYPE_CHECKING:
    import pymysql

PORT = 3306
CONNECT_TIMEOUT = 10  # seconds
PATIENCE = 3_600  # seconds for which the server waits until a batch is taken
_SCHEMES = ("mysql", "mariadb")
_TLS = ("disabled", "preferred", "required", "verify_ca", "verify_identity")  # ssl_mode, as MySQL's own client has it
_OPTIONS = ("ssl_mode", "ssl_ca", "ssl_cert", "ssl_key", "unix_socket")
_NO_TABLE = 1146
# How values are written, and what a query means, must not depend on the server's or the user's settings.
_SETTINGS = (
    "SET SESSION sql_mode = '', time_zone = '+00:00', group_concat_max_len = 1048576,"
    f" net_write_timeout = {PATIENCE}, character_set_results = utf8mb4",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
HOW = "write mysql://user:password@host:port/database, special characters in % notation"


@dataclass(frozen=True)
class Server:
    """What a url says. ``shown`` names host and port, nothing else."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    options: dict[str, str]

    @property
    def shown(self) -> str:
        host = "localhost" if self.host in ("127.0.0.1", "::1") or "unix_socket" in self.options else self.host
        return f"{host}:{self.port}"


def parsed(url: str) -> Server:
    """The parts of ``mysql://user:password@host:port/database?ssl_mode=…``.

    Raises ValueError, which does not repeat the url: a word of it may be the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or PORT
        options = dict(parse_qsl(parts.query, strict_parsing=True) if parts.query else ())
    except ValueError:
        raise ValueError("cannot be parsed") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("does not begin with mysql://")
    unknown = next((key for key in options if key not in _OPTIONS), None)
    if unknown is not None:
        raise ValueError(f"has no option {unknown!r}: {did_you_mean(unknown, _OPTIONS, 'an option')}")
    if options.get("ssl_mode", "required").lower() not in _TLS:
        raise ValueError(f"says ssl_mode={options['ssl_mode']}: it is one of {', '.join(_TLS)}")
    database = unquote(parts.path.lstrip("/"))
    if not database or "/" in database:
        raise ValueError("names no database")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server((parts.hostname or "localhost").lower(), port, user, password, database, options)


def server_of(spec: SourceTableSpec, chosen: ConnectionSpec) -> Server:
    """The server that a connection names. Raises SynthError."""
    where = location(spec, "connection")
    if not chosen.url:
        hint = "write url: mysql://user@host/database (the password from env_var)"
        raise SynthError(f"connection {spec.connection!r} has no url", where, hint)
    try:
        return parsed(chosen.url)
    except ValueError as error:
        raise SynthError(f"the url of connection {spec.connection!r} {error}", where, HOW) from None


@contextmanager
def connected(spec: SourceTableSpec, chosen: ConnectionSpec) -> Iterator[pymysql.Connection[Any]]:
    """A read-only connection that sees one snapshot. Raises SynthError without showing the password."""
    refuse_absent(f"connection {spec.connection!r}", "mysql", where=location(spec, "connection"))
    import pymysql
    from pymysql.converters import encoders
    from pymysql.cursors import SSCursor

    server = server_of(spec, chosen)
    try:
        # A row is bytes from the server to the disk.
        connection = opened(server, use_unicode=False, conv=encoders, cursorclass=SSCursor)
    except (pymysql.Error, OSError, RuntimeError, ValueError) as error:
        reason = without([server.password], words_of(error))
        hint = "check the url, the network and the server"
        raise SynthError(
            f"cannot reach MySQL ({spec.connection}): {reason}", location(spec, "connection"), hint
        ) from None
    try:
        for statement in _SETTINGS:
            rows(connection, statement)
        yield connection
    except pymysql.Error as error:
        raise _explained(connection, spec, error, server.password) from None
    finally:
        connection.close()


def opened(server: Server, **more: Any) -> pymysql.Connection[Any]:
    """A connection. Raises what PyMySQL, TLS and the network raise."""
    import pymysql

    return pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password.encode(),  # of text PyMySQL takes the bytes of latin-1, no other client does
        database=server.database,
        unix_socket=server.options.get("unix_socket"),
        charset="utf8mb4",
        connect_timeout=CONNECT_TIMEOUT,
        **_tls(server),
        **more,
    )


def rows(connection: pymysql.Connection[Any], query: str, *values: str) -> list[tuple[Any, ...]]:
    """All rows of a small answer, text decoded."""
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return [tuple(v.decode() if isinstance(v, bytes) else v for v in row) for row in cursor.fetchall()]


def _tls(server: Server) -> dict[str, Any]:
    """PyMySQL's arguments. With a mode that asks for TLS nothing is said to a server that has none."""
    import ssl

    mode = server.options.get("ssl_mode", "verify_ca" if "ssl_ca" in server.options else "preferred").lower()
    if mode == "disabled":
        return {"ssl_disabled": True}
    if mode == "preferred":
        return {}
    context = ssl.create_default_context(cafile=server.options.get("ssl_ca"))
    context.check_hostname = mode == "verify_identity"
    if mode == "required":
        context.verify_mode = ssl.CERT_NONE
    if "ssl_cert" in server.options:
        context.load_cert_chain(server.options["ssl_cert"], server.options.get("ssl_key"))
    return {"ssl": context}


def _explained(connection: pymysql.Connection[Any], spec: SourceTableSpec, error: Exception, secret: str) -> SynthError:
    code = error.args[0] if error.args else None
    if spec.query is None and code == _NO_TABLE:
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = database()"
        return missing_table(spec, [str(row[0]) for row in rows(connection, query)])
    key = "query" if spec.query is not None else "table"
    reason = without([secret], words_of(error))
    return SynthError(f"MySQL: {reason}", location(spec, key), "mend the query, or the rights of the user")


def words_of(error: Exception) -> str:
    """The server's own words, without their number."""
    return str(error.args[1] if len(error.args) > 1 else error).strip().split("\n")[0]
