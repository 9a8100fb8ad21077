"""How text is understood that carries no type: by evidence over all rows, and only where nothing is declared.

Every reading is a pattern and a strict cast, so no value is taken for what it is not: codes such as ``0x1F``, ``1E5``,
``007`` and ``+49`` stay text, and so do whole numbers that no BIGINT holds. A column is what *all* its values are.
Dates of which the day and the month can be either way round stay text as well: somebody has to say it.

What is found here depends on every row, so a source under ``epsilon`` never comes here: its columns are read as they
are declared. For other sources the finding is recorded beside the rows and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

from synthkit.schema import LogicalType
from synthkit.sources.types import NOT_NUMBERS, number_text, provisional_type
from synthkit.sql.quoting import literal, quote

if TYPE_CHECKING:
    import duckdb

# What a format says of a value by itself: JSON tells numbers, booleans and texts apart, CSV has text alone.
Kind = Literal["number", "boolean", "string", "any", "mixed"]

_SAMPLE = 200  # rows that say which readings are worth trying
_LIKELY = 0.9  # of the sample's values, to try a reading
_NEARLY = 0.95  # of all values, to tell that a few others keep the column from being what the rest is
_AT_ONCE = 200  # counts in one query
_DAY = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6}0*)?)?"
_WORDS = {
    "BOOLEAN": "true or false",
    "BIGINT": "whole numbers",
    "DOUBLE": "numbers",
    "DATE": "dates",
    "TIME": "times of day",
    "TIMESTAMP": "points in time",
    "TIMESTAMP WITH TIME ZONE": "points in time",
}


@dataclass(frozen=True)
class Reading:
    """Text as values of ``sql_type``: ``pattern`` is a regular expression for the trimmed text, which the cast must
    accept as well; ``format`` is strptime's, None for ISO 8601."""

    sql_type: str
    pattern: str
    format: str | None = None

    def value(self, column: str) -> str:
        """SQL for the value of a text (SQL), NULL where the cast refuses it."""
        return parsed(column, self.sql_type, self.format)

    def misfits(self, column: str) -> str:
        """SQL for whether a text (SQL) is there and no such value."""
        shape = f"regexp_matches(trim({column}), {literal(self.pattern)})"
        return f"({column} IS NOT NULL AND NOT ({shape} AND {self.value(column)} IS NOT NULL))"


@dataclass(frozen=True)
class Found:
    """A column as it lies in the source.

    Attributes:
        sql_type: the type that the source defines or, where ``written``, that was inferred from all rows.
        written: whether ``raw`` holds text that is cast row by row.
        format: of dates or times, strptime's; None for ISO 8601.
        note: what a person should know of the reading.
    """

    sql_type: str
    written: bool = False
    format: str | None = None
    note: str | None = None


TEXT = Found("VARCHAR", written=True)
READINGS = (
    Reading("BOOLEAN", r"^(?i:true|false)$"),
    Reading("BIGINT", r"^(0|-?[1-9][0-9]{0,18})$"),
    Reading(
        "DOUBLE",
        # An exponent needs a point before it or a sign within, which every writer of numbers gives it: 1E5 is a code.
        r"^-?((0|[1-9][0-9]{0,17})(\.[0-9]*)?|\.[0-9]+)([eE][+-][0-9]{1,3})?$"
        rf"|^-?[0-9]+\.[0-9]*[eE][0-9]{{1,3}}$|{NOT_NUMBERS}",
    ),
    Reading("DATE", f"^{_DAY}$"),
    Reading("TIMESTAMP", f"^{_DAY}([ T]{_CLOCK})?$"),
    Reading("TIMESTAMP WITH TIME ZONE", rf"^{_DAY}[ T]{_CLOCK}\s*([zZ]|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$"),
    Reading("TIME", r"^([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$"),
)
_BY_TYPE = {r.sql_type: r for r in READINGS}
_ALSO: Mapping[str, tuple[str, ...]] = {"BIGINT": ("DOUBLE",), "DATE": ("TIMESTAMP",)}  # later rows may widen these
LOSSLESS = ("BOOLEAN", "BIGINT")  # what a category or a key may become: each value is written in one way alone


