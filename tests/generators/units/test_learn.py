"""A family under a budget: what leaves the rows, what is drawn, and faults that must not go unseen."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthkit.errors import BuildError
from synthkit.generators import registry
from synthkit.generators.base import Budget, Quota, silent
from synthkit.generators.marginals.params import AimParams
from synthkit.generators.marginals.release import Releases
from synthkit.generators.tables import Tables
from synthkit.generators.units import learn
from synthkit.generators.units.bounding import Rows, bounded
from synthkit.generators.units.model import Units
from synthkit.privacy.accounting import accountant
from tests.generators.units.made import KEYS, family, together, unit
from tests.generators.units.test_bounding import ODD

AIM = registry.trained("aim")
BUDGET = Budget(3.0, 1e-6, 200, insecure_seed=11)
Array = np.ndarray[Any, Any]


class Watched(Releases):
    """Says what it is asked, and answers as an earlier training was answered, where there was one."""

    earlier: Watched | None = None
    asked: list[Array]
    scores: list[Array]
    answers: list[Any]

    def __post(self) -> None:
        if not hasattr(self, "asked"):
            self.asked, self.scores, self.answers = [], [], []

    def histogram(self, counts: Array, sigma: float) -> Array:
        self.__post()
        found = super().histogram(counts, sigma)
        return self._answer(self.asked, counts, found)

    def choose_first(
        self, scores: Array, fits: Callable[[int], bool], epsilon: float, sensitivity: float
    ) -> int | None:
        self.__post()
        found = super().choose_first(scores, fits, epsilon, sensitivity)
        return self._answer(self.scores, scores / sensitivity, found)

    def _answer(self, said: list[Array], what: Array, found: Any) -> Any:
        said.append(np.array(what, dtype=np.float64).reshape(-1))
        answer = found if self.earlier is None else self.earlier.answers[len(self.answers)]
        self.answers.append(answer)
        return answer


def watched(tables: Tables, monkeypatch: pytest.MonkeyPatch, earlier: Watched | None = None) -> tuple[Watched, Units]:
    made: list[Watched] = []

    def releases(*arguments: Any) -> Watched:
        found = Watched(*arguments)
        found.earlier = earlier
        made.append(found)
        return found

    monkeypatch.setattr(learn, "Releases", releases)
    model = learn.fit_tables(tables, AimParams(), budget=BUDGET, seed=0, device="cpu", progress=silent)
    return made[0], model


def moved(before: Watched, after: Watched) -> tuple[float, float]:
    """By how much a histogram differs at most, in L1, and a score, in units of its sensitivity."""
    counts = max(float(np.abs(a - b).sum()) for a, b in zip(before.asked, after.asked, strict=True))
    scores = [float(np.abs(a - b).max()) for a, b in zip(before.scores, after.scores, strict=True)]
    return counts, max(scores, default=0.0)


@pytest.fixture(scope="module")
def units() -> list[dict[str, Any]]:
    chance = random.Random(1)
    return [unit(n, chance) for n in range(200)]


@pytest.mark.parametrize("odd", ["huge", "odd values", "the same as another, under its own key"])
def test_a_unit_more_is_one_row_more_in_each_release(
    odd: str, units: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the same earlier answers each histogram differs by one in one cell, each score by its sensitivity."""
    before, _ = watched(family(together(units), tmp_path / "before"), monkeypatch)
    after, _ = watched(family(together([*units, ODD[odd]]), tmp_path / "after"), monkeypatch, before)
    counts, scores = moved(before, after)
    assert len(before.asked) > 20
    assert counts <= 1
    assert scores <= 1 + 1e-9


def _files(model: Units, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    AIM.save(model, folder)
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def _twice(
    units: list[dict[str, Any]], odd: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, bytes]]:
    """The model of the units, and that of one unit more under the same answers: each as the files that are kept."""
    before, first = watched(family(together(units), folder / "before"), monkeypatch)
    _, second = watched(family(together([*units, ODD[odd]]), folder / "after"), monkeypatch, before)
    return [_files(first, folder / "first"), _files(second, folder / "second")]


