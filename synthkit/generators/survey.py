"""What a training needs of all rows of a large table, found column by column: cells, and the cell of each value.

A column's encoding follows from its own values, so that columns may be surveyed by as many processes as there are, in
any order, or by the training itself: the encoding and the codes are the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from synthkit.encoding.encoder import ColumnCodec, Encoder, rows_in
from synthkit.encoding.fitting import Cut, Rare, arrow_of, fit_columns
from synthkit.files import parsed_json, replacing, sha256_file, write_json_atomic
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class InCells(Protocol):
    """Parameters that say how columns fall into cells."""

    @property
    def bins(self) -> int | None: ...
    @property
    def max_categories(self) -> int: ...
    @property
    def rare(self) -> Rare: ...
    @property
    def min_count(self) -> int: ...


def encoded(table: Table, params: InCells, seed: int, surveys: Path | None) -> tuple[Encoder, Array]:
    """The encoding of a table and the codes of its rows, of what was surveyed where something was."""
    if surveys is not None:
        return surveyed(table, params, seed, surveys)
    every = range(len(table.schema.columns))
    encoder = Encoder(fit_columns(table, every, cut_of(table, params, seed)), arrow_of(table))
    return encoder, encoder.codes_of(table)


def cut_of(table: Table, params: InCells, seed: int) -> Cut:
    """How the columns of a table fall into cells."""
    bins = params.bins or min(100, max(10, table.rows // 50))
    return Cut("bins", bins, params.max_categories, params.rare, params.min_count, seed)


def survey(table: Table, params: InCells, column: int, *, seed: int, directory: Path) -> bool:
    """See :class:`synthkit.generators.functions.Survey`."""
    import numpy as np

    if _found(directory, column) is not None:
        return False
    codec, codes = _look(table, params, column, seed)
    with replacing(_codes_file(directory, column)) as temporary, temporary.open("wb") as file:
        np.save(file, codes)
    said = {"codec": codec.to_json(), "sha256": sha256_file(_codes_file(directory, column))}
    write_json_atomic(directory / f"{column:05d}.json", said)
    return True


def surveyed(table: Table, params: InCells, seed: int, directory: Path) -> tuple[Encoder, Array]:
    """The encoding and the codes of all rows; what nobody surveyed, or somebody damaged, is found here."""
    import numpy as np

    codecs: list[ColumnCodec] = []
    looked: dict[int, Array] = {}
    for column in range(len(table.schema.columns)):
        codec = _found(directory, column)
        if codec is None:
            codec, looked[column] = _look(table, params, column, seed)
        codecs.append(codec)
    encoder = Encoder(tuple(codecs), arrow_of(table))
    found = np.empty((rows_in(table), len(codecs)), encoder.code_type)
    # One file at a time: of a thousand columns a process may not hold as many open.
    for column in range(len(codecs)):
        codes = looked.get(column)
        found[:, column] = np.load(_codes_file(directory, column), allow_pickle=False) if codes is None else codes
    return encoder, found


def _codes_file(directory: Path, column: int) -> Path:
    return directory / f"{column:05d}.npy"


def _found(directory: Path, column: int) -> ColumnCodec | None:
    """The encoding that was surveyed of a column; None where it or its codes are not there, or not as written."""
    try:
        said = parsed_json((directory / f"{column:05d}.json").read_text("utf-8"))
        if said["sha256"] != sha256_file(_codes_file(directory, column)):
            return None
        return ColumnCodec.from_json(said["codec"])
    except (OSError, ValueError, KeyError):
        return None


def _look(table: Table, params: InCells, column: int, seed: int) -> tuple[ColumnCodec, Array]:
    """The encoding of one column and the code of each of its values, shape (rows,)."""
    (codec,) = fit_columns(table, [column], cut_of(table, params, seed))
    return codec, Encoder((codec,), (arrow_of(table)[column],)).codes_of(table)[:, 0]
