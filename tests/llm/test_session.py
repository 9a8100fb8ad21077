from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from synthkit.errors import BuildError, SynthError
from synthkit.llm.answers import Answer
from synthkit.llm.kept import RequestStore
from synthkit.llm.prices import Prices
from synthkit.llm.requests import Prompt
from tests.llm.asking import billed, prompt, prompts, teacher
from tests.llm.standin import TRANSIENT, Standin


def test_order_concurrency_and_window(store: RequestStore, server: Standin) -> None:
    server.latency, taken = 0.02, []

    def dependent() -> Iterator[Prompt]:
        for number in range(40):
            assert len(taken) == max(0, number - 11), "prompt i is pulled when answers 0 … i - ahead were used"
            yield prompt(number)

    with teacher(store, server.url, concurrency=6) as asked:
        for answer in asked.answers(dependent(), ahead=12):
            taken.append(answer)
        assert [a.key for a in taken] == [prompt(n).key for n in range(40)]
        assert server.most_at_once == 6
        assert asked.counts["ok"] == asked.asked_now == 40
        assert asked.spent == asked.paid_now == billed(server.billed) == store.spent()
        assert asked.usage.output == sum(a.usage.output for a in taken)
        assert (asked.stopped, asked.uncertain_usd) == (None, 0)


def test_all_faults_at_once_change_nothing(tmp_path: Path) -> None:
    results = []
    for faults in (0.0, 0.5):
        with (
            Standin(faults=faults, slow=0.05, refusals=0.05, cuts=0.05, seed=3) as server,
            RequestStore(tmp_path / str(faults)) as store,
            teacher(store, server.url, concurrency=16) as asked,
        ):
            results.append([(a.key, a.status, a.data, a.cost) for a in asked.answers(prompts(150), 32)])
            assert max(server.delivered.values()) == 1
            assert asked.spent <= billed(server.billed) <= asked.spent + asked.uncertain_usd
            if faults:
                assert set(TRANSIENT) <= set(server.kinds)
            assert {"ok", "refusal", "cut"} <= set(asked.counts)
    assert results[0] == results[1]


