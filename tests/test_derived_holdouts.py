"""Which held-out rows judge a model that learns from an SQL model: its source's, put through the query, if that can be."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.synth import Project, write_csv

FILES = {
    "synth_project.yml": "name: bank\nseed: 7\n",
    "models/bank.yml": """
        version: 1
        sources:
          - name: bank
            tables:
              - {name: loans, path: data/loans.csv}
              - {name: branches, path: data/branches.csv, holdout: 0}
        models:
          - name: clean
            materialized: ephemeral
            generator: {name: sql, query: "select * from {{ source('bank', 'loans') }} where issued <= closed"}
            audits: []
          - name: located
            generator:
              name: sql
              query: >-
                with kept as (select issued, closed, amount, branch from {{ ref('clean') }})
                select kept.*, city from kept left join {{ source('bank', 'branches') }} using (branch)
            audits: []
          - name: per_branch
            generator: {name: sql, query: "select branch, amount // 100 as hundreds, count(*) as n from {{ ref('clean') }} group by all"}
            audits: []
          - name: fake_loans
            source: "{{ ref('located') }}"
            generator: circuit
            size: 150
            audits: [coverage, exact_match: {max: 1}]
          - {name: fake_branches, source: "{{ ref('per_branch') }}", generator: circuit, size: 50, audits: []}
          - {name: of_its_own, source: "{{ ref('clean') }}", generator: circuit, size: 50, holdout: 30%, audits: []}
          - {name: of_all, source: "{{ ref('clean') }}", generator: circuit, size: 50, holdout: 0, audits: []}
    """,
}
Row = tuple[Any, ...]


def loans(rows: int = 900, seed: int = 3) -> list[dict[str, Any]]:
    rng, table = random.Random(seed), []
    for _ in range(rows):
        issued, closed = (f"20{rng.randint(10, 24)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}" for _ in "ab")
        table.append(
            {"issued": issued, "closed": closed, "amount": rng.randint(1, 5_000), "branch": rng.choice("abcd")}
        )
    return table


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("derived") / "bank"
    write_csv(root / "data" / "loans.csv", loans())
    write_csv(root / "data" / "branches.csv", [{"branch": b, "city": f"city {b}"} for b in "abc"])
    project = Project(root).write(FILES)
    project.ok("build")
    return project


def sides(project: Project, model: str) -> tuple[list[Row], list[Row]]:
    """Training and held-out rows of the one division of a model's table."""
    (record,) = (project.root / "target/cache/splits").glob(f"{model}-*/split.json")
    return tuple(_rows(record.with_name(f"{side}.parquet")) for side in ("train", "holdout"))  # type: ignore[return-value]


def _rows(path: Path) -> list[Row]:
    table = pq.read_table(path)
    return [tuple(map(str, row.values())) for row in table.to_pylist()]


def receipt(project: Project, model: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.root / f"warehouse/dev/{model}.receipt.json").read_text("utf-8"))
    return found


def test_the_sources_held_out_rows_come_through_the_queries(bank: Project) -> None:
    train, held_out = sides(bank, "located")
    cities = {b: f"city {b}" for b in "abc"}
    kept = [r for r in loans() if r["issued"] <= r["closed"]]
    expected = sorted((*map(str, r.values()), str(cities.get(r["branch"]))) for r in kept)
    assert sorted(train + held_out) == expected  # every row is on one side, as the query gives it
    assert 0.1 * len(kept) < len(held_out) < 0.3 * len(kept)
    assert not set(train) & set(held_out)
    assert receipt(bank, "fake_loans")["holdout"] == {
        "share": 0.2,
        "of": "source:bank.loans",
        "through": ["model:clean", "model:located"],
    }


def test_the_published_table_is_of_training_rows_alone(bank: Project) -> None:
    train, _ = sides(bank, "located")
    assert sorted(_rows(bank.parquet("located")[0])) == sorted(train)


def test_audits_judge_with_those_rows(bank: Project) -> None:
    for record in bank.results()["fake_loans"]["audits"]:
        assert record["value"] is not None, record  # with no held-out row they could say nothing
        assert record["status"] in ("pass", "fail", "warn", "inconclusive"), record


def test_what_mixes_rows_is_divided_anew(bank: Project) -> None:
    train, held_out = sides(bank, "per_branch")
    assert sorted(train + held_out) == sorted(_rows(bank.parquet("per_branch")[0]))
    assert 0 < len(held_out) < len(train)
    found = receipt(bank, "fake_branches")["holdout"]
    assert (found["of"], found["share"]) == ("model:per_branch", 0.2)
    assert "groups or counts" in found["why"]


def test_a_holdout_of_the_models_own_divides_the_table_anew(bank: Project) -> None:
    folders = (bank.root / "target/cache/splits").glob("clean-*/split.json")
    records = {r["holdout"]: r for r in (json.loads(f.read_text("utf-8")) for f in folders)}
    assert set(records) == {0.0, 0.3}
    assert records[0.3]["holdout_rows"] > 20  # by the source's salt all of them were training rows
    assert records[0.0]["train_rows"] == records[0.3]["train_rows"] + records[0.3]["holdout_rows"]
    assert receipt(bank, "of_its_own")["holdout"]["why"] == "the model sets holdout"
    assert receipt(bank, "of_all")["holdout"] is None


def test_a_second_build_does_nothing_and_verify_is_content(bank: Project) -> None:
    bank.ok("build")
    assert {r["status"] for r in bank.results().values()} == {"reused"}
    bank.ok("verify")


def test_a_source_that_moved_on_is_not_taken_for_the_old_ones_holdout(bank: Project, tmp_path: Path) -> None:
    root = tmp_path / "bank"
    shutil.copytree(bank.root, root)
    project = Project(root)
    shutil.rmtree(root / "target" / "cache")
    write_csv(root / "data" / "loans.csv", loans(seed=4))
    text = project.fails("build", "--select", "fake_loans", "--full-refresh")
    assert "'located' was made of other rows" in text or "'clean' was made of other rows" in text
    assert "--select +" in text
