"""Audits of wide tables: what is held at once is a part, and what is asked of a column costs no look at all others."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

from synthkit.audits import context as contexts
from synthkit.audits.context import AuditContext, Side
from synthkit.audits.fidelity.pairs import MOST_PAIRS, chosen_pairs
from synthkit.audits.measures.estimators import Dealt, dense_cells, learn, make_model
from synthkit.audits.rows import neighbours
from synthkit.audits.rows.neighbours import nearest, nearest_rows
from synthkit.audits.runner import BoundAudit, run_audits
from tests.audits.sides import context, run


class Seeded:
    """The part of a context that drawing pairs asks for."""

    def rng(self, *_purpose: object) -> np.random.Generator:
        return np.random.default_rng(5)


def chosen(columns: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return chosen_pairs(cast(AuditContext, Seeded()), columns)


def test_pairs_that_are_drawn_are_those_of_the_list_of_all() -> None:
    for count in (2, 32, 33, 90):
        columns = tuple(f"c{i}" for i in range(count))
        every = list(combinations(columns, 2))
        places: Any = range(len(every))
        if len(every) > MOST_PAIRS:
            places = sorted(np.random.default_rng(5).choice(len(every), MOST_PAIRS, replace=False).tolist())
        assert chosen(columns) == tuple(every[i] for i in places)


def test_pairs_of_many_columns_are_drawn_in_little_memory() -> None:
    columns = tuple(f"c{i}" for i in range(1_500))
    tracemalloc.start()
    try:
        assert len(chosen(columns)) == MOST_PAIRS
        assert tracemalloc.get_traced_memory()[1] < 30e6  # a list of all is 70 MB
    finally:
        tracemalloc.stop()


def test_neighbours_of_many_dimensions_are_the_same_in_less_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    points, others = (rng.standard_normal((400, 2_000)).astype(np.float32) for _ in range(2))
    whole = nearest(points, [others], 2)
    monkeypatch.setattr(neighbours, "QUERY_CELLS", 2_000 * 20)
    tracemalloc.start()
    try:
        found = nearest(points, [others], 2)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.array_equal(found[0], whole[0])
    assert np.allclose(found[1], whole[1], rtol=1e-12)
    assert most < 12e6  # the other points in double precision are 6.4 MB; all differences at once were as much again


def test_neighbours_of_rows_hold_a_part_of_the_points(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    points = {side: rng.integers(0, 3, (500, 1_000)).astype(np.float32) for side in ("train", "synthetic")}
    held: list[int] = []

    def made(side: Side, which: np.ndarray) -> np.ndarray:
        held.append(len(which))
        return points[side][which]

    every = np.arange(500)
    asked: list[tuple[Side, np.ndarray]] = [("train", every[:120]), ("synthetic", every[:0]), ("train", every[120:])]
    monkeypatch.setattr(neighbours, "QUERY_CELLS", 1_000 * 50)
    whole = nearest(points["train"], [points["synthetic"]], 3)
    monkeypatch.setattr(neighbours, "ASKED_CELLS", 1_000 * 149)
    monkeypatch.setattr(neighbours, "CELLS", 1_000 * 100)
    found = nearest_rows(made, asked, ("synthetic", every), 3)
    assert np.array_equal(found[0], whole[0])
    assert np.array_equal(found[1], whole[1])
    assert max(held) <= 100  # of whole blocks of 50, what fits into 149


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("categorical", [[False, True, True, False], [False] * 4, [True] * 4])
def test_a_column_dealt_anew_is_told_as_if_the_rows_were_transformed_again(
    categorical: list[bool], sparse: bool
) -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, [3, 80, 7, 120], (300, 4)).astype(float)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    label = (np.nan_to_num(rows[:, 0]) + rng.standard_normal(300) > 1).astype(int)
    params = {"max_iter": 20}
    model = learn(
        make_model("LogisticRegression", params, "classification", categorical, 3, sparse=sparse),
        rows[:200],
        label[:200],
    )
    asked, order = Dealt(model, rows[200:]), rng.permutation(100)
    for column in range(4):
        dealt = rows[200:].copy()
        dealt[:, column] = dealt[order, column]
        assert np.array_equal(asked.scores(column, order), model.predict_proba(dealt)[:, 1])
    assert np.array_equal(asked.scores(), model.predict_proba(rows[200:])[:, 1])


def test_cells_of_one_hot_categories_are_counted_before_they_are_made() -> None:
    rows = np.array([[0.5, 0, 0], [0.1, 2, np.nan], [0.2, 1, 70]])
    assert dense_cells(rows, [False, True, True]) == 3 * (1 + 3 + 50)
    assert dense_cells(rows, [False] * 3) == 9


def audited(folder: Path) -> AuditContext:
    rng = np.random.default_rng(4)
    sides = ({f"c{i}": rng.standard_normal(rows) for i in range(3)} for rows in (80, 80, 60))
    return context(folder, *sides)


def test_who_has_which_value_is_let_go_column_by_column(tmp_path: Path) -> None:
    whole = audited(tmp_path)
    assert len(run("value_reuse", whole).columns) == 3
    assert not [key for key in whole._cache if key[1] in ("population", "keys", "arrow")]


def test_columns_that_a_family_of_audits_read_are_let_go_when_it_is_done(tmp_path: Path) -> None:
    whole, seen = audited(tmp_path), list[set[str]]()

    def watch(*_step: object) -> None:
        seen.append({key[1] for key in whole._cache} & contexts.READ)

    names = ("ks", "column_pairs", "exact_match")
    run_audits(whole, [BoundAudit(name, name, None) for name in names], watch)
    assert seen == [set(), {"values"}, set(), set()]


@pytest.mark.parametrize("small", [False, True])
def test_a_side_is_read_from_its_files_unless_it_is_small_or_narrowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    monkeypatch.setattr(contexts, "FEW_CELLS", 3 * 80 * small)
    whole = audited(tmp_path)
    narrow = whole.narrowed("c1 > 0")
    assert whole.scan("synthetic").startswith("system.main.read_parquet(") is not small
    assert narrow.scan("synthetic") == "synthetic"
    every, above = (c.column("synthetic", "c1").to_pylist() for c in (whole, narrow))
    assert above == [x for x in every if x > 0]


def test_a_small_table_of_long_texts_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the same text comes, which the file has once; a list counts as its text does."""
    columns = {
        "note": pa.array(["x" * 500 + str(i % 2) for i in range(80)]),
        "list": pa.array([[i] * 100 for i in range(80)]),
        "blob": pa.array([b"x" * 500] * 80),
        "number": pa.array(range(80)),
    }
    for name, column in columns.items():
        found = context(tmp_path, *[{name: column, "n": pa.array(range(80))}] * 3)
        for most in (80 * 600, 80 * 100):
            monkeypatch.setattr(contexts, "FEW_TEXT", most)
            again = replace(found, _cache={})
            assert (again.scan("synthetic") == "synthetic") is (name == "number" or most > 80 * 500), name
            assert again.column("train", "n").to_pylist() == [*range(80)]


def test_a_wide_table_is_held_and_gives_the_same_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audits = ("ks", "column_pairs", "value_reuse")
    monkeypatch.setattr(contexts, "FEW_CELLS", 0)
    read = [run(a, audited(tmp_path)) for a in audits]
    monkeypatch.setattr(contexts, "WIDE", 3)
    held = audited(tmp_path)
    assert held.scan("train") == "train"
    assert held.narrowed("c1 > 0").column("train", "c1").to_pylist()
    assert [run(a, held) for a in audits] == read
    monkeypatch.setattr(contexts, "HELD_CELLS", 3 * 80 - 1)
    assert audited(tmp_path).scan("train").startswith("system.main.read_parquet(")
