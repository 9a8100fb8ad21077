"""Shadow models: a generator that memorises is caught by being trained again, one that does not is left in peace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthkit.audits.context import AuditContext, Recipe
from synthkit.audits.contract import AuditResult
from synthkit.audits.privacy.membership import MembershipParams, membership_inference
from synthkit.audits.repeats import carry_out
from synthkit.audits.runner import BoundAudit, repeats_of
from synthkit.generators import registry
from synthkit.generators.base import Budget, Params, Progress, Quota, Trained
from synthkit.schema import Table
from tests.audits.privacy.test_membership import SCHEMA, context, population
from tests.private import DECLARED
from tests.synth import COPULA_PROJECT, customers, make_project, write_csv

ROWS = 1_000
TRAIN, HOLDOUT = population(ROWS, 1), population(ROWS, 2)


def noisy_copies(rows: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """A draw with replacement, its two numbers moved by a fifth of their spread: no row is a copy."""
    rng = np.random.default_rng(seed)
    drawn = rows.iloc[rng.integers(0, len(rows), count)].reset_index(drop=True)
    for name in ("spend", "score"):
        drawn[name] += rng.normal(0, 0.2 * rows[name].std(), count)
    return drawn


def independent(_: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """The population itself, whatever the rows."""
    return population(count, seed)


def generator(draw: Callable[[pd.DataFrame, int, int], pd.DataFrame], fitted: list[Any] | None = None) -> Trained:
    def fit(table: Table, params: Any, *, budget: Budget | None, seed: int, device: str, progress: Progress) -> Any:
        rows = table.to_pandas()
        if fitted is not None:
            fitted.append(rows)
        return rows

    def sample(
        model: Any, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
    ) -> Iterator[pa.RecordBatch]:
        yield from pa.Table.from_pandas(draw(model, rows, seed), preserve_index=False).combine_chunks().to_batches()

    def save(model: Any, directory: Path) -> None:
        model.to_parquet(directory / "rows.parquet")

    def load(directory: Path) -> Any:
        return pd.read_parquet(directory / "rows.parquet")

    return Trained(name="drawn", version=1, params=Params, fit=fit, sample=sample, save=save, load=load)


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AuditContext]:
    """A context over rows that the generator made of the training rows."""

    def made(draw: Callable[[pd.DataFrame, int, int], pd.DataFrame], fitted: list[Any] | None = None) -> AuditContext:
        one = generator(draw, fitted)
        monkeypatch.setattr(registry, "get", lambda name: {"drawn": one}[name])
        over = context(tmp_path, draw(TRAIN, ROWS, 77), TRAIN, HOLDOUT)
        return replace(over, recipe=Recipe("drawn", {}, SCHEMA))

    return made


def judged(over: AuditContext, **params: Any) -> AuditResult:
    return membership_inference(over, MembershipParams.model_validate({"attack": "shadow", "shadows": 8, **params}))


def test_a_generator_that_memorises_is_caught_and_better_than_by_distance(drawn: Callable[..., AuditContext]) -> None:
    over = drawn(noisy_copies)
    shadow, distance = judged(over), judged(over, attack="distance")
    assert shadow.status == "fail"
    assert shadow.value is not None
    assert distance.value is not None
    # A draw with replacement leaves out 37 % of the members: no attack reaches more than about 0.81.
    assert 0.72 <= shadow.value <= 0.83
    found = "tpr_at_1_percent_fpr"
    assert shadow.details[found] > 1.3 * distance.details[found]


def test_a_generator_that_learns_no_row_is_a_coin(drawn: Callable[..., AuditContext]) -> None:
    result = judged(drawn(independent))
    assert result.status == "pass"
    # 500 members against 500 others: a standard error of 0.018, two and a half of them.
    assert result.value == pytest.approx(0.5, abs=0.045)


def test_every_real_row_is_in_half_of_the_shadows(drawn: Callable[..., AuditContext]) -> None:
    halves: list[pd.DataFrame] = []
    judged(drawn(independent, halves), shadows=4)
    assert len(halves) == 4
    rows = pd.concat(halves).groupby(list(TRAIN.columns), dropna=False).size()
    both = pd.concat([TRAIN, HOLDOUT]).groupby(list(TRAIN.columns), dropna=False).size()
    assert (rows == 2 * both.loc[rows.index]).all()
    assert len(rows) == len(both)


def test_rows_of_one_person_are_on_one_side_of_a_shadow(drawn: Callable[..., AuditContext]) -> None:
    """A privacy unit is a member or not as a whole; here everybody of a region, so there are eight of them."""
    halves: list[pd.DataFrame] = []
    over = drawn(independent, halves)
    assert over.train is not None
    assert over.holdout is not None
    schema = replace(SCHEMA, privacy_unit="region")
    east = TRAIN["region"].isin(list("abcd"))  # as the split would have it: no region on both sides
    over = replace(
        over,
        train=_table(over.train, TRAIN[east], schema),
        holdout=_table(over.holdout, HOLDOUT[~HOLDOUT["region"].isin(list("abcd"))], schema),
    )
    judged(over, shadows=4)
    whole = pd.concat([TRAIN[east], HOLDOUT[~HOLDOUT["region"].isin(list("abcd"))]])["region"].value_counts()
    for half in halves:
        counted = half["region"].value_counts()
        assert counted.to_dict() == {r: whole[r] for r in counted.index}
        assert 0 < len(counted) < 8


def _table(like: Table, rows: pd.DataFrame, schema: Any) -> Table:
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), like.paths[0])
    return Table(schema, like.paths, len(rows))


def test_where_narrows_the_attacked_and_not_the_training(drawn: Callable[..., AuditContext]) -> None:
    halves: list[pd.DataFrame] = []
    over = drawn(noisy_copies, halves)
    old = judged(over.narrowed("age >= 50"), shadows=4)
    assert old.status == "fail"
    assert old.details["members"] < 400
    assert all(half["age"].min() < 50 for half in halves)


def test_shadows_that_were_trained_before_are_not_trained_again(
    drawn: Callable[..., AuditContext], tmp_path: Path
) -> None:
    """Under ``where``, too; and one that is missing the audit trains itself."""
    halves: list[pd.DataFrame] = []
    params = {"attack": "shadow", "shadows": 4, "features": ["age", "score"]}
    over, bound = drawn(noisy_copies, halves), BoundAudit("membership_inference", "membership_inference", None, params)
    bound = replace(bound, where="age >= 50")
    alone = judged(over.narrowed("age >= 50"), shadows=4, features=["age", "score"])
    halves.clear()
    for part in (0, 1):
        assert carry_out(tmp_path / "kept", repeats_of(over, bound), part, 2) == 2
    assert len(halves) == 4
    beside = replace(over.narrowed("age >= 50"), repeats=tmp_path / "kept")
    assert judged(beside, shadows=4, features=["age", "score"]) == alone
    assert len(halves) == 4
    next((tmp_path / "kept").iterdir()).unlink()
    assert judged(beside, shadows=4, features=["age", "score"]) == alone
    assert len(halves) == 5
    assert not list(repeats_of(over, replace(bound, params={**params, "attack": "distance"})))


def test_the_same_table_gives_the_same_verdict(drawn: Callable[..., AuditContext]) -> None:
    assert judged(drawn(noisy_copies), shadows=4) == judged(drawn(noisy_copies), shadows=4)


def test_without_a_generator_it_is_skipped(tmp_path: Path) -> None:
    result = judged(context(tmp_path, TRAIN, TRAIN, HOLDOUT))
    assert result.status == "skipped"


def model(generator: str, *more: str) -> str:
    source = "\"{{ source('crm', 'customers') }}\""
    lines = [f"source: {source}", f"generator: {generator}", "size: 300", *more]
    lines.append("audits: [membership_inference: {attack: shadow, shadows: 4}]")
    return "version: 1\nmodels:\n  - name: fake\n    " + "\n    ".join(lines) + "\n"


def project(folder: Path, files: Mapping[str, str]) -> Any:
    shop = make_project(folder / "shop", {**COPULA_PROJECT, **files})
    write_csv(shop.root / "data/customers.csv", customers(3_000))
    return shop


def test_it_runs_in_a_build(tmp_path: Path) -> None:
    shop = project(tmp_path, {"models/customers.yml": model("sdv.gaussian_copula")})
    shop.synth("build")
    (record,) = shop.results()["fake"]["audits"]
    assert record["status"] in ("pass", "inconclusive")
    assert record["details"]["attack"] == "shadow"
    assert record["details"]["members"] >= 50


def test_under_epsilon_it_is_refused_as_nothing_is_charged(tmp_path: Path) -> None:
    files = {"models/sources.yml": DECLARED, "models/customers.yml": model("independent", "epsilon: 1")}
    printed = project(tmp_path, files).fails("compile", code=2)
    assert "on rows that epsilon protects, uncharged" in printed
    assert "empirical_epsilon" in printed


def test_what_is_not_trained_has_no_shadow(tmp_path: Path) -> None:
    query = "{name: sql, query: \"select * from {{ source('crm', 'customers') }}\"}"
    printed = project(tmp_path, {"models/customers.yml": model(query)}).fails("compile", code=2)
    assert "'sql' is not trained" in printed
