"""The encoding of native generators: what goes in comes out, in its own type."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.encoding.cells import Bins, Modes
from synthkit.encoding.encoder import Codes, Encoder
from synthkit.encoding.fitting import OTHER, Cut, arrow_of, fit_columns, fit_encoder
from synthkit.encoding.numbers import raw_numbers
from synthkit.errors import BuildError
from synthkit.schema import Column, LogicalType, Schema, Table

KINDS: dict[str, tuple[LogicalType, pa.DataType, st.SearchStrategy[Any]]] = {
    "integer": ("integer", pa.int64(), st.integers(-(2**40), 2**40)),
    "tiny": ("integer", pa.int8(), st.integers(-128, 127)),
    "hundreds": ("integer", pa.int32(), st.integers(-1000, 1000).map(lambda k: 100 * k + 7)),
    "cents": ("float", pa.float64(), st.integers(-(10**9), 10**9).map(lambda k: k / 100)),
    "decimal": ("decimal", pa.decimal128(12, 3), st.integers(-(10**9), 10**9).map(lambda k: Decimal(k) / 1000)),
    "boolean": ("boolean", pa.bool_(), st.booleans()),
    "text": ("categorical", pa.string(), st.text(max_size=3)),
    "date": ("date", pa.date32(), st.dates(dt.date(1700, 1, 1), dt.date(2300, 1, 1))),
    "datetime": (
        "datetime",
        pa.timestamp("us"),
        st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)).map(lambda d: d.replace(microsecond=0)),
    ),
    "zoned": (
        "datetime",
        pa.timestamp("us", tz="UTC"),
        st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC)).map(
            lambda d: d.replace(microsecond=0, second=0)
        ),
    ),
    "time": ("time", pa.time64("us"), st.times().map(lambda t: t.replace(microsecond=0))),
}


def table_of(tmp_path: Path, columns: dict[str, tuple[LogicalType, pa.Array]]) -> Table:
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
    rows = pa.table({name: values for name, (_, values) in columns.items()})
    pq.write_table(rows, path)
    schema = Schema(tuple(Column(name, kind, "") for name, (kind, _) in columns.items()))
    return Table(schema, (path,), rows.num_rows)


def again(encoder: Encoder) -> Encoder:
    """The encoder as it comes back from a file."""
    return Encoder.from_json(json.loads(json.dumps(encoder.to_json())))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("most", [2, 100])
def test_decoding_undoes_encoding(name: str, most: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    logical, arrow, values = KINDS[name]

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.none() | values, min_size=1, max_size=60))
    def check(given_values: list[Any]) -> None:
        column = pa.array(given_values, arrow)
        table = table_of(tmp_path_factory.mktemp("t"), {"x": (logical, column)})
        encoder = again(fit_encoder(table, cells="bins", most=most, rare="keep", min_count=1))
        codes = encoder.encode_table(table)
        assert codes.codes.dtype == np.uint16
        assert (codes.codes[:, 0] < encoder.cardinalities[0]).all()
        assert ((codes.residuals >= 0) & (codes.residuals < 1)).all()
        assert encoder.decode(codes).column("x").equals(column)

    check()


@pytest.mark.parametrize("most", [1, 5, 100])
def test_floats_come_back_within_the_precision_of_their_cell(
    most: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.floats(-1e12, 1e12, allow_nan=False), min_size=1, max_size=80))
    def check(numbers: list[float]) -> None:
        table = table_of(tmp_path_factory.mktemp("t"), {"x": ("float", pa.array(numbers))})
        encoder = fit_encoder(table, cells="bins", most=most)
        back = encoder.decode(encoder.encode_table(table)).column("x").to_numpy()
        width = max(numbers) - min(numbers)
        # A residual is a float32, 2^-24 of its cell, and a segment between knots up to 1,000 times steeper than that.
        assert np.all(np.abs(back - np.array(numbers)) <= width * 1e-3 + 1e-9)
        assert back.min() >= min(numbers)
        assert back.max() <= max(numbers)

    check()


def test_codes_alone_are_those_with_residuals(tmp_path: Path) -> None:
    columns = {
        "x": ("float", pa.array([0.5, None, 2.25] * 50)),
        "w": ("categorical", pa.array(["a", "b", None] * 50)),
    }
    table = table_of(tmp_path, columns)  # type: ignore[arg-type]
    for path in table.paths:
        pq.write_table(pq.read_table(path), path, row_group_size=40)
    encoder = fit_encoder(table, cells="bins", most=10)
    codes = encoder.codes_of(table)
    assert codes.dtype == np.int16
    assert np.array_equal(codes, encoder.encode_table(table).codes)


@pytest.mark.parametrize("unit", [None, "who"])
def test_a_column_is_encoded_by_itself_as_among_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: str | None
) -> None:
    for constant in ("SAMPLE", "MOST_LISTED"):  # fewer than there are: values are sampled, and their counts given up
        monkeypatch.setattr(f"synthkit.encoding.fitting.{constant}", 100)
    rng = np.random.default_rng(3)
    many = pa.array(rng.gamma(2, 3, 900), mask=rng.random(900) < 0.1)
    columns = {
        "x": ("float", many),
        "n": ("integer", pa.array(rng.poisson(5, 900))),
        "who": ("id", pa.array(range(900))),
    }
    table = table_of(tmp_path, columns)  # type: ignore[arg-type]
    pq.write_table(pq.read_table(table.paths[0]), table.paths[0], row_group_size=70)
    schema = replace(table.schema.select(["x", "n"]), privacy_unit=unit)
    table = replace(table, schema=schema)
    whole = fit_encoder(table, cells="bins", most=10, seed=4)
    said = Cut("bins", 10, seed=4)
    alone = tuple(fit_columns(table, [i], said)[0] for i in (0, 1))
    assert Encoder(alone, arrow_of(table)).to_json() == whole.to_json()


def test_ranges_spikes_and_gaps_survive_a_random_residual(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    hhmm = rng.integers(0, 24, 20_000) * 100 + rng.integers(0, 60, 20_000)  # 60 to 99 never end such a number
    zero_inflated = np.where(rng.random(20_000) < 0.6, 0.0, rng.gamma(2.0, 50.0, 20_000))
    table = table_of(tmp_path, {"t": ("integer", pa.array(hhmm)), "y": ("float", pa.array(zero_inflated))})
    encoder = fit_encoder(table, cells="bins", most=50)
    codes = encoder.encode_table(table)
    residuals = rng.random(codes.residuals.shape).astype(np.float32)
    drawn = encoder.decode(Codes(codes.codes, residuals))
    assert np.all(drawn.column("t").to_numpy() % 100 < 60)
    y = drawn.column("y").to_numpy()
    assert np.mean(y == 0) == np.mean(zero_inflated == 0)
    # Within the cells the shape is kept: the two-sample KS distance of 20,000 rows is below .01 (noise: .0136 at 5 %).
    from scipy.stats import ks_2samp

    assert ks_2samp(y, zero_inflated).statistic < 0.01


def test_missing_values_are_a_cell_and_an_empty_column_comes_back_empty(tmp_path: Path) -> None:
    table = table_of(
        tmp_path,
        {
            "a": ("integer", pa.array([1, None, 3], pa.int32())),
            "b": ("float", pa.array([None] * 3, pa.float64())),
            "c": ("categorical", pa.array(["x", None, "x"])),
            "d": ("categorical", pa.array([None] * 3, pa.string())),
            "e": ("float", pa.array([1.0, float("nan"), 2.0])),
        },
    )
    encoder = again(fit_encoder(table, cells="bins", most=10, min_count=1))
    assert encoder.cardinalities == (3, 1, 2, 1, 3)
    back = encoder.decode(encoder.encode_table(table)).to_pydict()
    assert back == {
        "a": [1, None, 3],
        "b": [None] * 3,
        "c": ["x", None, "x"],
        "d": [None] * 3,
        "e": [1.0, None, 2.0],
    }


def test_rare_categories_are_grouped_kept_or_anonymised(tmp_path: Path) -> None:
    words = ["common"] * 50 + ["usual"] * 30 + ["a"] * 3 + ["b"]
    table = table_of(tmp_path, {"w": ("categorical", pa.array(words))})
    grouped = fit_encoder(table, cells="bins", most=5, max_categories=2)
    assert grouped.cardinalities == (3,)
    assert grouped.decode(grouped.encode_table(table)).column("w").to_pylist() == words
    rare = Codes(np.full((4_000, 1), 2, np.uint16), np.random.default_rng(0).random((4_000, 1)).astype(np.float32))
    drawn = grouped.decode(rare).column("w").to_pylist()
    assert set(drawn) == {"a", "b"}
    assert drawn.count("a") / 4_000 == pytest.approx(0.75, abs=0.03)  # four standard errors
    assert fit_encoder(table, cells="bins", most=5, max_categories=2, rare="keep").cardinalities == (4,)
    hidden = again(fit_encoder(table, cells="bins", most=5, max_categories=2, rare="anonymise"))
    assert set(hidden.decode(hidden.encode_table(table)).column("w").to_pylist()) == {"common", "usual", OTHER}


def test_only_text_can_be_anonymised(tmp_path: Path) -> None:
    table = table_of(tmp_path, {"n": ("categorical", pa.array([1, 2, 3, 3]))})
    with pytest.raises(BuildError, match="only text can be anonymised"):
        fit_encoder(table, cells="bins", most=5, max_categories=1, rare="anonymise")


def test_an_unknown_category_is_named(tmp_path: Path) -> None:
    encoder = fit_encoder(table_of(tmp_path, {"w": ("categorical", pa.array(["red", "green"]))}), cells="bins", most=5)
    with pytest.raises(BuildError, match="never is 'gren'") as caught:
        encoder.cell_of("w", "gren")
    assert "green" in (caught.value.hint or "")
    with pytest.raises(BuildError, match="missing values here"):
        encoder.cell_of("w", None)


def test_infinite_numbers_are_refused(tmp_path: Path) -> None:
    table = table_of(tmp_path, {"x": ("float", pa.array([1.0, float("inf")]))})
    with pytest.raises(BuildError, match="infinite"):
        fit_encoder(table, cells="bins", most=5)


def test_modes_find_two_normals_and_a_spike(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(-100, 1, 3_000), rng.normal(100, 5, 3_000), np.zeros(2_000)])
    table = table_of(tmp_path, {"x": ("float", pa.array(x))})
    encoder = again(fit_encoder(table, cells="modes", most=10, seed=1))
    codes = encoder.encode_table(table, seed=2)
    assert not encoder.columns[0].has_residual[0]
    assert np.mean(codes.codes == 0) == pytest.approx(0.25)
    assert np.all(np.abs(codes.residuals) <= 1)
    back = encoder.decode(codes).column("x").to_numpy()
    assert np.all(back[x == 0] == 0)
    assert np.abs(back - x).max() < 5  # a value beyond four deviations of its mode is drawn in


def drawn_from(encoder: Encoder, table: Table, seed: int = 0) -> pa.RecordBatch:
    """The rows' cells with places in them drawn anew, as the circuit draws them."""
    codes = encoder.encode_table(table)
    random = np.random.default_rng(seed)
    return encoder.decode(Codes(codes.codes, random.random(codes.residuals.shape, dtype=np.float32)))


