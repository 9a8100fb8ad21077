"""What every reader gives, and what holds of the columns that it finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthkit.errors import BuildError, SynthError
from synthkit.project.types import SourceTableSpec
from synthkit.sources.location import location
from synthkit.sources.written import Kind


@dataclass
class Snapshot:
    """The digest of what a server handed out, by the server itself; None where it handed out no rows."""

    digest: str | None = None


@dataclass(frozen=True)
class Scan:
    """What a reader made: the view ``found`` of typed columns or, where ``written``, the view ``raw`` of text.

    Attributes:
        loose: whether a row may bring a column of its own.
        kinds: what the format itself says of a column's values.
        inferred: types by column, where the reader looked at all values itself.
        nested: columns with objects, lists or maps, beside those whose type in ``found`` says so.
        notes: what was read otherwise than it is stored, for people.
    """

    written: bool = False
    loose: bool = False
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    inferred: Mapping[str, str] = field(default_factory=dict)
    nested: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def check_names(names: Iterable[str], spec: SourceTableSpec) -> None:
    """Column names exist and differ, also in case; a table of a database has some. Raises SynthError."""
    seen: dict[str, str] = {}
    where = location(spec, "path" if spec.path is not None else "name")
    for name in names:
        if name.strip() == "":
            raise SynthError("a column has no name", where, "name every column in the first line")
        if name.lower() in seen:
            other = seen[name.lower()]
            how = "twice" if other == name else f"as {other!r} and {name!r}, which differ only in case"
            raise SynthError(f"column {name!r} is there {how}", where, "rename one of them in the source")
        seen[name.lower()] = name
    if not seen and spec.connection is not None:
        raise SynthError(f"source table {spec.name!r} has no columns", where, "leave it out")


def check_same_columns(first: Path, expected: Iterable[str], file: Path, names: Iterable[str], where: Any) -> None:
    """All files of a glob have the same columns, in whatever order. Raises SynthError."""
    missing = sorted(set(expected) - set(names))
    extra = sorted(set(names) - set(expected))
    if missing or extra:
        parts = [f"lacks {', '.join(map(repr, missing))}"] if missing else []
        parts += [f"has {', '.join(map(repr, extra))} besides"] if extra else []
        hint = "the files of one table have the same columns: name fewer files in path:, or mend them"
        raise SynthError(f"{file.name} {' and '.join(parts)} (compared with {first.name})", where, hint)


def binary_column(name: str, spec: SourceTableSpec) -> BuildError:
    """The error for a column that no generator can learn and no table holds."""
    if spec.path is None:
        where, hint = (
            location(spec, "query" if spec.query is not None else "table"),
            "leave it out: write query: with the others",
        )
    else:
        where, hint = (
            location(spec, "path"),
            "leave it out of the file; if it is text, set options: {binary_as_string: true}",
        )
    return BuildError(f"column {name!r} holds binary data", where, hint)
