"""Options of readers of files: our names, DuckDB's, and the kinds of values that they take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from synthkit.errors import SynthError, did_you_mean
from synthkit.project.types import SourceTableSpec
from synthkit.sources.location import location
from synthkit.sql.quoting import literal

# Our name of an option → DuckDB's, and the kind of value that it takes.
OPTIONS: Mapping[str, Mapping[str, tuple[str, type | tuple[type, ...]]]] = {
    "csv": {
        "delimiter": ("delim", str),
        "quote": ("quote", str),
        "escape": ("escape", str),
        "header": ("header", bool),
        "encoding": ("encoding", str),
        "nullstr": ("nullstr", (str, list, tuple)),
        "skip": ("skip", int),
        "comment": ("comment", str),
        "dateformat": ("dateformat", str),
        "timestampformat": ("timestampformat", str),
        "decimal_separator": ("decimal_separator", str),
        "thousands": ("thousands", str),
        "max_line_size": ("max_line_size", int),
    },
    "excel": {"sheet": ("sheet", str), "header": ("header", bool), "skip": ("skip", int)},
    "arrow": {},
    "avro": {},
    "delta": {"version": ("version", int)},
    "iceberg": {"snapshot": ("snapshot", int)},
    "parquet": {"binary_as_string": ("binary_as_string", bool)},
    "jsonl": {
        "encoding": ("encoding", str),
        "dateformat": ("dateformat", str),
        "timestampformat": ("timestampformat", str),
        "max_line_size": ("maximum_object_size", int),
    },
}


def check_options(spec: SourceTableSpec, kind: str) -> None:
    """The reader of ``kind`` has these options, and they are of its types. Raises SynthError."""
    known = OPTIONS[kind]
    for key, value in spec.options.items():
        if key not in known:
            hint = did_you_mean(key, known, "an option")
            raise SynthError(
                f"there is no reader option {key!r} for {kind} files", location(spec, "options", key, key=True), hint
            )
        wanted = known[key][1]
        # In Python True is an int, but skip: true says nothing.
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            names = {str: "text in quotes", bool: "true or false", int: "a whole number"}
            hint = names.get(wanted, "text, or a list of texts") if isinstance(wanted, type) else "text, or a list"
            raise SynthError(f"option {key}: {value!r} will not do", location(spec, "options", key), f"write {hint}")


def arguments(spec: SourceTableSpec, kind: str, leave_out: Iterable[str] = ()) -> dict[str, str]:
    """The declared options as arguments of DuckDB's reader."""
    known = OPTIONS[kind]
    given = sorted(spec.options.items())
    return {known[k][0]: sql_value(v) for k, v in given if k in known and k not in leave_out}


def sql_value(value: Any) -> str:
    """A literal, or a list of them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(str(v)) for v in value) + "]"
    return literal(str(value))
