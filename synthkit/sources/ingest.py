"""Read a source once, in its declared types, into training and holdout rows at rest in Parquet.

Each value is cast by itself, strictly, from what the source holds (:mod:`.scan`) to what is
declared; what is not declared is inferred, recorded and told. What becomes of values that do not fit: :mod:`.reading`;
how rows are divided: :mod:`.split`; what a training under a budget may read of them: :mod:`.bounding`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from synthkit.errors import BuildError
from synthkit.project.decides import deciding
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.schema import Table
from synthkit.sources.bounding import Declared, bounded_query, text_of
from synthkit.sources.family import Ownership, read_owners
from synthkit.sources.infer import infer, profile
from synthkit.sources.location import location
from synthkit.sources.readerror import read_error, write_error
from synthkit.sources.reading import Belonging, Reading
from synthkit.sources.recognise import People, recognise, repeating, with_forms, with_tails
from synthkit.sources.scan import connected, opened
from synthkit.sources.split import (
    BUCKETS,
    SALT,
    Split,
    bucket_of_stored,
    load_split,
    parse_share,
    private_folder,
    record_split,
    write_sides,
)
from synthkit.sources.unchanged import unchanged
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import literal, quote

__all__ = ["Split", "ingest", "load_split", "parse_share", "split_table"]

VERSION = 10  # of the rows that the same source gives: enters the key
DERIVED_VERSION = 2  # of how the rows of a model that another one learns from are divided


def ingest(
    spec: SourceTableSpec,
    *,
    root: Path,
    connections: Mapping[str, ConnectionSpec],
    holdout: float,
    directory: Path,
    source_hash: str,
    declared: Declared | None = None,
    ownership: Ownership | None = None,
    progress: Callable[..., None] | None = None,
) -> Split:
    """Read the source into a folder below ``directory``, or find it there from before.

    Memory is bounded: DuckDB streams the rows, and spills beside them.

    Args:
        declared: how a training under a budget reads it: nothing is inferred then, and no row stops the others.
        ownership: by whose key its rows are divided, where they belong to rows of another table, or own some.

    Raises:
        BuildError: the source is not what ``source_hash`` is of, rows that cannot be read, values that do not fit
            their declared type, no rows.
        SynthError: the source cannot be found or reached.
    """
    import duckdb

    folder = directory / split_key(spec, holdout, source_hash, declared, ownership)
    with suppress(FileNotFoundError, NotADirectoryError, ValueError):  # not there, or not whole: then it is read again
        return load_split(folder)
    if progress is not None:
        progress(0, 1, "sources", spec.name)
    reading = unchanged(spec, root=root, connections=connections, source_hash=source_hash)
    with private_folder(folder) as making, reading as watch:
        scratch = making / "scratch"
        places = {"scratch": scratch, "making": making}
        family = None
        if ownership is not None:
            lenient = declared is not None
            above = read_owners(ownership, root=root, connections=connections, making=making, lenient=lenient)
            family = Belonging(ownership, above)
        with opened(
            spec, root=root, connections=connections, lenient=declared is not None, **places, snapshot=watch.snapshot
        ) as source:
            try:
                _divided(Reading.of(source, declared, scratch, family), holdout, making)
            except duckdb.Error as error:
                raise _unreadable(error, spec) from None
        shutil.rmtree(scratch, ignore_errors=True)
        if family is not None and family.owners is not None:
            family.owners.unlink()
    if progress is not None:
        progress(1, 1, "sources", spec.name)
    return load_split(folder)


def split_key(
    spec: SourceTableSpec,
    holdout: float,
    source_hash: str,
    declared: Declared | None = None,
    ownership: Ownership | None = None,
) -> str:
    """The name of the folder that holds a source's rows, split so: 32 hexadecimal digits."""
    decides = deciding(spec, "rows", "split") | {"holdout": holdout}
    if declared is not None:
        decides |= {"declared": declared.schema.undescribed().to_json(), "most": declared.max_rows_per_unit}
        decides |= {"keys": list(declared.keys)} if declared.keys else {}
    if ownership is not None:
        decides |= {"ownership": ownership.key()}
    canonical = json.dumps([VERSION, source_hash, decides], sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def split_table(table: Table, *, holdout: float, directory: Path, unit: str | None = None, salt: str = SALT) -> Split:
    """Split a table of some model that another one learns from, by the same rule, into ``directory``.

    Args:
        unit: the column whose values stay together; default: the schema's privacy unit, else the whole row.
        salt: another one than that of sources, and another one for each table: rows that a table has from the training
            side of another would else be on the training side again, all of them.
    """
    if (directory / "split.json").exists():
        return load_split(directory)
    with private_folder(directory) as making:
        with connected(making / "scratch") as connection:
            side = bucket_of_stored(table.schema, unit, salt)
            rows = write_sides(connection, table.schema, table.paths, holdout, making, None, side)
            profiles = profile(connection, table.schema, making / "train.parquet")
            record_split(making, table.schema, holdout, rows, profiles, ())
        shutil.rmtree(making / "scratch", ignore_errors=True)
    return load_split(directory)


def _divided(reading: Reading, holdout: float, making: Path) -> None:
    """Read, check, divide and record."""
    schema, spec, connection = reading.schema, reading.source.spec, reading.source.connection
    reading.write()
    notes, side = reading.notes(), quote(reading.bucket)
    rows = write_sides(connection, schema, [reading.every], holdout, making, location(spec, "name"), side, reading.keep)
    profiles = profile(connection, schema, making / "train.parquet")
    if reading.declared is None:
        schema = infer(schema, spec, profiles).undescribed()
        people = _people(reading, f"NOT ({side} < {round(holdout * BUCKETS)})", making / "train.parquet")
        forms = recognise(connection, schema, spec, making / "train.parquet", people)
        schema = with_forms(schema, forms)
        many = repeating(connection, schema, spec, making / "train.parquet", people)
        schema = with_tails(schema, many)
        notes += [found.said(name) for name, found in forms.items() if found.told]
        notes += [found.said(name) for name, found in many.items()]
        said = {name: f"{schema.by_name[name].sql_type} written {found.form}" for name, found in forms.items()}
        inferred = reading.inferred() | said
        record_split(making, schema, holdout, rows, profiles, notes, inferred=inferred, infinite=reading.infinite)
        return
    query = bounded_query(
        reading.scan,
        (*schema.names, *map(text_of, reading.declared.keys)),
        keep=f"{reading.keep} AND {side} >= {round(holdout * BUCKETS)}",
        unit=None if schema.privacy_unit is None else reading.unit,
        order=reading.order,
        most=reading.declared.max_rows_per_unit,
    )
    target = literal(str(making / "bounded.parquet"))
    row = connection.execute(f"COPY ({query}) TO {target} (FORMAT parquet)").fetchone()
    record_split(
        making, schema.undescribed(), holdout, rows, profiles, notes, bounded=0 if row is None else int(row[0])
    )


def _people(reading: Reading, side: str, train: Path) -> People | None:
    """Whose the training rows are: by their unit, else, of rows that belong to others' rows, by the number that this
    decides their side by, which is one of each unit (and of two in a million the same)."""
    unit = reading.schema.privacy_unit
    if unit is not None:
        return People(parquet_scan(train), quote(unit))
    if reading.sides is None:
        return None
    every = f"SELECT * FROM {parquet_scan(reading.every)} WHERE {side} AND ({reading.keep})"
    return People(f"({every})", quote(reading.bucket))


def _unreadable(error: Exception, spec: SourceTableSpec) -> BuildError:
    full = write_error(error, spec.name)
    if full is not None:
        return full
    if spec.path is not None:
        return read_error(error, spec)
    reason = str(error).split("\n")[0]
    return BuildError(f"cannot read {spec.name!r}: {reason}", location(spec, "name"))
