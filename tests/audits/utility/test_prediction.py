"""Train on synthetic, test on real: what should fail fails, what should pass passes, whatever the estimator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from synthkit.audits.context import AuditContext
from synthkit.audits.utility.augmentation import AugmentationParams, augmentation
from synthkit.audits.utility.prediction import TrtsParams, TstrParams, trts, tstr
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


LOGISTIC: Any = {"estimator": "LogisticRegression"}
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


@pytest.mark.slow
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

    from synthkit.audits.measures.estimators import make_model
    from synthkit.audits.rows.features import encoding, usable

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
    result = judged(tmp_path, FRESH[FRESH["tier"] != "pro"], target="tier", max_gap=0.5, **LOGISTIC)
    assert "lack the class 'pro'" in result.message
    only = judged(tmp_path, FRESH[FRESH["churn"] == "no"], **LOGISTIC)
    assert only.status == "fail"


def test_too_few_rows_is_a_verdict_of_its_own(tmp_path: Path) -> None:
    small = context(tmp_path, FRESH.head(10))
    assert tstr(small, TstrParams(target="churn")).status == "inconclusive"
    one_class = context(tmp_path, FRESH, TRAIN, HOLDOUT[HOLDOUT["churn"] == "no"])
    assert tstr(one_class, TstrParams(target="churn")).status == "inconclusive"


def test_the_same_table_gives_the_same_verdict(tmp_path: Path) -> None:
    assert judged(tmp_path, FRESH, **LOGISTIC) == judged(tmp_path, FRESH, **LOGISTIC)


def test_a_flipped_class_fails(tmp_path: Path) -> None:
    flipped = FRESH.assign(churn=FRESH["churn"].map({"yes": "no", "no": "yes"}))
    found = judged(tmp_path, flipped, **LOGISTIC)
    assert found.status == "fail"
    assert found.details["scores"]["synthetic"] < 0.5 < found.details["scores"]["real"]
    assert judged(tmp_path, flipped, metric="average_precision", min_ratio=0.95, **LOGISTIC).status == "fail"
    both = trts(context(tmp_path, flipped), TrtsParams(target="churn", **LOGISTIC))
    assert both.status == "fail"
    assert both.ci_low > 0.05


def test_a_ratio_of_fresh_rows_passes_and_is_the_scores(tmp_path: Path) -> None:
    found = judged(tmp_path, FRESH, metric="average_precision", min_ratio=0.9, **LOGISTIC)
    assert found.status == "pass"
    scores = found.details["scores"]
    assert found.value == pytest.approx(scores["synthetic"] / scores["real"])
    with pytest.raises(ValidationError, match="give min_ratio, or a limit"):
        TstrParams(target="churn", min_ratio=0.9, max_gap=0.1)


def test_trained_on_real_rows_tested_on_synthetic_ones(tmp_path: Path) -> None:
    good = trts(context(tmp_path, FRESH), TrtsParams(target="churn", **LOGISTIC))
    assert good.status in ("pass", "inconclusive")
    assert good.value == pytest.approx(abs(good.details["scores"]["real"] - good.details["scores"]["synthetic"]))
    noisy = trts(context(tmp_path, shuffled("churn")), TrtsParams(target="churn", **LOGISTIC))
    assert noisy.status == "fail"
    assert "harder" in noisy.message


def test_the_limit_is_wider_under_epsilon(tmp_path: Path) -> None:
    from dataclasses import replace
    from typing import cast

    from synthkit.audits.context import PrivateTraining

    private = replace(context(tmp_path, FRESH), training=cast(PrivateTraining, object()))
    assert tstr(private, TstrParams(target="churn", **LOGISTIC)).threshold == "max 0.1"
    assert judged(tmp_path, FRESH, **LOGISTIC).threshold == "max 0.05"


def test_a_class_that_only_synthetic_rows_have_is_no_error(tmp_path: Path) -> None:
    third = FRESH.assign(churn=np.where(np.arange(len(FRESH)) % 10 == 0, "maybe", FRESH["churn"]))
    assert judged(tmp_path, third, **LOGISTIC).details["metric"] == "roc_auc"


def test_recall_at_a_precision() -> None:
    """By scikit-learn's precision–recall curve, ties and all."""
    from sklearn.metrics import precision_recall_curve

    from synthkit.audits.measures.scorers import recall_at

    rng = np.random.default_rng(3)
    for _ in range(20):
        there, scores = rng.random(80) < 0.3, rng.integers(0, 15, 80) / 15
        scores = scores + there * 0.3
        precision, recall, _ = precision_recall_curve(there, scores)
        for least in (0.3, 0.6, 0.9):
            expected = max([r for p, r in zip(precision[:-1], recall[:-1], strict=True) if p >= least], default=0)
            assert recall_at(there, scores, least) == pytest.approx(expected)


def test_synthetic_rows_help_where_real_ones_are_few(tmp_path: Path) -> None:
    params = AugmentationParams(target="churn", real_rows=40, ratios=(2, 20), repeats=4, **LOGISTIC)
    result = augmentation(context(tmp_path, FRESH), params)
    assert result.details["best"] == 20
    assert result.value > 0.02
    assert [point["ratio"] for point in result.details["curve"]] == [0.0, 2.0, 20.0]
    assert result.status == "pass"


def test_rubbish_helps_nobody(tmp_path: Path) -> None:
    params = AugmentationParams(target="churn", ratios=(1, 4), repeats=3, min_gain=0.005, **LOGISTIC)
    result = augmentation(context(tmp_path, shuffled("churn")), params)
    assert result.details["best"] == 0
    assert result.value < 0
    assert result.status == "fail"
