"""Other filters on the answers of an earlier build: what is asked again, what is not, and what is noted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synthkit.errors import BuildError
from synthkit.instruct.items.item import Item
from synthkit.instruct.params import SelfInstructParams
from synthkit.instruct.prompts import Drafts
from synthkit.instruct.transcript import Heard, Transcripts, names_of
from synthkit.llm.requests import Prompt
from tests.instruct.test_pipeline import SEEDS, fresh, run

ALL: dict[str, Any] = {"evolve": 0.5, "judge": {"model": "j", "min_score": 3}}


def long_and_short(prompt: Prompt, number: int) -> tuple[str, Any]:
    """Every other item has a longer instruction."""
    status, data = fresh(prompt, number)
    for index, item in enumerate(data.get("items", ())):
        item["instruction"] += " and more words than that" * (index % 2)
    return status, data


@pytest.mark.parametrize("responses", ["together", "separate"])
def test_looser_filters_take_all_from_the_answers_that_are_there(responses: str) -> None:
    strict = {"filters": {"lengths": {"instruction_words_min": 9}}, "responses": responses, **ALL}
    first, before, _, _ = run(long_and_short, **strict)
    rows, pipeline, scripted, _ = run(long_and_short, basis=before.heard, responses=responses, **ALL)
    assert [p.key for p in scripted.asked] == [h.prompt.key for h in before.heard]  # all are kept ones
    assert pipeline.heard == []
    assert (len(rows), pipeline.counts["answers taken again"]) == (len(first), len(before.heard))
    assert all(row.score is not None and row.item.response for row in rows)
    assert any(row.evolution for row in rows)


def test_stricter_filters_ask_for_what_is_missing_only() -> None:
    first, before, _, _ = run(long_and_short, **ALL)
    strict = {"filters": {"lengths": {"instruction_words_min": 9}}, **ALL}
    rows, pipeline, scripted, _ = run(long_and_short, basis=before.heard, **strict)
    # A harder version goes where the item that it was made from goes.
    kept = [row for row in first if len(row.item.instruction.split()) >= 9 and not row.evolution]
    assert [row for row in rows if row in kept] == kept
    assert 0 < len(kept) < len(rows) == len(first)
    assert min(len(row.item.instruction.split()) for row in rows) >= 9
    new = [p for p in scripted.asked if p.key not in {h.prompt.key for h in before.heard}]
    assert [h.prompt for h in pipeline.heard] == new[: len(pipeline.heard)]
    assert {p.nonce for p in new if p.label.startswith("generate")}.isdisjoint(h.prompt.nonce for h in before.heard)
    again, _, _, _ = run(long_and_short, basis=before.heard, **strict)
    assert again == rows


def test_a_lower_score_is_enough_without_a_request_and_what_was_never_judged_stays_out() -> None:
    def say(prompt: Prompt, number: int) -> tuple[str, Any]:
        status, data = long_and_short(prompt, number)
        for score in data.get("scores", ()):
            score["score"] = 1 + score["item"] % 5
        return status, data

    strict = {"filters": {"lengths": {"instruction_words_min": 9}}, "judge": {"model": "j", "min_score": 5}}
    _, before, _, _ = run(say, rows=20, teacher={"most": 100}, **strict)  # no score is ever high enough
    rows, pipeline, _, dropped = run(say, rows=20, basis=before.heard, judge={"model": "j", "min_score": 2})
    assert pipeline.heard == []
    assert min(row.score or 0 for row in rows) == 2
    assert "the judge was not asked about the item: other filters had dropped it" in {d.reason for d in dropped}


HEARD = Heard("judge", "a", (1, 2), Prompt("m", "s", "u\ud800", Drafts, 10, "judge", 3), (Item("i", "r", "x", "a"),))


def test_what_is_noted_comes_back_and_its_basis_stays(tmp_path: Path) -> None:
    first = Transcripts(tmp_path, "a" * 64, "1" * 64)
    assert first.begin() == ()
    first.end([HEARD])
    second = Transcripts(tmp_path, "a" * 64, "2" * 64)
    assert second.begin() == (HEARD,)
    # Whatever is built in between, the second has the basis that it had; also where it was killed before its end.
    first.end([HEARD, HEARD])
    assert Transcripts(tmp_path, "a" * 64, "2" * 64).begin() == (HEARD,)
    second.end([HEARD])
    assert Transcripts(tmp_path, "a" * 64, "1" * 64).begin() == ()  # it asked for itself, and may do so again
    assert Transcripts(tmp_path, "a" * 64, "3" * 64).begin() == (HEARD, HEARD)
    assert Transcripts(tmp_path, "b" * 64, "1" * 64).begin() == ()


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    transcripts = Transcripts(tmp_path, "a" * 64, "1" * 64)
    transcripts.begin()
    transcripts.path.write_bytes(b"not gzip")
    with pytest.raises(BuildError, match="does not say what was asked") as caught:
        Transcripts(tmp_path, "a" * 64, "1" * 64).begin()
    assert "remove it" in str(caught.value.hint)


def test_only_what_requests_are_made_of_asks_anew() -> None:
    def names(seed: int = 1, filters: str = "f", held_out: tuple[Item, ...] = (), **given: Any) -> tuple[str, str]:
        spec = {"model": "m", "intended_use": "t", "terms_ack": True}
        params = {"teacher": spec, "domain": "words", "max_usd": 1, **given}
        return names_of(SelfInstructParams.model_validate(params), SEEDS, held_out, seed, filters)

    asked, kept = names(judge={"model": "j"})
    for same in ({"max_usd": 9}, {"concurrency": 3}, {"columns": ["instruction"]}, {"yield_floor": 0.5}):
        assert names(judge={"model": "j"}, **same) == (asked, kept)
    for filtered in (
        names(judge={"model": "j", "min_score": 2}),
        names(judge={"model": "j"}, filters="g"),
        names(judge={"model": "j"}, held_out=(SEEDS[0],)),
    ):
        assert filtered[0] == asked
        assert filtered[1] != kept
    for other in ({"domain": "x"}, {"evolve": 0.1}, {"examples": 3}, {"topics": {"a": 1}}, {"seed": 2}):
        assert names(judge={"model": "j"}, **other)[0] != asked
