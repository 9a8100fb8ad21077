"""A teacher behind OpenAI's chat API: the real SDK, over HTTP, against a server that fails on purpose."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from synthkit.errors import BuildError, SynthError
from synthkit.llm.answers import Answer
from synthkit.llm.chat import ChatClient
from synthkit.llm.kept import RequestStore
from synthkit.llm.prices import Price, Prices
from synthkit.llm.requests import Prompt
from synthkit.llm.session import Teacher
from synthkit.llm.spec import TeacherParams
from synthkit.llm.transport import Reply, Transient
from tests.llm.asking import SYSTEM, Items, in_a_loop
from tests.llm.chatserver import ChatServer

MODEL = "small-instruct"


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "OPENAI_API_KEY_127_0_0_1"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


def spec(url: str | None, **given: Any) -> TeacherParams:
    said = {"provider": "openai", "model": MODEL, "max_tokens": 2000, "intended_use": "tests", "terms_ack": True}
    return TeacherParams.model_validate({**said, "base_url": url, "timeout": 5.0, "patience": 20.0, **given})


def prompt(number: int, **given: Any) -> Prompt:
    text = f"Number {number}.\nTopic: torts\nWrite 2 items."
    return spec(None, **given).prompt(SYSTEM, text, Items, f"p{number}")


def ask(
    url: str, key: str = "", timeout: float = 5.0, patience: float = 20.0, stream: bool = False, times: int = 1
) -> Reply:
    async def run() -> Reply:
        client = ChatClient(key, url, timeout, patience, stream=stream)
        try:
            for _ in range(times):
                reply = await client.ask(prompt(1).payload())
            return reply
        finally:
            await client.close()

    return in_a_loop(run())


def answers(store: RequestStore, url: str, count: int = 1, prices: Prices | None = None, **given: Any) -> list[Answer]:
    free = Prices.load().without([MODEL])
    limit = given.pop("max_usd", None)
    with Teacher(spec(url, **given), store, prices or free, max_usd=limit) as teacher:
        return list(teacher.answers((prompt(n) for n in range(count)), 8))


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_held_to_the_schema(server: ChatServer, store: RequestStore, stream: bool) -> None:
    (answer,) = answers(store, server.url, stream=stream)
    assert answer.status == "ok"
    assert answer.data is not None
    assert len(answer.data["items"]) == 2
    assert answer.model == MODEL
    (body,) = server.seen
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["messages"][0]["content"].startswith(SYSTEM)
    assert body["max_tokens"] == 2000
    assert "temperature" not in body
    sent, made = server.tokens[0]
    assert (answer.usage.input + answer.usage.read, answer.usage.output) == (sent, made)


def test_no_key_is_sent_where_none_is_set(
    server: ChatServer, store: RequestStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key of the provider's")
    monkeypatch.setenv("OPENAI_ORG_ID", "ours")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gateway: secret")
    answers(store, server.url)
    assert "authorization" not in server.headers[0]
    assert not {"key of the provider's", "ours", "secret"} & set(server.headers[0].values())


def test_a_host_gets_the_key_in_the_variable_of_its_name(store: RequestStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer(key="mine") as server:
        with pytest.raises(BuildError, match="put it in OPENAI_API_KEY_127_0_0_1"):
            answers(store, server.url)
        monkeypatch.setenv("OPENAI_API_KEY_127_0_0_1", "other")
        with pytest.raises(BuildError, match="OPENAI_API_KEY_127_0_0_1 is not a key of this server"):
            answers(store, server.url)
        monkeypatch.setenv("OPENAI_API_KEY_127_0_0_1", "mine")
        assert answers(store, server.url)[0].status == "ok"
        monkeypatch.delenv("OPENAI_API_KEY_127_0_0_1")
        monkeypatch.setenv("OPENAI_API_KEY", "mine")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)  # the environment says that the key goes there
        assert answers(store, server.url, count=2)[1].status == "ok"


def test_openai_itself_wants_a_key(store: RequestStore) -> None:
    with pytest.raises(SynthError, match="OPENAI_API_KEY is not set"):
        answers(store, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "lost"),
    [
        ("429", False),
        ("503", False),
        ("504", True),
        ("torn", True),
        ("html", True),
        ("no choice", True),
        ("drop", True),
    ],
)
def test_faults_that_pass(server: ChatServer, kind: str, lost: bool) -> None:
    server.forced.append(kind)
    with pytest.raises(Transient) as caught:
        ask(server.url)
    assert caught.value.lost is lost
    assert len(server.seen) == 1, "the SDK must not retry on its own"
    assert ask(server.url).message["stop_reason"] == "end_turn"


@pytest.mark.parametrize("kind", ["torn", "unfinished", "malformed", "error event"])
def test_streams_that_break_off(server: ChatServer, kind: str) -> None:
    server.forced.append(kind)
    with pytest.raises(Transient) as caught:
        ask(server.url, stream=True)
    assert caught.value.lost


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("403", "may not use the model"),
        ("400", "provider's message"),
        ("quota", "current quota"),
        ("redirect", "name that one"),
    ],
)
def test_faults_that_stay(server: ChatServer, kind: str, words: str) -> None:
    server.forced.append(kind)
    with pytest.raises(BuildError, match=words):
        ask(server.url)
    assert len(server.seen) == 1


def test_a_slow_answer_is_waited_for_where_it_is_streamed(server: ChatServer) -> None:
    server.slow = 2.0
    server.forced.append("slow")
    with pytest.raises(Transient, match=r"no answer within 0\.4 s") as caught:
        ask(server.url, timeout=0.4)
    assert caught.value.lost
    server.pause = 0.05  # all of it takes longer than the time-out, each piece does not
    assert ask(server.url, timeout=0.4, stream=True).message["stop_reason"] == "end_turn"
    with pytest.raises(Transient, match=r"no answer within 0\.3 s"):  # a stream that goes on for longer than patience
        ask(server.url, timeout=0.29, patience=0.3, stream=True)


def test_nobody_there_costs_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(Transient, match="connection lost") as caught:
            ask(f"http://127.0.0.1:{free.getsockname()[1]}/v1")
    assert not caught.value.lost


def test_no_proxy_stands_between_this_machine_and_itself(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as proxy:
        proxy.bind(("127.0.0.1", 0))  # nobody listens: whatever goes there fails
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert ask(server.url).message["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    ("lacks", "stream", "gone"),
    [
        ("json_schema", False, "response_format"),
        ("max_tokens", False, "max_tokens"),
        ("stream_options", True, "stream_options"),
    ],
)
def test_what_a_server_does_not_take_is_asked_once(lacks: str, stream: bool, gone: str) -> None:
    with ChatServer(lacks=frozenset([lacks])) as server:
        assert ask(server.url, stream=stream, times=3).message["stop_reason"] == "end_turn"
        assert [gone in body for body in server.seen] == [True, False, False, False]


def test_a_server_without_schemas_gives_the_same_items(server: ChatServer, store: RequestStore) -> None:
    with ChatServer(lacks=frozenset(["json_schema"])) as plain:
        (answer,) = answers(store, plain.url)
    assert answer.status == "ok"
    assert answer.data is not None
    assert len(answer.data["items"]) == 2


@pytest.mark.parametrize(
    ("kind", "status", "detail"),
    [
        ("fenced", "ok", ""),
        ("bare list", "ok", ""),
        ("prose", "invalid", "Invalid JSON"),
        ("refusal", "refusal", "can't help with that"),
        ("filtered", "refusal", "declined"),
        ("cut", "cut", "max_tokens"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_models_say(
    server: ChatServer, store: RequestStore, kind: str, status: str, detail: str, stream: bool
) -> None:
    server.forced.append(kind)
    (answer,) = answers(store, server.url, stream=stream)
    assert answer.status == status
    assert detail in answer.detail
    assert (answer.data is not None) == (status == "ok")


def test_retried_kept_and_never_asked_again(server: ChatServer, store: RequestStore) -> None:
    server.forced.extend(["429", "503", "torn", "ok", "429", "html"])
    first = answers(store, server.url, count=4)
    asked = len(server.seen)
    assert [a.status for a in first] == ["ok"] * 4
    assert asked == 4 + 5
    again = answers(store, server.url, count=4)
    assert [(a.data, a.request_id) for a in again] == [(a.data, a.request_id) for a in first]
    assert len(server.seen) == asked
    other = Prompt(MODEL, prompt(0).system, prompt(0).user, Items, 2000)
    assert other.key != prompt(0).key, "the same name at another provider is another model"
    assert prompt(0, temperature=0.5).key != prompt(0).key


def test_money_where_there_is_a_price(server: ChatServer, store: RequestStore) -> None:
    listed = Prices.load()
    price = Price(input=Decimal(3), output=Decimal(9), cache_read=Decimal(1))  # type: ignore[call-arg]
    prices = Prices({**listed.models, MODEL: price}, listed.batch_factor, listed.as_of, listed.source)
    found = answers(store, server.url, count=3, prices=prices)
    due = sum(((s - s // 2) * 3 + s // 2 * 1 + made * 9 for s, made in server.tokens), 0)
    assert sum(a.cost for a in found) == Decimal(due) / 1_000_000
    worst = prompt(9).worst_case(prices)
    assert all(a.cost <= worst for a in found)
    limit, asked = store.spent() + worst * Decimal("1.5"), len(server.seen)
    with Teacher(spec(server.url), store, prices, max_usd=limit) as teacher:
        found = list(teacher.answers((prompt(n) for n in range(99)), 8))
        assert "max_usd" in str(teacher.stopped)
    assert len(found) < 99
    assert len(server.seen) > asked
    assert store.spent() <= limit


def test_usage_that_is_not_told_counts_as_the_most_that_it_can_be(store: RequestStore) -> None:
    with ChatServer(lacks=frozenset(["usage"])) as server:
        (answer,) = answers(store, server.url)
    most = prompt(0).most_tokens
    assert (answer.usage.input, answer.usage.output) == (most.write_5m, most.output)


def test_a_limit_in_money_wants_a_price(store: RequestStore, server: ChatServer) -> None:
    with pytest.raises(SynthError, match="no price for the model 'small-instruct'"):
        answers(store, server.url, prices=Prices.load(), max_usd=1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"base_url": "http://a@b"}, "is no address"),
        ({"base_url": "localhost:11434"}, "is no address"),
        ({"temperature": 3}, "temperature"),
        ({"provider": "anthropic", "temperature": 1}, "temperature: Anthropic's models take none"),
        ({"provider": "anthropic", "stream": True}, "stream: Anthropic's"),
    ],
)
def test_faults_say_why(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        spec(None, **given)


def test_temperature_is_sent(server: ChatServer, tmp_path: Path) -> None:
    async def run() -> None:
        await ChatClient("", server.url, 5.0, 20.0).ask(prompt(1, temperature=0.2).payload())

    in_a_loop(run())
    assert server.seen[0]["temperature"] == 0.2
    assert json.dumps(server.seen[0]).count("seed") == 0


def test_no_provider_is_asked_in_place_of_a_model_in_the_build(store: RequestStore) -> None:
    free = Prices.load().without([MODEL], known=True)
    with Teacher(spec(None, provider="local"), store, free) as teacher, pytest.raises(ValueError, match="local"):
        next(teacher.answers(iter([prompt(1)]), 1))
