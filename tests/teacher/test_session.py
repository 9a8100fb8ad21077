"""A conversation with a teacher over real HTTP: order, money, faults, what is kept."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from synthkit.errors import BuildError
from synthkit.teacher.prices import MILLION, Prices
from synthkit.teacher.requests import Prompt
from synthkit.teacher.session import Teacher
from synthkit.teacher.spec import SpendingParams
from tests.teacher.standin import FAULTS, KEY, StandIn

MODEL = "claude-haiku-5-5"


class Form(BaseModel):
    text: str
    number: int


def prompt(number: int, max_tokens: int = 100) -> Prompt:
    return Prompt(MODEL, "You are a test.", f"Say number {number}.", Form, max_tokens, f"say {number}")


def params(url: str, **given: Any) -> SpendingParams:
    teacher = {
        "model": MODEL,
        "intended_use": "a test",
        "terms_ack": True,
        "base_url": url,
        "timeout": 5,
        "patience": 20,
    }
    return SpendingParams.model_validate({"teacher": {**teacher, **given.pop("teacher", {})}, "max_usd": 1, **given})


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def asked(teacher: Teacher, prompts: Iterator[Prompt | None], ahead: int = 16) -> list[Any]:
    return [(a.key, a.status, a.data) for a in teacher.answers(prompts, ahead)]


def billed(standin: StandIn) -> Decimal:
    """What the stand-in would have charged, all answers that it delivered."""
    price = Prices.load(Path("nowhere")).of(MODEL)
    kinds = {"input_tokens": price.input, "output_tokens": price.output}
    kinds |= {"cache_creation_input_tokens": price.of("cache_write"), "cache_read_input_tokens": price.of("cache_read")}
    return sum((standin.tokens[f"{MODEL} {k}"] * usd for k, usd in kinds.items()), Decimal(0)) / MILLION


def test_answers_come_in_the_order_of_the_prompts_whatever_the_concurrency(tmp_path: Path) -> None:
    found = []
    for concurrency in (1, 4, 16):
        with (
            StandIn() as standin,
            Teacher(params(standin.url, concurrency=concurrency), tmp_path / str(concurrency)) as t,
        ):
            found.append(asked(t, iter([prompt(i) for i in range(40)])))
            assert t.spent == t.paid_now == billed(standin)
    assert found[0] == found[1] == found[2]
    assert [k for k, _, _ in found[0]] == [prompt(i).key for i in range(40)]
    assert {s for _, s, _ in found[0]} >= {"ok"}


def test_what_is_kept_is_not_asked_again(tmp_path: Path) -> None:
    with StandIn() as standin:
        with Teacher(params(standin.url), tmp_path) as teacher:
            first = asked(teacher, iter([prompt(i) for i in range(20)]))
            spent, usage = teacher.spent, teacher.usage
        with Teacher(params(standin.url), tmp_path) as teacher:
            assert asked(teacher, iter([prompt(i) for i in range(20)])) == first
            assert (teacher.spent, teacher.paid_now, teacher.usage) == (spent, 0, usage)
        assert sum(standin.tries.values()) == 20


def test_equal_prompts_in_flight_are_asked_once(tmp_path: Path) -> None:
    with StandIn(latency=0.05) as standin, Teacher(params(standin.url), tmp_path) as teacher:
        found = asked(teacher, iter([prompt(1)] * 5))
        assert len({json.dumps(f) for f in found}) == 1
        assert list(standin.tries.values()) == [1]


def test_a_prompt_is_decided_after_the_answers_that_it_may_know_and_before_later_ones(tmp_path: Path) -> None:
    taken: list[int] = []

    def prompts() -> Iterator[Prompt]:
        for i in range(30):
            assert len(taken) == max(0, i - 7)  # with 8 ahead, prompt i knows answers 0 … i − 8
            yield prompt(i)

    with StandIn() as standin, Teacher(params(standin.url), tmp_path) as teacher:
        for _ in teacher.answers(prompts(), 8):
            taken.append(1)
    assert len(taken) == 30


def test_none_waits_for_an_answer_and_ends_where_none_is_due(tmp_path: Path) -> None:
    taken: list[int] = []

    def prompts() -> Iterator[Prompt | None]:
        for i in range(6):
            yield prompt(i)
            while len(taken) <= i:
                yield None
        yield None
        raise AssertionError("nothing is asked after the end")

    with StandIn() as standin, Teacher(params(standin.url), tmp_path) as teacher:
        for _ in teacher.answers(prompts(), 8):
            taken.append(1)
        assert teacher.stopped is None
    assert len(taken) == 6


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_is_survived(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.teacher.standin.FAULTS", (kind,))
    with StandIn(faults=0.5, refused=0) as standin, Teacher(params(standin.url), tmp_path) as teacher:
        found = asked(teacher, iter([prompt(i) for i in range(6)]))
        assert [s for _, s, _ in found] == ["ok"] * 6
        assert standin.failed[kind] >= 1
        assert max(standin.delivered.values()) == 1
        lost = kind in ("dropped before", "dropped after", "malformed")
        assert (teacher.uncertain > 0) == lost  # it may have been paid for


def test_refusals_and_cut_answers_are_no_data_and_are_paid_for(tmp_path: Path) -> None:
    with StandIn(refused=0.4) as standin, Teacher(params(standin.url), tmp_path) as teacher:
        found = asked(teacher, iter([prompt(i) for i in range(40)]))
        assert {s for _, s, _ in found} == {"ok", "refusal", "cut"}
        assert all((d is not None) == (s == "ok") for _, s, d in found)
        assert teacher.counts["refusal"] >= 5
        assert teacher.spent == billed(standin)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(usd=st.decimals("0.0002", "0.0006", places=6), concurrency=st.integers(1, 16), ahead=st.integers(1, 20))
def test_the_limit_holds_and_stops_at_the_same_place(
    tmp_path_factory: pytest.TempPathFactory, usd: Decimal, concurrency: int, ahead: int
) -> None:
    found = []
    for flights in (concurrency, 1):
        folder = tmp_path_factory.mktemp("limit")
        with StandIn() as standin, Teacher(params(standin.url, max_usd=usd, concurrency=flights), folder) as teacher:
            answers = asked(teacher, iter([prompt(i) for i in range(60)]), ahead)
            assert billed(standin) == teacher.spent <= usd
            # of an answer's cost only what was cached, and so cheaper, depends on the order of arrival
            found.append((len(answers), teacher.stopped is not None))
    assert abs(found[0][0] - found[1][0]) <= 1
    assert all(stopped for _, stopped in found)


def test_the_number_of_requests_is_a_limit_too(tmp_path: Path) -> None:
    with StandIn() as standin, Teacher(params(standin.url, max_requests=5), tmp_path) as teacher:
        assert len(asked(teacher, iter([prompt(i) for i in range(9)]))) == 5
        assert teacher.stopped == "max_requests: 5 were sent"


def test_lost_answers_count_against_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.teacher.standin.FAULTS", ("dropped before",))
    worst = prompt(0).worst_case(Prices.load(tmp_path))
    with (
        StandIn(faults=1.0) as standin,
        Teacher(params(standin.url, max_usd=worst * Decimal("2.5")), tmp_path) as teacher,
    ):
        with pytest.raises(BuildError, match="answers that were lost on the way may have cost"):
            asked(teacher, iter([prompt(0)]))
        assert sum(standin.tries.values()) == 2
    with StandIn() as standin, Teacher(params(standin.url), tmp_path) as teacher:
        asked(teacher, iter([prompt(0)]))
        assert teacher.uncertain == 2 * worst  # also in the next run


@pytest.mark.parametrize(
    ("environment", "said"), [({"ANTHROPIC_API_KEY": "no"}, "look at ANTHROPIC_API_KEY"), ({}, "is not set")]
)
def test_without_a_right_key(
    environment: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for batch in (False, True):
        with StandIn() as standin, Teacher(params(standin.url, batch_api=batch), tmp_path) as teacher:
            with pytest.raises(BuildError) as error:
                asked(teacher, iter([prompt(0)]))
            assert said in f"{error.value.message} {error.value.hint}"


def test_patience_ends_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Teacher(params("http://127.0.0.1:9", teacher={"patience": 0.3}), tmp_path) as teacher:
        with pytest.raises(BuildError, match=r"no answer to 'say 0' in \d tries .* the connection failed") as error:
            asked(teacher, iter([prompt(0)]))
        assert "it goes on from there" in (error.value.hint or "")
        assert teacher.uncertain == 0  # nothing was ever sent


def test_a_batch_costs_half_and_is_taken_in_by_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with StandIn(refused=0) as standin:
        with Teacher(params(standin.url), tmp_path / "single") as teacher:
            single = asked(teacher, iter([prompt(i) for i in range(10)]))
        standin.cached.clear()
        standin.tokens.clear()
        stopped = threading.Event()

        async def never(self: Any, *_: Any) -> Any:
            stopped.set()
            raise BuildError("stopped here")

        with monkeypatch.context() as patched:
            patched.setattr("synthkit.teacher.batches.Batches._results", never)
            with (
                Teacher(params(standin.url, batch_api=True), tmp_path / "batch") as teacher,
                pytest.raises(BuildError, match="stopped here"),
            ):
                asked(teacher, iter([prompt(i) for i in range(10)]))
        assert stopped.is_set()
        with Teacher(params(standin.url, batch_api=True), tmp_path / "batch") as teacher:
            assert asked(teacher, iter([prompt(i) for i in range(10)])) == single
            assert teacher.spent == billed(standin) / 2
        assert len(standin.batches) == 1
        with Teacher(params(standin.url), tmp_path / "batch") as again:  # and keeps its price
            asked(again, iter([prompt(i) for i in range(10)]))
            assert (again.spent, again.paid_now) == (teacher.spent, 0)


def test_closing_early_keeps_what_has_come(tmp_path: Path) -> None:
    with StandIn(latency=0.02) as standin:
        with Teacher(params(standin.url, concurrency=4), tmp_path) as teacher:
            answers = teacher.answers(iter([prompt(i) for i in range(30)]), 8)
            for _ in range(5):
                next(answers)
        with Teacher(params(standin.url), tmp_path) as teacher:
            asked(teacher, iter([prompt(i) for i in range(5)]))
            assert teacher.paid_now == 0
    assert os.environ["ANTHROPIC_API_KEY"] == KEY
