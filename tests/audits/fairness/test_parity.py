"""Fairness and representation: planted bias and missing groups are found and named, fresh real rows pass."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from synthkit.audits.fairness.parity import (
    DemographicParityParams,
    EqualisedOddsParams,
    demographic_parity,
    equalised_odds,
)
from synthkit.audits.fairness.rebalance import RebalanceParams, rebalance
from synthkit.audits.fairness.representation import RepresentationParams, representation, share_ratio
from synthkit.errors import SynthError
from tests.audits.sides import context

LOGISTIC = {"estimator": "LogisticRegression"}


def loans(rows: int, seed: int, bias: float = 0.0) -> pd.DataFrame:
    """Loans by income; ``bias`` moves the odds of one group only."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], rows)
    origin = rng.choice(["here", "near", "far"], rows, p=[0.8, 0.15, 0.05])
    age, income = rng.integers(18, 90, rows), rng.normal(0, 1, rows)
    odds = 1.5 * income + 0.5 * (sex == "m") - bias * (origin == "near") - bias * (sex == "f")
    frame = pd.DataFrame({"age": age, "income": income, "sex": sex, "origin": origin, "member": rng.random(rows) < 0.3})
    frame["loan"] = np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    frame["since"] = [d.date() for d in pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), "D")]
    frame.loc[rng.random(rows) < 0.05, "age"] = None
    frame["constant"] = 1
    return frame


TRAIN, HOLDOUT, FRESH = loans(3_000, 1), loans(2_000, 2), loans(3_000, 3)


def here(folder: Path, synthetic: pd.DataFrame, holdout: pd.DataFrame = HOLDOUT) -> Any:
    return context(folder, *(pa.Table.from_pandas(f, preserve_index=False) for f in (synthetic, TRAIN, holdout)))


def parity(folder: Path, synthetic: pd.DataFrame, holdout: pd.DataFrame = HOLDOUT, **params: Any) -> Any:
    given = {"target": "loan", "groups": ["sex", "origin"], "positive": "yes", **LOGISTIC, **params}
    return demographic_parity(here(folder, synthetic, holdout), DemographicParityParams(**given))


def test_fresh_rows_are_as_fair_as_real_ones(tmp_path: Path) -> None:
    found = parity(tmp_path, FRESH, groups=["sex"])
    assert found.status == "pass"
    assert found.ci_low < 0 < found.ci_high
    odds = EqualisedOddsParams(target="loan", groups=["sex", "member"], positive="yes", **LOGISTIC)
    assert equalised_odds(here(tmp_path, FRESH), odds).status == "pass"


def test_bias_in_the_synthetic_rows_is_found(tmp_path: Path) -> None:
    found = parity(tmp_path, loans(3_000, 3, bias=2.0))
    assert found.status == "fail"
    assert found.ci_low > 0.1
    assert "'sex'" in found.message or "'origin'" in found.message
    odds = EqualisedOddsParams(target="loan", groups=["sex"], positive="yes", **LOGISTIC)
    assert equalised_odds(here(tmp_path, loans(3_000, 3, bias=2.0)), odds).status == "fail"


def test_the_difference_is_what_counting_gives(tmp_path: Path) -> None:
    """By hand: both models' shares of "yes" per group, on the held-out rows."""
    from synthkit.audits.utility.tasks import ModelParams, prepare, tested

    made = loans(3_000, 3, bias=2.0)
    one = here(tmp_path, made)
    params = {"target": "loan", "positive": "yes", **LOGISTIC}
    problem = prepare(one, ModelParams(**params))
    said = {s: tested(one, ModelParams(**params), problem, s).labels == "yes" for s in ("train", "synthetic")}  # type: ignore[arg-type]
    shares = {s: pd.Series(v).groupby(HOLDOUT["sex"]).mean() for s, v in said.items()}
    spread = {s: v.max() - v.min() for s, v in shares.items()}
    found = demographic_parity(one, DemographicParityParams(groups="sex", **params))
    assert found.value == pytest.approx(spread["synthetic"] - spread["train"], abs=1e-12)
    rates = pd.DataFrame(said).groupby([HOLDOUT["sex"], HOLDOUT["loan"]]).mean().unstack()
    odds = {s: (rates[s].max() - rates[s].min()).max() for s in said}
    found = equalised_odds(one, EqualisedOddsParams(groups="sex", **params))
    assert found.value == pytest.approx(odds["synthetic"] - odds["train"], abs=1e-12)


def test_a_small_group_is_not_judged_and_named(tmp_path: Path) -> None:
    holdout = HOLDOUT.drop(HOLDOUT.index[HOLDOUT["origin"] == "far"][20:])
    found = parity(tmp_path, FRESH, holdout, groups=["origin"])
    assert found.details["columns"]["origin"]["too_few_rows_to_tell"] == {"far": 20}
    assert "too few rows to tell of 'far'" in found.columns[0].message
    one = parity(tmp_path, FRESH, HOLDOUT.head(40), groups=["origin"])
    assert one.status == "inconclusive"
    assert one.value is None


