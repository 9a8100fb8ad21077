"""`generator: llm_columns` through the command line: texts for the rows of another table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.llm import messages
from tests.llm.standin import Standin
from tests.synth import OTHER_HASHES, Project, make_project

MODELS = """
    version: 1
    models:
      - name: customers
        generator: {name: sql, query: "select i as id, i % 3 as tier, 'secret' as hidden from range(47) t(i)"}
        audits: []
      - name: reviews
        source: "{{ ref('customers') }}"
        holdout: 0
        generator:
          name: llm_columns
          teacher: {model: claude-haiku-5-5, max_tokens: 2000, intended_use: a test, terms_ack: true}
          fill: {review: what the customer writes of the service, reply: the firm's answer}
          show: [tier]
          rows_per_request: 10
          max_usd: 1
        size: 47
        audits:
          - row_count: {equals: 47}
          - unique: {columns: [id]}
"""


@pytest.fixture(scope="module")
def standin() -> Iterator[Standin]:
    with Standin(refusals=0.1, cuts=0.1) as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, standin: Standin, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", standin.url)
    return make_project(tmp_path / "shop", {"synth_project.yml": "name: shop\n", "models/m.yml": MODELS})


def receipt(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.root / "warehouse/dev/reviews.receipt.json").read_text("utf-8"))
    return found


def test_rows_keep_their_columns_and_get_texts(shop: Project, standin: Standin) -> None:
    assert "about 5 requests" in shop.ok("plan")
    shop.ok("build")
    rows = shop.query("select * from reviews order by id")
    assert [r["id"] for r in rows] == list(range(47))
    assert list(rows[0]) == ["id", "tier", "hidden", "review", "reply"]
    counts = receipt(shop)["teacher"]["counts"]
    assert sum(r["review"] is not None for r in rows) == counts["filled"] == 47 - counts["empty"]
    assert counts["filled"] >= 25
    assert "secret" not in json.dumps(standin.seen)  # only what is to be shown is sent
    asked, before = sum(standin.attempts.values()), shop.parquet("reviews")[0].read_bytes()
    shop.ok("build", "--full-refresh", env=OTHER_HASHES)
    assert shop.parquet("reviews")[0].read_bytes() == before
    assert sum(standin.attempts.values()) == asked


def test_texts_go_to_their_rows_whatever_the_order_of_the_answer(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The teacher shuffles its answers, and spoils the first ones: counts from 0, leaves one out, repeats a number."""
    told: set[int] = set()

    def shuffled(schema: dict[str, Any], random: Random, asked: str) -> Any:
        rows = [(int(n), json.loads(row)["id"]) for n, row in re.findall(r"^(\d+)\. (\{.*\})$", asked, re.MULTILINE)]
        words = "The customer of number {} is content with the service and its quick repair."
        items = [{"row": n, "review": words.format(i), "reply": words.format(i)} for n, i in rows]
        first = rows[0][1]
        if first not in told and first < 30:
            told.add(first)
            if first == 0:
                items = [{**item, "row": item["row"] - 1} for item in items]
            elif first == 10:
                del items[4]
            else:
                items[5]["row"] = 1
        random.shuffle(items)
        return {"items": items}

    monkeypatch.setattr(messages, "fill", shuffled)
    with Standin() as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        shop.write({"models/m.yml": MODELS.replace("show: [tier]", "show: [id]")})
        shop.ok("build")
    rows = shop.query("select id, review, reply from reviews order by id")
    assert [r["id"] for r in rows] == list(range(47))
    for row in rows:
        assert f"number {row['id']} is" in row["review"]
        assert row["reply"] == row["review"]
    assert receipt(shop)["teacher"]["counts"] == {"filled": 47, "empty": 0, "dropped": 21}


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("show: [tier]", "show: [teir]", "there is no column 'teir' to show"),
        ("fill: {review:", "fill: {tier:", "has a column 'tier' already"),
        ("rows_per_request: 10", "rows_per_request: 0", "rows_per_request"),
    ],
)
def test_mistakes(shop: Project, wrong: str, right: str, said: str) -> None:
    shop.write({"models/m.yml": MODELS.replace(wrong, right)})
    assert said in shop.fails("compile", code=2)


def test_a_limit_ends_the_table_with_the_reason(shop: Project) -> None:
    shop.write({"models/m.yml": MODELS.replace("max_usd: 1", "max_usd: 1\n          max_requests: 2")})
    text = shop.fails("build")  # row_count asks for all
    assert "20 of 47 rows: request limit" in text