@pytest.mark.parametrize("odd", ["huge", "odd values"])
def test_nothing_but_the_answers_is_in_the_model(
    odd: str, units: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not released by a mechanism is in no file of the model: under the same answers it is the same bytes."""
    first, second = _twice(units, odd, tmp_path, monkeypatch)
    assert len(first) >= 3
    assert first == second


def test_an_exact_count_in_the_plan_is_seen(
    units: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: the plan of the root keeps how many rows of orders there are, without noise."""
    honest = learn._Learning.frame

    def planted(self: Any, *arguments: Any) -> Any:
        frame = honest(self, *arguments)
        if self.level.key is not None:
            return frame
        model, many = frame.marginals.model, len(self.rows["orders"].owner)
        model = replace(model, tables=[t * many / model.total for t in model.tables])
        return replace(frame, marginals=replace(frame.marginals, model=model))

    monkeypatch.setattr(learn._Learning, "frame", planted)
    first, second = _twice(units, "huge", tmp_path, monkeypatch)
    assert first != second


def _all_rows(way: list[Rows]) -> Array:
    return np.arange(len(way[0]))


def test_children_that_count_row_by_row_are_seen(
    units: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: each of a unit's rows counts, as if it were somebody else's."""
    from synthkit.generators.units import bounding

    monkeypatch.setattr(bounding, "_chosen", _all_rows)
    before, _ = watched(family(together(units), tmp_path / "before"), monkeypatch)
    after, _ = watched(family(together([*units, ODD["huge"]]), tmp_path / "after"), monkeypatch, before)
    assert moved(before, after)[0] > 1


def test_a_count_that_is_not_bounded_is_seen(
    units: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: the plan holds how many rows there really are."""
    tables = family(together(units), tmp_path)
    real = bounded(tables, learn.root_level(tables.shape))
    many = np.bincount(real["orders"].owner)
    assert many.max() <= 4
    open_keys = tuple(replace(k, max_per_parent=None) if k.table == "orders" else k for k in KEYS)
    with pytest.raises(BuildError, match="nothing says how many rows of 'orders'"):
        AIM.related.mechanisms(AimParams(), BUDGET, replace(tables.shape, keys=open_keys))  # type: ignore[union-attr, misc]


def test_noise_that_is_less_than_charged_ends_the_training(
    units: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: the noise of the tables below the root is scaled as if they were learnt alone."""
    honest = learn._Learning.frame

    def planted(self: Any, params: AimParams, plan: Any, *rest: Any) -> Any:
        if self.level.name == "orders":
            plan = replace(plan, first_sigma=plan.first_sigma / 3, sigma=plan.sigma / 3)
        return honest(self, params, plan, *rest)

    monkeypatch.setattr(learn._Learning, "frame", planted)
    with pytest.raises(AssertionError, match="was to release"):
        watched(family(together(units), tmp_path), monkeypatch)


def test_the_releases_of_all_tables_come_to_the_budget(tmp_path: Path) -> None:
    tables = family({}, tmp_path)
    assert AIM.related is not None
    assert AIM.related.mechanisms is not None
    released = AIM.related.mechanisms(AimParams(), BUDGET, tables.shape)
    assert 0.98 * BUDGET.epsilon <= accountant.epsilon(released, BUDGET.delta) <= BUDGET.epsilon


@pytest.fixture(scope="module")
def learnt(units: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Units:
    tables = family(together(units), tmp_path_factory.mktemp("family"))
    found: Units = AIM.related.fit(  # type: ignore[union-attr]
        tables, AimParams(), budget=replace(BUDGET, epsilon=200.0), seed=0, device="cpu", progress=silent
    )
    return found


def drawn(model: Units, rows: int, conditions: Any = ()) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name, batch in AIM.related.sample(model, rows, conditions=conditions, seed=4, progress=silent):  # type: ignore[union-attr]
        found.setdefault(name, []).extend(batch.to_pylist())
    return found


def test_keys_of_drawn_rows_name_drawn_rows_and_bounds_hold(learnt: Units) -> None:
    found = drawn(learnt, 300)
    people, orders = [r["id"] for r in found["people"]], [r["order"] for r in found["orders"]]
    assert len(set(people)) == len(people) == 300
    assert len(set(orders)) == len(orders)
    owners = [r["of"] for r in found["orders"]]
    assert set(owners) <= set(people)
    assert max(owners.count(o) for o in set(owners)) <= 4
    above = [r["in"] for r in found["lines"]]
    assert set(above) <= set(orders)
    assert max(above.count(o) for o in set(above)) <= 3
    assert {r["item"] for r in found["lines"]} <= {"i0", "i1", "i2", "i3", "i4", None}
    days: dict[str, list[int]] = {}
    for row in found["orders"]:
        if row["day"] is not None:
            days.setdefault(row["of"], []).append(row["day"])
    assert all(d == sorted(d) for d in days.values())


def test_counts_follow_the_rows(learnt: Units, units: list[dict[str, Any]]) -> None:
    """Under so much budget the mean numbers of rows are close to those that were read: within a tenth."""
    found = drawn(learnt, 2000)
    real = np.mean([min(4, len(one["orders"])) for one in units])
    assert len(found["orders"]) / 2000 == pytest.approx(real, rel=0.1)


def test_conditions_on_the_root_are_exact(learnt: Units) -> None:
    asked = (Quota({"tier": "pro"}, 120), Quota({"tier": "plus"}, 30), Quota({}, 50))
    found = drawn(learnt, 200, asked)["people"]
    assert len(found) == 200
    assert sum(r["tier"] == "pro" for r in found) >= 120


def test_a_model_comes_back_from_its_folder(learnt: Units, tmp_path: Path) -> None:
    AIM.save(learnt, tmp_path)
    assert drawn(AIM.load(tmp_path), 50) == drawn(learnt, 50)
