"""What is lost with the columns that a table makes up counts, and is told; keys and personal data count on no side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult
from synthkit.audits.rows.texts import learn_text, readable
from tests.audits.sides import context, run

TYPES = {"note": "text", "area": "text", "mail": "text", "key": "text"}
LOGISTIC: dict[str, Any] = {"target": "sold", "estimator": "LogisticRegression"}


def homes(count: int, seed: int, *, made_up: bool = False) -> pa.Table:
    """``sold`` follows from the age, from the number written in ``area`` and from a word in ``note``."""
    rng = np.random.default_rng(seed)
    age, area, urgent = rng.normal(0, 1, count), rng.integers(20, 300, count), rng.random(count) < 0.4
    score = age + (area - 160) / 60 + 2 * urgent - 0.8
    shown = rng.permutation(count) if made_up else np.arange(count)
    return pa.table(
        {
            "age": age,
            "area": [f"{a} sqm" for a in area[shown]],
            "note": [f"lot {i}, {'urgent' if u else 'quiet'} sale" for i, u in enumerate(urgent[shown])],
            "key": [f"k{i}" for i in range(count)],
            "sold": np.where(score + rng.normal(0, 0.7, count) > 0, "yes", "no"),
        }
    )


def over(folder: Path, *, made_up: bool) -> AuditContext:
    found = context(
        folder,
        homes(1_200, 3, made_up=made_up),
        homes(1_200, 1),
        homes(800, 2),
        types=TYPES,
        primary_key=("key",),
    )
    return replace(found, made_up=("area", "note")) if made_up else found


def judged(folder: Path, audit: str, *, made_up: bool, **params: Any) -> AuditResult:
    return run(audit, over(folder, made_up=made_up), **{**LOGISTIC, **params})


def test_tstr_counts_what_made_up_columns_are_worth(tmp_path: Path) -> None:
    """Without them real and synthetic rows do alike (0.78): all that is lost was in the text."""
    found = judged(tmp_path, "tstr", made_up=True)
    scores: Any = found.details["scores"]
    assert found.status == "fail"
    assert found.value == pytest.approx(scores["real"] - scores["synthetic"])
    assert scores["real"] > scores["without_made_up"] + 0.1
    assert scores["without_made_up"] == pytest.approx(scores["synthetic"], abs=0.03)
    assert found.details["made_up"] == ["area", "note"]
    assert f"{scores['without_made_up']:.3f} without the made-up columns (area, note)" in found.message
    assert "Try format:" in found.message


def test_text_that_is_not_made_up_is_learnt_from_on_both_sides(tmp_path: Path) -> None:
    found = judged(tmp_path, "tstr", made_up=False, max_gap=0.1)
    assert found.status == "pass"
    assert set(found.details["scores"]) == {"real", "synthetic"}  # type: ignore[call-overload]
    assert "made_up" not in found.details
    assert "made-up" not in found.message


def test_made_up_text_that_says_nothing_costs_nothing(tmp_path: Path) -> None:
    """``age`` alone is asked after, and a target that follows from nothing else."""
    here = over(tmp_path, made_up=True)
    with_note = run("tstr", here, **{**LOGISTIC, "features": ["age", "note"], "max_gap": 0.5})
    alone = run("tstr", here, **{**LOGISTIC, "features": ["age"], "max_gap": 0.5})
    assert with_note.details["scores"]["without_made_up"] == alone.details["scores"]["real"]  # type: ignore[index]
    assert with_note.details["made_up"] == ["note"]


def test_trts_and_importances_know_of_them_too(tmp_path: Path) -> None:
    other = judged(tmp_path, "trts", made_up=True)
    assert other.status == "fail"
    assert "harder" in other.message
    part: Any = other.details["without_made_up"]
    assert part["real"] == pytest.approx(part["synthetic"], abs=0.06)
    shares = judged(tmp_path, "feature_importance", made_up=True, repeats=1)
    importances: Any = shares.details["importances"]
    assert importances["area"]["synthetic"] == 0 == importances["note"]["synthetic"]
    assert importances["area"]["real"] > 0.05
    assert shares.details["worth_of_made_up"] > 0.3  # type: ignore[operator]
    assert shares.value == pytest.approx(1 - shares.details["worth_of_made_up"], abs=0.02)  # type: ignore[operator]
    assert judged(tmp_path, "feature_importance", made_up=False, repeats=1).status == "pass"


def test_keys_and_personal_data_are_not_predicted_from(tmp_path: Path) -> None:
    here = over(tmp_path, made_up=True)
    assert readable(here) == ("area", "note")
    columns = tuple(replace(c, pii="address") if c.name == "area" else c for c in here.schema.columns)
    assert readable(replace(here, schema=replace(here.schema, columns=columns))) == ("note",)
    assert readable(here, ["age", "area"]) == ("area",)


def test_a_text_is_read_for_its_number_its_words_and_its_commonest_values() -> None:
    values = pa.chunked_array([["1,200 - 1384 Acres", "none", "none", None] * 5 + ["ACRES 7"]])
    reading = learn_text("area", values)
    assert (reading.codes, reading.words) == (("none", "1,200 - 1384 Acres"), ("none", "acres"))
    rows = reading.matrix(values)
    assert rows.shape == (21, len(reading.categorical)) == (21, 5)
    assert rows[0].tolist() == [1, 1200, 18, 0, 1]
    assert np.isnan(rows[3, :3]).all()
    assert np.isnan(rows[20, 0])
    assert rows[20, 1:].tolist() == [7, 7, 0, 1]
