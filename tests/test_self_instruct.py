"""`generator: self_instruct` through the command line, against a server that speaks the provider's API."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from synthkit.llm.answers import text_of
from synthkit.scaffold.schemas import schema
from tests.llm.standin import Standin
from tests.synth import OTHER_HASHES, Project, make_project

SEEDS = Path(__file__).parent.parent / "data" / "support_seeds.jsonl"
SOURCES = """
    version: 1
    sources:
      - name: desk
        tables:
          - {name: questions, path: data/seeds.jsonl, holdout: 25%%%s}
"""
MODEL = """
    version: 1
    models:
      - name: questions
        source: "{{ source('desk', 'questions') }}"
        generator:
          name: self_instruct
          teacher: {provider: anthropic, model: claude-sonnet-5-5, max_tokens: 4000, intended_use: a test, terms_ack: true}
          domain: what customers of a telephone company ask
          per_request: 10
          topics: {billing: 40%, contracts: 30%, network: 30%}
          evolve: 0.2
          judge: {model: claude-haiku-5-5, min_score: 4}
          max_usd: 5
        size: 60
        audits:
          - row_count: {equals: 60}
          - not_null: {columns: [instruction, response]}
"""


@pytest.fixture(scope="module")
def standin() -> Iterator[Standin]:
    with Standin(refusals=0.03, cuts=0.03) as server:
        yield server


def project_of(root: Path, model: str = MODEL, source: str = "") -> Project:
    files: dict[str, Any] = {
        "synth_project.yml": "name: desk\nseed: 3\n",
        "models/sources.yml": SOURCES % source,
        "models/questions.yml": model,
        "data/seeds.jsonl": SEEDS.read_bytes(),
    }
    return make_project(root, files)


@pytest.fixture
def desk(tmp_path: Path, standin: Standin, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", standin.url)
    return project_of(tmp_path / "desk")


def receipt(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.root / "warehouse/dev/questions.receipt.json").read_text("utf-8"))
    return found


def rows(project: Project) -> list[dict[str, Any]]:
    return project.query("select * from questions")


def test_a_table_is_planned_built_kept_and_filtered_again(desk: Project, standin: Standin) -> None:
    text = desk.ok("plan")
    assert "ask    questions" in text
    assert "never more than $5.00" in text
    assert "assumed: " in text
    desk.ok("build")
    found = rows(desk)
    assert len(found) == 60
    counted = {t: sum(r["topic"] == t for r in found) for t in ("billing", "contracts", "network")}
    assert counted == {"billing": 24, "contracts": 18, "network": 18}
    assert {r["teacher"] for r in found} == {"claude-sonnet-5-5"}
    assert {r["judge_score"] for r in found} == {4, 5}
    assert {r["evolution"] for r in found} == {0, 1}
    jsonschema.validate(receipt(desk), schema("receipt"))
    assert "for: a test; " in desk.ok("show", "questions")
    told = receipt(desk)["teacher"]
    assert told["intended_use"] == "a test"
    assert 0 < Decimal(told["usd"]) < 5
    took = json.loads(desk.ok("stats", "questions", "--format", "json"))
    # Answers that were under way when there were enough have been paid for, too, and taken by no row.
    assert float(told["usd"]) <= took["cost"]["teachers"] < 5
    assert told["counts"]["accepted"] == 60
    assert told["stopped"] is None
    dropped = [json.loads(line) for line in (desk.root / "target/dropped/questions.jsonl").read_text().splitlines()]
    kinds = {f"dropped: {d['stage']}" for d in dropped}
    assert kinds == {k for k in told["counts"] if k.startswith("dropped: ")}
    assert all(d["reason"] and d["item"]["instruction"] for d in dropped)

    before, asked = desk.parquet("questions")[0].read_bytes(), sum(standin.attempts.values())
    assert "nothing to do" in desk.ok("plan")
    desk.ok("build", "--full-refresh", env=OTHER_HASHES)  # from what is kept
    desk.ok("clean")
    desk.ok("build", "--full-refresh", env=OTHER_HASHES)
    assert desk.parquet("questions")[0].read_bytes() == before
    assert sum(standin.attempts.values()) == asked
    assert json.loads(desk.ok("stats", "--format", "json"))["cost"]["teachers"] == 0  # kept answers cost nothing again

    desk.write({"models/questions.yml": MODEL.replace("max_usd: 5", "max_usd: 5\n          concurrency: 2")})
    assert "nothing to do" in desk.ok("plan")  # what changes no row builds nothing

    def filtered(filters: str) -> tuple[bytes, int]:
        """The table under these filters, and how many requests that took."""
        sent = sum(standin.attempts.values())
        desk.write({"models/questions.yml": MODEL.replace("max_usd: 5", f"max_usd: 5\n          filters: {filters}")})
        desk.ok("build")
        return desk.parquet("questions")[0].read_bytes(), sum(standin.attempts.values()) - sent

    stricter = "{lengths: {instruction_words_min: 8}}"
    table, requests = filtered(stricter)
    assert min(len(r["instruction"].split()) for r in rows(desk)) >= 8
    assert requests < asked / 2  # for what is missing only
    assert receipt(desk)["teacher"]["counts"]["answers taken again"] > 10
    assert filtered("{near_duplicates: {threshold: 0.9}}")[1] == 0
    assert filtered("{}") == (before, 0)
    assert filtered(stricter) == (table, 0)


def test_held_out_rows_are_never_sent(desk: Project, standin: Standin) -> None:
    from synthkit.sources.ingest import load_split

    desk.ok("build")
    (record,) = (desk.root / "target/cache/splits/desk.questions").rglob("split.json")
    split = load_split(record.parent)
    assert split.holdout is not None
    held = [r["response"] for b in split.holdout.batches() for r in b.to_pylist()]
    shown = [r["response"] for b in split.train.batches() for r in b.to_pylist()]
    sent = json.dumps(standin.seen, ensure_ascii=False).replace('\\\\\\"', '"').replace('\\\\"', '"')
    assert len(held) + len(shown) == 24
    assert held
    assert not [r for r in held if r[:40] in sent]
    assert any(r[:40] in sent for r in shown)


def test_a_limit_stops_it_with_the_reason(desk: Project) -> None:
    few = MODEL.replace("max_usd: 5", "max_usd: 0.20").replace("row_count: {equals: 60}", "row_count: {max: 59}")
    desk.write({"models/questions.yml": few.replace("size: 60", "size: 400").replace("max: 59", "max: 399")})
    text = desk.ok("build")
    assert "max_usd: $" in text
    told = receipt(desk)["teacher"]
    assert told["stopped"].startswith("max_usd")
    assert Decimal(told["usd"]) <= Decimal("0.20")
    desk.write({"models/questions.yml": MODEL.replace("max_usd: 5", "max_usd: 0.000001")})
    text = desk.fails("build")
    assert "no item of the teacher's got into the table: max_usd" in text
    desk.write({"models/questions.yml": MODEL.replace("max_usd: 5", "max_usd: 5\n          max_requests: 2")})
    assert "request limit: 2 of 2" in desk.fails("build")  # and row_count asks for 60


def test_without_a_key_or_with_a_wrong_one_it_says_what_to_do(desk: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "wrong")
    assert "ANTHROPIC_API_KEY is not a key of this API" in desk.fails("build")
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert "ANTHROPIC_API_KEY is not set" in desk.fails("build")
    guarded = MODEL.replace("size: 60", "size: 60\n        enabled: \"{{ env_var('ANTHROPIC_API_KEY', '') != '' }}\"")
    desk.write({"models/questions.yml": guarded})
    text = desk.ok("build")
    assert "env_var('ANTHROPIC_API_KEY', '')" in text


def test_protected_rows_stay_here(tmp_path: Path) -> None:
    marked = project_of(tmp_path / "marked", source=", sensitive: true")
    text = marked.fails("compile", code=2)
    assert "models/questions.yml:4:13" in text
    assert "would send rows of desk.questions to a third party" in text
    assert "allow_external: true" in text
    budget = project_of(tmp_path / "budget")
    budget.write({"synth_project.yml": "name: desk\nprivacy: {budgets: {desk.questions: {epsilon: 1}}}\n"})
    assert "a privacy budget protects it" in budget.fails("compile", code=2)
    copied = project_of(tmp_path / "copied", source=", sensitive: true")
    copy = """
        version: 1
        models:
          - {name: copy, generator: {name: sql, query: "select * from {{ source('desk', 'questions') }}"}, audits: []}
    """
    copied.write(
        {"models/copy.yml": copy, "models/questions.yml": MODEL.replace("source('desk', 'questions')", "ref('copy')")}
    )
    assert "the source is marked sensitive" in copied.fails("compile", code=2)
    allowed = project_of(tmp_path / "allowed", source=", sensitive: true, allow_external: true")
    allowed.ok("compile")


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("terms_ack: true", "terms_ack: false", "read the provider's terms"),
        ("intended_use: a test, ", "", "intended_use"),
        ("max_tokens: 4000", "max_tokens: 0", "max_tokens"),
        ("evolve: 0.2", "evolv: 0.2", "evolve"),
        ("max_usd: 5", "max_usd: 0", "max_usd"),
        ("billing: 40%", "billing: -1", "is -1"),
        ("teacher: {provider: anthropic, ", "teacher: {provider: somebody, ", "provider"),
    ],
)
def test_mistakes_are_named_before_anything_is_asked(tmp_path: Path, wrong: str, right: str, said: str) -> None:
    assert said in project_of(tmp_path / "desk", MODEL.replace(wrong, right)).fails("compile", code=2)


def test_a_model_in_the_build_writes_no_instructions(tmp_path: Path) -> None:
    asked = MODEL.replace("provider: anthropic, model: claude-sonnet-5-5", "provider: local, model: lm")
    text = project_of(tmp_path / "desk", asked).fails("compile", code=2)
    assert "writes text columns (llm_columns) and no instructions" in text
    assert "models/questions.yml:7:" in text


def test_seeds_without_responses_and_unknown_models(tmp_path: Path) -> None:
    project = project_of(tmp_path / "desk", MODEL.replace("claude-sonnet-5-5", "claude-sonet-5-5"))
    assert "did you mean 'claude-sonnet-5-5'" in project.synth("compile").stderr
    assert "there is no price for the model 'claude-sonet-5-5'" in project.fails("plan", code=2)
    project.write({"prices.yml": "models:\n  claude-sonet-5-5: {input: 1, output: 2}\n"})
    project.ok("plan")
    project.write({"data/seeds.jsonl": '{"question": "a"}\n'})
    assert "seeds need the columns instruction and response" in project.fails("compile", code=2)


def test_responses_by_requests_of_their_own(desk: Project, standin: Standin) -> None:
    together = desk.ok("plan")
    desk.write({"models/questions.yml": MODEL.replace("evolve: 0.2", "evolve: 0.2\n          responses: separate")})
    separate = desk.ok("plan")

    def planned(text: str) -> int:
        return int(text.split("about ")[1].split(" requests")[0].replace(",", ""))

    assert planned(separate) == planned(together) * 4 / 3  # generate, evolve, judge, and now respond
    desk.ok("build")
    found = rows(desk)
    assert len(found) == 60
    assert all(r["response"] and r["request_id"] != r["response_request_id"] for r in found)
    (store,) = (desk.root / ".synth/requests").rglob("requests.sqlite")
    with sqlite3.connect(store) as db:
        answers = db.execute("SELECT key, message FROM answers").fetchall()
    said = {key[:16]: text_of(json.loads(message)) for key, message in answers}
    for r in found:
        wrote, answered = (said[r[name]] for name in ("request_id", "response_request_id"))
        assert r["instruction"] in {item["instruction"] for item in json.loads(wrote)["items"]}
        assert r["response"] in {item["response"] for item in json.loads(answered)["responses"]}
    told = receipt(desk)["teacher"]
    assert told["counts"]["respond requests"] > 5
    assert 0 < Decimal(told["usd"]) < 5
    before, asked = desk.parquet("questions")[0].read_bytes(), sum(standin.attempts.values())
    desk.ok("build", "--full-refresh", env=OTHER_HASHES)
    assert (desk.parquet("questions")[0].read_bytes(), sum(standin.attempts.values())) == (before, asked)
