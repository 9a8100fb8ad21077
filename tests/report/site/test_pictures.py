"""A profile in words and tables: what is said must be what is drawn."""

from __future__ import annotations

from typing import Any

import pytest

from synthkit.audits.profile.profile import Associations, ColumnProfile, Embedding
from synthkit.report.site.curves import of_augmentation, of_history, of_training
from synthkit.report.site.pictures import of_associations, of_columns, of_embedding
from tests.report.runs import KS, audit


def numbers(real: list[int] | None = None, **rest: Any) -> dict[str, Any]:
    def side(counts: list[int], mean: float) -> dict[str, Any]:
        return {"rows": sum(counts) + 1, "missing": 1, "mean": mean, "deviation": 1.0, "counts": counts}

    base = {"name": "age", "type": "integer", "kind": "number", "whole": True, "edges": [17.5, 18.5, 20.5, 22.5]}
    found = {**base, "tails": [False, True], "synthetic": side([5, 3, 2], 19.0), **rest}
    return found if real is None else {**found, "real": side(real, 20.0)}


def categories(**rest: Any) -> dict[str, Any]:
    own = {"rows": 10, "missing": 0, "distinct": 2, "counts": [8, 2], "others": 0}
    real = {"rows": 12, "missing": 2, "distinct": 4, "counts": [5, 4], "others": 1}
    base = {"name": "tier", "type": "categorical", "kind": "category", "labels": ["basic", "pro"]}
    return {**base, "synthetic": own, "real": real, "absent": {"categories": 2, "rows": 1}, **rest}


def profiled(columns: list[dict[str, Any]]) -> tuple[ColumnProfile, ...]:
    return tuple(map(ColumnProfile.from_json, columns))


def test_a_histogram_in_words() -> None:
    (picture,), _ = of_columns(profiled([numbers([2, 3, 5])]), "synthetic")
    assert picture.plot["synthetic"] == [0.5, 0.3, 0.2]
    assert picture.plot["real"] == [0.2, 0.3, 0.5]
    assert picture.distance == pytest.approx(0.3)
    assert picture.says.startswith("Total variation 0.300. They differ most at 18: 20.0% real, 50.0% synthetic.")
    assert "Real mean 20, synthetic mean 19." in picture.says
    assert "Missing: 9.1% real, 9.1% synthetic." in picture.says
    assert picture.rows[0] == ("18", "20.00%", "50.00%")
    assert picture.rows[-1][0] == "21 to 22 and above"


def test_without_real_rows_nothing_is_said_of_them() -> None:
    (picture,), _ = of_columns(profiled([numbers()]), "this table")
    assert picture.distance is None
    assert picture.plot["real"] is None
    assert picture.head == ("range", "this table")
    assert "real" not in picture.says.lower()


def test_categories_that_never_appear_are_told() -> None:
    (picture,), _ = of_columns(profiled([categories()]), "synthetic")
    assert "2 of 4 real categories never appear (8.33% of the real rows)." in picture.says
    assert picture.rows[-1] == ("all others", "10.00%", "0.00%")
    assert picture.plot["labels"] == ["basic", "pro"]  # the others would dwarf them
    complete = categories(absent={"categories": 0, "rows": 0})
    assert "All 4 real categories appear." in of_columns(profiled([complete]), "synthetic")[0][0].says


def test_the_largest_difference_comes_first_and_made_up_columns_have_no_picture() -> None:
    near, far = numbers([5, 3, 2], name="near"), numbers([0, 0, 10], name="far")
    made_up = {
        "name": "email",
        "type": "text",
        "kind": "made_up",
        "synthetic": {"rows": 3, "missing": 0, "distinct": 3},
    }
    pictures, names = of_columns(profiled([near, made_up, far]), "synthetic")
    assert [p.title for p in pictures] == ["far", "near"]
    assert names == ("email",)


