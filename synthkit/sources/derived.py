"""The two sides of a table that was made of a source's training rows: they are all its rows, and, beside them, the
source's held-out rows put through the same queries. They lie on disk as those of a source do, as well protected."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from synthkit.errors import BuildError
from synthkit.schema import Table
from synthkit.sources.infer import profile
from synthkit.sources.scan import connected
from synthkit.sources.split import Split, load_split, private_folder, record_split


def inherit_sides(train: Table, *, holdout: float, directory: Path, held_out: Callable[[Path, Path], int]) -> Split:
    """Put training rows and a holdout from elsewhere together in ``directory``, or find them there.

    Args:
        train: all rows that may be learnt from, in one file.
        holdout: the share of the source that is held out, above 0.
        held_out: writes the held-out rows to its first path, in the columns of ``train``, its scratch being the second;
            returns their number.

    Raises:
        BuildError: there is no row to learn from, or the sides differ in their columns.
    """
    import pyarrow.parquet as pq

    if (directory / "split.json").exists():
        return load_split(directory)
    if train.rows == 0:
        raise BuildError("there is nothing to learn from: the table has no rows")
    with private_folder(directory) as making:
        (path,) = train.paths
        shutil.copyfile(path, making / "train.parquet")
        scratch = making / "scratch"
        scratch.mkdir()
        rows = held_out(making / "holdout.parquet", scratch)
        ours, theirs = (pq.read_schema(making / f"{side}.parquet") for side in ("train", "holdout"))
        if not ours.equals(theirs):
            raise BuildError(
                "the held-out rows, put through the query, have other columns than the training rows",
                hint="build the table that is read again: --full-refresh",
            )
        with connected(scratch) as connection:
            profiles = profile(connection, train.schema, making / "train.parquet")
        record_split(making, train.schema, holdout, (train.rows, rows), profiles, ())
        shutil.rmtree(scratch, ignore_errors=True)
    return load_split(directory)
