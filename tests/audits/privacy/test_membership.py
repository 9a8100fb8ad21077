"""The membership attack: a copy fails, a noisy copy fails, a fresh sample passes, duplicates do no harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.audits.context import AuditContext
from synthkit.audits.privacy.membership import MembershipParams, halves, membership_inference
from synthkit.schema import Column, Schema, Table

SCHEMA = Schema(
    (
        Column("age", "integer", "BIGINT"),
        Column("spend", "float", "DOUBLE"),
        Column("score", "float", "DOUBLE"),
        Column("tier", "categorical", "VARCHAR"),
        Column("region", "categorical", "VARCHAR"),
        Column("member", "boolean", "BOOLEAN"),
    )
)


def population(rows: int, seed: int) -> pd.DataFrame:
    """Correlated people with nulls; continuous enough that two of them are never alike by chance."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, rows)
    tier = rng.choice(["basic", "plus", "pro"], rows, p=[0.6, 0.3, 0.1])
    spend = age * 1.5 + rng.normal(0, 20, rows)
    return pd.DataFrame(
        {
            "age": age,
            "spend": np.where(rng.random(rows) < 0.05, np.nan, spend),
            "score": rng.normal(0, 1, rows) + (tier == "pro"),
            "tier": tier,
            "region": rng.choice(list("abcdefgh"), rows),
            "member": rng.random(rows) < 0.4,
        }
    )


def context(folder: Path, synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame) -> AuditContext:
    def table(name: str, frame: pd.DataFrame) -> Table:
        path = folder / f"{name}.parquet"
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
        return Table(SCHEMA, (path,), len(frame))

    return AuditContext(SCHEMA, table("s", synthetic), table("t", train), table("h", holdout), seed=5)


TRAIN, HOLDOUT = population(4_000, 1), population(2_000, 2)


def attack(folder: Path, synthetic: pd.DataFrame, **params: Any) -> Any:
    return membership_inference(context(folder, synthetic, TRAIN, HOLDOUT), MembershipParams(**params))


def test_a_copy_of_the_training_rows_fails(tmp_path: Path) -> None:
    result = attack(tmp_path, TRAIN.sample(frac=1, random_state=3))
    assert result.status == "fail"
    assert result.value >= 0.95
    assert result.details["tpr_at_1_percent_fpr"] > 0.5


def test_a_bootstrap_of_the_training_rows_fails(tmp_path: Path) -> None:
    # A draw with replacement leaves out 37 % of the members, so the AUC is about 0.8.
    result = attack(tmp_path, TRAIN.sample(frac=1, replace=True, random_state=3))
    assert result.status == "fail"
    assert 0.72 <= result.value <= 0.9


def test_a_copy_of_a_large_table_fails_too(tmp_path: Path) -> None:
    """Every synthetic row is searched: looking at a sample of them would let the copy of a large table pass."""
    train, holdout = population(120_000, 11), population(3_000, 12)
    result = membership_inference(
        context(tmp_path, train.sample(frac=1, random_state=3), train, holdout), MembershipParams()
    )
    assert result.status == "fail"
    assert result.value >= 0.95


def test_copies_with_a_little_noise_fail(tmp_path: Path) -> None:
    noisy = TRAIN.copy()
    rng = np.random.default_rng(4)
    for column in ("spend", "score"):
        noisy[column] += rng.normal(0, 0.02 * noisy[column].std(), len(noisy))
    assert attack(tmp_path, noisy).status == "fail"


def test_a_fresh_sample_passes(tmp_path: Path) -> None:
    result = attack(tmp_path, population(4_000, 9))
    assert result.status == "pass"
    # 1,000 members against 1,000 others: the standard error of an AUC of ½ is 0.013, three of them are 0.04.
    assert result.value == pytest.approx(0.5, abs=0.04)
    assert result.ci_low < 0.5 < result.ci_high


def test_the_same_table_gives_the_same_verdict(tmp_path: Path) -> None:
    fresh = population(1_000, 9)
    assert attack(tmp_path, fresh) == attack(tmp_path, fresh)


