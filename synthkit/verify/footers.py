"""The footers of a project's Parquet files, by few queries for all: each by its own takes eight times as long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.sql.filescan import parquet_scan, pattern_of

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Footer:
    """What a file says of itself.

    Args:
        columns: name and SQL type of each, as DuckDB reads them.
        marks: what its writer noted, by key.
    """

    rows: int
    columns: tuple[tuple[str, str], ...]
    marks: Mapping[str, str]


class Footers:
    """Footers of files, read when the first is asked for.

    Args:
        files: that will be asked for, as far as one knows; others are read when they are.
    """

    def __init__(self, files: Iterable[Path] = ()) -> None:
        self._files = tuple(files)
        self._found: dict[Path, Footer | None] | None = None

    def of(self, file: Path) -> Footer | None:
        """The footer of a file; None where it is no Parquet file."""
        if self._found is None:
            self._found = self._read([f for f in dict.fromkeys(self._files) if f.is_file()])
        if file not in self._found:
            self._found |= self._read([file])
        return self._found[file]

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        """To open a DuckDB takes ten times as long as to read a footer."""
        import duckdb

        return duckdb.connect(":memory:", config={"threads": 1})

    def _read(self, files: Sequence[Path]) -> dict[Path, Footer | None]:
        import duckdb

        try:
            return {} if not files else dict(self._together(files))
        except duckdb.Error:  # one that is none stops the query for all
            if len(files) == 1:
                return {files[0]: None}
            half = len(files) // 2
            return self._read(files[:half]) | self._read(files[half:])

    def _together(self, files: Sequence[Path]) -> Mapping[Path, Footer]:
        names = [pattern_of(f) for f in files]
        rows = dict(self._rows("SELECT file_name, num_rows FROM parquet_file_metadata(?)", names))
        marks: dict[str, dict[str, str]] = defaultdict(dict)
        for name, key, value in self._rows("SELECT file_name, key, value FROM parquet_kv_metadata(?)", names):
            marks[name][_text(key)] = _text(value)
        columns: dict[str, list[tuple[str, str]]] = defaultdict(list)
        nested = set()
        query = "SELECT file_name, column_id, name, duckdb_type, num_children FROM parquet_schema(?) ORDER BY ALL"
        for name, number, column, sql_type, children in self._rows(query, names):
            if number > 0:  # the first is the row itself
                columns[name].append((column, sql_type))
                nested |= {name} if children else set()
        for name in nested:  # the parts of a list or a struct are listed beside the columns
            described = self._connection.execute(f"DESCRIBE SELECT * FROM {parquet_scan(Path(name))}").fetchall()
            columns[name] = [(str(row[0]), str(row[1])) for row in described]
        return {f: Footer(rows[n], tuple(columns[n]), marks[n]) for f, n in ((f, str(f)) for f in files)}

    def _rows(self, query: str, names: Sequence[str]) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, [list(names)]).fetchall()


def _text(noted: Any) -> str:
    """What a writer noted is of any bytes: those of a damaged file must not stop the look at all others."""
    return bytes(noted).decode("utf-8", "replace")
