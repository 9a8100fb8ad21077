"""Self-Instruct without a network: a teacher that says what a test wants it to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from synthkit.teacher.answers import Answer
from synthkit.teacher.requests import Prompt
from synthkit.teacher.usage import Usage
from synthkit.text.filters import Filters
from synthkit.text.items import Item
from synthkit.text.params import SelfInstructParams
from synthkit.text.pipeline import WINDOW, Dropped, Pipeline
from synthkit.text.prompts import Drafts, Scores
from synthkit.text.rows import Row

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
        while True:
            while len(waiting) < ahead and len(self.asked) < self.most and (prompt := next(prompts, None)) is not None:
                self.asked.append(prompt)
                waiting.append(prompt)
            if not waiting:
                return
            prompt = waiting.pop(0)
            status, data = self.say(prompt, self.asked.index(prompt))
            yield Answer(prompt.key, status, data, Usage(), "r", "" if data else status, prompt.model, Decimal(0))  # type: ignore[arg-type]


def fresh(prompt: Prompt, number: int) -> tuple[str, Any]:
    """New items without end, and the best scores."""
    count = int(prompt.user.split("\n")[0].split()[1])
    if prompt.form is Scores:
        return "ok", {"scores": [{"item": i, "score": 5, "reason": "good"} for i in range(1, count + 1)]}
    texts = (" ".join(f"w{number}x{i}y{k}" for k in range(8)) for i in range(count))
    return "ok", {"items": [{"instruction": t, "input": "", "response": f"About {t}."} for t in texts]}


def run(
    say: Say, rows: int = 40, teacher: dict[str, Any] | None = None, **given: Any
) -> tuple[list[Row], Pipeline, Scripted, list[Dropped]]:
    spec = {"model": "m", "intended_use": "t", "terms_ack": True}
    params = SelfInstructParams.model_validate(
        {"teacher": spec, "domain": "words", "max_usd": 1, "per_request": 5, **given}
    )
    filters = Filters(params.filters.model_copy(update={"language": None, "domain": None}), SEEDS)
    dropped: list[Dropped] = []
    pipeline = Pipeline(params, SEEDS, filters, rows, 1, dropped.append)
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
