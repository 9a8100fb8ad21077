"""A teacher behind OpenAI's chat API, through the command line: no key, no price, a server on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.llm.chatserver import ChatServer
from tests.synth import OTHER_HASHES, Project, make_project

MODELS = """
    version: 1
    sources:
      - name: crm
        tables:
          - {name: people, path: people.csv, primary_key: id}
    models:
      - name: customers
        generator: {name: sql, query: "select i as id, i % 3 as tier, 'secret' as hidden from range(30) t(i)"}
        audits: []
      - name: reviews
        source: "{{ ref('customers') }}"
        holdout: 0
        generator:
          name: llm_columns
          teacher: {provider: openai, base_url: "{{ env_var('LLM') }}", model: small, intended_use: a test, terms_ack: true}
          fill: {review: what the customer writes of the service}
          show: [tier]
          rows_per_request: 10
        size: 30
        audits:
          - row_count: {equals: 30}
"""


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_KEY_127_0_0_1"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LLM", server.url)
    people = "id,tier\n" + "".join(f"{i},{i % 3}\n" for i in range(30))
    files = {"synth_project.yml": "name: shop\n", "models/m.yml": MODELS, "people.csv": people}
    return make_project(tmp_path / "shop", files)


def receipt(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.root / "warehouse/dev/reviews.receipt.json").read_text("utf-8"))
    return found


def test_a_server_on_this_machine_writes_the_texts(shop: Project, server: ChatServer) -> None:
    planned = shop.ok("plan")
    assert "cost unknown: no price of small in prices.yml" in planned
    assert f"what is shown goes to {server.url.split('/')[2]}, on this machine" in planned
    server.forced.extend(["503", "prose", "torn", "fenced"])  # "prose" is asked once more
    shop.ok("build")
    rows = shop.query("select * from reviews order by id")
    told = receipt(shop)["teacher"]
    assert sum(r["review"] is not None for r in rows) == told["counts"]["filled"] >= 20
    assert (told["provider"], told["usd"], told["reach"]) == ("openai", None, "loopback")
    assert "max_usd" not in told
    assert "cost unknown" in shop.ok("show", "reviews")
    assert "secret" not in json.dumps(server.seen)
    assert all("authorization" not in headers for headers in server.headers)
    asked, before = len(server.seen), shop.parquet("reviews")[0].read_bytes()
    shop.ok("build", "--full-refresh", env=OTHER_HASHES)
    assert shop.parquet("reviews")[0].read_bytes() == before
    assert len(server.seen) == asked


def test_a_price_and_a_limit(shop: Project, server: ChatServer) -> None:
    shop.write({"models/m.yml": MODELS.replace("rows_per_request: 10", "rows_per_request: 10\n          max_usd: 1")})
    assert "there is no price for the model 'small'" in shop.fails("plan", code=2)
    shop.write({"prices.yml": "models: {small: {input: 1, output: 2}}\n"})
    assert "never more than $1.00" in shop.ok("plan")
    limited = MODELS.replace("- row_count: {equals: 30}", "- max_cost: {max: 1}")
    shop.write({"models/m.yml": limited}).ok("compile")
    shop.ok("build")
    sent = sum(s - s // 2 for s, _ in server.tokens) + sum(s // 2 for s, _ in server.tokens) * 0.1
    made = sum(made for _, made in server.tokens)
    assert float(receipt(shop)["teacher"]["usd"]) == pytest.approx((sent + 2 * made) / 1e6)


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("provider: openai, ", "", "max_usd is missing"),
        ("rows_per_request: 10", "rows_per_request: 10\n          batch_api: true", "message batches are Anthropic's"),
        ("\"{{ env_var('LLM') }}\"", "localhost", "'localhost' is no address"),
        ("- row_count: {equals: 30}", "- max_cost: {max: 1}", "max_cost' on 'reviews': nobody knows what small costs"),
    ],
)
def test_mistakes(shop: Project, wrong: str, right: str, said: str) -> None:
    priced = "name: shop\nprices: {cpu_hour: 1}\n"
    shop.write({"models/m.yml": MODELS.replace(wrong, right), "synth_project.yml": priced})
    assert said in shop.fails("compile", code=2)


def test_protected_rows_go_to_no_server(shop: Project, server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = MODELS.replace("ref('customers')", "source('crm', 'people')").replace("primary_key: id", "sensitive: true")
    shop.write({"models/m.yml": marked})
    text = shop.fails("compile", code=2)
    assert "which is on this machine and may pass them on, and the source is marked sensitive" in text
    monkeypatch.setenv("LLM", "http://llm.example/v1")
    assert "would send rows of crm.people to a third party" in shop.fails("compile", code=2)
    shop.write({"models/m.yml": MODELS})
    assert "goes unencrypted to llm.example" in shop.synth("compile").stderr
    assert server.seen == []
