from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from synthkit.errors import BuildError
from synthkit.llm import batches
from synthkit.llm.kept import RequestStore
from tests.llm.asking import billed, prompt, prompts, teacher
from tests.llm.standin import Standin


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "FIRST_POLL", 0.02)


def test_same_answers_at_half_the_price(tmp_path: Path, server: Standin) -> None:
    server.batch_seconds = 0.1
    with RequestStore(tmp_path / "single") as store, teacher(store, server.url) as single:
        wanted = [(a.key, a.status, a.data, a.cost / 2) for a in single.answers(prompts(50), 20)]
    server.billed.clear()
    with RequestStore(tmp_path / "batch") as store, teacher(store, server.url, batch_api=True) as asked:
        found = [(a.key, a.status, a.data, a.cost) for a in asked.answers(prompts(50), 20)]
        assert asked.spent == asked.paid_now == billed(server.billed)
    assert found == wanted
    assert [len(b["requests"]) for b in server.batches.values()] == [20, 20, 10]


def test_what_fails_in_a_batch_is_asked_again(store: RequestStore) -> None:
    with Standin(faults=0.5, seed=5, batch_seconds=0.02) as server:
        with teacher(store, server.url, batch_api=True) as asked:
            assert len(list(asked.answers(prompts(40), 40))) == 40
        assert {"drop_before", "500", "529"} <= set(server.kinds)
        assert max(server.delivered.values()) == 1
        assert len(server.batches) > 1
        assert asked.spent == billed(server.billed)


def test_a_run_that_died_goes_on_with_its_batch(store: RequestStore, server: Standin) -> None:
    server.batch_seconds = 60.0
    with teacher(store, server.url, batch_api=True) as asked:
        lane = asked._open()
        for number in range(6):
            lane.start(prompt(number))
        lane.need(prompt(0).key)
        while store.open_batch(prompt(5).key) is None:
            pass
    server.batches["msgbatch_0000"]["ready"] = 0.0
    with teacher(store, server.url, batch_api=True) as again:
        # Another window than before: the rest of the batch is still there for it.
        assert len(list(again.answers(prompts(6), 2))) == 6
    assert len(server.batches) == 1
    assert again.spent == billed(server.billed)
    assert again.uncertain_usd == 0


def test_a_batch_that_is_gone_is_sent_again_and_counted(store: RequestStore, server: Standin) -> None:
    tickets = store.sending([(prompt(0).key, Decimal(1))]).result()
    store.sent_batch("msgbatch_lost", tickets).result()
    with teacher(store, server.url, batch_api=True) as asked:
        assert len(list(asked.answers(prompts(2), 2))) == 2
    assert asked.uncertain_usd > 0
    assert store.lost() == 1


def test_never_above_max_usd(store: RequestStore, server: Standin) -> None:
    server.batch_seconds = 0.0
    with teacher(store, server.url, batch_api=True, max_usd=0.1) as asked:
        assert list(asked.answers(prompts(99), 50))
        assert "max_usd" in str(asked.stopped)
    assert billed(server.billed) <= Decimal("0.1")


def test_batches_that_never_work_end(store: RequestStore, server: Standin) -> None:
    server.batch_seconds = 0.0
    server.forced.extend(["ok", "500"] * 9)
    with teacher(store, server.url, batch_api=True) as asked, pytest.raises(BuildError, match="no answer in 5 batches"):
        list(asked.answers(prompts(1), 1))


def test_a_batch_is_split_at_the_limits_of_the_api(
    store: RequestStore, server: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_REQUESTS", 4)
    with teacher(store, server.url, batch_api=True) as asked:
        assert len(list(asked.answers(prompts(10), 10))) == 10
    assert sorted(len(b["requests"]) for b in server.batches.values()) == [2, 4, 4]
