"""Private generators from end to end: types, budget, reproducibility, conditions, odd tables, and what is refused."""

from __future__ import annotations

import datetime as dt
import decimal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from synthkit.errors import BuildError
from synthkit.generators import registry
from synthkit.generators.base import Budget, Quota, Trained, silent
from synthkit.generators.marginals.generator import INDEPENDENT, MST, Marginals
from synthkit.generators.marginals.release import Releases, same
from synthkit.generators.neural.ctgan import CTGAN
from synthkit.generators.neural.tvae import TVAE
from synthkit.generators.units.generator import AIM
from synthkit.privacy.accounting import accountant
from synthkit.schema import Column, Schema, Table
from tests.generators.marginals.tables import customers, declared

HUGE = Budget(200.0, 0.5, insecure_seed=1)  # hardly any noise


def fitted(table: Table, budget: Budget = HUGE, generator: Trained = AIM, seed: int = 0, **params: Any) -> Marginals:
    found: Marginals = generator.fit(
        table, generator.params(**params), budget=budget, seed=seed, device="cpu", progress=silent
    )
    return found


def drawn(model: Marginals, rows: int, seed: int = 0, conditions: tuple[Quota, ...] = ()) -> pa.Table:
    assert AIM.sample is not None
    return pa.Table.from_batches(AIM.sample(model, rows, conditions=conditions, seed=seed, progress=silent))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Table, Marginals]:
    table = customers(tmp_path_factory.mktemp("customers"))
    return table, fitted(table)


def test_counts_are_summed_over_blocks_of_rows_before_noise_is_added_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = customers(tmp_path, 500)
    budget, given = Budget(1.0, 1e-5, rows=500, insecure_seed=3), []

    def counted(self: Releases, counts: Any, sigma: float) -> Any:
        given.append(counts.copy())
        return histogram(self, counts, sigma)

    histogram = Releases.histogram
    monkeypatch.setattr(Releases, "histogram", counted)
    whole = drawn(fitted(table, budget, rounds=3), 300)
    seen, given[:] = list(given), []
    for module in ("select", "tree"):
        monkeypatch.setattr(f"synthkit.generators.marginals.{module}.BLOCK", 7)
    assert drawn(fitted(table, budget, rounds=3), 300).equals(whole)
    assert len(given) == len(seen) > 5
    assert all(np.array_equal(a, b) for a, b in zip(given, seen, strict=True))


@pytest.mark.parametrize("generator", [AIM, MST, INDEPENDENT], ids=lambda g: g.name)
def test_it_is_registered_and_private(generator: Trained) -> None:
    assert registry.get(generator.name) is generator
    assert generator.supports_epsilon
    assert generator.name in registry.private_names()


def test_with_hardly_any_noise_marginals_are_reproduced(model: tuple[Table, Marginals]) -> None:
    table, found = model
    rows, real = drawn(found, 20_000).to_pandas(), table.to_pandas()
    for name in ("city", "paid", "tier"):
        made, wanted = (f[name].value_counts(normalize=True, dropna=False) for f in (rows, real))
        # A declared value that no row has is not impossible, only rare: its count is known up to the noise.
        assert made.sub(wanted, fill_value=0).abs().max() <= 0.005, name
    assert rows.income.isna().mean() == pytest.approx(real.income.isna().mean(), abs=0.005)
    assert (rows.income == 0).mean() == pytest.approx((real.income == 0).mean(), abs=0.005)
    for q in (0.1, 0.5, 0.9):
        assert rows.age.quantile(q) == pytest.approx(real.age.quantile(q), abs=1.5)
        assert rows.income.quantile(q) == pytest.approx(real.income.quantile(q), abs=1_000)
    for tier in "abcd":
        part, truth = rows[rows.tier == tier], real[real.tier == tier]
        assert part.age.mean() == pytest.approx(truth.age.mean(), abs=2)
        assert (part.income > 20_000).mean() == pytest.approx((truth.income > 20_000).mean(), abs=0.05)


