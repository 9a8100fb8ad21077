"""k-anonymity, l-diversity, t-closeness and k-map against tables small enough to count by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from synthkit.audits import registry
from synthkit.audits.contract import AuditResult
from synthkit.errors import SynthError
from tests.audits.sides import context

ROWS = {
    "age": [21, 24, 29, 35, 38, None, None],
    "sex": ["f", "f", "f", "m", "m", "m", "m"],
    "ill": ["a", "a", "b", "a", "b", "c", "c"],
}
REAL = {"age": [22, 36, None], "sex": ["f", "m", "m"], "ill": ["a", "a", "a"]}
BANDS = {"quasi_identifiers": ["age", "sex"], "widths": {"age": 10}}


def run(folder: Path, name: str, **params: Any) -> AuditResult:
    audit = registry.get(name)
    over = context(folder, ROWS, REAL, {**REAL, "age": [23, 99, None]})
    return audit.run(over, audit.params.model_validate(params))


def test_k_anonymity_counts_the_smallest_group(tmp_path: Path) -> None:
    result = run(tmp_path, "k_anonymity", **BANDS, min=2)
    assert (result.value, result.status, result.details["rows_in_groups_below_5"]) == (2.0, "pass", 7)
    assert run(tmp_path, "k_anonymity", **BANDS, min=3).status == "fail"
    assert run(tmp_path, "k_anonymity", quasi_identifiers=["age"]).value == 1.0


def test_l_diversity_counts_values_in_a_group(tmp_path: Path) -> None:
    assert run(tmp_path, "l_diversity", **BANDS, sensitive="ill").value == 1.0  # the two of unknown age
    by_sex = {"quasi_identifiers": ["sex"], "sensitive": "ill"}
    assert run(tmp_path, "l_diversity", **by_sex).value == 2.0
    entropy = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    assert run(tmp_path, "l_diversity", **by_sex, kind="entropy").value == pytest.approx(math.exp(entropy))


def test_t_closeness_of_categories_and_numbers(tmp_path: Path) -> None:
    # Women: a 2/3, b 1/3, c 0 against 3/7, 2/7, 2/7 of all; they lack c.
    found = run(tmp_path, "t_closeness", quasi_identifiers=["sex"], sensitive="ill")
    assert found.value == pytest.approx(2 / 7)
    # The ordered distance over the six ranks (null, 21, 24, 29, 35, 38), of men: 2/4, 0, 0, 0, 1/4, 1/4
    gaps = [2 / 4 - 2 / 7, 2 / 4 - 3 / 7, 2 / 4 - 4 / 7, 2 / 4 - 5 / 7, 3 / 4 - 6 / 7]
    women = [-2 / 7, 1 / 3 - 3 / 7, 2 / 3 - 4 / 7, 1 - 5 / 7, 1 - 6 / 7]
    expected = max(sum(map(abs, gaps)), sum(map(abs, women))) / 5
    found = run(tmp_path, "t_closeness", quasi_identifiers=["sex"], sensitive="age")
    assert found.value == pytest.approx(expected)


def test_k_map_counts_real_people(tmp_path: Path) -> None:
    result = run(tmp_path, "k_map", **BANDS, min=2)
    assert result.value == 1.0  # the man of 36
    assert result.floor == 1.0
    assert result.status == "fail"
    assert result.details["rows_that_fit_somebody"] == 7
    assert run(tmp_path, "k_map", quasi_identifiers=["sex"]).value == 2.0


def test_a_band_needs_a_quasi_identifier_that_is_a_number(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not among"):
        run(tmp_path, "k_anonymity", quasi_identifiers=["sex"], widths={"age": 10})
    with pytest.raises(SynthError, match="no numbers"):
        run(tmp_path, "k_anonymity", quasi_identifiers=["sex"], widths={"sex": 10})


def test_only_k_map_reads_real_rows() -> None:
    assert {n for n in ("k_anonymity", "l_diversity", "t_closeness", "k_map") if registry.get(n).needs} == {"k_map"}