@lru_cache(maxsize=1)
def formats() -> tuple[Reading, ...]:
    """Dates, with and without a time, in the orders and separators that people write them in."""
    days = [
        (r"[0-9]{1,2}S[0-9]{1,2}S[0-9]{4}", ("%dS%mS%Y", "%mS%dS%Y")),
        (r"[0-9]{1,2}S[0-9]{1,2}S[0-9]{2}", ("%dS%mS%y", "%mS%dS%y", "%yS%mS%d")),
        (r"[0-9]{4}S[0-9]{1,2}S[0-9]{1,2}", ("%YS%mS%d",)),
    ]
    clocks = [
        ("", ""),
        (r" [0-9]{1,2}:[0-9]{2}", " %H:%M"),
        (r" [0-9]{1,2}:[0-9]{2}:[0-9]{2}", " %H:%M:%S"),
        (r" [0-9]{1,2}:[0-9]{2} ?(?i:am|pm)", " %I:%M %p"),
        (r" [0-9]{1,2}:[0-9]{2}:[0-9]{2} ?(?i:am|pm)", " %I:%M:%S %p"),
    ]
    found = []
    for separator, (shape, orders), (clock, times) in product("/-.", days, clocks):
        pattern = "^" + shape.replace("S", re.escape(separator)) + clock + "$"
        for order in orders:
            if separator == "-" and order.startswith("%Y"):
                continue  # ISO
            found.append(Reading("TIMESTAMP" if clock else "DATE", pattern, order.replace("S", separator) + times))
    return tuple(found)


def parsed(column: str, sql_type: str, format: str | None) -> str:
    """SQL for a text (SQL) as ``sql_type``, NULL where it is none."""
    if format is None:
        return f"TRY_CAST(trim({column}) AS {sql_type})"
    moment = f"try_strptime(trim({column}), {literal(format)})"
    return moment if sql_type == "TIMESTAMP" else f"CAST({moment} AS {sql_type})"


@dataclass(frozen=True)
class Column:
    """A column of text to be understood: what its format says of its values, and how it is declared."""

    name: str
    kind: Kind = "any"
    declared: LogicalType | None = None
    formats: Mapping[str, str] | None = None  # SQL type → the format that is declared for the file
    separators: tuple[str, str] = ("", ".")  # of thousands, and of decimals


def understand(connection: duckdb.DuckDBPyConnection, columns: Sequence[Column]) -> dict[str, Found]:
    """What the text of the view ``raw`` is, column by column. Two passes over the rows at most."""
    sampled = _sample(connection, [c.name for c in columns])
    tried = {c.name: _likely(c, sampled[c.name]) for c in columns}
    counts = _count(connection, columns, tried)
    again = [c for c in columns if not sampled[c.name] and counts[c.name].filled and possible(c)]
    if again:  # no value in the first rows: now there is one
        late = {c.name: _likely(c, [counts[c.name].example]) for c in again}
        tried |= late
        counts |= _count(connection, again, late)
    return {c.name: _decided(c, tried[c.name], counts[c.name]) for c in columns}


@dataclass(frozen=True)
class _Counts:
    filled: int
    example: Any  # one value, of any row
    misfits: tuple[tuple[int, Any], ...] = ()  # per reading: how many, and one of them


def possible(column: Column) -> tuple[Reading, ...]:
    """The readings that a column's declaration and its format leave open."""
    if column.kind == "mixed" or column.declared == "text":
        return ()
    own = [replace(_BY_TYPE[t], format=f, pattern="") for t, f in (column.formats or {}).items()]
    every = (*own, *READINGS, *formats())
    if column.declared in ("categorical", "id"):
        every = tuple(_BY_TYPE[t] for t in LOSSLESS)
    elif column.declared in ("date", "datetime"):
        # ISO and what is declared are read without asking the rows; these are the ways round that are left
        types = ("DATE",) if column.declared == "date" else ("DATE", "TIMESTAMP")
        every = () if column.formats else tuple(r for r in every if r.sql_type in types)
    elif column.declared is not None:
        return ()
    if column.kind == "number":
        return tuple(r for r in every if r.sql_type in ("BIGINT", "DOUBLE"))
    if column.kind == "boolean":
        return tuple(r for r in every if r.sql_type == "BOOLEAN")
    if column.kind == "string":
        return tuple(r for r in every if provisional_type(r.sql_type) in ("date", "datetime", "time"))
    return every