@pytest.mark.parametrize("generator", [AIM, MST, INDEPENDENT], ids=lambda g: g.name)
@pytest.mark.parametrize("epsilon", [0.5, 3.0])
def test_what_is_spent_is_what_was_planned_and_within_budget(
    tmp_path: Path, generator: Trained, epsilon: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synthkit.generators.marginals import release

    seen = []
    original = release.Releases.__init__

    def watched(self: Any, *args: Any) -> None:
        original(self, *args)
        seen.append(self)

    monkeypatch.setattr(release.Releases, "__init__", watched)
    table = customers(tmp_path, 500)
    budget = Budget(epsilon, 1e-4)
    planned = generator.mechanisms(generator.params(), budget, table.schema)
    fitted(table, budget, generator)
    (releases,) = seen
    assert same(releases.spent, planned)
    spent = accountant.epsilon(planned, 1e-4)
    assert 0.97 * epsilon < spent <= epsilon * (1 + 1e-9)


def test_an_insecure_seed_gives_the_same_bytes_and_nothing_else_does(tmp_path: Path) -> None:
    table = customers(tmp_path, 300)
    seeded = Budget(1.0, 1e-4, insecure_seed=7)
    first, again = (drawn(fitted(table, seeded, seed=s), 200) for s in (0, 1))
    assert first.equals(again)  # the build's seed is not the noise's
    secure = [fitted(table, Budget(1.0, 1e-4), seed=0) for _ in range(2)]
    tables = [np.concatenate([t.reshape(-1) for t in m.model.tables]) for m in secure]
    assert tables[0].shape != tables[1].shape or not np.array_equal(*tables)


def test_the_same_seed_gives_the_same_rows_also_from_disk(model: tuple[Table, Marginals], tmp_path: Path) -> None:
    assert AIM.save is not None
    assert AIM.load is not None
    AIM.save(model[1], tmp_path)
    loaded = AIM.load(tmp_path)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".json", ".safetensors"]
    first = drawn(model[1], 3_000, seed=5)
    assert first.equals(drawn(loaded, 3_000, seed=5))
    assert not first.equals(drawn(loaded, 3_000, seed=6))
    quota = (Quota({"tier": "a"}, 10),)
    assert drawn(model[1], 10, conditions=quota).equals(drawn(loaded, 10, conditions=quota))


def test_quotas_are_exact_and_keep_the_class_distribution(model: tuple[Table, Marginals]) -> None:
    table, found = model
    quotas = (Quota({"tier": "a", "city": "Chur"}, 2_000), Quota({"income": None}, 500), Quota({"age": 30}, 500))
    rows = drawn(found, 3_000, conditions=quotas).to_pandas()
    first = rows[(rows.tier == "a") & (rows.city == "Chur")]
    assert len(first) >= 2_000
    assert rows.income.isna().sum() >= 500
    assert (rows.age == 30).sum() >= 500
    real = table.to_pandas()
    assert first.age.mean() == pytest.approx(real[real.tier == "a"].age.mean(), abs=2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"city": "Genf"}, "declared without 'Genf'"),
        ({"age": None}, "declared without None"),
        ({"x": 1}, "no modelled"),
    ],
)
def test_a_value_that_is_not_declared_is_refused(
    model: tuple[Table, Marginals], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(BuildError, match=message):
        drawn(model[1], 10, conditions=(Quota(values, 10),))


def test_types_come_back_exactly_and_inside_the_bounds(tmp_path: Path) -> None:
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=i % 300) for i in range(600)]
    columns = {
        "day": (pa.array(days), Column("day", "date", "DATE", bounds=("2024-02-01", "2024-12-31"))),
        "at": (
            pa.array([dt.datetime(2024, 5, 1, 8, 30, i % 60) for i in range(600)], pa.timestamp("us")),
            Column("at", "datetime", "TIMESTAMP", bounds=("2024-05-01 00:00:00", "2024-05-31 00:00:00")),
        ),
        "hour": (
            pa.array([dt.time(i % 24, 0) for i in range(600)], pa.time64("us")),
            Column("hour", "time", "TIME", nullable=False, bounds=("06:00:00", "20:00:00")),
        ),
        "price": (
            pa.array([decimal.Decimal(i) / 4 for i in range(600)], pa.decimal128(18, 3)),
            Column("price", "decimal", "DECIMAL(18,3)", bounds=(0, 100), decimals=2),
        ),
        "small": (
            pa.array([i % 7 for i in range(600)], pa.int8()),
            Column("small", "integer", "TINYINT", bounds=(1, 5)),
        ),
        "share": (pa.array(np.linspace(-1, 2, 600)), Column("share", "float", "DOUBLE", bounds=(0.0, 1.0))),
        "code": (
            pa.array([i % 3 for i in range(600)], pa.int16()),
            Column("code", "categorical", "SMALLINT", values=(0, 1)),
        ),
        "flag": (pa.array([None, True, False] * 200), Column("flag", "boolean", "BOOLEAN")),
    }
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({n: a for n, (a, _) in columns.items()}), path)
    table = Table(Schema(tuple(c for _, c in columns.values())), (path,), 600)
    rows = drawn(fitted(table), 5_000)
    assert rows.schema.equals(table.to_arrow().schema)
    frame = rows.to_pandas()
    assert frame.day.dropna().min() == dt.date(2024, 2, 1)  # clamped days pile up at the bound
    assert (frame.day == dt.date(2024, 2, 1)).mean() == pytest.approx(2 * 32 / 600, abs=0.02)
    assert frame["at"].dropna().between("2024-05-01", "2024-05-31").all()
    assert (frame["at"].dt.microsecond.dropna() == 0).all()
    assert frame.hour.between(dt.time(6), dt.time(20)).all()
    assert all(0 <= p <= 100 and p == round(p, 2) for p in frame.price.dropna())
    assert set(frame.small.dropna()) == {1, 2, 3, 4, 5}
    assert frame.share.dropna().between(0, 1).all()
    assert (frame.share == 0).mean() == pytest.approx(1 / 3, abs=0.02)  # exactly the bound, not beside it
    assert frame.code.isna().mean() == pytest.approx(1 / 3, abs=0.02)  # an undeclared value is missing
    assert frame.flag.isna().mean() == pytest.approx(1 / 3, abs=0.02)