@pytest.mark.parametrize(
    "name", ["integer", "tiny", "hundreds", "cents", "decimal", "date", "datetime", "zoned", "time"]
)
def test_what_comes_back_is_common_or_of_the_range_of_a_group(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of a value with fewer than min_count people nothing is known but that a group lies around it."""
    logical, arrow, values = KINDS[name]
    few = 3

    @settings(max_examples=40, deadline=None)
    @given(st.lists(values, min_size=few, max_size=8, unique=True), st.lists(st.integers(1, 6), min_size=8), st.data())
    def check(different: list[Any], times: list[int], data: st.DataObject) -> None:
        rows = [v for v, n in zip(different, times, strict=False) for _ in range(n)]
        column = pa.array(rows, arrow)
        table = table_of(tmp_path_factory.mktemp("t"), {"x": (logical, column)})
        encoder = again(fit_encoder(table, cells="bins", most=data.draw(st.sampled_from([2, 4, 100])), min_count=few))
        bins = encoder.columns[0].cells
        assert isinstance(bins, Bins)
        grid = encoder.columns[0].grid
        assert grid is not None
        found, counts = np.unique(grid.positions(raw_numbers(column, "x")[0]), return_counts=True)
        common = set(found[counts >= few])
        assert set(bins.low[bins.point]) == common
        rare = np.repeat(found[counts < few], counts[counts < few])
        for low, high in zip(bins.low[~bins.point], bins.high[~bins.point], strict=True):
            assert np.count_nonzero((rare >= low) & (rare <= high)) >= few
        back = drawn_from(encoder, table).column("x")
        assert back.type == arrow
        assert min(rows) <= min(back.to_pylist())
        assert max(back.to_pylist()) <= max(rows)

    check()


def test_moments_that_differ_in_each_row_are_drawn_between_them(tmp_path: Path) -> None:
    """1,500 moments in two days, to the second: of as many others, 1 in 115 meets one of them by chance."""
    rng = np.random.default_rng(0)
    seconds = np.sort(rng.choice(2 * 86_400, 1_500, replace=False))
    moments = pa.array(seconds * 1_000_000 + 1_700_000_000_000_000, pa.timestamp("us"))
    table = table_of(tmp_path, {"at": ("datetime", moments)})
    back = drawn_from(fit_encoder(table, cells="bins", most=30), table).column("at")
    assert np.isin(back.cast(pa.int64()), moments.cast(pa.int64())).mean() < 0.02  # five standard errors above it
    assert np.all(back.cast(pa.int64()).to_numpy() % 1_000_000 == 0)
    from scipy.stats import ks_2samp

    assert ks_2samp(back.cast(pa.int64()).to_numpy(), moments.cast(pa.int64()).to_numpy()).statistic < 0.01
    kept = drawn_from(fit_encoder(table, cells="bins", most=30, min_count=1), table).column("at")
    assert np.isin(kept.cast(pa.int64()), moments.cast(pa.int64())).all()


def test_values_that_many_share_come_back_and_one_persons_do_not(tmp_path: Path) -> None:
    """Also those beside common values, and those of one person in many rows."""
    rng = np.random.default_rng(0)
    prices = np.concatenate([rng.choice([999, 1499, 2995], 2_000), rng.integers(100, 9_000, 200) * 7 + 3, [777_777]])
    visits = np.concatenate([rng.integers(0, 4, 2_198), [9, 9, 9]])
    people = [*range(2_190), *["one"] * 11]
    columns = {"price": prices / 100, "visits": visits, "score": np.where(np.array(people) == "one", 0.125, visits)}
    rows = pa.table({**columns, "who": pa.array([str(p) for p in people])})
    path = tmp_path / "rows.parquet"
    pq.write_table(rows, path)
    modelled = Schema((Column("price", "float", ""), Column("visits", "integer", ""), Column("score", "float", "")))
    for unit in (None, "who"):
        table = Table(replace(modelled, privacy_unit=unit), (path,), rows.num_rows)
        drawn = drawn_from(fit_encoder(table, cells="bins", most=50), table)
        found = drawn.column("price").to_numpy()
        for price in (9.99, 14.99, 29.95):
            here, there = np.count_nonzero(found == price), np.count_nonzero(columns["price"] == price)
            assert here == pytest.approx(there, abs=12)  # a few prices near it come back as this one
        assert 7777.77 not in found
        assert np.count_nonzero(np.isin(found, columns["price"]) & ~np.isin(found, [9.99, 14.99, 29.95])) < 20
        assert set(drawn.column("visits").to_pylist()) == {0, 1, 2, 3}
        # Eleven rows of one person are eleven people only where no privacy unit says otherwise.
        assert (0.125 in drawn.column("score").to_pylist()) == (unit is None)


def test_modes_do_not_give_single_values_out_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.choice([1.0, 2.0], 400), [7.0]])  # few values, so spikes
    y = np.concatenate([rng.integers(10_000, 60_000, 400), [99_999_999]])  # one far from the others
    table = table_of(tmp_path, {"x": ("float", pa.array(x)), "y": ("integer", pa.array(y))})
    encoder = again(fit_encoder(table, cells="modes", most=10, seed=1))
    x_cells = encoder.columns[0].cells
    assert isinstance(x_cells, Modes)
    assert x_cells.spikes.tolist() == [1, 2]
    assert len(x_cells.means) == 0
    residuals = np.random.default_rng(1).uniform(-1, 1, (401, len(encoder.continuous))).astype(np.float32)
    back = encoder.decode(Codes(encoder.encode_table(table).codes, residuals))
    assert set(back.column("x").to_pylist()) == {1.0, 2.0}
    # Neither the one far away nor the ends of the range, where whatever fell beyond them would lie.
    assert not {99_999_999, int(y.min())} & set(back.column("y").to_pylist())


def test_anonymised_categories_are_those_that_too_few_people_hold(tmp_path: Path) -> None:
    table = table_of(tmp_path, {"w": ("categorical", pa.array(["a"] * 9 + ["b"] * 5 + ["c"] * 4 + ["d"]))})
    for rare, kept in (("group", {"a", "b", "c", "d"}), ("anonymise", {"a", "b", OTHER})):
        encoder = again(fit_encoder(table, cells="bins", most=5, rare=rare))  # type: ignore[arg-type]
        assert set(encoder.decode(encoder.encode_table(table)).column("w").to_pylist()) == kept


def test_a_large_table_is_encoded_with_bounded_counts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.integers(0, 10**9, 450_000), np.full(50_000, 7)])
    table = table_of(tmp_path, {"x": ("integer", pa.array(rng.permutation(x)))})
    encoder = fit_encoder(table, cells="bins", most=100)
    codes = encoder.encode_table(table)
    counts = np.bincount(codes.codes[:, 0], minlength=encoder.cardinalities[0])
    assert counts.max() == pytest.approx(50_000, rel=0.01)  # the spike has a cell of its own
    assert len(json.dumps(encoder.to_json())) < 200_000
    back = encoder.decode(codes).column("x").to_numpy()
    assert np.all(back[x == 7] == x[x == 7]) or np.mean(back == 7) == pytest.approx(0.1, abs=0.001)
