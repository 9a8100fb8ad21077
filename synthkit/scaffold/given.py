"""What ``synth init --from`` is given: a file, a folder of files, a database's file, or the url of a server."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthkit.errors import SynthError, did_you_mean
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.scaffold.options import options_of, options_yaml
from synthkit.scaffold.writing import place_lines, quoted
from synthkit.sources.files import file_kind, is_table
from synthkit.sources.keys.seen import Declared
from synthkit.sources.projection import Dialect
from synthkit.sources.reader import Listed, Urls
from synthkit.sources.readers import by_scheme, reader_of

_URL = re.compile(r"^([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_SQLITE = b"SQLite format 3\0"
_DUCKDB = (8, b"DUCK")  # where it stands


@dataclass(frozen=True)
class GivenTable:
    """A table to look at, how the YAML says where it is, and what a catalogue says of it."""

    spec: SourceTableSpec
    place: tuple[str, ...]
    shown: str
    listed: Listed | None = None


@dataclass(frozen=True)
class Given:
    """Tables to look at together.

    Args:
        name: for their group, where nobody names it.
        connection: the name of the one that they are behind; ``connections`` holds it as it is read now, and
            ``said`` is its YAML, without a password.
        declared: the keys that a database's catalogue declares.
        dialect: of that catalogue's SQL.
        files: what would be copied.
        notes: for people.
    """

    name: str
    tables: tuple[GivenTable, ...]
    connection: str | None = None
    connections: Mapping[str, ConnectionSpec] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    declared: Declared = field(default_factory=Declared)
    dialect: Dialect = "duckdb"
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def identifier(text: str) -> str:
    """A name that a table can have.

    >>> identifier("Kunden 2024"), identifier("1st")
    ('kunden_2024', 't_1st')
    """
    name = re.sub(r"\W+", "_", text).strip("_").lower() or "table"
    return f"t_{name}" if name[0].isdigit() else name


@dataclass(frozen=True)
class Wanted:
    """Which tables of a database: by name, and of which schemas; nothing: all."""

    tables: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()

    def of(self, found: Sequence[Listed], default: str) -> tuple[Listed, ...]:
        """Raises SynthError for a table or schema that is not there."""
        schemas = {one.name: one.name.rpartition(".")[0] or default for one in found}
        for name in self.schemas:
            if name not in schemas.values():
                hint = did_you_mean(name, set(schemas.values()), "a schema")
                raise SynthError(f"--schema {name}: the database has no tables in it", hint=hint)
        for name in self.tables:
            if name not in schemas:
                raise SynthError(f"--table {name}: there is none", hint=did_you_mean(name, schemas, "a table"))
        return tuple(
            one
            for one in found
            if (not self.tables or one.name in self.tables) and (not self.schemas or schemas[one.name] in self.schemas)
        )


ALL = Wanted()


def given(what: str | Path, root: Path, options: Sequence[str], *, copied: bool, wanted: Wanted = ALL) -> Given:
    """Look what is there, and at no row yet.

    Args:
        what: a path, or a url.
        root: of the project, by which paths are written.
        options: of the reader of files, as ``KEY=VALUE``.
        copied: whether the files will lie in ``data/``.
        wanted: of a database.

    Raises:
        SynthError: there is nothing to read, or a database cannot be reached.
    """
    if isinstance(what, str) and (server := _URL.match(what)) is not None:
        known = by_scheme(server[1].lower())
        if known is None:  # the url may hold a password: no message repeats it
            hint = "name files, a folder, or the url of a database: postgresql://…; download what an object store has"
            raise SynthError(f"--from reads no {server[1].lower()}://", hint=hint)
        return _server(what, *known, wanted)
    path = Path(what).resolve()
    if wanted != ALL and not (path.is_file() and _database_kind(path)):
        raise SynthError("--table and --schema are of a database", hint="name the files instead")
    if path.is_dir() and is_table(path):
        return _files(identifier(path.name), [path], root, options, copied, alone=True)
    if path.is_dir():
        within = sorted(p for p in path.iterdir() if p.is_file() or is_table(p))
        return _files(identifier(path.name), within, root, options, copied)
    if not path.is_file():
        raise SynthError(f"there is no file or folder {what}", hint="name files, a folder, or a url: postgresql://…")
    kind = _database_kind(path)
    if kind is None:
        return _files(identifier(path.stem), [path], root, options, copied, alone=True)
    if options:
        raise SynthError("--option is for the readers of files, not of databases", hint="leave it out")
    shown = _shown(path, root, copied)
    name = identifier(path.stem)
    said = (f"  {name}:", f"    type: {kind}", f"    path: {quoted(shown)}")
    return _database(name, ConnectionSpec(type=kind, path=str(path)), root, said, (path,), (), wanted)


def _files(
    name: str, files: Sequence[Path], root: Path, options: Sequence[str], copied: bool, *, alone: bool = False
) -> Given:
    known = [f for f in files if alone or f.is_dir() or file_kind(f.name) is not None]
    others = [f.name for f in files if f not in known and not f.name.startswith(".")]
    if not known:
        raise SynthError(
            f"no file in {name} can be read", hint="CSV, JSON lines, Parquet, Arrow, Avro and Excel are, and databases"
        )
    tables = []
    for file in known:
        pairs: dict[str, Any] = options_of(options, file) if options else {}
        shown = _shown(file, root, copied)
        lines = place_lines(shown, options_yaml(pairs) if pairs else None)
        spec = SourceTableSpec(name=identifier(file.stem), path=str(file), options=pairs)
        tables.append(GivenTable(spec, tuple(lines), shown))
    notes = (f"not looked at: {', '.join(others)}",) if others else ()
    return Given(name, tuple(tables), files=tuple(known), notes=notes)


def _shown(path: Path, root: Path, copied: bool) -> str:
    if copied:
        return f"data/{path.name}"
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _database_kind(path: Path) -> str | None:
    with path.open("rb") as file:
        begin = file.read(16)
    if begin == _SQLITE:
        return "sqlite"
    return "duckdb" if begin[_DUCKDB[0] :].startswith(_DUCKDB[1]) else None


def _server(url: str, kind: str, urls: Urls, wanted: Wanted) -> Given:
    try:
        database, secret = urls.said(url)
    except ValueError as error:
        hint = f"write {urls.example}, special characters in % notation"
        raise SynthError(f"the url {error}", hint=hint) from None
    name = identifier(database or "database")
    variable = f"{name.upper()}_URL"
    shown = f"\"{{{{ env_var('{variable}') }}}}\"" if secret else quoted(url)
    lines = (f"  {name}:", f"    type: {kind}", f"    url: {shown}")
    note = f"the password is written nowhere: set the environment variable {variable} to the url before synth build"
    return _database(name, ConnectionSpec(type=kind, url=url), Path(), lines, (), (note,) if secret else (), wanted)


def _database(
    name: str,
    chosen: ConnectionSpec,
    root: Path,
    said: tuple[str, ...],
    files: tuple[Path, ...],
    notes: tuple[str, ...],
    wanted: Wanted,
) -> Given:
    """The wanted tables of a database, with what its catalogue declares."""
    listing = reader_of(chosen).listing
    assert listing is not None, "the built-in readers list their tables"
    found = listing(chosen, root)
    if not found:
        raise SynthError(f"the database {name!r} has no table that can be read", hint="check the rights of the user")
    found = wanted.of(found, reader_of(chosen).schema_of(chosen))
    names = {one.name: identifier(one.name) for one in found}
    tables = []
    for one in found:
        own = names[one.name]
        spec = SourceTableSpec(name=own, connection=name, table=one.name)
        place = () if one.name == own else (f"table: {quoted(one.name)}",)
        tables.append(GivenTable(spec, place, one.name, one))
    declared, dialect = _declared(found, names), reader_of(chosen).dialect
    return Given(name, tuple(tables), name, {name: chosen}, said, declared, dialect, files, notes)


def _declared(found: Sequence[Listed], names: Mapping[str, str]) -> Declared:
    primary = {names[one.name]: one.primary for one in found if one.primary}
    foreign = tuple(
        (names[one.name], columns, names[other], to)
        for one in found
        for columns, other, to in one.foreign
        if other in names
    )
    return Declared(primary, foreign)
