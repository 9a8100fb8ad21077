"""The sender: order, what is lost and told, and that closing it does not wait for ever."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, cast

import pytest

from synthkit.openlineage import sending
from synthkit.openlineage.sending import Sender
from synthkit.project.projectfile import LineageSpec

SPEC = LineageSpec(transport="file", path="out/lineage.jsonl", timeout=0.1)


class Client:
    """Takes events, and fails or stops at those of some names."""

    def __init__(self, failing: tuple[str, ...] = (), stuck: str = "") -> None:
        self.failing, self.stuck = failing, stuck
        self.taken: list[str] = []
        self.go_on = threading.Event()

    def emit(self, event: str) -> None:
        if event == self.stuck:
            self.go_on.wait()
        if event in self.failing:
            raise ValueError(f"not {event}")
        self.taken.append(event)

    def close(self) -> None:
        pass


def sent(monkeypatch: pytest.MonkeyPatch, client: Client, *events: str) -> str | None:
    monkeypatch.setattr(sending, "_client", lambda spec, root: client)
    sender = Sender(SPEC, Path("/project"))
    for event in events:
        sender.send(cast(Any, event))
    return sender.close()


def test_all_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    assert sent(monkeypatch, client, "a", "b", "c") is None
    assert client.taken == ["a", "b", "c"]


def test_what_comes_after_a_lost_event_is_sent_and_the_first_cause_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(failing=("b", "c"))
    assert sent(monkeypatch, client, "a", "b", "c", "d") == (
        "lineage: 2 of 4 events did not reach /project/out/lineage.jsonl: ValueError: not b"
    )
    assert client.taken == ["a", "d"]


@pytest.mark.timeout(60)
def test_closing_leaves_what_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(stuck="b")
    warning = sent(monkeypatch, client, "a", "b", "c")
    client.go_on.set()
    assert warning == "lineage: 2 of 3 events did not reach /project/out/lineage.jsonl: no answer within 0.1 s"