def test_a_replay_asks_nobody(store: RequestStore, server: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    with teacher(store, server.url, max_usd=0.1) as asked:
        first = list(asked.answers(prompts(99), 8))
    assert 0 < len(first) < 99
    monkeypatch.delenv("ANTHROPIC_API_KEY_127_0_0_1")
    with teacher(store, "http://127.0.0.1:1", max_usd=0.1, concurrency=3) as again:
        assert list(again.answers(prompts(99), 8)) == first
        assert (again.stopped, again.spent) == (asked.stopped, asked.spent)
        assert (again.paid_now, again.asked_now) == (0, 0)


def test_a_replay_of_what_a_caller_took_asks_nobody(
    store: RequestStore, server: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were out when the caller left, and were not sent, are not needed now either."""
    with teacher(store, server.url, concurrency=1) as asked:
        first = list(itertools.islice(asked.answers(prompts(99), 40), 5))
    assert store.count() < 20
    monkeypatch.delenv("ANTHROPIC_API_KEY_127_0_0_1")
    with teacher(store, "http://127.0.0.1:1") as again:
        assert list(itertools.islice(again.answers(prompts(99), 40), 5)) == first
        assert again.asked_now == 0


def test_without_a_key_nothing_starts(store: RequestStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with teacher(store) as asked, pytest.raises(SynthError, match="ANTHROPIC_API_KEY"):
        next(asked.answers(prompts(3), 2))


def test_equal_questions_are_asked_once(store: RequestStore, server: Standin) -> None:
    with teacher(store, server.url) as asked:
        found = list(asked.answers(iter([prompt(1), prompt(1), prompt(2), prompt(1)]), 3))
        assert [a.key for a in found] == [prompt(n).key for n in (1, 1, 2, 1)]
        assert server.delivered.total() == asked.asked_now == 2
        assert asked.spent == billed(server.billed)


@pytest.mark.parametrize("faults", [0.0, 0.4])
@pytest.mark.parametrize("cents", [3, 9, 25])
def test_never_above_max_usd(store: RequestStore, cents: int, faults: float) -> None:
    limit = Decimal(cents) / 100
    with Standin(faults=faults, slow=0.02, seed=cents) as server:
        with teacher(store, server.url, concurrency=16, max_usd=limit) as asked:
            found = list(asked.answers(prompts(200), 32))
            assert "max_usd" in str(asked.stopped)
        assert billed(server.billed) <= limit
        assert asked.spent + asked.uncertain_usd <= limit
        if not faults:
            worst = prompt(199).worst_case(Prices.load())
            assert limit - asked.spent < worst, "the limit is used up to the last request that fits"
            assert found or limit < worst


def test_request_limit(store: RequestStore, server: Standin) -> None:
    with teacher(store, server.url, request_limit=5) as asked:
        assert len(list(asked.answers(prompts(50), 4))) == 5
        assert asked.stopped == "request limit: 5 of 5 requests made"
    assert server.delivered.total() == 5


def test_leaving_early_keeps_what_was_paid(store: RequestStore, server: Standin) -> None:
    server.latency = 0.05
    with teacher(store, server.url, concurrency=4) as asked:
        found: list[Answer] = list(itertools.islice(asked.answers(prompts(50), 10), 3))
        assert len(found) == 3
    assert store.count() == server.delivered.total()
    assert store.spent() == billed(server.billed) == asked.paid_now
    assert server.delivered.total() < 20
    with teacher(store, server.url) as again:
        assert len(list(again.answers(prompts(12), 10))) == 12
    assert max(server.delivered.values()) == 1


def test_an_error_of_the_callers_closes_too(store: RequestStore, server: Standin) -> None:
    def broken() -> Iterator[Prompt]:
        yield from prompts(4)
        raise KeyboardInterrupt

    server.latency = 0.02
    with pytest.raises(KeyboardInterrupt), teacher(store, server.url, concurrency=2) as asked:
        list(asked.answers(broken(), 9))
    assert store.count() == server.delivered.total()


def test_a_refused_request_ends_it_in_order(store: RequestStore, server: Standin) -> None:
    mixed = [prompt(0), prompt(1), prompt(2, model="claude-opus-5-5"), prompt(3)]
    server.forced.extend(["ok", "ok", "403"])
    with teacher(store, server.url, concurrency=1) as asked:
        answers = asked.answers(iter(mixed), 4)
        found = [next(answers).key, next(answers).key]
        with pytest.raises(BuildError, match="HTTP 403"):
            next(answers)
    assert found == [prompt(0).key, prompt(1).key]


def test_a_model_without_a_price(store: RequestStore, server: Standin) -> None:
    with teacher(store, server.url) as asked, pytest.raises(SynthError, match="no price"):
        list(asked.answers(iter([prompt(0, model="claude-new")]), 1))
    assert not server.billed


def test_two_passes_of_one_teacher(store: RequestStore, server: Standin) -> None:
    seen: list[Answer] = []
    with teacher(store, server.url) as asked:
        asked._on_answer = seen.append
        next(asked.answers(prompts(6), 6))
        list(asked.answers((prompt(n) for n in range(20, 26)), 3))
        assert server.delivered.total() == asked.asked_now
        assert len(seen) == 7


def test_money_that_may_be_lost_delays_requests_and_ends_them_only_at_last(store: RequestStore) -> None:
    prices = Prices.load()
    worst = max(prompt(n).worst_case(prices) for n in range(500))
    store.sending([("of a run that died", 10 * worst)]).result()
    with Standin(latency=0.01) as server, teacher(store, server.url, max_usd=14 * worst, concurrency=16) as asked:
        # By the plan 12 are out at a time; beside what may be lost there is money for four.
        found = asked.answers(prompts(500), ahead=12)
        assert [next(found).status for _ in range(14)] == ["ok"] * 14
        assert (asked.stopped, server.most_at_once) == (None, 4)
        assert len(list(found)) < 400
        assert "max_usd" in str(asked.stopped)
        assert max(server.delivered.values()) == 1
        assert 4 * worst - asked.spent < worst, "it is used up to the last request that fits"