def test_intersections_ranges_and_dates_are_groups(tmp_path: Path) -> None:
    found = parity(tmp_path, FRESH, groups=["sex", "age", "member", "since", "constant"], intersections=True)
    columns = {c.column: c for c in found.columns}
    assert {"sex", "age", "sex and age", "member and since"} <= set(columns)
    assert columns["constant"].status == "inconclusive"
    groups = found.details["columns"]["age"]["groups"]
    assert len(groups) == 5
    assert "(missing)" in groups
    assert all("since <= 20" in g or "since > 20" in g for g in found.details["columns"]["since"]["groups"])


def test_numbers_have_no_positive_class(tmp_path: Path) -> None:
    with pytest.raises(SynthError, match="holds numbers"):
        parity(tmp_path, FRESH, target="income", positive=None)
    with pytest.raises(SynthError, match="no class 'yess'"):
        parity(tmp_path, FRESH, positive="yess")


# -- representation ----------------------------------------------------------------------------------------------------


def shares(folder: Path, synthetic: pd.DataFrame, holdout: pd.DataFrame = HOLDOUT, **params: Any) -> Any:
    return representation(here(folder, synthetic, holdout), RepresentationParams(**{"groups": "origin", **params}))


def test_a_group_that_is_gone_fails_and_is_named(tmp_path: Path) -> None:
    found = shares(tmp_path, FRESH[FRESH["origin"] != "far"])
    assert found.status == "fail"
    assert (found.value, found.ci_low) == (0.0, 0.0)
    assert found.columns[0].column == "origin = far"
    assert "origin = far" in found.message
    assert [c.status for c in found.columns[1:]] == ["pass", "pass"]


def test_fresh_rows_represent_everyone(tmp_path: Path) -> None:
    assert shares(tmp_path, FRESH, groups="sex").status == "pass"
    found = shares(tmp_path, FRESH, groups=["sex", "origin", "age", "member"], intersections=True)
    assert found.status in ("pass", "inconclusive")
    assert not [c for c in found.columns if c.status == "fail"]


def test_too_few_rows_to_tell(tmp_path: Path) -> None:
    assert shares(tmp_path, FRESH, HOLDOUT.head(20)).status == "inconclusive"
    found = shares(tmp_path, FRESH[FRESH["origin"] != "far"], pd.concat([HOLDOUT[HOLDOUT["origin"] == "here"].head(100), HOLDOUT[HOLDOUT["origin"] == "far"].head(3)]))  # fmt: skip
    assert {c.column: c.status for c in found.columns}["origin = far"] == "inconclusive"


def test_the_ratio_and_its_interval() -> None:
    value, low, high = share_ratio(30, 300, 20, 100)
    assert value == pytest.approx(0.5)
    error = math.sqrt(1 / 30.5 - 1 / 300.5 + 1 / 20.5 - 1 / 100.5)
    middle = (30.5 / 300.5) / (20.5 / 100.5)
    assert (low, high) == pytest.approx((middle * math.exp(-1.959964 * error), middle * math.exp(1.959964 * error)))


def test_the_interval_of_the_ratio_covers() -> None:
    """2,000 seeded draws of shares 0.05 and 0.1; the binomial error of the rate is 0.5 %."""
    rng = np.random.default_rng(7)
    found = [share_ratio(int(a), 600, int(b), 300) for a, b in zip(rng.binomial(600, 0.05, 2_000), rng.binomial(300, 0.1, 2_000), strict=True)]  # fmt: skip
    rate = np.mean([low <= 0.5 <= high for _, low, high in found])
    assert 0.92 <= rate <= 0.98


# -- rebalance ---------------------------------------------------------------------------------------------------------


def balanced(frame: pd.DataFrame, each: int = 600) -> pd.DataFrame:
    return pd.concat([frame[frame["loan"] == c].head(each) for c in ("no", "yes")])


def judged(folder: Path, synthetic: pd.DataFrame, **params: Any) -> Any:
    return rebalance(here(folder, synthetic), RebalanceParams(**{"target": "loan", **params}))


def test_classes_balanced_by_drawing_within_them_pass(tmp_path: Path) -> None:
    assert judged(tmp_path, balanced(FRESH)).status == "pass"
    assert judged(tmp_path, balanced(FRESH), shares={"yes": "50%", "no": 0.5}).status == "pass"


def test_shares_that_are_off_fail(tmp_path: Path) -> None:
    rare = balanced(FRESH).iloc[:-10]
    found = judged(tmp_path, rare)
    assert found.status == "fail"
    assert found.columns[0].column.startswith("share of ")
    assert judged(tmp_path, rare, tolerance=0.02).status == "pass"
    assert judged(tmp_path, balanced(FRESH), shares={"yes": "20%", "no": "80%"}).status == "fail"
    with pytest.raises(ValidationError, match="add up"):
        RebalanceParams(target="loan", shares={"yes": 0.5})


def test_a_class_whose_rows_changed_fails(tmp_path: Path) -> None:
    made = balanced(FRESH)
    made.loc[made["loan"] == "yes", "income"] += 1.0
    found = judged(tmp_path, made)
    assert found.status == "fail"
    assert found.columns[0].column == "income where yes"
