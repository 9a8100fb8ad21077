from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from synthkit.errors import BuildError
from synthkit.llm import retrying
from synthkit.llm.client import Client, known_models
from synthkit.llm.retrying import persist
from synthkit.llm.transport import Gone, Reply, Transient
from tests.llm.asking import MODEL, in_a_loop, prompt
from tests.llm.standin import Standin


def ask(url: str, key: str = "test-key", timeout: float = 5.0, number: int = 1, model: str = MODEL) -> Reply:
    async def once() -> Reply:
        client = Client(key, url, timeout)
        try:
            return await client.ask(prompt(number, model=model).payload())
        finally:
            await client.close()

    return in_a_loop(once())


def test_a_message(server: Standin) -> None:
    reply = ask(server.url)
    assert reply.message["stop_reason"] == "end_turn"
    assert reply.request_id.startswith("req_")


@pytest.mark.parametrize(
    ("kind", "lost"),
    [
        ("429", False), ("408", False), ("409", False), ("500", False), ("529", False), ("504", True),
        ("drop_before", True), ("drop_after", True), ("torn", True), ("malformed", True),
    ],
)  # fmt: skip
def test_faults_that_pass(server: Standin, kind: str, lost: bool) -> None:
    server.forced.append(kind)
    with pytest.raises(Transient) as caught:
        ask(server.url)
    assert caught.value.lost is lost
    assert ask(server.url).message["type"] == "message"
    assert server.attempts.total() == 2, "the SDK must not retry on its own"


def test_the_wait_that_the_server_asks_for(server: Standin) -> None:
    server.wait = 1.25
    for kind in ("429", "429ms"):
        server.forced.append(kind)
        with pytest.raises(Transient) as caught:
            ask(server.url)
        assert caught.value.wait == 1.25


@pytest.mark.parametrize(
    ("kind", "words"), [("403", "may not use the model"), ("400", "provider's message"), ("500no", "do not come back")]
)
def test_faults_that_stay(server: Standin, kind: str, words: str) -> None:
    server.forced.append(kind)
    with pytest.raises(BuildError, match=words):
        ask(server.url)


def test_a_wrong_key_and_an_unknown_model(server: Standin) -> None:
    with pytest.raises(BuildError, match="ANTHROPIC_API_KEY is not a key of this API"):
        ask(server.url, key="wrong")
    with pytest.raises(BuildError, match="check the model's name"):
        ask(server.url, model="gpt")


def test_too_slow_is_lost(server: Standin) -> None:
    server.slow = 2.0
    server.forced.append("slow")
    with pytest.raises(Transient, match=r"no answer within 0\.3 s") as caught:
        ask(server.url, timeout=0.3)
    assert caught.value.lost


def test_nobody_there_costs_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(Transient, match="connection lost") as caught:
            ask(f"http://127.0.0.1:{free.getsockname()[1]}")
    assert not caught.value.lost


def test_the_address_from_the_environment(server: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    assert ask("").message["type"] == "message"


def test_a_batch_that_is_gone(server: Standin) -> None:
    async def look() -> bool:
        return await Client("test-key", server.url, 5.0).batch_ended("msgbatch_none")

    with pytest.raises(Gone):
        in_a_loop(look())


def test_known_models() -> None:
    assert MODEL in known_models()


def failing(times: int, wait: float | None = None) -> Callable[[], object]:
    left = [times]

    async def attempt() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise Transient("busy", wait)
        return "done"

    return attempt


def test_persist() -> None:
    assert in_a_loop(persist(failing(7), 60.0)) == "done"  # type: ignore[arg-type,func-returns-value]


def test_patience_ends_before_a_wait_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    with pytest.raises(
        BuildError, match=r"no answer in 1 attempts within teacher\.patience \(60 s\)[\s\S]*kept and paid"
    ):
        in_a_loop(persist(failing(1, wait=3600.0), 60.0))  # type: ignore[arg-type]
    assert time.monotonic() - began < 60
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.05)
    with pytest.raises(BuildError, match="busy"):
        in_a_loop(persist(failing(10**6), 0.5))  # type: ignore[arg-type]
