"""Single columns as bins and counts: every row is counted once, both sides share the bins, nothing odd breaks it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthkit.audits.profile.columns import BINS, MOST_CATEGORIES, column_profiles
from tests.audits.sides import context


def only(directory: Path, synthetic: Any, real: Any = None, **rest: Any) -> dict[str, Any]:
    """The profile of a table's one column ``c``."""
    train = None if real is None else {"c": real}
    return column_profiles(context(directory, {"c": synthetic}, train, **rest))[0]


def test_bins_are_shared_and_count_every_value(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    found = only(tmp_path, rng.normal(size=500), rng.normal(3, 1, size=700))
    assert found["kind"] == "number"
    assert len(found["edges"]) == BINS + 1
    assert sum(found["synthetic"]["counts"]) == 500
    assert sum(found["real"]["counts"]) == 700
    middle = [sum(c * i for i, c in enumerate(found[s]["counts"])) / found[s]["rows"] for s in ("synthetic", "real")]
    assert middle[0] < middle[1] - 5  # the real rows lie further to the right


def test_held_out_rows_are_real_rows(tmp_path: Path) -> None:
    found = column_profiles(context(tmp_path, {"c": [1, 2]}, {"c": [1, 2, 3]}, {"c": [3, 4]}))[0]
    assert found["real"]["rows"] == 5


def test_an_outlier_does_not_set_the_scale(tmp_path: Path) -> None:
    found = only(tmp_path, [*np.linspace(0, 1, 999), 1e9])
    assert found["edges"][-1] < 2
    assert found["tails"] == [True, True]
    assert sum(found["synthetic"]["counts"]) == 1000


@pytest.mark.parametrize(
    ("values", "edges"),
    [([1, 2, 2, 5], [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]), ([7, 7], [6.5, 7.5]), ([0, 400], None)],
)
def test_whole_numbers_have_bins_of_their_own(tmp_path: Path, values: list[int], edges: list[float] | None) -> None:
    found = only(tmp_path, values)
    assert found["whole"]
    assert sum(found["synthetic"]["counts"]) == len(values)
    if edges is not None:
        assert found["edges"] == edges
    else:
        steps = np.diff(found["edges"])
        assert (steps == steps[0]).all()
        assert steps[0] == int(steps[0])


@pytest.mark.parametrize(
    "values", [[2.5, 2.5], [0.0], [None, None], [float("nan"), float("inf"), 1.0], [-1e300, 1e300]]
)
def test_odd_columns_still_have_a_profile(tmp_path: Path, values: list[float | None]) -> None:
    found = only(tmp_path, pa.array(values, pa.float64()))["synthetic"]
    assert sum(found["counts"]) + found["missing"] == len(values)
    assert found["rows"] == len(values)


def test_dates_and_times_are_told_apart(tmp_path: Path) -> None:
    days = [dt.date(2024, 1, d) for d in range(1, 11)]
    found = only(tmp_path / "d", pa.array(days))
    assert found["kind"] == "date"
    assert found["edges"][0] == "2023-12-31T12:00:00"
    assert found["synthetic"]["counts"] == [1] * 10
    moments = only(tmp_path / "m", pa.array([dt.datetime(2024, 1, 1), dt.datetime(2024, 6, 1)], pa.timestamp("us")))
    assert moments["kind"] == "datetime"
    hours = only(tmp_path / "h", pa.array([dt.time(6), dt.time(18)]))
    assert hours["kind"] == "time"
    assert 5.9 < hours["edges"][0] <= 6.1


def test_categories_are_named_and_the_rest_is_counted_together(tmp_path: Path) -> None:
    synthetic = [f"v{i:02d}" for i in range(30) for _ in range(30 - i)]
    found = only(tmp_path, synthetic, [*synthetic, "new", None])
    assert len(found["labels"]) == MOST_CATEGORIES
    assert found["labels"][0] == "v00"
    for side in ("synthetic", "real"):
        part = found[side]
        assert sum(part["counts"]) + part["others"] + part["missing"] == part["rows"]
    assert found["absent"] == {"categories": 1, "rows": 1}


def test_the_same_value_in_two_types_is_one_category(tmp_path: Path) -> None:
    synthetic, real = pa.array([1, 2, 2], pa.int64()), pa.array([1.0, 2.0, 2.0], pa.float64())
    found = column_profiles(context(tmp_path, {"c": synthetic}, {"c": real}, types={"c": "categorical"}))[0]
    assert len(found["labels"]) == 2
    assert found["absent"] == {"categories": 0, "rows": 0}


def test_of_keys_names_and_text_nothing_real_is_looked_at(tmp_path: Path) -> None:
    real = {"c": [f"person {i}" for i in range(50)]}
    made = context(tmp_path, {"c": ["a", "b", "b"]}, real, types={"c": "text"})
    assert column_profiles(made)[0] == {
        "name": "c",
        "type": "text",
        "kind": "made_up",
        "synthetic": {"rows": 3, "missing": 0, "distinct": 2},
    }


def test_a_column_that_the_source_calls_a_key_is_one(tmp_path: Path) -> None:
    """Its type in the synthetic table may say nothing of it."""
    from dataclasses import replace

    found = context(tmp_path, {"c": [1, 2]}, {"c": [3, 4]})
    assert found.train is not None
    train = replace(found.train, schema=replace(found.train.schema, primary_key=("c",)))
    assert column_profiles(replace(found, train=train))[0]["kind"] == "made_up"


def test_a_column_that_only_one_side_has(tmp_path: Path) -> None:
    found = column_profiles(context(tmp_path, {"c": [1, 2]}, {"other": [1, 2]}))
    assert [f["name"] for f in found] == ["c"]
    assert "real" not in found[0]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40)), min_size=1, max_size=40))
def test_no_row_is_lost_whatever_the_numbers(tmp_path: Path, values: list[int | None]) -> None:
    found = only(tmp_path, pa.array(values, pa.int64()))
    part = found["synthetic"]
    assert sum(part["counts"]) + part["missing"] == len(values)
    assert len(found["edges"]) <= BINS + 13
