"""Planted faults: training rows copied, copied with noise, a few copied; and fresh samples, which must pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult
from tests.audits.privacy.test_membership import SCHEMA, population
from tests.audits.privacy.test_membership import context as sides

TRAIN, HOLDOUT, FRESH = population(4_000, 1), population(4_000, 2), population(4_000, 9)
ATTACKS = ("membership_inference", "dcr", "nndr", "exact_match", "singling_out", "linkability", "attribute_inference")


def copied(share: float) -> pd.DataFrame:
    count = round(share * len(FRESH))
    return pd.concat([FRESH[count:], TRAIN.sample(count, random_state=3)], ignore_index=True)


def noisy() -> pd.DataFrame:
    rng, rows = np.random.default_rng(4), TRAIN.copy()
    for column in ("spend", "score"):
        rows[column] += rng.normal(0, 0.02 * rows[column].std(), len(rows))
    return rows


def run(over: AuditContext, name: str, **params: Any) -> AuditResult:
    audit = registry.get(name)
    return audit.run(over, audit.params.model_validate(params))


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> dict[str, AuditContext]:
    tables = {"fresh": FRESH, "10%": copied(0.1), "5%": copied(0.05), "100%": copied(1.0), "noisy": noisy()}
    return {n: sides(tmp_path_factory.mktemp("planted"), t, TRAIN, HOLDOUT) for n, t in tables.items()}


@pytest.mark.parametrize("name", [*ATTACKS, "outlier_similarity"])
def test_a_full_copy_fails(over: dict[str, AuditContext], name: str) -> None:
    params = {"share": 0.03} if name == "outlier_similarity" else {}
    assert run(over["100%"], name, **params).status == "fail"


@pytest.mark.parametrize("name", ["membership_inference", "dcr", "nndr", "exact_match", "outlier_similarity"])
def test_a_tenth_of_copies_fails(over: dict[str, AuditContext], name: str) -> None:
    params = {"share": 0.03} if name == "outlier_similarity" else {}  # of 4,000 + 4,000 people: some 120 on each side
    assert run(over["10%"], name, **params).status == "fail"


def test_outliers_that_are_found_for_sure_fail_where_their_average_hides_them(over: dict[str, AuditContext]) -> None:
    found, fresh = (run(over[n], "outlier_similarity", share=0.03, max=0.7) for n in ("10%", "fresh"))
    assert found.status == "fail"
    assert found.value is not None
    assert found.value < 0.7
    assert "training people lie nearer to the table than every held-out one" in found.message
    # A tenth of some 120 are copied: 12, and chance may add a few.
    assert found.details["found_first"] / found.details["training"] == pytest.approx(0.1, abs=0.04)
    assert found.details["by_chance"] < 0.001
    assert fresh.status == "pass"
    assert fresh.details["by_chance"] > 0.05
    assert run(over["10%"], "outlier_similarity", share=0.03, max=0.7, max_found=0.2).status != "fail"


@pytest.mark.parametrize("name", ATTACKS)
def test_a_fresh_sample_passes(over: dict[str, AuditContext], name: str) -> None:
    assert run(over["fresh"], name).status in ("pass", "inconclusive")
    if name in ("membership_inference", "nndr", "exact_match", "linkability"):
        assert run(over["fresh"], name).status == "pass"


def test_values_are_those_expected(over: dict[str, AuditContext]) -> None:
    # Half the copied share is what a DCR share gains; 4,000 rows have a standard error of about 0.011, three are 0.035.
    for name, share in (("fresh", 0.0), ("5%", 0.05), ("10%", 0.1)):
        assert run(over[name], "dcr").value == pytest.approx(0.5 + share / 2, abs=0.035)
        assert run(over[name], "exact_match").value == pytest.approx(share, abs=0.001)


def test_a_few_copies_are_found_by_exact_match_alone(over: dict[str, AuditContext]) -> None:
    assert run(over["5%"], "exact_match").status == "fail"
    assert run(over["5%"], "dcr").value < 0.56


def test_near_copies_are_found_by_distance_alone(over: dict[str, AuditContext]) -> None:
    near = run(over["noisy"], "dcr")
    assert run(over["noisy"], "exact_match").value < 0.06  # rows whose two numbers are missing stay copies
    assert near.status == "fail"
    assert near.value is not None
    assert near.value > 0.9


@pytest.mark.slow
def test_four_times_as_many_training_rows_pass(tmp_path: Path) -> None:
    more = sides(tmp_path, population(12_000, 9), population(24_000, 1), population(6_000, 2))
    for name in ("dcr", "nndr", "exact_match", "membership_inference"):
        result = run(more, name)
        assert result.status == "pass" or (name == "dcr" and result.status == "inconclusive")
        assert result.ci_low is not None
        assert result.ci_high is not None
        assert result.ci_low <= (0.0 if name == "exact_match" else 0.5) <= result.ci_high
    assert run(more, "dcr").value == pytest.approx(0.5, abs=0.03)


def test_rare_people_who_are_copied_are_found(tmp_path: Path) -> None:
    """A fresh table that repeats the most extreme training rows: the average attack passes, this one does not."""
    far = (TRAIN["score"] - TRAIN["score"].mean()).abs().sort_values().index[-150:]
    table = pd.concat([FRESH[:-150], TRAIN.loc[far]], ignore_index=True)
    found = sides(tmp_path, table, TRAIN, HOLDOUT)
    rare = run(found, "outlier_similarity", share=0.02)
    assert rare.status == "fail"
    assert run(found, "membership_inference").status == "pass"


def test_duplicates_do_not_look_like_copies(tmp_path: Path) -> None:
    """Equal rows lie on one side of the split, popular ones too: the sizes of the sides must not make them copies."""
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"age": rng.zipf(1.3, 20_000) % 3_000, "spend": 1.0, "score": 0.0})
    frame = frame.assign(tier=rng.choice(list("xyz"), 20_000), region="a", member=False)
    real, synthetic = frame[:15_000], frame[15_000:]
    kinds = real.groupby(["age", "tier"]).ngroup().to_numpy()
    held_out = (rng.random(kinds.max() + 1) < 0.2)[kinds]
    split = sides(tmp_path, synthetic, real[~held_out], real[held_out])
    for name in ("exact_match", "dcr", "nndr"):
        assert run(split, name).status in ("pass", "inconclusive")


def test_few_different_rows_pass(tmp_path: Path) -> None:
    def coarse(seed: int) -> pd.DataFrame:
        return population(3_000, seed).assign(spend=1.0, score=0.0, age=30)

    split = sides(tmp_path, coarse(1), coarse(2), coarse(3))
    for name in ("exact_match", "dcr", "nndr", "linkability", "singling_out"):
        assert run(split, name).status in ("pass", "inconclusive", "skipped")


@pytest.mark.parametrize("name", [*ATTACKS, "outlier_similarity"])
def test_too_few_rows_to_tell(tmp_path: Path, name: str) -> None:
    tiny = sides(tmp_path, FRESH.head(20), TRAIN.head(20), HOLDOUT.head(20))
    result = run(tiny, name)
    assert result.status == "inconclusive"
    assert "too few rows to tell" in result.message


@pytest.mark.parametrize("name", ATTACKS)
def test_the_same_table_gives_the_same_verdict(tmp_path: Path, name: str) -> None:
    def once(folder: str) -> AuditResult:
        return run(sides(_made(tmp_path / folder), FRESH[:500], TRAIN[:600], HOLDOUT[:300]), name)

    assert once("a") == once("b")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_the_schema_is_the_one_that_is_audited() -> None:
    assert {c.name for c in SCHEMA.columns} == set(FRESH.columns)
