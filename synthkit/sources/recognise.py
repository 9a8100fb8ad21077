"""Columns of text or whole numbers that are written as something else, found among the training rows, with evidence.

Only columns of which nothing is declared are looked at, and no keys. Forms are looked for in a few hundred different
values, and counted on all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.formats.detect import Detected, candidates, detect
from synthkit.formats.detect_texts import detect_text, looks_written
from synthkit.formats.language import parse_form
from synthkit.formats.mixed import Mixed
from synthkit.project.types import SourceTableSpec
from synthkit.schema import MIN_COUNT, Column, Schema
from synthkit.sources.types import provisional_type
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import duckdb

FIRST = 20_000  # rows in which forms are looked for
SHARED = 0.5  # of the rows
SAMPLE = 500  # different values of them


@dataclass(frozen=True)
class People:
    """Whose the training rows are, where anything says it: many rows of one person make no value common.

    Args:
        rows: SQL that stands for the training rows, with that.
        who: SQL of whose each is.
    """

    rows: str
    who: str


@dataclass(frozen=True)
class Repeats:
    """A category of many values: how many, how many of them several people have, and in what share of the rows."""

    values: int
    common: int
    share: float

    def said(self, column: str) -> str:
        """A sentence for people."""
        return (
            f"column {column!r} is a category of {self.values:,} values: the {self.common:,} that {MIN_COUNT} rows or"
            f" people have ({self.share:.1%} of the rows) are learnt and published, no other (type: text makes it up)"
        )


def recognise(
    connection: duckdb.DuckDBPyConnection,
    schema: Schema,
    spec: SourceTableSpec,
    train: Path,
    people: People | None = None,
) -> dict[str, Detected]:
    """The columns that have a written form, by name."""
    declared = {c.name for c in spec.columns if not c.type is c.format is c.pii is None}
    keys = {*schema.primary_key, schema.privacy_unit}
    found = {}
    for column in schema.columns:
        if column.name in declared or column.name in keys or not _may(column):
            continue
        detected = _detected(connection, column, train)
        if detected is not None and people is not None:
            detected = _of_people(connection, column, people, detected)
        if detected is not None:
            found[column.name] = detected
    return found


def repeating(
    connection: duckdb.DuckDBPyConnection,
    schema: Schema,
    spec: SourceTableSpec,
    train: Path,
    people: People | None = None,
) -> dict[str, Repeats]:
    """Text that is a category of many values: half of the rows, at least, have one that several people have."""
    declared = {c.name for c in spec.columns if not c.type is c.format is c.pii is None}
    found, rows = {}, parquet_scan(train) if people is None else people.rows
    who = "count(*)" if people is None else f"count(DISTINCT {people.who})"
    for column in schema.columns:
        if column.type != "text" or column.sql_type != "VARCHAR" or column.name in declared or column.pii is not None:
            continue
        if column.format is not None:
            continue
        name = quote(column.name)
        of = f"SELECT count(*) AS n, {who} AS people FROM {rows} WHERE {name} IS NOT NULL GROUP BY {name}"
        shared = f"people >= {MIN_COUNT}"
        query = f"SELECT count(*), count(*) FILTER ({shared}), sum(n), sum(n) FILTER ({shared}) FROM ({of})"
        values, common, total, covered = (int(n or 0) for n in connection.execute(query).fetchone() or (0, 0, 0, 0))
        if common > 1 and covered >= SHARED * total:
            found[column.name] = Repeats(values, common, covered / total)
    return found


def with_tails(schema: Schema, found: Mapping[str, Repeats]) -> Schema:
    """The schema with these columns as categories whose rare values are grouped."""

    def known(column: Column) -> Column:
        return replace(column, type="categorical", rare="similar") if column.name in found else column

    return replace(schema, columns=tuple(known(c) for c in schema.columns))


def with_forms(schema: Schema, found: Mapping[str, Detected]) -> Schema:
    """The schema with the forms that were found."""

    def known(column: Column) -> Column:
        one = found.get(column.name)
        return column if one is None else replace(column, type=one.type, format=one.form)

    return replace(schema, columns=tuple(known(c) for c in schema.columns))


def _of_people(connection: duckdb.DuckDBPyConnection, column: Column, people: People, detected: Detected) -> Detected:
    """The form without those of several that fewer than ``MIN_COUNT`` people write: a unit may be one person's word."""
    import pyarrow.compute as pc

    if not isinstance(parse_form(detected.form), Mixed):
        return detected
    of = f"SELECT DISTINCT {quote(column.name)} AS v, {people.who} AS who FROM {people.rows}"
    pairs = connection.sql(f"{of} WHERE v IS NOT NULL").to_arrow_table().combine_chunks()
    texts, whose = pairs.column("v").chunk(0), pairs.column("who").chunk(0)
    first, *others = detected.form.split(" | ")
    read = ((other, parse_form(other).read(texts).fits) for other in others)
    held = [other for other, fits in read if pc.count_distinct(whose.filter(fits)).as_py() >= MIN_COUNT]
    return replace(detected, form=" | ".join((first, *held)))


def _may(column: Column) -> bool:
    text = column.sql_type == "VARCHAR" and column.type in ("text", "categorical")
    return text or (column.type == "integer" and provisional_type(column.sql_type) == "integer")


def _detected(connection: duckdb.DuckDBPyConnection, column: Column, train: Path) -> Detected | None:
    name, rows = quote(column.name), parquet_scan(train)
    first = f"SELECT {name} FROM {rows} WHERE {name} IS NOT NULL LIMIT {FIRST}"
    sample = connection.execute(f"SELECT DISTINCT CAST({name} AS VARCHAR) FROM ({first}) LIMIT {SAMPLE}").fetchall()
    seen = sorted(str(row[0]) for row in sample)
    text = column.sql_type == "VARCHAR"
    forms = candidates(column.name, seen, whole=not text)
    if not seen or not (forms or (text and looks_written(seen))):
        return None
    counted = f"SELECT CAST({name} AS VARCHAR) AS v, count(*) AS n FROM {rows} WHERE {name} IS NOT NULL GROUP BY 1"
    values = connection.sql(f"{counted} ORDER BY n DESC, v").to_arrow_table().combine_chunks()
    texts, counts = values.column("v").chunk(0), values.column("n").chunk(0)
    found = detect(forms, texts, counts) if forms else None
    if found is None and text:
        found = detect_text(seen, texts, counts, category=column.type == "categorical")
    return found
