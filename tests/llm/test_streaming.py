"""Answers that are streamed, as they may be too long for a request without a sign of life."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import anthropic
import pytest

from synthkit.errors import BuildError
from synthkit.llm.client import Client
from synthkit.llm.kept import RequestStore
from synthkit.llm.streaming import MOST_UNSTREAMED, longest
from synthkit.llm.transport import Reply, Transient
from tests.llm import streams
from tests.llm.asking import billed, in_a_loop, prompt, teacher
from tests.llm.standin import Standin

LONG = MOST_UNSTREAMED + 1


def ask(url: str, max_tokens: int = LONG, timeout: float = 5.0) -> Reply:
    async def once() -> Reply:
        client = Client("test-key", url, timeout)
        try:
            return await client.ask(prompt(1, max_tokens).payload())
        finally:
            await client.close()

    return in_a_loop(once())


def streamed(server: Standin) -> list[bool]:
    return [bool(body.get("stream")) for bodies in server.seen.values() for body in bodies]


def test_from_where_the_sdk_wants_it_answers_are_streamed(server: Standin) -> None:
    sdk = anthropic.Anthropic(api_key="test-key", base_url=server.url)
    sdk.messages.create(**prompt(1, MOST_UNSTREAMED).payload())
    with pytest.raises(ValueError, match="Streaming is required"):
        sdk.messages.create(**prompt(1, LONG).payload())
    server.seen.clear()
    ask(server.url, MOST_UNSTREAMED)
    assert streamed(server) == [False]
    server.seen.clear()
    ask(server.url, LONG)
    assert streamed(server) == [True]


def test_what_is_kept_of_a_streamed_answer_is_what_a_whole_one_has(server: Standin) -> None:
    plain = anthropic.Anthropic(api_key="test-key", base_url=server.url).messages
    for number in range(6):  # some think before they write
        whole = plain.create(**prompt(number, LONG).payload(), timeout=5).to_dict(mode="json")

        async def once(number: int = number) -> Reply:
            client = Client("test-key", server.url, 5.0)
            try:
                return await client.ask(prompt(number, LONG).payload())
            finally:
                await client.close()

        reply = in_a_loop(once())
        assert {k: v for k, v in reply.message.items() if k != "stop_details"} == whole
        assert reply.request_id.startswith("req_")


@pytest.mark.parametrize("kind", ["torn", "drop_after", "malformed", *streams.FAULTS])
def test_faults_in_mid_stream_pass_and_may_have_been_billed(server: Standin, kind: str) -> None:
    server.forced.append(kind)
    with pytest.raises(Transient) as caught:
        ask(server.url)
    assert caught.value.lost
    assert ask(server.url).message["stop_reason"] == "end_turn"
    assert server.attempts.total() == 2, "the SDK must not retry on its own"


@pytest.mark.parametrize(("kind", "lost"), [("429", False), ("529", False), ("drop_before", True)])
def test_faults_before_a_stream(server: Standin, kind: str, lost: bool) -> None:
    server.forced.append(kind)
    with pytest.raises(Transient) as caught:
        ask(server.url)
    assert caught.value.lost is lost


@pytest.mark.parametrize(
    ("kind", "error"),
    [("overloaded_error", Transient), ("api_error", Transient), ("invalid_request_error", BuildError)],
)
def test_errors_in_mid_stream_pass_or_stay_by_their_type(
    server: Standin, monkeypatch: pytest.MonkeyPatch, kind: str, error: type[Exception]
) -> None:
    monkeypatch.setattr(streams, "OVERLOADED", {"type": kind, "message": "said so"})
    server.forced.append("error_event")
    with pytest.raises(error, match="said so"):
        ask(server.url)


def test_a_stream_that_falls_silent(server: Standin) -> None:
    server.forced.append("stalled")
    with pytest.raises(Transient, match=r"nothing came for 0\.3 s") as caught:
        ask(server.url, timeout=0.3)
    assert caught.value.lost


def test_a_stream_may_take_longer_than_the_time_out_but_not_for_ever(
    server: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pause = 0.05
    assert longest(prompt(1, 64_000).payload(), 300.0) == 1800
    assert ask(server.url, timeout=0.3).message["stop_reason"] == "end_turn"
    monkeypatch.setattr("synthkit.llm.client.longest", lambda payload, timeout: timeout)
    with pytest.raises(Transient, match=r"no answer within 0\.3 s"):
        ask(server.url, timeout=0.3)


def test_a_refusal_in_mid_stream_is_no_data_but_paid_for(store: RequestStore) -> None:
    with Standin(refusals=0.5) as server, teacher(store, server.url, timeout=30) as asked:
        found = list(asked.answers((prompt(n, LONG) for n in range(20)), ahead=4))
        assert all(streamed(server))
        refused = [a for a in found if a.status == "refusal"]
        assert len(refused) > 4
        assert not any(a.data for a in refused)
        messages = [store.get(a.key) for a in refused]
        assert any(kept is not None and kept.message["content"] for kept in messages), "some refuse after a few words"
        assert sum((a.cost for a in found), Decimal(0)) == billed(server.billed)


def test_answers_cut_at_their_limit(store: RequestStore) -> None:
    with Standin(cuts=1.0) as server, teacher(store, server.url, timeout=30) as asked:
        assert [a.status for a in asked.answers(iter([prompt(1, LONG)]), ahead=1)] == ["cut"]


def test_faults_change_no_answer_and_none_is_paid_twice(tmp_path: Any) -> None:
    def run(folder: str, server: Standin) -> list[tuple[Any, ...]]:
        with RequestStore(tmp_path / folder) as kept, teacher(kept, server.url, concurrency=8) as asked:
            found = [(a.key, a.status, a.data, a.cost) for a in asked.answers((prompt(n, LONG) for n in range(60)), 16)]
            assert asked.spent <= billed(server.billed) <= asked.spent + asked.uncertain_usd
            return found

    with Standin() as calm:
        expected = run("calm", calm)
    with Standin(faults=0.4, refusals=0.0) as rough:
        assert run("rough", rough) == expected
        assert max(rough.delivered.values()) == 1
        assert set(streams.FAULTS) <= set(rough.kinds)
