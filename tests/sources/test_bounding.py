"""Rows bounded per privacy unit: one unit more or less moves no other unit's rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.schema import Column, LogicalType, Schema
from synthkit.sources.bounding import Declared
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.ingest import ingest
from tests.sources.reading import source

DECLARED = Schema((Column("who", "id", "VARCHAR"), Column("x", "integer", "BIGINT")), privacy_unit="who")
Rows = list[tuple[str | None, str | None]]


def kept(rows: Rows, most: int, declared: Schema = DECLARED, **columns: str) -> Counter[tuple[object, ...]]:
    with TemporaryDirectory() as folder:
        lines = [f"{who or ''},{x or ''}\n" for who, x in rows]
        (Path(folder) / "t.csv").write_text("who,x\n" + "".join(lines))
        spec = source(path="t.csv", columns=columns, privacy_unit=declared.privacy_unit)
        split = ingest(
            spec,
            root=Path(folder),
            connections={},
            holdout=0.0,
            directory=Path(folder) / "splits",
            source_hash=content_hash(spec, root=Path(folder), connections={}, cache=None),
            declared=Declared(declared, most),
        )
        assert split.bounded is not None
        read = split.bounded.to_arrow()
        assert read.num_rows == split.bounded.rows
        assert read.schema.field("x").type == pa.int64()
        return Counter(tuple(r.values()) for r in read.to_pylist())


rows_of_units = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "d", None]), st.sampled_from(["1", "2", "3", "x", None])),
    min_size=1,
    max_size=25,
)


@settings(max_examples=15, deadline=None)
@given(rows_of_units, st.integers(1, 4), st.sampled_from(["a", "b", None]))
def test_a_unit_adds_at_most_its_share_and_moves_no_other(rows: Rows, most: int, unit: str | None) -> None:
    others = [r for r in rows if r[0] != unit]
    every, without = kept(rows, most), kept(others, most) if others else Counter[tuple[object, ...]]()
    assert not without - every, "rows of other units were lost or changed"
    added = every - without
    assert {r[0] for r in added} <= {unit}
    assert sum(added.values()) == min(most, sum(r[0] == unit for r in rows))


@settings(max_examples=6, deadline=None)
@given(rows_of_units)
def test_a_value_that_does_not_fit_is_missing_and_its_row_stays(rows: Rows) -> None:
    found = kept(rows, 100)
    assert sum(found.values()) == len(rows)
    wanted = Counter((who, int(x) if x in ("1", "2", "3") else None) for who, x in rows)
    assert found == wanted


def test_where_a_row_is_the_unit_every_row_stays() -> None:
    one = Schema(DECLARED.columns)
    rows: Rows = [("a", "1")] * 5
    assert kept(rows, 1, one) == Counter({("a", 1): 5})


def test_units_whose_values_do_not_fit_stay_apart() -> None:
    """Both become missing, but each may have its own rows: else a row of the one would push out one of the other."""
    one = Schema((Column("who", "id", "BIGINT"), Column("x", "integer", "BIGINT")), privacy_unit="who")
    assert kept([("a", "1"), ("b", "2"), ("a", "1")], 1, one) == Counter({(None, 1): 1, (None, 2): 1})


def test_a_row_without_what_must_be_there_is_left_out() -> None:
    full = Schema((Column("who", "id", "VARCHAR"), Column("x", "integer", "BIGINT", nullable=False)))
    assert kept([("a", "1"), ("b", None), ("c", "2.5"), ("d", "4")], 1, full) == Counter({("a", 1): 1, ("d", 4): 1})


WAYS = [
    ("integer", "BIGINT", ["7", "07", "+7", "7.0"], ["x7", "7.5", "99999999999999999999"]),
    ("date", "DATE", ["2020-01-02", "2020-01-02 00:00:00", "2020-1-2"], ["2020-02-30", "02.01.2020"]),
    ("decimal", "DECIMAL(18,2)", ["1.5", "1.50", "01.5"], ["1.501", "1.5 EUR"]),
    ("boolean", "BOOLEAN", ["true", "TRUE", "t"], ["maybe"]),
]


@pytest.mark.parametrize(("kind", "sql_type", "same", "others"), WAYS)
def test_a_value_that_is_written_in_two_ways_is_one_unit(
    kind: LogicalType, sql_type: str, same: list[str], others: list[str]
) -> None:
    """A person whose rows say 7 and 07 is one person; what is no such value is told by its text."""
    schema = Schema((Column("who", kind, sql_type), Column("x", "integer", "BIGINT")), privacy_unit="who")
    rows: Rows = [(who, str(x)) for x in range(3) for who in same]
    assert sum(kept(rows, 2, schema, who=kind).values()) == 2
    odd: Rows = [(who, "1") for who in others for _ in range(3)]
    assert sum(kept([*rows, *odd], 2, schema, who=kind).values()) == 2 + 2 * len(others)


def test_keys_that_are_written_otherwise_are_other_units() -> None:
    """007 and 7 may be two people: to take them for one would let each decide which rows of the other are read."""
    schema = Schema((Column("who", "id", "BIGINT"), Column("x", "integer", "BIGINT")), privacy_unit="who")
    assert sum(kept([("7", "1"), ("007", "1"), ("7", "2")], 1, schema, who="id").values()) == 2