def _sample(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> dict[str, list[str]]:
    listed = ", ".join(quote(n) for n in names)
    rows = connection.execute(f"SELECT {listed} FROM raw LIMIT {_SAMPLE}").fetchall() if names else []
    return {name: [str(r[i]) for r in rows if r[i] is not None] for i, name in enumerate(names)}


def _likely(column: Column, values: Sequence[str]) -> tuple[Reading, ...]:
    """The readings that most of the sample looks like; the rows decide."""
    if not values:
        return ()
    found: list[Reading] = []
    for reading in possible(column):
        shape = re.compile(reading.pattern)
        # Words such as nan are numbers among numbers, not by themselves.
        numbers = reading.sql_type != "DOUBLE" or any(not re.search(NOT_NUMBERS, v.strip()) for v in values)
        looks = sum(1 for v in values if shape.search(_as_number(column, reading, v).strip()))
        if numbers and looks >= _LIKELY * len(values):
            found.append(reading)
    return tuple(found)


def _as_number(column: Column, reading: Reading, value: str) -> str:
    thousands, decimal = column.separators
    if reading.sql_type not in ("BIGINT", "DOUBLE"):
        return value
    value = value.replace(thousands, "") if thousands else value
    return value.replace(decimal, ".") if decimal != "." else value


def _text(column: Column, reading: Reading) -> str:
    name = quote(column.name)
    return number_text(name, column.separators) if reading.sql_type in ("BIGINT", "DOUBLE") else name


def _terms(column: Column, readings: Sequence[Reading]) -> Iterator[str]:
    name = quote(column.name)
    yield f"count({name})"
    yield f"any_value({name})"
    for reading in readings:
        misfits = reading.misfits(_text(column, reading))
        yield f"count(*) FILTER ({misfits})"
        yield f"any_value({name}) FILTER ({misfits})"


def _count(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[Column], tried: Mapping[str, tuple[Reading, ...]]
) -> dict[str, _Counts]:
    """How many values are no such values, by column and reading; a bounded number of counts at once."""
    found: dict[str, _Counts] = {}
    waiting = [c for c in columns if possible(c)]
    found |= {c.name: _Counts(0, None) for c in columns if not possible(c)}
    while waiting:
        some: list[Column] = []
        terms: list[str] = []
        while waiting and (not terms or len(terms) < _AT_ONCE):
            some.append(waiting.pop(0))
            terms += _terms(some[-1], tried[some[-1].name])
        row = connection.execute(f"SELECT {', '.join(terms)} FROM raw").fetchone()
        assert row is not None
        values = iter(row)
        for column in some:
            filled, example = next(values), next(values)
            misfits = tuple((int(next(values)), next(values)) for _ in tried[column.name])
            found[column.name] = _Counts(int(filled), example, misfits)
    return found


def _decided(column: Column, tried: Sequence[Reading], counts: _Counts) -> Found:
    """The first reading that every value has; text, with a note, where only nearly all have one."""
    if not counts.filled or not tried:
        return TEXT
    fitting = [r for r, (misfits, _) in zip(tried, counts.misfits, strict=True) if misfits == 0]
    written = [r for r in fitting if r.format is not None and r.format not in (column.formats or {}).values()]
    if fitting and fitting[0] not in written:
        return Found(fitting[0].sql_type, written=True, format=fitting[0].format)
    if len(written) == 1:
        chosen = written[0]
        note = f"column {column.name!r} is read as {_WORDS[chosen.sql_type]} written {chosen.format}"
        return Found(chosen.sql_type, written=True, format=chosen.format, note=note)
    if written and column.declared is not None:
        ways = " and ".join(str(r.format) for r in written)
        note = f"column {column.name!r} stays text, as {ways} both fit every value: declare its type and "
        return replace(TEXT, note=note + "options: {dateformat: …} (timestampformat with a time)")
    least = min(range(len(tried)), key=lambda i: counts.misfits[i][0])
    misfits, example = counts.misfits[least]
    if misfits > (1 - _NEARLY) * counts.filled or column.declared is not None:
        return TEXT
    what = f"{counts.filled - misfits:,} of {counts.filled:,} values are {_WORDS[tried[least].sql_type]}"
    way = f"options: {{nullstr: [{example!r}]}} if that stands for missing, or declare its type"
    return replace(TEXT, note=f"column {column.name!r} stays text: {what}, {example!r} is not ({way})")