def test_dates_and_hours_are_written_as_such() -> None:
    day = numbers(kind="date", whole=False, edges=["2024-01-01T00:00:00", "2024-01-02T00:00:00"], tails=[False, False])
    day["synthetic"]["counts"] = [10]
    hour = numbers(kind="time", whole=False, edges=[6.5, 7.0], tails=[False, False])
    hour["synthetic"]["counts"] = [10]
    pictures, _ = of_columns(profiled([day, hour]), "synthetic")
    assert pictures[0].rows[0][0] == "2024-01-01 to 2024-01-02"
    assert pictures[1].rows[0][0] == "06:30 to 07:00"


MATRIX = {"columns": ["a", "b", "c"], "synthetic": [[1, 0.1, None], [0.1, 1, 0.5], [None, 0.5, 1]]}


def test_associations_and_their_difference() -> None:
    real = [[1, 0.9, 0.2], [0.9, 1, 0.5], [0.2, 0.5, 1]]
    one, other, difference = of_associations(Associations.from_json(MATRIX | {"real": real}), "synthetic")
    assert one.plot["z"] == tuple(map(tuple, real))
    assert other.plot["z"] == tuple(map(tuple, MATRIX["synthetic"]))
    assert difference.plot["z"][0] == [0, -0.8, None]
    assert difference.rows[0] == ("a and b", "0.90", "0.10", "-0.80")
    assert "by 0.400 on average over 2 pairs" in difference.says
    (alone,) = of_associations(Associations.from_json(MATRIX), "synthetic")
    assert alone.rows[0] == ("b and c", "0.50")
    assert of_associations(Associations(reason="broke"), "synthetic") == ()


def test_the_plane() -> None:
    axes = [{"share": 0.5, "columns": ["a", "b"]}, {"share": 0.25, "columns": []}]
    points = [[float(i), 0.0] for i in range(5)]
    found = of_embedding(Embedding.from_json({"axes": axes, "synthetic": points, "real": points}), "synthetic")
    assert found is not None
    assert "axis 1 (50% of the variance: a, b); axis 2 (25% of the variance)" in found.says[0].lower() + found.says[
        1:
    ].replace("Axis", "axis")
    assert found.rows[0] == ("real, axis 1", "1.00", "2.00", "3.00")
    assert of_embedding(Embedding(reason="no column varies"), "synthetic") is None


def look(epoch: float, kept: bool, **rest: float) -> dict[str, Any]:
    return {
        "step": 1,
        "epoch": epoch,
        "kept": kept,
        "loss": 2.0,
        "pairs": 0.1,
        "coverage": 0.9,
        "marginals": 0.2,
        **rest,
    }


def test_a_training_is_shown_with_its_judgements_and_the_state_that_was_kept() -> None:
    pictures = of_training([look(1, False, coverage=0.5), look(2, True), look(3, False)])
    assert [p.title for p in pictures][1] == "Share of the expected values that occur"
    assert pictures[1].plot["series"][0]["y"] == [0.5, 0.9, 0.9]
    assert all(p.plot["mark"] == 2 for p in pictures)
    assert [s["name"] for s in pictures[-1].plot["series"]] == ["loss"]
    assert of_training([]) == ()


def test_an_augmentation_curve() -> None:
    curve = [{"ratio": r, "mean": m, "low": m - 0.1, "high": m + 0.1} for r, m in ((0.0, 0.7), (1.0, 0.8))]
    found = of_augmentation(audit("augmentation", "pass", details={"metric": "roc_auc", "best": 1.0, "curve": curve}))
    assert found is not None
    assert found.plot["x"] == [0.0, 1.0]
    assert found.says == "roc_auc on held-out rows: 0.7 with 0 synthetic rows per real row; best with 1."
    assert of_augmentation(KS) is None
    assert of_augmentation(audit("odd", "pass", details={"curve": [1, 2]})) is None


def test_history_has_the_value_the_interval_and_the_threshold() -> None:
    found = of_history("ks", [("2026-01-01", KS), ("2026-01-02", KS.having(value=0.05))], 0.1)
    assert found.plot["limit"] == 0.1
    assert found.plot["series"][0]["low"] == [0.16, 0.16]
    assert found.rows[1] == ("2026-01-02", "0.05", "max 0.1", "fail")