def test_duplicates_among_the_real_rows_do_not_look_like_members(tmp_path: Path) -> None:
    """Equal rows always fall on one side of the split: an attack that ignores this sees only that."""
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"age": rng.integers(0, 400, 9_000), "spend": 1.0, "score": 0.0})
    frame = frame.assign(tier=rng.choice(list("xyz"), 9_000), region="a", member=False)
    kinds = frame.groupby(["age", "tier"]).ngroup().to_numpy()
    held_out = (rng.random(kinds.max() + 1) < 0.4)[kinds[:6_000]]
    real, synthetic = frame[:6_000], frame[6_000:]
    result = membership_inference(context(tmp_path, synthetic, real[~held_out], real[held_out]), MembershipParams())
    assert result.status == "pass"
    assert result.value == pytest.approx(0.5, abs=0.06)


def test_reference_and_non_members_share_no_equal_row(tmp_path: Path) -> None:
    holdout = pd.concat([HOLDOUT.head(300)] * 3, ignore_index=True)
    others, reference = halves(context(tmp_path, TRAIN, TRAIN, holdout), 400)
    assert not set(others % 300) & set(reference % 300)
    assert len(others) == 400


@pytest.mark.parametrize("rows", [1, 20, 99])
def test_too_few_rows_is_a_verdict_of_its_own(tmp_path: Path, rows: int) -> None:
    small = context(tmp_path, TRAIN.head(50), TRAIN.head(rows), HOLDOUT.head(rows))
    result = membership_inference(small, MembershipParams())
    assert result.status == "inconclusive"
    assert "too few rows to tell" in result.message


def test_deciding_by_the_upper_end_asks_for_more_rows(tmp_path: Path) -> None:
    small = context(tmp_path, population(500, 9), TRAIN.head(400), HOLDOUT.head(200))
    assert membership_inference(small, MembershipParams(max_auc=0.55)).status in ("pass", "fail")
    assert membership_inference(small, MembershipParams(max_auc=0.55, decide="upper")).status != "pass"


def readings(seed: int, people: int, rows: int = 12) -> dict[str, Any]:
    """Rows of a person that lie close together: what a device measures in an hour."""
    rng = np.random.default_rng(seed)
    whose = np.repeat(np.arange(people) + 10_000 * seed, rows)
    return {name: np.repeat(rng.normal(size=people), rows) + rng.normal(0, 0.02, people * rows) for name in "abc"} | {
        "who": whose
    }


def by_person(directory: Path, *sides: dict[str, Any]) -> AuditContext:
    from dataclasses import replace

    from tests.audits.sides import context as context_of

    found = context_of(directory, *sides, types={"who": "id"})
    assert found.train is not None
    assert found.holdout is not None
    real = {
        side: replace(table, schema=replace(table.schema, privacy_unit="who"))
        for side, table in (("train", found.train), ("holdout", found.holdout))
    }
    return replace(found, **real)


def test_a_person_whose_rows_are_alike_is_no_reference_for_these(tmp_path: Path) -> None:
    """Were half of a held-out person's rows in the reference, the others would look like those of one who was not
    trained on, whoever made the table."""
    fails = 0
    for seed in range(1, 9):
        fresh = by_person(
            tmp_path / str(seed), readings(3 * seed, 250), readings(3 * seed + 1, 200), readings(3 * seed + 2, 100)
        )
        found = membership_inference(fresh, MembershipParams())
        assert found.value is not None
        assert 0.35 < found.value < 0.65, found.message
        fails += found.status == "fail"
    assert fails <= 1
    train = readings(1, 200)
    near = {n: v + np.random.default_rng(0).normal(0, 0.02, len(v)) if n != "who" else v for n, v in train.items()}
    copied = membership_inference(by_person(tmp_path / "near", near, train, readings(2, 100)), MembershipParams())
    assert copied.status == "fail", copied.message


def test_of_few_people_with_many_rows_nothing_is_told(tmp_path: Path) -> None:
    sides = (readings(1, 60), readings(2, 40), readings(3, 10))
    found = membership_inference(by_person(tmp_path, *sides), MembershipParams())
    assert found.status == "inconclusive"
    assert "people on a side, and at least 10 are needed" in found.message
