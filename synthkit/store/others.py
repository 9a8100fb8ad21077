"""What others keep in the DuckDB file: views, tables, macros, whole schemas that synthkit did not make stay in it.

The file is derived, and replaced as a whole. Where somebody else's objects are in it, the new one starts as a copy of
the old one without what synthkit made: so they stay as they are, whatever kind they are of. Only the copy is changed:
readers never see a file that is half done, and a kill leaves the old one or the new one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.files import explained
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import duckdb

META = "synth_meta"
META_TABLES = ("tables", "columns", "keys", "audits", "privacy", "usage", "lineage", "exposures", "runs")
HELD = ("table", "view")  # the materializations that the DuckDB file holds

# No word of the file decides what is opened or loaded to look into it: a view in it may name any file or address.
_LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
}
_OBJECTS = """
    SELECT 'table' AS kind, schema_name, table_name AS name FROM duckdb_tables()
        WHERE NOT internal AND NOT temporary AND database_name = current_database()
    UNION ALL SELECT 'view', schema_name, view_name FROM duckdb_views()
        WHERE NOT internal AND NOT temporary AND database_name = current_database()
    UNION ALL SELECT DISTINCT 'macro', schema_name, function_name FROM duckdb_functions()
        WHERE NOT internal AND database_name = current_database()
    UNION ALL SELECT 'sequence', schema_name, sequence_name FROM duckdb_sequences()
        WHERE NOT temporary AND database_name = current_database()
    UNION ALL SELECT 'type', schema_name, type_name FROM duckdb_types()
        WHERE NOT internal AND database_name = current_database()
    UNION ALL SELECT 'schema', schema_name, schema_name FROM duckdb_schemas()
        WHERE NOT internal AND database_name = current_database()
    ORDER BY ALL"""


@dataclass(frozen=True, order=True)
class Object:
    """Something in a DuckDB file: a table, view, macro, sequence, type or schema."""

    kind: str
    schema: str
    name: str

    def __str__(self) -> str:
        named = self.name if self.schema in ("main", self.name) else f"{self.schema}.{self.name}"
        return f"{self.kind} {named}"


@dataclass(frozen=True)
class Contents:
    """What a DuckDB file holds: ``made`` by synthkit, by ``others``, and their ``indexes`` on what synthkit made."""

    made: tuple[Object, ...] = ()
    others: tuple[Object, ...] = ()
    indexes: tuple[str, ...] = ()  # as SQL

    @property
    def keeps(self) -> bool:
        """Whether anything in the file would be lost if it were made anew."""
        return bool(self.others or self.indexes)

    def in_the_way(self, names: Iterable[str]) -> dict[str, Object]:
        """Of the names, those that somebody else's table or view has; DuckDB takes a and A for the same name."""
        taken = {o.name.casefold(): o for o in self.others if o.schema == "main" and o.kind in HELD}
        return {n: taken[n.casefold()] for n in names if n.casefold() in taken}


def contents_of(database: Path) -> Contents:
    """What the DuckDB file holds; nothing where there is none.

    Raises:
        BuildError: it cannot be read: it is open for writing, of another format, or no database.
    """
    import duckdb

    if not database.exists():
        return Contents()
    with _readable(database), duckdb.connect(str(database), read_only=True, config=_LOCKED) as connection:
        found = [Object(*row) for row in connection.execute(_OBJECTS).fetchall()]
        made = {(META, t) for t in META_TABLES} | {("main", n) for n in _named_by_meta(connection, found)}
        is_made = {o: o.kind in HELD and (o.schema, o.name.casefold()) in made for o in found}
        indexes = connection.execute(
            "SELECT schema_name, table_name, sql FROM duckdb_indexes() WHERE database_name = current_database()"
        ).fetchall()
    return Contents(
        tuple(o for o in found if is_made[o]),
        tuple(o for o in found if not is_made[o] and o != Object("schema", META, META)),
        tuple(sql for schema, table, sql in indexes if sql and (schema, table.casefold()) in made),
    )


def _named_by_meta(connection: duckdb.DuckDBPyConnection, found: list[Object]) -> set[str]:
    """The tables and views that synthkit wrote into the file, as it noted them there."""
    if Object("table", META, "tables") not in found:
        return set()
    held = ", ".join(f"'{kind}'" for kind in HELD)
    rows = connection.execute(f"SELECT name FROM {META}.tables WHERE materialized IN ({held})").fetchall()
    return {str(name).casefold() for (name,) in rows}


@contextmanager
def unwritten(database: Path, contents: Contents) -> Iterator[None]:
    """Let nobody open the file for writing for the block, where what others keep in it is taken over meanwhile.

    Raises:
        BuildError: somebody has it open for writing.
    """
    import duckdb

    if not contents.keeps:
        yield
        return
    with _readable(database):
        reader = duckdb.connect(str(database), read_only=True, config=_LOCKED)
    with reader:
        yield


def take_over(database: Path, contents: Contents, temporary: Path) -> None:
    """Make ``temporary`` a copy of the DuckDB file without what synthkit made, where others keep something in it.

    Raises:
        BuildError: that does not work; the file itself is as it was.
    """
    import duckdb

    if not contents.keeps:
        return
    with explained(temporary):
        shutil.copyfile(database, temporary)
    with _readable(database), duckdb.connect(str(temporary), config=_LOCKED) as connection:
        for made in contents.made:
            connection.execute(f"DROP {made.kind} {quote(made.schema)}.{quote(made.name)}")
        connection.execute("CHECKPOINT")  # or the new tables would be written behind the old ones


def settle_log(database: Path, log: Path) -> None:
    """Let DuckDB write into the file what a process that was killed had committed to its log.

    A log beside another file than its own makes that one unreadable, and removing it could remove somebody's table.

    Raises:
        BuildError: somebody has the file open, or the log is not this file's.
    """
    import duckdb

    if not log.exists():  # nor may its folder be one: whoever writes the file says so
        return
    if not database.exists():
        log.unlink(missing_ok=True)
        return
    with _readable(database), duckdb.connect(str(database), config=_LOCKED) as connection:
        connection.execute("CHECKPOINT")
    log.unlink(missing_ok=True)


def index_again(connection: duckdb.DuckDBPyConnection, contents: Contents) -> None:
    """Make the indexes again that others had on tables of synthkit's; one whose columns are gone goes with them."""
    import duckdb

    for sql in contents.indexes:
        try:
            connection.execute(sql)
        except (duckdb.BinderException, duckdb.CatalogException):
            continue


def refuse_taken_names(database: Path, contents: Contents, names: Iterable[str]) -> None:
    """Raises BuildError where tables are to be published under names that others' tables or views have."""
    taken = contents.in_the_way(names)
    if taken:
        listed = ", ".join(f"{o} (model {n!r})" for n, o in taken.items())
        raise BuildError(
            f"{database} holds what synthkit did not make, under the names of models: {listed}",
            hint="rename it there (ALTER … RENAME TO …), move it into a schema of its own, or rename the model",
        )


@contextmanager
def _readable(database: Path) -> Iterator[None]:
    """Say of a file that DuckDB cannot open what to do, as what others keep in it would be lost."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        busy = "set lock" in reason
        raise BuildError(
            f"{database} cannot be read, and may hold what others keep there: {reason}",
            hint="end that process, and build again" if busy else "move the file away, and build again",
        ) from error
