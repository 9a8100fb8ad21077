"""JSON lines: every value of every row as text, and what JSON itself says of it.

A key, or a kind of value, may first appear in the last row, so all rows are looked at for their keys. A text is its
characters, everything else its JSON: one number among texts does not put quotes around the others.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.files import parsed_json
from synthkit.project.types import SourceTableSpec
from synthkit.sources.found import check_names
from synthkit.sources.options import arguments
from synthkit.sources.written import Kind
from synthkit.sql.filescan import file_literal
from synthkit.sql.quoting import literal, quote

if TYPE_CHECKING:
    import duckdb

_RENAMED = re.compile(r"(.+)_\d+")
_LOOKED_AT = 1_000  # lines
_NOT_READ = ["encoding", "dateformat", "timestampformat"]  # by DuckDB: what is text is cast later
_KINDS: dict[Kind, tuple[str, ...]] = {
    "number": ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"),
    "boolean": ("BOOLEAN",),
    "string": ("VARCHAR",),
}


def json_query(connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, files: list[Path]) -> str:
    """A SELECT of all rows, each value as JSON, columns in the order in which they first appear. Raises SynthError."""
    listed = ", ".join(file_literal(f) for f in files)
    given = "".join(f", {k} = {v}" for k, v in arguments(spec, "jsonl", leave_out=_NOT_READ).items())
    # Left to itself, DuckDB takes every line as one value as soon as one of them is no object.
    reader = (
        f"read_json([{listed}], format = 'auto', records = true, hive_partitioning = false, union_by_name = true{given}"
    )
    described = connection.execute(f"DESCRIBE SELECT * FROM {reader}, sample_size = -1, maximum_depth = 1)").fetchall()
    names = [str(r[0]) for r in described]
    _check_renamed(spec, names, files)
    columns = ", ".join(f"{literal(n)}: 'JSON'" for n in names)
    listed_names = ", ".join(quote(n) for n in names)
    return f"SELECT {listed_names} FROM {reader}, columns = {{{columns}}})"


def json_kinds(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, Kind], frozenset[str]]:
    """What the values of each column of ``found`` are, and the columns in which there is an object or a list."""
    names = [str(r[0]) for r in connection.execute("DESCRIBE found").fetchall()]
    terms = []
    for name in names:
        kind = f"json_type({quote(name)})"
        terms += [f"bool_and({kind} IN ({', '.join(map(literal, types))}))" for types in _KINDS.values()]
        terms.append(f"bool_or({kind} IN ('OBJECT', 'ARRAY'))")
    row = connection.execute(f"SELECT {', '.join(terms)} FROM found").fetchone()
    assert row is not None
    kinds: dict[str, Kind] = {}
    nested, width = set(), len(_KINDS) + 1
    for i, name in enumerate(names):
        *holds, any_nested = row[width * i : width * (i + 1)]
        kinds[name] = next((k for k, all_are in zip(_KINDS, holds, strict=True) if all_are), "mixed")
        if any_nested:
            nested.add(name)
    return kinds, frozenset(nested)


def _check_renamed(spec: SourceTableSpec, names: list[str], files: list[Path]) -> None:
    """DuckDB calls the second of two keys that differ in case ``key_1``: then look at the keys as they are written."""
    folded = {n.lower() for n in names}
    if not any((m := _RENAMED.fullmatch(n)) and m[1].lower() in folded for n in names):
        return
    keys: dict[str, None] = {}
    for file in files:
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            for _, line in zip(range(_LOOKED_AT), lines, strict=False):
                try:
                    record = parsed_json(line)
                except ValueError:
                    return
                keys |= dict.fromkeys(record if isinstance(record, dict) else ())
    check_names(keys, spec)
