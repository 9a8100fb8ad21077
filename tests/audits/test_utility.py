"""Train on synthetic, test on real: what should fail fails, what should pass passes, whatever the estimator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.audits.context import AuditContext
from synthkit.audits.utility import AugmentationParams, TstrParams, augmentation, tstr
from synthkit.errors import SynthError
from synthkit.schema import Column, Schema, Table

SCHEMA = Schema(
    (
        Column("id", "id", "VARCHAR"),
        Column("age", "integer", "BIGINT"),
        Column("spend", "float", "DOUBLE"),
        Column("tier", "categorical", "VARCHAR"),
        Column("joined", "date", "DATE"),
        Column("churn", "categorical", "VARCHAR"),
        Column("visits", "float", "DOUBLE"),
    )
)


def people(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age, tier = rng.integers(18, 90, rows), rng.choice(["basic", "plus", "pro"], rows)
    spend = rng.normal(50, 20, rows)
    risk = 1 / (1 + np.exp(-((50 - spend) / 10 + (tier == "basic") * 1.5 - 1)))
    frame = pd.DataFrame({"id": [f"{seed}-{i}" for i in range(rows)], "age": age, "spend": spend, "tier": tier})
    frame["joined"] = [d.date() for d in pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), "D")]
    frame["churn"] = np.where(rng.random(rows) < risk, "yes", "no")
    frame["visits"] = 0.1 * age + rng.normal(0, 1, rows)
    frame.loc[rng.random(rows) < 0.05, "spend"] = np.nan
    return frame


TRAIN, HOLDOUT, FRESH = people(1_500, 1), people(800, 2), people(1_500, 3)


def context(
    folder: Path, synthetic: pd.DataFrame, train: pd.DataFrame = TRAIN, holdout: pd.DataFrame = HOLDOUT
) -> AuditContext:
    def table(name: str, frame: pd.DataFrame) -> Table:
        path = folder / f"{name}.parquet"
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
        return Table(SCHEMA, (path,), len(frame))

    return AuditContext(SCHEMA, table("s", synthetic), table("t", train), table("h", holdout), seed=5)


def judged(folder: Path, synthetic: pd.DataFrame, **params: Any) -> Any:
    return tstr(context(folder, synthetic), TstrParams(**{"target": "churn", **params}))


def shuffled(column: str) -> pd.DataFrame:
    return FRESH.assign(**{column: np.random.default_rng(4).permutation(FRESH[column])})


@pytest.mark.parametrize(
    ("target", "estimator", "metric"),
    [
        ("churn", None, None),
        ("churn", "LogisticRegression", "f1"),
        ("churn", "SVC", None),
        ("churn", "RandomForestClassifier", "average_precision"),
        ("visits", None, None),
        ("visits", "Ridge", "neg_mean_absolute_error"),
        ("tier", "GaussianNB", None),
    ],
)
def test_fresh_rows_pass_and_a_shuffled_target_fails(
    tmp_path: Path, target: str, estimator: str | None, metric: str | None
) -> None:
    params = {"target": target, "estimator": estimator, "metric": metric, "max_gap": 0.1}
    good = judged(tmp_path, FRESH, **params)
    assert good.status == "pass"
    assert good.ci_low <= good.value <= good.ci_high
    if target == "tier":  # nothing predicts the tier but churn, weakly: shuffling it cannot be told
        return
    bad = judged(tmp_path, shuffled(target), **params)
    assert bad.status == "fail"
    assert bad.value > 0.1


def test_scores_are_scikit_learns(tmp_path: Path) -> None:
    """The real model's AUC equals one computed by hand with the same encoding and estimator."""
    from sklearn.metrics import roc_auc_score

    from synthkit.audits.estimators import make_model
    from synthkit.audits.features import encoding, usable

    here = context(tmp_path, FRESH)
    columns = usable(here, ("churn",))
    assert columns == ("age", "spend", "tier", "joined", "visits")
    encoder = encoding(here, columns)
    x, test = (encoder.matrix(here.arrow(side, columns)) for side in ("train", "holdout"))
    model = make_model("LogisticRegression", {}, "classification", encoder.categorical, 1).fit(x, TRAIN["churn"])
    expected = roc_auc_score(HOLDOUT["churn"] == "yes", model.predict_proba(test)[:, 1])
    result = tstr(here, TstrParams(target="churn", estimator="LogisticRegression"))
    assert result.details["scores"]["real"] == pytest.approx(expected, abs=1e-9)


def test_names_are_checked(tmp_path: Path) -> None:
    with pytest.raises(SynthError, match="no classifier 'LogisticRegresion'") as raised:
        judged(tmp_path, FRESH, estimator="LogisticRegresion")
    assert "LogisticRegression" in str(raised.value.hint)
    with pytest.raises(SynthError, match="no metric"):
        judged(tmp_path, FRESH, metric="rock_auc")


def test_a_class_that_is_missing_is_named(tmp_path: Path) -> None:
    result = judged(tmp_path, FRESH[FRESH["tier"] != "pro"], target="tier", max_gap=0.5)
    assert "lack the class 'pro'" in result.message
    only = judged(tmp_path, FRESH[FRESH["churn"] == "no"])
    assert only.status == "fail"


def test_too_few_rows_is_a_verdict_of_its_own(tmp_path: Path) -> None:
    small = context(tmp_path, FRESH.head(10))
    assert tstr(small, TstrParams(target="churn")).status == "inconclusive"
    one_class = context(tmp_path, FRESH, TRAIN, HOLDOUT[HOLDOUT["churn"] == "no"])
    assert tstr(one_class, TstrParams(target="churn")).status == "inconclusive"


def test_the_same_table_gives_the_same_verdict(tmp_path: Path) -> None:
    assert judged(tmp_path, FRESH) == judged(tmp_path, FRESH)


def test_synthetic_rows_help_where_real_ones_are_few(tmp_path: Path) -> None:
    params = AugmentationParams(target="churn", real_rows=40, ratios=(2, 20), repeats=4)
    result = augmentation(context(tmp_path, FRESH), params)
    assert result.details["best"] == 20
    assert result.value > 0.02
    assert [point["ratio"] for point in result.details["curve"]] == [0.0, 2.0, 20.0]
    assert result.status == "pass"


def test_rubbish_helps_nobody(tmp_path: Path) -> None:
    params = AugmentationParams(target="churn", ratios=(1, 4), repeats=3, min_gain=0.005)
    result = augmentation(context(tmp_path, shuffled("churn")), params)
    assert result.details["best"] == 0
    assert result.value == 0
    assert result.status == "fail"
