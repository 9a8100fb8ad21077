"""The measures of the generator benchmark, on rows whose worth is known, and a whole short run of it."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.generators import chart
from benchmarks.generators.between import all_pairs, chosen
from benchmarks.generators.datasets import DATASETS, ROOT, Dataset, Rows, Spread, rows_of
from benchmarks.generators.metrics import c2st, conform, nearest, quality, tstr


def made(rows: int, seed: int) -> pd.DataFrame:
    """A class that follows from a number and a category, in nine rows of ten."""
    rng = np.random.default_rng(seed)
    x, c = rng.normal(size=rows), rng.choice(["a", "b", "c"], size=rows)
    wanted = (x > 0) ^ (c == "a")
    wanted ^= rng.random(rows) < 0.1
    return pd.DataFrame({"x": x, "c": c, "y": np.where(wanted, "yes", "no")})


@pytest.fixture(scope="module")
def rows() -> Rows:
    return Rows(Dataset("made", "made.csv", "y"), made(4_000, 0), made(1_000, 1))


def broken(frame: pd.DataFrame) -> pd.DataFrame:
    """The same columns, each shuffled by itself: every marginal kept, everything between them lost."""
    rng = np.random.default_rng(2)
    return pd.DataFrame({name: rng.permutation(frame[name].to_numpy()) for name in frame.columns})


def test_fresh_rows_of_the_same_kind_are_as_good_as_real_ones(rows: Rows) -> None:
    fresh = made(4_000, 3)
    assert tstr(fresh, rows) == pytest.approx(tstr(rows.train, rows), abs=0.03)
    assert tstr(fresh, rows) > 0.85
    # 1,000 rows a side: the standard error of an AUC of 0.5 is .013.
    assert c2st(fresh, rows) == pytest.approx(0.5, abs=0.04)
    # A trend over 1,000 rows in ten bins by three carries noise: real rows of this kind reach 0.93.
    assert min(quality(fresh, rows.test)) > 0.9


def test_rows_without_dependencies_keep_their_shapes_and_nothing_else(rows: Rows) -> None:
    found = broken(rows.train)
    assert tstr(found, rows) == pytest.approx(0.5, abs=0.1)
    assert c2st(found, rows) > 0.6
    assert c2st(found, rows, classifier="forest") > 0.6
    shapes, trends = quality(found, rows.test)
    assert shapes > 0.95
    assert trends < shapes


def test_copies_tell_who_was_trained_on_and_fresh_rows_do_not(rows: Rows) -> None:
    half = rows.train.sample(frac=0.5, random_state=1)
    assert nearest(half, Rows(rows.dataset, half, rows.test)) > 0.95
    others = rows.train.drop(half.index)
    # Two samples of the same rows: 0.5 but for chance, whose deviation is 1 / sqrt(6 n) each.
    assert nearest(half, Rows(rows.dataset, others, rows.test)) == pytest.approx(
        0.5, abs=4.5 / np.sqrt(3 * len(rows.test))
    )


def sums(rows: int, seed: int) -> pd.DataFrame:
    """An amount, what is paid of it, and the rest."""
    rng = np.random.default_rng(seed)
    amount = rng.gamma(3, 1_000, rows).round()
    paid = (amount * rng.random(rows)).round()
    return pd.DataFrame({"amount": amount, "paid": paid, "rest": amount - paid, "y": rng.choice(["yes", "no"], rows)})


def test_differences_tell_what_columns_by_themselves_do_not() -> None:
    start = pd.Timestamp("2024-01-01")
    train = sums(1_500, 0).assign(begun=start, copied=lambda t: t["rest"])
    train["begun"] = start + pd.to_timedelta(np.random.default_rng(1).integers(0, 900, 1_500), "D")
    train["ended"] = train["begun"] + pd.to_timedelta(np.random.default_rng(2).integers(0, 3, 1_500), "D")
    late = train.assign(ended=train["ended"] - pd.to_timedelta(np.random.default_rng(3).integers(0, 4, 1_500), "D"))
    given = Rows(Dataset("sums", "sums.csv", "y"), train, train.sample(400, random_state=0).reset_index(drop=True))
    assert ("begun", "ended") in chosen(train)
    assert ("rest", "copied") in chosen(train)
    assert all("begun" not in pair or "ended" in pair for pair in chosen(train))  # of like kind
    assert c2st(late, given, draws=1, between=True) > c2st(late, given, draws=1) + 0.05


def test_all_pairs_are_compared_and_missing_text_is_the_same_on_both_sides(rows: Rows) -> None:
    one, other = sums(2_000, 0), sums(2_000, 1)
    known = pd.concat([one, other], ignore_index=True)
    assert all_pairs(one, other, known) > 0.9
    assert all_pairs(broken(one), other, known) < all_pairs(one, other, known) - 0.05
    gaps = rows.test.assign(c=rows.test["c"].where(rows.test["c"] != "a", None))
    for written in (None, np.nan, pd.NA):
        other = gaps.assign(c=gaps["c"].astype(object).where(gaps["c"].notna(), written))
        assert all_pairs(conform(other, gaps), gaps, gaps) == 1
        assert quality(conform(other, gaps), gaps) == (1, 1)


def test_a_chart_is_drawn_of_what_runs_have_written(tmp_path: Path) -> None:
    def fit(generator: str, seed: int, seconds: float, tstr: float) -> dict[str, object]:
        scores = {"tstr": tstr, "c2st": 0.6}
        return {
            "dataset": "adult",
            "generator": generator,
            "seed": seed,
            "record": {"fit_s": seconds},
            "scores": scores,
        }

    failed = {"dataset": "adult", "generator": "tvae", "seed": 0, "record": {}, "scores": None}
    fits = [fit("circuit", 0, 4.0, 0.9), fit("circuit", 1, 6.0, 0.92), fit("sdv.ctgan", 0, 900.0, 0.88), failed]
    quality = {"tables": {"adult": {"floor": {"tstr": 0.925, "c2st": 0.5}}}, "fits": fits}
    (tmp_path / "results.json").write_text(json.dumps({"quality": quality}), "utf-8")
    ours, peer = (
        next(p for p in chart.points([tmp_path / "results.json"]) if p.generator == g) for g in ("circuit", "sdv.ctgan")
    )
    assert (ours.seconds, round(ours.scores["tstr"], 6)) == (5.0, 0.91)
    assert peer.label == "SDV CTGAN"
    chart.main([str(tmp_path / "results.json"), "--out", str(tmp_path / "chart.svg")])
    svg = (tmp_path / "chart.svg").read_text("utf-8")
    assert xml.etree.ElementTree.fromstring(svg).tag.endswith("svg")
    assert svg.count("<circle") == 4
    for said in ("SDV CTGAN", "circuit", "real rows", "1000 s", "adult"):
        assert said in svg
    assert "tvae" not in svg


def test_histories_become_wide_rows() -> None:
    told = pd.DataFrame(
        {
            "who": ["a", "b", "a", "b", "a"],
            "on": ["2024-01-30", "2024-02-01", "2024-01-31", "2024-04-01", "2024-03-05"],
            "paid": [1.5, 2.0, 0.25, 9.0, 4.0],
            "kind": ["x", "y", "x", "y", "x"],
        }
    )
    months = Spread("who", 3, ("paid",), ("kind",), month="on").of(told)
    assert months.to_dict("list") == {
        "kind": ["x", "y"],
        "paid_0": [1.75, 0.0],
        "paid_1": [0.0, 2.0],
        "paid_2": [4.0, 0.0],
    }
    turns = Spread("who", 2, ("paid",)).of(told)
    assert turns.to_dict("list") == {"paid_0": [1.5, 2.0], "paid_1": [0.25, 9.0]}


def test_what_cannot_be_judged_is_said(rows: Rows) -> None:
    with pytest.raises(ValueError, match="lack the columns x"):
        conform(rows.train.drop(columns="x"), rows.test)
    assert np.isnan(tstr(rows.train.assign(y="yes"), rows))


def test_the_split_is_fixed_and_whole() -> None:
    first, again = (rows_of(DATASETS["churn"], Path("nowhere")) for _ in range(2))
    pd.testing.assert_frame_equal(first.train, again.train)
    assert len(first.train) == 4_000
    assert len(first.test) == 1_000


@pytest.mark.long
def test_a_short_run_judges_prints_and_keeps_its_results(tmp_path: Path) -> None:
    parts = ["quality", "--quick", "--no-peers", "--generators", "cart", "--datasets", "churn_300", "--seeds", "1"]
    parts += ["--threads", "1"]
    call = [sys.executable, "-m", "benchmarks.generators", *parts, "--work", str(tmp_path), "--data", "nowhere"]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "| `cart` |" in done.stdout
    record = json.loads((tmp_path / "results.json").read_text("utf-8"))
    fits = record["quality"]["fits"]
    assert [f["seed"] for f in fits] == [0]
    for fit in fits:
        assert 0 < fit["scores"]["tstr"] <= 1
        assert fit["record"]["fit_s"] > 0
        assert fit["record"]["rows"] == 240
    assert str(tmp_path) not in json.dumps(record["quality"])  # no path of this machine in what is kept
    again = subprocess.run([*call, "--reuse"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    kept = json.loads((tmp_path / "results.json").read_text("utf-8"))["quality"]["fits"]
    assert [f["scores"] for f in kept] == [f["scores"] for f in fits]
