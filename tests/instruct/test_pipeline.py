"""Self-Instruct without a network: a teacher that says what a test wants it to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from synthkit.instruct.filters import Filters
from synthkit.instruct.items.item import Item
from synthkit.instruct.params import SelfInstructParams
from synthkit.instruct.pipeline import WINDOW, Pipeline
from synthkit.instruct.prompts import Drafts, Responses, Scores, Tasks
from synthkit.instruct.rows import Row
from synthkit.instruct.steps import Dropped
from synthkit.instruct.transcript import Heard
from synthkit.llm.answers import Answer
from synthkit.llm.requests import Prompt
from synthkit.llm.usage import Usage

SEEDS = [
    Item(f"What does the word number {i} mean to somebody?", f"It means {i}.", topic="ab"[i % 2]) for i in range(12)
]
Say = Callable[[Prompt, int], tuple[str, Any]]


class Scripted:
    """Answers in order, ``say(prompt, number)`` deciding status and data; keeps what it was asked."""

    def __init__(self, say: Say, stopped: str | None = None, most: int = 10_000) -> None:
        self.say, self.stopped, self.most = say, stopped, most
        self.asked: list[Prompt] = []

    def answers(self, prompts: Iterator[Prompt | None], ahead: int) -> Iterator[Answer]:
        waiting: list[Prompt] = []
        first: dict[str, int] = {}  # where each was asked first
        while True:
            while len(waiting) < ahead and len(self.asked) < self.most and (prompt := next(prompts, None)) is not None:
                first.setdefault(prompt.key, len(self.asked))
                self.asked.append(prompt)
                waiting.append(prompt)
            if not waiting:
                return
            prompt = waiting.pop(0)
            status, data = self.say(prompt, first[prompt.key])
            yield Answer(prompt.key, status, data, Usage(), "r", "" if data else status, prompt.model, Decimal(0))  # type: ignore[arg-type]


def fresh(prompt: Prompt, number: int) -> tuple[str, Any]:
    """New items without end, and the best scores."""
    count = int(prompt.user.split("\n")[0].split()[1])
    if prompt.form is Scores:
        return "ok", {"scores": [{"item": i, "score": 5, "reason": "good"} for i in range(1, count + 1)]}
    if prompt.form is Responses:
        said = [{"item": i, "response": f"Said {prompt.key[:6]} {i}."} for i in range(1, count + 1)]
        return "ok", {"responses": said}
    texts = (" ".join(f"w{number}x{i}y{k}" for k in range(8)) for i in range(count))
    items = [{"instruction": t, "input": "", "response": f"About {t}."} for t in texts]
    if prompt.form is Tasks:
        items = [{k: v for k, v in item.items() if k != "response"} for item in items]
    return "ok", {"items": items}


def run(
    say: Say, rows: int = 40, teacher: dict[str, Any] | None = None, basis: Sequence[Heard] = (), **given: Any
) -> tuple[list[Row], Pipeline, Scripted, list[Dropped]]:
    spec = {"model": "m", "intended_use": "t", "terms_ack": True}
    params = SelfInstructParams.model_validate(
        {"teacher": spec, "domain": "words", "max_usd": 1, "per_request": 5, **given}
    )
    filters = Filters(params.filters.model_copy(update={"language": None, "domain": None}), SEEDS)
    dropped: list[Dropped] = []
    pipeline = Pipeline(params, SEEDS, filters, rows, 1, dropped.append, basis)
    scripted = Scripted(say, **(teacher or {}))
    return list(pipeline.rows(scripted)), pipeline, scripted, dropped


def test_topics_get_their_shares_exactly() -> None:
    rows, pipeline, _, _ = run(fresh, topics={"a": 3, "b": "25%"}, rows=41)
    assert {t: sum(r.item.topic == t for r in rows) for t in "ab"} == {"a": 38, "b": 3}
    assert pipeline.stopped is None


def test_seeds_of_the_topic_are_shown_and_named_as_parents() -> None:
    rows, _, scripted, _ = run(fresh, topics={"a": 1}, examples=4)
    assert all(SEEDS[p].topic == "a" for row in rows for p in row.parents)
    for row in rows[:5]:
        assert all(SEEDS[p].instruction in scripted.asked[0].user for p in row.parents)


def test_requests_differ_although_all_is_drawn_from_the_seed() -> None:
    first, second = (run(fresh)[2].asked for _ in range(2))
    assert [p.key for p in first] == [p.key for p in second]
    assert len({p.user for p in first}) == len(first)


def test_a_judge_drops_what_scores_too_low_or_gets_no_score() -> None:
    def say(prompt: Prompt, number: int) -> tuple[str, Any]:
        status, data = fresh(prompt, number)
        if prompt.form is Scores:
            data = {"scores": [s | {"score": 1 + s["item"] % 5} for s in data["scores"][:-1]]}
        return status, data

    rows, pipeline, scripted, dropped = run(say, judge={"model": "j", "min_score": 4})
    assert {row.score for row in rows} <= {4, 5}
    assert {p.model for p in scripted.asked if p.form is Scores} == {"j"}
    assert "the judge gave the item no score" in {d.reason for d in dropped}
    assert pipeline.counts["dropped: judge"] == sum(d.stage == "judge" for d in dropped)


def test_evolved_items_take_the_place_of_the_first_and_failed_ones_leave_it() -> None:
    def say(prompt: Prompt, number: int) -> tuple[str, Any]:
        return ("refusal", None) if "Rewrite each" in prompt.user and number % 2 else fresh(prompt, number)

    rows, pipeline, _, _ = run(say, evolve=1.0, rows=60)
    evolved = sum(row.evolution for row in rows)
    assert 0 < evolved < 60
    assert pipeline.counts["evolved"] >= evolved
    assert len({row.item.instruction for row in rows}) == 60


def test_refusals_cuts_and_nonsense_are_no_items() -> None:
    def say(prompt: Prompt, number: int) -> tuple[str, Any]:
        return fresh(prompt, number) if number % 4 == 0 else (("refusal", "cut", "invalid")[number % 4 - 1], None)

    rows, pipeline, _, _ = run(say)
    assert len(rows) == 40
    assert min(pipeline.counts[k] for k in ("refusal", "cut", "invalid")) >= 1


def test_it_stops_where_nothing_new_comes_and_where_the_teacher_stops() -> None:
    def same(prompt: Prompt, number: int) -> tuple[str, Any]:
        return fresh(prompt, 0)

    rows, pipeline, scripted, dropped = run(same)
    assert len(rows) == 5
    assert "were new and passed the filters" in (pipeline.stopped or "")
    assert len(scripted.asked) <= WINDOW + 64
    assert {d.stage for d in dropped} == {"exact"}
    rows, pipeline, _, _ = run(fresh, teacher={"most": 3, "stopped": "max_usd: all of it"})
    assert len(rows) == 15
    assert pipeline.stopped == "max_usd: all of it"


def test_no_more_is_asked_than_is_needed() -> None:
    _, _, scripted, _ = run(fresh, rows=40)
    assert 8 <= sum(p.form is Drafts for p in scripted.asked) <= 13  # at a yield of 0.7 that is guessed at first


def test_responses_by_requests_of_their_own() -> None:
    rows, pipeline, scripted, _ = run(fresh, rows=30, responses="separate", topics={"a": 2, "b": 1})
    assert {t: sum(r.item.topic == t for r in rows) for t in "ab"} == {"a": 20, "b": 10}
    asked = {p.key: p for p in scripted.asked}
    assert {p.form for p in asked.values()} == {Tasks, Responses}
    assert not any("It means" in p.user for p in asked.values() if p.form is Tasks), "tasks are shown without responses"
    for row in rows:
        responded = asked[row.response_request or ""]
        assert asked[row.request].form is Tasks
        assert row.item.instruction in responded.user
        assert row.item.response.startswith(f"Said {responded.key[:6]}")
        assert any(SEEDS[p].response in responded.user for p in row.parents), "responses like those of its seeds"
        assert row.to_dict()["response_request_id"] == responded.key[:16] != row.to_dict()["request_id"]
    assert pipeline.counts["respond requests"] == sum(p.form is Responses for p in asked.values())
    (together, *_), *_ = run(fresh)
    assert together.to_dict()["response_request_id"] == together.to_dict()["request_id"]


def test_only_tasks_that_pass_get_a_response_and_bad_responses_are_dropped() -> None:
    def say(prompt: Prompt, number: int) -> tuple[str, Any]:
        status, data = fresh(prompt, number)
        if prompt.form is Tasks:
            data["items"][0] = {"instruction": SEEDS[0].instruction, "input": ""}  # a seed again
        if prompt.form is Responses:
            if number % 3 == 0:
                return "refusal", None
            data["responses"][0]["response"] = "As an AI language model, I cannot help."
            data["responses"].pop()
        return status, data

    rows, pipeline, scripted, dropped = run(say, rows=30, responses="separate")
    assert len(rows) == 30
    counts = pipeline.counts
    assert not any(
        SEEDS[0].instruction in p.user.split("by its number")[1] for p in scripted.asked if p.form is Responses
    )
    assert counts["dropped: exact"] >= 30 / 4
    assert counts["dropped: refusals"] == sum(d.stage == "refusals" for d in dropped) > 0
    assert {d.reason for d in dropped if d.stage == "response"} == {"refusal", "the teacher gave the task no response"}
    assert all(row.item.response.startswith("Said") for row in rows)
    assert pipeline.balance.expected[None] >= 0


def test_tasks_are_made_harder_before_they_get_their_response_and_judged_after_it() -> None:
    rows, _, scripted, _ = run(fresh, rows=30, responses="separate", evolve=1.0, judge={"model": "j", "min_score": 4})
    asked = {p.key: (at, p) for at, p in enumerate(scripted.asked)}
    hardened = [row for row in rows if row.evolution]
    assert hardened
    for row in hardened:
        made, responded = asked[row.request], asked[row.response_request or ""]
        assert "Rewrite each" in made[1].user
        assert made[0] < responded[0]
        assert row.item.instruction in responded[1].user
        assert any(row.item.response in p.user for p in scripted.asked if p.form is Scores)
    assert {row.score for row in rows} == {5}
