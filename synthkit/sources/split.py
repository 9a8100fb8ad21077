"""Training and holdout rows: which row is on which side, and how a split lies on disk.

The side of a row depends on nothing but that row (or its privacy unit): the MD5 of a fixed salt and the row's canonical
text (:mod:`.canonical`), held against the share. So one record's side never depends on another record,
duplicates fall on the same side, and the split is the same on every machine. A null is told apart from every text; rows
whose privacy unit is null count as one unit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError, Location
from synthkit.files import clean_temporaries, explained, parsed_json, put_over, temporary_folder
from synthkit.project.shares import read_share
from synthkit.schema import Schema, Table
from synthkit.sources.canonical import canonical, joined, told_apart
from synthkit.sources.infer import Profile
from synthkit.sources.readerror import write_error
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import literal, quote

if TYPE_CHECKING:
    import duckdb

SALT = "synthkit holdout 1"
BUCKETS = 1_000_000


@dataclass(frozen=True)
class Split:
    """A source's rows at rest. ``rows`` counts both sides; ``holdout`` is None where it is turned off.

    ``observed`` is what the training rows show of each column, ``notes`` what reading changed; both are private.
    ``bounded`` are the training rows that a training under a budget may read, where the source was read for one;
    ``inferred`` the types that were read off the rows because nothing declares them, with strptime's format;
    ``infinite`` how many infinite numbers a column holds.
    """

    train: Table
    holdout: Table | None
    rows: int
    directory: Path
    observed: Mapping[str, Profile] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    bounded: Table | None = None
    inferred: Mapping[str, str] = field(default_factory=dict)
    infinite: Mapping[str, int] = field(default_factory=dict)

    @property
    def schema(self) -> Schema:
        return self.train.schema

    @property
    def sides(self) -> tuple[Table, ...]:
        """All real rows: the training rows, and the held-out ones."""
        return (self.train,) if self.holdout is None else (self.train, self.holdout)


def parse_share(value: str | float) -> float:
    """``"20%"``, ``0.2`` or ``0`` as a share in [0, 1). Raises ValueError."""
    share = read_share(value)
    if not 0 <= share < 1:
        raise ValueError(f"{value!r} is not a share from 0 to below 1")
    return share


def load_split(directory: Path) -> Split:
    """A split from its folder. Raises FileNotFoundError where it is not complete."""
    record = parsed_json((directory / "split.json").read_text("utf-8"))
    schema = Schema.from_json(record["schema"])
    train = Table(schema, (directory / "train.parquet",), record["train_rows"])
    held_out = None
    if record["holdout"] > 0:
        held_out = Table(schema, (directory / "holdout.parquet",), record["holdout_rows"])
    bounded = record.get("bounded_rows")
    return Split(
        train,
        held_out,
        record["train_rows"] + record["holdout_rows"],
        directory,
        {name: Profile(**p) for name, p in record.get("observed", {}).items()},
        tuple(record.get("notes", ())),
        None if bounded is None else Table(schema, (directory / "bounded.parquet",), bounded),
        record.get("inferred", {}),
        record.get("infinite", {}),
    )


@contextmanager
def private_folder(final: Path) -> Iterator[Path]:
    """A folder under a temporary name, readable by its owner alone, that gets its name when it is whole."""
    with explained(final):
        clean_temporaries(final.parent)  # real rows that a killed process left
        with temporary_folder(final) as temporary:
            yield temporary
            if not _whole(final):  # else somebody was faster, with the same rows, which may be in use by now
                put_over(temporary, final)


def _whole(folder: Path) -> bool:
    try:
        load_split(folder)
    except (OSError, ValueError):
        return False
    return True


def write_sides(
    connection: duckdb.DuckDBPyConnection,
    schema: Schema,
    files: Sequence[Path],
    holdout: float,
    folder: Path,
    where: Location | None,
    bucket: str,
    keep: str = "true",
) -> tuple[int, int]:
    """Write ``train.parquet`` and ``holdout.parquet``, rows in their order. Returns their numbers of rows.

    Args:
        bucket: SQL for a row's number in [0, 1,000,000), of which the first ``holdout`` are held out.
        keep: SQL for whether a row is taken at all.

    Raises BuildError where no row is left to learn from.
    """
    import duckdb

    names = ", ".join(quote(n) for n in schema.names)
    side = f"({bucket}) < {round(holdout * BUCKETS)}"
    counts = []
    for name, condition in (("train", f"NOT ({side})"), ("holdout", side)):
        query = f"SELECT {names} FROM {parquet_scan(*files)} WHERE {condition} AND ({keep})"
        try:
            target = literal(str(folder / f"{name}.parquet"))
            row = connection.execute(f"COPY ({query}) TO {target} (FORMAT parquet)").fetchone()
        except duckdb.Error as error:
            raise write_error(error, name) or BuildError(f"cannot divide the rows: {error}", where) from None
        counts.append(int(row[0]) if row is not None else 0)
    train, held_out = counts
    if train == 0:
        what = f"there is nothing to learn from: all {held_out:,} rows fall into the holdout"
        raise BuildError(what, where, "set holdout: 0 for so small a table")
    return train, held_out


def record_split(
    folder: Path,
    schema: Schema,
    holdout: float,
    rows: tuple[int, int],
    observed: Mapping[str, Profile],
    notes: Sequence[str],
    *,
    bounded: int | None = None,
    inferred: Mapping[str, str] | None = None,
    infinite: Mapping[str, int] | None = None,
) -> None:
    """Write ``split.json`` beside the rows: what :func:`load_split` reads, and the sign that all is there."""
    record = {
        "schema": schema.to_json(),
        "holdout": holdout,
        "train_rows": rows[0],
        "holdout_rows": rows[1],
        "observed": {name: asdict(p) for name, p in observed.items()},
        "notes": list(notes),
        "bounded_rows": bounded,
        "inferred": dict(inferred or {}),
        "infinite": dict(infinite or {}),
    }
    (folder / "split.json").write_text(json.dumps(record, default=str, ensure_ascii=False), "utf-8")


def bucket(row: str) -> str:
    """SQL for the number in [0, 1,000,000) that a row's text (SQL, the salt in it) is hashed to."""
    return f"md5_number_lower({row}) % {BUCKETS}"


def bucket_of_stored(schema: Schema, unit: str | None = None, salt: str = SALT) -> str:
    """:func:`bucket` of rows at rest: by the privacy unit where there is one, else by the whole row."""
    together = unit or schema.privacy_unit
    names = (together,) if together is not None else schema.names
    return bucket(joined(salt, [told_apart(canonical(n, schema.by_name[n].sql_type)) for n in names]))
