"""`synth preview`: rows and a verdict from a small fit; nothing is published, kept or charged."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit import preview
from synthkit.building.trial import SHORT, sampled
from synthkit.files import temporary_beside
from synthkit.schema import Column, Schema, Table
from synthkit.sources.split import Split, load_split
from synthkit.store.surveys import SurveyFiles
from tests.synth import Project, customers, make_project, write_csv

FILES = {
    "synth_project.yml": "name: shop\nseed: 7\n",
    "models/shop.yml": """
        version: 1
        sources:
          - name: crm
            tables:
              - name: customers
                path: data/customers.csv
                primary_key: customer_id
                row_count: 300
                columns: [{name: tier, type: categorical, values: [basic, plus, pro]}]
              - name: people
                path: data/people.csv
                row_count: 50
                columns: [{name: age, type: integer, bounds: [0, 100], nullable: false}]
        models:
          - name: fake
            source: "{{ source('crm', 'customers') }}"
            generator: {name: circuit, epochs: 12}
            conditions: {tier: pro}
            audits:
              - not_null: {columns: [tier]}
              - row_count: {equals: 1}
              - exact_match
              - only_pro
          - name: private
            source: "{{ source('crm', 'people') }}"
            generator: independent
            epsilon: 1
            insecure_seed: 1
            size: 100
            audits: []
          - {name: counted, generator: {name: sql, query: "select 1 as n"}, audits: []}
    """,
    "audits/only_pro.sql": "select * from {{ this }} where tier <> 'pro'\n",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that nothing of is built. Must not be changed."""
    project = make_project(tmp_path_factory.mktemp("preview") / "shop", FILES)
    (project.root / "data").mkdir(exist_ok=True)
    (project.root / "data/people.csv").write_text("age\n" + "\n".join(map(str, range(20, 70))) + "\n", "utf-8")
    write_csv(project.root / "data/customers.csv", customers(300))
    return project


def test_rows_and_a_verdict_and_nothing_is_left(shop: Project) -> None:
    done = shop.synth("preview", "fake", "--rows", "5", "--learn", "100", "--format", "json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["tier"] for row in rows] == ["pro"] * 5
    assert "preview of fake: ok; " in done.stderr
    assert "not run: row_count, exact_match (synth build runs all)" in done.stderr
    left = {p.name for p in (shop.root / "target").iterdir()} - {"cache", ".gitignore"}
    assert not left & {"staging", "run_results.json", "runs.jsonl", "preview"}, left
    assert not [p for p in (shop.root / "target").rglob("*") if "preview" in p.name or p.suffix == ".safetensors"]
    assert not (shop.root / "warehouse").exists()
    assert not (shop.root / "privacy/ledger.jsonl").exists()
    assert {a["action"] for a in json.loads(shop.ok("plan", "--output", "json"))["actions"]} <= {"train", "query"}


def test_from_python_the_same_rows_each_time(shop: Project) -> None:
    told: list[tuple[int, int, str]] = []

    def progress(done: int, total: int, unit: str, note: str = "") -> None:
        told.append((done, total, note))

    one, other = (preview("fake", shop.root, rows=3, learn=100, progress=progress) for _ in range(2))
    assert one.rows.equals(other.rows)
    assert any(done and note.startswith("train") for done, _, note in told)
    assert (one.rows.num_rows, one.verdict, one.shortened) == (3, "pass", SHORT)
    assert 25 <= one.learnt <= 200
    assert one.of > one.learnt
    assert [a.name for a in one.audits] == ["not_null", "only_pro"]


def test_what_a_build_found_of_all_rows_is_neither_learnt_from_nor_removed(
    shop: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = SurveyFiles(tmp_path / "surveys")
    found.lay_down({}, Table(Schema(()), (), 10**7), None)
    monkeypatch.setattr("synthkit.building.jobs.surveys_of", lambda *_: found.directory)
    assert preview("fake", shop.root, rows=3, learn=100).rows.num_rows == 3
    assert (found.prepared / "plan.json").exists()


def test_what_a_killed_preview_left_goes(shop: Project) -> None:
    living = temporary_beside(shop.root / "target/preview")
    killed = living.with_name(living.name.replace(f"-{os.getpid()}-", "-99999999-"))
    for folder in (living, killed):
        folder.mkdir(parents=True)
    preview("fake", shop.root, rows=3, learn=100)
    assert (living.exists(), killed.exists()) == (True, False)
    living.rmdir()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("private", "'private' has epsilon: a preview would show what it saw"),
        ("counted", "'counted' is a query, and trains nothing"),
        ("fak", "did you mean 'fake'"),
    ],
)
def test_what_has_a_price_or_no_training_is_refused(shop: Project, model: str, message: str) -> None:
    assert message in shop.fails("preview", model, code=2)
    assert not (shop.root / "privacy/ledger.jsonl").exists()


@pytest.mark.parametrize("unit", [None, "who"])
def test_a_sample_holds_whole_units_in_their_order(tmp_path: Path, unit: str | None) -> None:
    table = pa.table({"who": [i // 7 for i in range(7000)], "n": range(7000)})
    schema = Schema((Column("who", "id", "BIGINT"), Column("n", "integer", "BIGINT")), privacy_unit=unit)
    folder = tmp_path / "whole"
    folder.mkdir()
    for side in ("train", "holdout"):
        pq.write_table(table, folder / f"{side}.parquet")
    record = {"schema": schema.to_json(), "train_rows": 7000, "holdout": 0.5, "holdout_rows": 7000}
    (folder / "split.json").write_text(json.dumps(record), "utf-8")
    split: Split = load_split(folder)
    found = load_split(sampled(split, tmp_path / "small", 500))
    for side in found.sides:
        rows = pq.read_table(side.paths[0])
        assert rows.num_rows == side.rows
        assert 125 <= side.rows <= 1000
        assert rows["n"].to_pylist() == sorted(rows["n"].to_pylist())
        assert rows.schema.equals(table.schema)
        if unit is not None:
            assert {rows["who"].to_pylist().count(w) for w in set(rows["who"].to_pylist())} == {7}
    assert sampled(split, tmp_path / "not", 7000) == folder
    assert isinstance(found.train, Table)
