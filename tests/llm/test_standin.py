"""The stand-in, seen by the real SDK."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request

import anthropic
import pytest

from tests.llm.asking import prompt
from tests.llm.grammar import pair
from tests.llm.standin import Standin


@pytest.fixture
def sdk(server: Standin) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="test-key", base_url=server.url, max_retries=0)


def test_structured_output_obeys_the_prompt(sdk: anthropic.Anthropic) -> None:
    message = sdk.messages.create(
        **prompt(3).payload()
        | {"messages": [{"role": "user", "content": "Topic: torts\nWrite 17 items."}], "max_tokens": 9000}
    )
    text = next(b.text for b in message.content if b.type == "text")
    assert len(json.loads(text)["items"]) == 17
    assert message.usage.output_tokens > 300


def test_streamed_and_plain_say_the_same(sdk: anthropic.Anthropic) -> None:
    plain = sdk.messages.create(**prompt(1).payload())
    with sdk.messages.stream(**prompt(1).payload()) as stream:
        final = stream.get_final_message()
    assert [b.model_dump(exclude={"parsed_output"}) for b in final.content] == [b.model_dump() for b in plain.content]
    assert (final.stop_reason, final.usage.output_tokens) == (plain.stop_reason, plain.usage.output_tokens)


def test_tokens_are_counted(sdk: anthropic.Anthropic) -> None:
    payload = prompt(1).payload()
    usage = sdk.messages.create(**payload).usage
    payload.pop("max_tokens")
    total = usage.input_tokens + (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
    assert sdk.messages.count_tokens(**payload).input_tokens == total


def test_batches_list_and_cancel(sdk: anthropic.Anthropic, server: Standin) -> None:
    server.batch_seconds = 60
    made = sdk.messages.batches.create(requests=[{"custom_id": "a", "params": prompt(1).payload()}])  # type: ignore[typeddict-item]
    assert [b.id for b in sdk.messages.batches.list()] == [made.id]
    assert sdk.messages.batches.cancel(made.id).processing_status == "ended"
    assert [r.result.type for r in sdk.messages.batches.results(made.id)] == ["canceled"]


def test_what_current_models_refuse(sdk: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="temperature"):
        sdk.messages.create(**prompt(1).payload(), extra_body={"temperature": 1})
    with pytest.raises(anthropic.AuthenticationError):
        sdk.with_options(api_key="other").messages.create(**prompt(1).payload())


def test_it_runs_alone() -> None:
    command = [sys.executable, "-m", "tests.llm.standin", "--latency", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert anthropic.Anthropic(api_key="test-key", base_url=url).messages.create(**prompt(1).payload()).id
            with urllib.request.urlopen(f"{url}/stats") as stats:
                assert list(json.load(stats)["delivered"].values()) == [1]
        finally:
            process.kill()


def test_the_grammar_is_rich_and_flawed() -> None:
    from random import Random

    random = Random(1)
    made = [pair(random, "contracts") for _ in range(2000)]
    questions = [m["instruction"] for m in made]
    assert 1500 < len(set(questions)) < 1950
    for flaw in ("As an AI", "@", "Mieter"):
        assert 5 < sum(flaw in m["instruction"] + m["response"] for m in made) < 120
