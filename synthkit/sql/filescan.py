"""Files as DuckDB reads them: the only place that hands it a path to read.

DuckDB takes any path for a glob, so what is special in one is bracketed: below a folder ``a[1]`` it would read the
files of ``a1``. It takes a folder ``year=2020`` on the way, of whatever tree, for a column of every file below.
"""

from __future__ import annotations

import re
from pathlib import Path

from synthkit.sql.quoting import literal


def pattern_of(path: Path) -> str:
    """The glob that finds this path alone. (Not with a backslash in it, too, where DuckDB sees the end of a folder.)

    >>> print(pattern_of(Path("a[1]/st*r.parquet")))
    a[[]1]/st[*]r.parquet
    """
    return re.sub(r"([*?[])", r"[\1]", str(path))


def file_literal(file: Path) -> str:
    """A path as a SQL literal that DuckDB does not take for a glob."""
    return literal(pattern_of(file))


def parquet_scan(*files: Path, **options: str) -> str:
    """SQL that reads the files' rows, with their own columns alone.

    The function is DuckDB's own, whatever macro somebody made of that name. A view that others open is to be given
    absolute paths.

    Args:
        options: of ``read_parquet``, in SQL.

    >>> print(parquet_scan(Path("a.parquet"), file_row_number="true"))
    system.main.read_parquet(['a.parquet'], hive_partitioning = false, file_row_number = true)
    """
    given = {"hive_partitioning": "false"} | options
    listed = ", ".join(map(file_literal, files))
    return f"system.main.read_parquet([{listed}], {', '.join(f'{k} = {v}' for k, v in given.items())})"