def test_undeclared_columns_and_a_missing_budget_are_refused(tmp_path: Path) -> None:
    table = declared(tmp_path, [(30, 1.0, "Bern", True, "a")])
    bare = Schema(
        (*table.schema.columns[:1], Column("income", "float", "DOUBLE"), Column("city", "categorical", "VARCHAR"))
    )
    with pytest.raises(BuildError, match=r"income \(bounds\), city \(values\)"):
        fitted(Table(bare, table.paths, 1))
    with pytest.raises(BuildError, match="needs epsilon"):
        AIM.fit(table, AIM.params(), budget=None, seed=0, device="cpu", progress=silent)  # type: ignore[misc]
    with pytest.raises(BuildError, match="no modelled column 'tear'"):
        fitted(table, target="tear")


@pytest.mark.parametrize("rows", [0, 1, 20])
def test_few_rows_train(tmp_path: Path, rows: int) -> None:
    table = declared(tmp_path, [(30, None, "Bern", True, "a")] * rows)
    for generator in (AIM, MST, INDEPENDENT):
        found = drawn(fitted(table, Budget(1.0, 1e-2), generator), 50).to_pandas()
        assert len(found) == 50
        assert found.age.between(0, 99).all()


def test_a_single_column_is_its_own_distribution(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"x": np.repeat(["a", "b", "c"], [600, 300, 100])}), path)
    table = Table(
        Schema((Column("x", "categorical", "VARCHAR", nullable=False, values=tuple("abcz")),)), (path,), 1_000
    )
    for generator in (AIM, MST, INDEPENDENT):
        found = drawn(fitted(table, generator=generator), 10_000).to_pandas()
        shares = found.x.value_counts(normalize=True)
        assert [shares.get(x, 0.0) for x in "abcz"] == pytest.approx([0.6, 0.3, 0.1, 0.0], abs=0.01)


@pytest.mark.parametrize("generator", [AIM, MST, INDEPENDENT], ids=lambda g: g.name)
def test_a_value_that_many_rows_have_comes_back_digit_for_digit(tmp_path: Path, generator: Trained) -> None:
    """Seven digits, at epsilon 1, where nobody has declared the decimals: a classifier would tell a near miss."""
    path, rng = tmp_path / "rows.parquet", np.random.default_rng(1)
    often = rng.choice([6.907755, 4.61512, 0.0], 4_000)
    pq.write_table(pa.table({"x": np.where(rng.random(4_000) < 0.3, rng.uniform(0, 59, 4_000), often)}), path)
    table = Table(Schema((Column("x", "float", "DOUBLE", nullable=False, bounds=(0, 58.6)),)), (path,), 4_000)
    found = drawn(fitted(table, Budget(1.0, 1e-5), generator), 4_000).to_pandas().x
    for value in (6.907755, 4.61512, 0.0):
        assert (found == value).mean() == pytest.approx(0.7 / 3, abs=0.05), value
    assert found.nunique() > 500  # and nothing else is rounded


