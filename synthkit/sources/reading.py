"""One pass over a source: each value in its declared type, beside it what is wrong, and what tells its row.

Outside a budget a value that does not fit, an infinite date and an undeclared null are errors that quote the row.
Under one they are none, as one row must not stop the others: each row is bent to the declaration by itself, or left
out, and counted for the console of who builds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.project.types import ColumnSpec, SourceTableSpec
from synthkit.schema import Column, Schema
from synthkit.sources.bounding import SALT as UNIT_SALT
from synthkit.sources.bounding import Declared, text_of
from synthkit.sources.canonical import joined, told_apart
from synthkit.sources.describe import typed
from synthkit.sources.family import Ownership, own_side, side, unit_side, up
from synthkit.sources.location import column_location, location
from synthkit.sources.scan import Opened
from synthkit.sources.split import SALT, bucket
from synthkit.sources.types import DEFAULT_DECIMALS, provisional_type
from synthkit.sources.written import Found
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import literal, quote

if TYPE_CHECKING:
    import duckdb

_SHOWN = 3  # offending values in an error
_AT_ONCE = 200  # columns counted in one query


@dataclass(frozen=True)
class Belonging:
    """A table's way to whom its rows belong, and the file of its owner's sides, where that had to be read."""

    ownership: Ownership
    owners: Path | None = None


@dataclass(frozen=True)
class Sides:
    """How the bucket of each row comes about by its keys (:mod:`.family`).

    Attributes:
        columns: SQL of what stands beside each row: its bucket, or what it is found by when the owner's are joined.
        joins: whether they are; :meth:`joined` is then SQL for all of it, in the rows' order.
    """

    family: Belonging
    mark: str
    columns: tuple[str, ...]

    @staticmethod
    def of(source: Opened, family: Belonging, mark: str) -> Sides:
        way = family.ownership
        if not way.owned:
            return Sides(family, mark, (f"{unit_side(source, way.columns)} AS {mark}bucket",))
        key, own = up(source, way.columns), own_side(source)
        if family.owners is None:
            return Sides(family, mark, (f"{side(key, own, way.owner, None)} AS {mark}bucket",))
        return Sides(family, mark, (f"{key} AS {mark}up", f"{own} AS {mark}own"))

    @property
    def joins(self) -> bool:
        return self.family.owners is not None

    def joined(self, rows: Path) -> str:
        assert self.family.owners is not None
        found = side(f"r.{self.mark}up", f"r.{self.mark}own", self.family.ownership.owner, "o.bucket")
        every = parquet_scan(rows, file_row_number="true")
        owner = parquet_scan(self.family.owners)
        dropped = f"{self.mark}up, {self.mark}own, file_row_number"
        return (
            f"SELECT r.* EXCLUDE ({dropped}), {found} AS {self.mark}bucket FROM {every} r "
            f"LEFT JOIN {owner} o ON r.{self.mark}up = o.key ORDER BY r.file_row_number"
        )


@dataclass(frozen=True)
class Reading:
    """One pass over a source: each column in its type, beside it what is wrong, and what tells the row.

    Attributes:
        every: where the rows come to lie.
        schema: what they are read as; names in the source's order, or in the declared one.
        marks: by column, the boolean columns of ``every`` that mark what is wrong with its values.
        bucket, unit, order: columns of ``every`` with the row's number for the holdout, its privacy unit and its place
            among the unit's rows.
        sides: how the bucket follows from keys, where it does.
        infinite: by column, how many infinite numbers the check found: SQL models read them, nothing learns them.
    """

    source: Opened
    declared: Declared | None
    found: Mapping[str, Found]
    schema: Schema
    every: Path
    marks: Mapping[str, Mapping[str, str]]
    bucket: str
    unit: str
    order: str
    columns: tuple[str, ...]
    sides: Sides | None = None
    infinite: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def of(source: Opened, declared: Declared | None, scratch: Path, family: Belonging | None = None) -> Reading:
        """Raises BuildError for a column that the declaration has and the source has not."""
        spec = source.spec
        if declared is None:
            found = source.found()
            schema = typed(spec, {n: f.sql_type for n, f in found.items()})
        else:
            schema = declared.schema
            found = {n: Found(source.stored.get(n, "VARCHAR"), source.written) for n in source.names}
            lacking = next((n for n in schema.names if n not in found), None)
            if lacking is not None:
                raise BuildError(
                    f"source table {spec.name!r} has no column {lacking!r}", column_location(spec, lacking)
                )
        mark = "__"
        while any(n.lower().startswith(mark) for n in source.names):
            mark += "_"
        columns, marks = [], {}
        for i, c in enumerate(schema.columns):
            value, wrong = _checked(source, c, found[c.name], declared is not None)
            columns.append(f"{value} AS {quote(c.name)}")
            columns += [f"{condition} AS {mark}{what}{i}" for what, condition in wrong.items()]
            marks[c.name] = {what: f"{mark}{what}{i}" for what in wrong}
        together = schema.privacy_unit
        unit = None if together is None else told_apart(source.unit(together))
        sides = None if family is None else Sides.of(source, family, mark)
        if sides is None:
            columns.append(f"{bucket(source.row(SALT) if unit is None else joined(SALT, [unit]))} AS {mark}bucket")
        else:
            columns += sides.columns
        if declared is not None and unit is not None:
            columns.append(f"{unit} AS {mark}unit")
            columns.append(f"md5({source.row(UNIT_SALT)}) AS {mark}order")
        for key in () if declared is None else declared.keys:
            columns.append(f"{source.unit(key)} AS {quote(text_of(key))}")
        return Reading(
            source, declared, found, schema, scratch / "every.parquet", marks,
            f"{mark}bucket", f"{mark}unit", f"{mark}order", tuple(columns), sides,
        )  # fmt: skip

    @property
    def scan(self) -> str:
        return parquet_scan(self.every, file_row_number="true")

    @property
    def keep(self) -> str:
        """SQL for whether a row of ``every`` is learnt from: under a budget, one without a hole where none may be."""
        if self.declared is None:
            return "true"
        needed = [f"NOT {self.marks[c.name]['hole']}" for c in self.schema.columns if "hole" in self.marks[c.name]]
        return " AND ".join(needed) or "true"

    def write(self) -> None:
        self.every.parent.mkdir(parents=True, exist_ok=True)
        query = f"SELECT {', '.join(self.columns)} FROM raw"
        joins = self.sides is not None and self.sides.joins
        first = self.every.with_name("unsided.parquet") if joins else self.every
        self.source.connection.execute(f"COPY ({query}) TO {literal(str(first))} (FORMAT parquet)")
        if self.sides is not None and joins:
            query = self.sides.joined(first)
            self.source.connection.execute(f"COPY ({query}) TO {literal(str(self.every))} (FORMAT parquet)")
            first.unlink()

    def notes(self) -> list[str]:
        """Check the rows that were written. Returns what a person should know; raises BuildError as the module says."""
        said = [*self.source.notes, *(f.note for f in self.found.values() if f.note is not None)]
        return said + (_check(self) if self.declared is None else _bent(self))

    def inferred(self) -> dict[str, str]:
        """The types and formats that nothing declares, by column."""
        if not self.source.written or self.declared is not None:
            return {}
        declared = {c.name for c in self.source.spec.columns if not c.type is c.format is None}
        return {
            n: f.sql_type if f.format is None else f"{f.sql_type} written {f.format}"
            for n, f in self.found.items()
            if n not in declared or f.format is not None
        }


def _checked(source: Opened, column: Column, found: Found, bend: bool) -> tuple[str, dict[str, str]]:
    """SQL of a column's value, and of what may be wrong with it: misfit, nan, infinite; under ``bend`` a hole: nothing,
    where the declaration demands something."""
    name, wanted = quote(column.name), column.sql_type
    value = source.value(column.name, found, wanted)
    wrong = {}
    if found.written and wanted == "VARCHAR":
        pass  # text takes everything
    elif found.written or found.sql_type != wanted:
        if bend and wanted == "VARCHAR":
            value = source.canonical(column.name)  # how a number is stored must not decide how it is written
        blank = f"trim(CAST({name} AS VARCHAR)) = ''"
        wrong["misfit"] = f"({name} IS NOT NULL AND NOT ({blank}) AND ({value}) IS NULL)"
    kind = provisional_type(wanted)
    if kind == "float":
        wrong["nan"] = f"coalesce(isnan({value}), false)"
        wrong["infinite"] = f"coalesce(isinf({value}), false)"
        dropped = f"isnan({value}) OR isinf({value})" if bend else f"isnan({value})"
        value = f"CASE WHEN {dropped} THEN NULL ELSE {value} END"
    elif kind in ("date", "datetime", "time"):
        # What not every way out of a table can say: pandas, polars and Python have no such dates, and no 24:00.
        said = (
            f"{value} < TIME '24:00:00'"
            if kind == "time"
            else f"isfinite({value}) AND year({value}) BETWEEN 1 AND 9999"
        )
        wrong["unsaid"] = f"coalesce(NOT ({said}), false)"
        if bend:
            value = f"CASE WHEN {said} THEN {value} END"
    if bend and not column.nullable and column.modelled:
        wrong["hole"] = f"({value}) IS NULL"
    return value, wrong


def _counts(reading: Reading, whats: Sequence[str]) -> tuple[int, dict[str, dict[str, int]]]:
    """The number of rows, and of each column how many values are marked; a bounded number of counts in a query."""
    rows, found = 0, {}
    names = list(reading.schema.names)
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        counts = ["count(*)"]
        for name in some:
            marks = reading.marks[name]
            counts += [f"count(*) FILTER ({marks.get(what, 'false')})" for what in whats]
            counts.append(f"count(*) - count({quote(name)})")
        row = reading.source.connection.execute(f"SELECT {', '.join(counts)} FROM {reading.scan}").fetchone()
        assert row is not None
        rows, width = int(row[0]), len(whats) + 1
        for i, name in enumerate(some):
            listed = [int(n) for n in row[1 + width * i : 1 + width * (i + 1)]]
            found[name] = dict(zip((*whats, "null"), listed, strict=True))
    if rows == 0:
        spec = reading.source.spec
        hint = "a generator learns from rows: check the file, or the query"
        raise BuildError(f"source table {spec.name!r} has no rows", location(spec, "name"), hint)
    return rows, found


def _bent(reading: Reading) -> list[str]:
    """What was done to rows outside the declaration, for the console of who builds: nothing else may hear of it."""
    rows, counts = _counts(reading, ("misfit", "infinite", "unsaid", "hole"))
    notes = []
    for column in reading.schema.columns:
        found = counts[column.name]
        if found["null"] == rows and not found["misfit"]:  # JSON lines do not say which keys there are
            notes.append(f"column {column.name!r} has no value in any row: is it written as in the source?")
        if not column.modelled:
            continue  # its values are made up
        outside = found["misfit"] + found["infinite"] + found["unsaid"]
        if outside:
            notes.append(f"column {column.name!r}: {outside:,} of {rows:,} values are no {column.type}: missing")
        if found["hole"]:
            notes.append(f"column {column.name!r} is declared not nullable: {found['hole']:,} rows are left out")
    return notes


def _check(reading: Reading) -> list[str]:
    """Raise for values that do not fit, nulls where there may be none, and a table without rows."""
    spec, connection = reading.source.spec, reading.source.connection
    rows, counts = _counts(reading, ("misfit", "infinite", "unsaid", "nan"))
    notes, declared = [], {c.name: c for c in spec.columns}
    for column in reading.schema.columns:
        found, where = counts[column.name], column_location(spec, column.name)
        if found["misfit"]:
            bad = f"SELECT file_row_number FROM {reading.scan} WHERE {reading.marks[column.name]['misfit']}"
            what = f"column {column.name!r}: {found['misfit']:,} of {rows:,} values are not {_wanted(declared, column)}"
            raise BuildError(f"{what} ({_offending(connection, column.name, bad)})", where, _misfit_hint(spec, column))
        if found["unsaid"]:
            bad = f"SELECT file_row_number FROM {reading.scan} WHERE {reading.marks[column.name]['unsaid']}"
            limits = (
                "24:00" if provisional_type(column.sql_type) == "time" else "infinite, or outside the years 1 to 9999"
            )
            shown = _offending(connection, column.name, bad)
            what = (
                f"column {column.name!r} holds {found['unsaid']:,} values that no table can publish ({limits}): {shown}"
            )
            raise BuildError(what, where, "mend the source, or declare type: text")
        reading.infinite.update({column.name: found["infinite"]} if found["infinite"] else {})
        if found["null"] and column.name == spec.entity:
            what = (
                f"column {column.name!r} says whose history a row is part of, and is missing in {found['null']:,} rows"
            )
            raise BuildError(what, location(spec, "entity"), "mend the source, or leave these rows out by a query")
        if found["null"] and not column.nullable:
            empty = f"SELECT min(file_row_number) + 1 FROM {reading.scan} WHERE {quote(column.name)} IS NULL"
            first = connection.execute(empty).fetchone()
            assert first is not None
            what = f"column {column.name!r} is declared not nullable: {found['null']:,} nulls in {rows:,} rows"
            raise BuildError(f"{what} (first: row {first[0]:,})", where, "drop nullable: false, or mend the source")
        if found["nan"]:
            notes.append(f"column {column.name!r}: {found['nan']:,} NaN became missing values")
    return notes


def _wanted(declared: Mapping[str, ColumnSpec], column: Column) -> str:
    said = declared.get(column.name)
    if said is None or said.type is None:
        return column.sql_type
    if said.type != "decimal":
        return str(said.type)
    decimals = DEFAULT_DECIMALS if said.decimals is None else said.decimals
    return f"decimal of {decimals} decimals"


def _misfit_hint(spec: SourceTableSpec, column: Column) -> str:
    ways = "mend the source, or declare another type (float and decimals: widen; text takes everything)"
    if spec.path is not None:
        ways += "; options: {nullstr: [...]} says which words stand for missing"
        if column.type in ("date", "datetime"):
            option = "dateformat" if column.type == "date" else "timestampformat"
            ways += f", {{{option}: …}} how what is not ISO 8601 is written"
    return ways


def _offending(connection: duckdb.DuckDBPyConnection, column: str, rows: str) -> str:
    """The first values that do not fit as they are in the source, and where: rows count from 1, without the header."""
    numbers = [int(r[0]) for r in connection.execute(f"{rows} ORDER BY 1 LIMIT {_SHOWN}").fetchall()]
    shown = []
    for number in numbers:
        row = connection.execute(f"SELECT CAST({quote(column)} AS VARCHAR) FROM raw LIMIT 1 OFFSET {number}").fetchone()
        assert row is not None
        shown.append(f"{row[0]!r} in row {number + 1:,}")
    return ", ".join(shown)
