"""Training and holdout rows: which row is on which side, and how a split lies on disk.

The side of a row depends on nothing but that row (or its privacy unit): the MD5 of a fixed salt and the row's text,
held against the share. So one record's side never depends on another record, duplicates fall on the same side, and
the split is the same on every machine. A null is told apart from every text; rows whose privacy unit is null count as
one unit.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError, Location
from synthkit.files import clean_temporaries, explained, temporary_beside
from synthkit.schema import Schema, Table
from synthkit.shares import read_share
from synthkit.sources.files import file_literal
from synthkit.sources.infer import Profile
from synthkit.sources.readerror import write_error
from synthkit.sources.types import quote, text

if TYPE_CHECKING:
    import duckdb

SALT = "synthkit holdout 1"
_BUCKETS = 1_000_000


@dataclass(frozen=True)
class Split:
    """A source's rows at rest. ``rows`` counts both sides; ``holdout`` is None where it is turned off.

    ``observed`` is what the training rows show of each column, ``notes`` what reading changed; both are private.
    """

    train: Table
    holdout: Table | None
    rows: int
    directory: Path
    observed: Mapping[str, Profile] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def schema(self) -> Schema:
        return self.train.schema


def parse_share(value: str | float) -> float:
    """``"20%"``, ``0.2`` or ``0`` as a share in [0, 1). Raises ValueError."""
    share = read_share(value)
    if not 0 <= share < 1:
        raise ValueError(f"{value!r} is not a share from 0 to below 1")
    return share


def load_split(directory: Path) -> Split:
    """A split from its folder. Raises FileNotFoundError where it is not complete."""
    record = json.loads((directory / "split.json").read_text("utf-8"))
    schema = Schema.from_json(record["schema"])
    train = Table(schema, (directory / "train.parquet",), record["train_rows"])
    held_out = None
    if record["holdout"] > 0:
        held_out = Table(schema, (directory / "holdout.parquet",), record["holdout_rows"])
    return Split(
        train,
        held_out,
        record["train_rows"] + record["holdout_rows"],
        directory,
        {name: Profile(**p) for name, p in record.get("observed", {}).items()},
        tuple(record.get("notes", ())),
    )


@contextmanager
def private_folder(final: Path) -> Iterator[Path]:
    """A folder under a temporary name, readable by its owner alone, that gets its name when it is whole."""
    temporary = temporary_beside(final)
    with explained(final):
        clean_temporaries(final.parent)  # real rows that a killed process left
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True, mode=0o700)
        try:
            yield temporary
            shutil.rmtree(final, ignore_errors=True)  # it is not whole, or it would have been used
            temporary.replace(final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_sides(
    connection: duckdb.DuckDBPyConnection,
    schema: Schema,
    files: Sequence[Path],
    holdout: float,
    folder: Path,
    where: Location | None,
    unit: str | None = None,
) -> tuple[int, int]:
    """Write ``train.parquet`` and ``holdout.parquet``, rows in their order. Returns their numbers of rows.

    Raises BuildError where no row is left to learn from.
    """
    import duckdb

    listed = ", ".join(file_literal(f) for f in files)
    names = ", ".join(quote(n) for n in schema.names)
    side = _held_out(schema, holdout, unit)
    counts = []
    for name, condition in (("train", f"NOT ({side})"), ("holdout", side)):
        query = f"SELECT {names} FROM read_parquet([{listed}]) WHERE {condition}"
        try:
            target = text(str(folder / f"{name}.parquet"))
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
) -> None:
    """Write ``split.json`` beside the rows: what :func:`load_split` reads, and the sign that all is there."""
    record = {
        "schema": schema.to_json(),
        "holdout": holdout,
        "train_rows": rows[0],
        "holdout_rows": rows[1],
        "observed": {name: asdict(p) for name, p in observed.items()},
        "notes": list(notes),
    }
    (folder / "split.json").write_text(json.dumps(record, default=str, ensure_ascii=False), "utf-8")


def _held_out(schema: Schema, holdout: float, unit: str | None) -> str:
    """A SQL condition that is true for the rows of the holdout."""
    if holdout == 0:
        return "false"
    together = unit or schema.privacy_unit
    columns = (together,) if together is not None else schema.names
    parts = ", ".join(f"coalesce('v' || CAST({quote(n)} AS VARCHAR), 'n')" for n in columns)
    digest = f"md5_number_lower(concat_ws(chr(31), {text(SALT)}, {parts}))"
    return f"{digest} % {_BUCKETS} < {round(holdout * _BUCKETS)}"