@pytest.mark.parametrize("nullable", [True, False])
@pytest.mark.parametrize("generator", [AIM, MST, INDEPENDENT, CTGAN, TVAE], ids=lambda g: g.name)
def test_columns_of_one_possible_value(tmp_path: Path, generator: Trained, nullable: bool) -> None:
    """Bounds may meet: the year of a table that is of one year."""
    path, day = tmp_path / "rows.parquet", dt.date(2013, 1, 1)
    rows = {"x": ["a", "b"] * 500, "year": [2013] * 1_000, "rate": [0.1] * 1_000, "day": [day] * 1_000}
    pq.write_table(pa.table(rows), path)
    constants = (
        Column("year", "integer", "BIGINT", nullable=nullable, bounds=(2013, 2013)),
        Column("rate", "float", "DOUBLE", nullable=nullable, bounds=(0.1, 0.1)),
        Column("day", "date", "DATE", nullable=nullable, bounds=(day, day)),
    )
    schema = Schema((Column("x", "categorical", "VARCHAR", nullable=False, values=("a", "b")), *constants))
    table = Table(schema, (path,), 1_000)
    params: dict[str, Any] = {"epochs": 1} if generator in (CTGAN, TVAE) else {}
    model = generator.fit(
        table,
        generator.params(**params),
        budget=replace(HUGE, delta=1e-5, rows=1_000),
        seed=0,
        device="cpu",
        progress=silent,
    )
    found = pa.Table.from_batches(generator.sample(model, 200, conditions=(), seed=1, progress=silent)).to_pylist()
    assert len(found) == 200
    assert {r["x"] for r in found} == {"a", "b"}
    for name, value in (("year", 2013), ("rate", 0.1), ("day", day)):
        assert {r[name] for r in found} <= ({value, None} if nullable else {value}), name


@pytest.mark.slow
def test_five_hundred_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({f"x{j}": rng.integers(0, 5, 300) for j in range(500)}), path)
    columns = tuple(Column(f"x{j}", "integer", "BIGINT", nullable=False, bounds=(0, 4)) for j in range(500))
    table = Table(Schema(columns), (path,), 300)
    assert drawn(fitted(table, Budget(1.0, 1e-4), rounds=8), 100).num_columns == 500


@pytest.mark.parametrize(
    "wrong",
    [
        {"bins": 1},
        {"one_way_share": 1.0},
        {"one_way_share": 0.6, "selection_share": 0.5},
        {"workload": [["a"]]},
        {"workload": [["a", "a"]]},
        {"rounds": 0},
        {"impossible": [{"a": 1}]},
        {"epochs": 3},
    ],
)
def test_parameters_have_ranges(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AIM.params(**wrong)


def test_memory_of_sampling_does_not_grow(model: tuple[Table, Marginals]) -> None:
    assert AIM.sample is not None
    sizes = [b.num_rows for b in AIM.sample(model[1], 200_000, conditions=(), seed=0, progress=silent)]
    assert sum(sizes) == 200_000
    assert max(sizes) <= 65_536


def test_what_is_impossible_never_comes_and_the_rest_keeps_its_odds(tmp_path: Path) -> None:
    """Noise alone would put rows into combinations that do not exist; ages share cells, so those are drawn anew."""
    table = customers(tmp_path)
    rules = ({"tier": "a", "paid": True}, {"tier": "b", "city": "Bern", "paid": False}, {"age": 30, "tier": "c"})
    loose, strict = (
        fitted(table, Budget(1.0, 1e-4, insecure_seed=3), impossible=r) for r in ((), rules)
    )  # a tenth of the rows break the rules, which are made up here
    free, kept = drawn(loose, 20_000).to_pandas(), drawn(strict, 20_000).to_pandas()
    assert len(kept) == 20_000

    def broken(f: Any) -> Any:
        return (
            ((f.tier == "a") & f.paid)
            | ((f.tier == "b") & (f.city == "Bern") & ~f.paid)
            | ((f.age == 30) & (f.tier == "c"))
        )

    assert broken(free).sum() > 100
    assert broken(kept).sum() == 0
    assert (kept.tier == "d").mean() == pytest.approx((free.tier == "d").mean(), abs=0.1)
    quota = drawn(strict, 500, conditions=(Quota({"tier": "b"}, 500),)).to_pandas()
    assert len(quota) == 500
    assert broken(quota).sum() == 0
    with pytest.raises(BuildError, match="no probability"):
        drawn(strict, 5, conditions=(Quota({"tier": "a", "paid": True}, 5),))
    with pytest.raises(BuildError, match="declared without 'Genf'"):
        fitted(table, impossible=({"tier": "a", "city": "Genf"},))
