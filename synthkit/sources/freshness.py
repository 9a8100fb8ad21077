"""How old a source is: the time of its newest row, or of its files, against a clock that the caller brings.

Freshness is no audit. An audit judges rows, and the same rows get the same verdict, which is kept for as long as
nothing changes; a source that stands still changes nothing and grows stale all the same. So it is looked at anew in
every build, outside all fingerprints, and what it says follows from the source and the clock alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from synthkit.errors import SynthError, did_you_mean
from synthkit.project.types import ConnectionSpec, FreshnessSpec, SourceTableSpec
from synthkit.sources.files import find_files
from synthkit.sources.location import location
from synthkit.sources.readers import reader_of
from synthkit.sources.scan import opened
from synthkit.sources.types import cast
from synthkit.sql.quoting import quote
from synthkit.sql.statements import one_select, shut

Verdict = Literal["pass", "warn", "error"]


@dataclass(frozen=True)
class Freshness:
    """What was found of one source.

    Args:
        name: ``group.table``.
        loaded_at: when its newest row, or else its newest file, was written; None where that is not known.
        age: the clock's time less that.
    """

    name: str
    loaded_at: datetime | None
    age: timedelta | None
    status: Verdict
    message: str

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.name,
            "loaded_at": None if self.loaded_at is None else self.loaded_at.isoformat(),
            "age_seconds": None if self.age is None else round(self.age.total_seconds(), 3),
            "status": self.status,
            "message": self.message,
        }


def check_freshness(
    name: str,
    spec: SourceTableSpec,
    *,
    root: Path,
    connections: Mapping[str, ConnectionSpec],
    now: datetime,
) -> Freshness:
    """Judge one source that declares ``freshness``. What cannot be found out is the verdict "error".

    Args:
        name: what to call the source.
        now: the clock, with a time zone.
    """
    assert spec.freshness is not None
    try:
        loaded = last_loaded(spec, root=root, connections=connections)
    except SynthError as error:
        return Freshness(name, None, None, "error", f"{name}: {error.message}")
    if loaded is None:
        what = f"no row has a {spec.loaded_at_field}"
        return Freshness(name, None, None, "error", f"{name}: {what}, so its freshness is not known")
    age = now - loaded
    status, against = judged(age, spec.freshness)
    if age < timedelta(0):
        ahead = f"{name}: loaded {_text(-age)} ahead of the clock: is {spec.loaded_at_field or 'the file time'} in UTC?"
        return Freshness(name, loaded, age, "warn", ahead)
    return Freshness(name, loaded, age, status, f"{name}: last loaded {_text(age)} ago{against}")


def judged(age: timedelta, spec: FreshnessSpec) -> tuple[Verdict, str]:
    """The verdict on an age, and the limit that it is over. An age of exactly the limit is not over it."""
    verdicts: tuple[Verdict, Verdict] = ("error", "warn")
    for verdict, limit in zip(verdicts, (spec.error_after, spec.warn_after), strict=True):
        if limit is not None and age > limit.length:
            return verdict, f", {verdict}_after {limit}"
    return "pass", ""


def last_loaded(spec: SourceTableSpec, *, root: Path, connections: Mapping[str, ConnectionSpec]) -> datetime | None:
    """When the source was last loaded: the greatest ``loaded_at_field``, or the newest file's time of modification.

    All rows count, those that are held out too. A date is its midnight; a time without an offset is in UTC.

    Raises:
        SynthError: the source, or its column, is not there; or the column holds no points in time.
    """
    if spec.loaded_at_field is None:
        newest = max(f.stat().st_mtime for f in find_files(spec, root))
        return datetime.fromtimestamp(newest, UTC)
    files = find_files(spec, root) if spec.path is not None else []
    with (
        TemporaryDirectory(prefix="synthkit-") as scratch,
        opened(spec, root=root, connections=connections, scratch=Path(scratch)) as source,
    ):
        if spec.path is not None or not reader_of(connections[spec.connection or ""]).shuts:  # that is shut already
            # DuckDB looks for a file called a[1].csv as for a pattern: in its folder.
            patterns = [f.parent for f in files if re.search(r"[*?\[]", f.name)]
            shut(source.connection, files, [Path(scratch), *patterns])
        if spec.loaded_at_field not in source.names:
            hint = did_you_mean(spec.loaded_at_field, source.names, "a column")
            raise SynthError(f"there is no column {spec.loaded_at_field!r}", location(spec, "loaded_at_field"), hint)
        found = source.found()
        columns = [f"{source.value(n, found[n], found[n].sql_type)} AS {quote(n)}" for n in source.names]
        source.connection.execute(f"CREATE TEMP VIEW loaded AS SELECT {', '.join(columns)} FROM raw")
        moment = _moment(spec.loaded_at_field, found[spec.loaded_at_field].sql_type)
        condition = spec.freshness.filter if spec.freshness is not None else None
        where = f" WHERE ({condition})" if condition else ""
        newest = _scalar(source.connection, f"SELECT max({moment}) FROM loaded{where}", spec)
    return None if newest is None else newest.replace(tzinfo=UTC)


def _moment(column: str, found: str) -> str:
    """SQL for a column as a TIMESTAMP in UTC; text is read as a declared ``datetime`` is."""
    if "TIME ZONE" in found or found == "TIMESTAMPTZ":
        return f"timezone('UTC', {quote(column)})"
    return cast(column, found, "TIMESTAMP")


def _scalar(connection: Any, query: str, spec: SourceTableSpec) -> Any:
    import duckdb

    try:
        row = connection.execute(one_select(connection, query)).fetchone()
    except ValueError as error:
        hint = "a filter is one condition, as after WHERE"
        raise SynthError(f"the query of its freshness: {error}", location(spec, "freshness"), hint) from None
    except duckdb.Error as error:
        text = " ".join(str(error).split("\n\nLINE ")[0].split())
        hint = "mend loaded_at_field or the filter under freshness"
        raise SynthError(f"its freshness cannot be read: {text}", location(spec, "freshness"), hint) from None
    return row[0]


def _text(age: timedelta) -> str:
    """An age in its two largest units: ``3 days 4 hours``; ``0 minutes`` where it is less than one."""
    minutes = int(age.total_seconds() // 60)
    parts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    shown = [f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in parts if n]
    return " ".join(shown[:2]) or "0 minutes"
