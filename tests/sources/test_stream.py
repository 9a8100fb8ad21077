"""Rows that a server writes as CSV."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from synthkit.sources import stream
from tests.sources.reading import source

VALUES = ["\ufeffa", "\ufeff\ufeff", 'say "a"', "", None, "a\nb", "a\rb", "a,b", " a ", "\\.", "NULL", "\ufeff"]


def _written(value: str | None) -> bytes:
    """As PostgreSQL quotes: what needs it, and empty text."""
    quoted = value is not None and (value in ("", "\\.") or set(value) & set('",\n\r'))
    return b"" if value is None else f'"{value.replace(chr(34), chr(34) * 2)}"'.encode() if quoted else value.encode()


@pytest.mark.parametrize("chunk", [1, 20, 1 << 20])
def test_values_are_the_same_however_the_lines_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(stream, "CHUNK", chunk)
    lines = [_written(value) + b"\n" for value in VALUES]
    with duckdb.connect() as connection:
        stream.load_lines(connection, source(path="x"), ["s"], ["VARCHAR"], lines, tmp_path)
        assert [row[0] for row in connection.execute("FROM found").fetchall()] == VALUES
