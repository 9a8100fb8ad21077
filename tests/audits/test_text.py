"""The audits of instruction tables: a sound table passes, and each planted fault fails its audit."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from synthkit.audits.context import AuditContext
from synthkit.errors import SynthError
from tests.audits.sides import context, part, replaced, run, shuffled

THINGS = {
    "contracts": [
        "offer",
        "breach",
        "clause",
        "penalty",
        "signature",
        "consideration",
        "warranty",
        "vendor",
        "assignment",
        "rescission",
    ],
    "torts": [
        "negligence",
        "damage",
        "injury",
        "nuisance",
        "duty",
        "liability",
        "trespass",
        "slander",
        "causation",
        "battery",
    ],
    "procedure": [
        "appeal",
        "hearing",
        "motion",
        "filing",
        "deadline",
        "judge",
        "summons",
        "verdict",
        "discovery",
        "witness",
    ],
}
ASKED = (
    "Explain what {a} means where {b} and {c} are at issue.",
    "Why does {a} matter to a person facing {b}?",
    "Draft two lines on {a} after {b}, for a {c} file.",
    "List the signs of {a}, and how {b} changes them.",
    "Who decides about {a} once the {b} is over?",
    "Compare {a} with {b}; name one case of {c}.",
)
OPENERS = ("A court looks at", "Parties often argue about", "The rule turns on", "Nobody can rely on", "First comes")


def rows(count: int, seed: int) -> pa.Table:
    """Pairs whose responses are about what their instructions name, each in one of three topics."""
    rng = random.Random(seed)
    found: dict[str, list[str]] = {"instruction": [], "response": [], "topic": []}
    extra = [f"term{i}" for i in range(400)]
    for _ in range(count):
        topic = rng.choice(sorted(THINGS))
        a, b, c = rng.sample(THINGS[topic], 3)
        d = " ".join(rng.sample(extra, rng.randint(8, 16)))
        found["instruction"].append(f"Given {d}: {rng.choice(ASKED).format(a=a, b=b, c=c)}")
        more = " ".join(
            f"{rng.choice(OPENERS)} {x}, {rng.choice(extra)} and {rng.choice(extra)}."
            for x in rng.choices([a, b, c], k=rng.randint(2, 8))
        )
        found["response"].append(f"{rng.choice(OPENERS)} {a} and {b}. {more}")
        found["topic"].append(topic)
    return pa.table(found)


TRAIN, HOLDOUT, SOUND = rows(150, 1), rows(80, 2), rows(300, 3)


def made(tmp_path: Path, synthetic: pa.Table = SOUND, real: bool = True) -> AuditContext:
    return context(tmp_path, synthetic, TRAIN if real else None, HOLDOUT if real else None)


@pytest.mark.parametrize(
    ("audit", "params"),
    [
        ("text_duplicates", {}),
        ("refusal_rate", {}),
        ("contamination", {}),
        ("distinct_n", {}),
        ("self_similarity", {}),
        ("topic_balance", {}),
        ("text_lengths", {}),
        ("instruction_utility", {}),
        ("instruction_utility", {"topic": "topic"}),
    ],
)
def test_a_sound_table_passes(tmp_path: Path, audit: str, params: dict[str, Any]) -> None:
    result = run(audit, made(tmp_path), **params)
    assert result.status == "pass", result.message
    assert result.ci_low is not None
    assert result.value is not None
    assert result.ci_high is not None
    assert result.ci_low <= result.value <= result.ci_high


def test_planted_duplicates(tmp_path: Path) -> None:
    copies = SOUND.slice(0, 20)
    near = replaced(copies, "instruction", [t + " Be brief." for t in SOUND["instruction"].to_pylist()[20:40]])
    result = run("text_duplicates", made(tmp_path, pa.concat_tables([SOUND, copies, near]), real=False))
    before = run("text_duplicates", made(tmp_path / "before", real=False)).details
    assert result.status == "fail"
    assert result.details["exact"] == 20
    assert result.details["near"] == before["near"] + 20
    assert result.value == pytest.approx((before["near"] + 40) / 340)


def test_planted_refusals(tmp_path: Path) -> None:
    answers = SOUND["response"].to_pylist()
    answers[:15] = ["I'm sorry, but I can't help with that."] * 15
    result = run("refusal_rate", made(tmp_path, replaced(SOUND, "response", answers)))
    assert result.status == "fail"
    assert result.value == pytest.approx(0.05)
    assert result.details["kinds"] == {"opening": 15}


def test_planted_leak_of_held_out_rows(tmp_path: Path) -> None:
    result = run("contamination", made(tmp_path, pa.concat_tables([SOUND, HOLDOUT.slice(0, 3)])))
    assert result.status == "fail"
    assert result.value == pytest.approx(3 / 303)
    assert result.details["held_out"] == 80
    assert len(result.details["examples"]) == 3


def test_one_template_in_all_rows(tmp_path: Path) -> None:
    same = [f"Explain what the word term{i} means in a contract between two firms." for i in range(300)]
    table = made(tmp_path, replaced(SOUND, "instruction", same))
    assert run("self_similarity", table).status == "fail"
    result = run("distinct_n", table)
    assert result.status == "fail"
    worst = part(result, "distinct-2")
    assert worst.value is not None
    assert worst.floor is not None
    assert worst.value < 0.5 * worst.floor


def test_diversity_without_seeds_needs_a_limit_of_its_own(tmp_path: Path) -> None:
    table = made(tmp_path, real=False)
    assert run("self_similarity", table).status == "inconclusive"
    assert run("self_similarity", table, max=0.5).status == "pass"
    assert run("distinct_n", table, min=0.01).status == "pass"
    assert run("distinct_n", table, min=0.99).status == "fail"


def test_unbalanced_topics(tmp_path: Path) -> None:
    topics = ["torts"] * 240 + SOUND["topic"].to_pylist()[240:]
    table = made(tmp_path, replaced(SOUND, "topic", topics))
    result = run("topic_balance", table)
    assert result.status == "fail"
    assert result.columns[0].column == "torts"
    shares = {"torts": topics.count("torts") / 300, "contracts": "0%", "procedure": "0%"}
    with pytest.raises(ValueError, match="greater than 0"):
        run("topic_balance", table, shares=shares)
    third = {"torts": "40%", "contracts": "30%", "procedure": 0.3}
    declared = run("topic_balance", table, shares=third)
    assert declared.value == pytest.approx(topics.count("torts") / 300 - 0.4)
    assert declared.floor is None
    with pytest.raises(ValueError, match=r"add up to 0\.4"):
        run("topic_balance", table, shares={"torts": "40%"})


def test_each_topic_has_its_own_status(tmp_path: Path) -> None:
    def shares_of(audit: str, counts: dict[str, int], **params: Any) -> dict[str, Any]:
        topics = [topic for topic, count in counts.items() for _ in range(count)]
        table = made(tmp_path / audit, replaced(SOUND, "topic", topics))
        wanted = {"torts": 0.4, "contracts": 0.3, "procedure": 0.2, "wills": 0.1}
        return {"": (r := run("topic_balance", table, shares=wanted, **params)).status} | {
            c.column: c for c in r.columns
        }

    found = shares_of("off", {"torts": 190, "contracts": 85, "procedure": 20, "wills": 5})
    status = {name: c.status for name, c in found.items() if name}
    assert found[""] == "fail"
    assert status == {"torts": "fail", "contracts": "pass", "procedure": "fail", "wills": "pass"}
    assert found["torts"].value == pytest.approx(190 / 300 - 0.4)
    for name in status:
        assert found[name].ci_low <= found[name].value <= found[name].ci_high
    kept = shares_of("kept", {"torts": 132, "contracts": 84, "procedure": 54, "wills": 30})
    assert [kept[""], *(c.status for n, c in kept.items() if n)] == ["pass"] * 5
    # Four shares that are each off by less than the limit are off by more together: no topic is to blame alone.
    spread = shares_of("spread", {"torts": 102, "contracts": 72, "procedure": 78, "wills": 48})
    assert spread[""] == "fail"
    assert {c.status for n, c in spread.items() if n} == {"pass"}
    strict = shares_of(
        "strict", {"torts": 132, "contracts": 84, "procedure": 54, "wills": 30}, max=0.045, decide="interval"
    )
    assert strict["torts"].status == "inconclusive", "its interval reaches over the limit"


def test_responses_of_another_length(tmp_path: Path) -> None:
    longer = [" ".join([t] * 4) for t in SOUND["response"].to_pylist()]
    result = run("text_lengths", made(tmp_path, replaced(SOUND, "response", longer)))
    assert result.status == "fail"
    assert result.columns[0].column == "response"
    assert part(result, "instruction").status == "pass"
    assert result.details["columns"]["response"]["wasserstein"] > 30


def test_shuffled_responses(tmp_path: Path) -> None:
    result = run("instruction_utility", made(tmp_path, shuffled(SOUND, 5, ["response"])))
    assert result.status == "fail"
    assert result.value is not None
    assert result.floor is not None
    assert result.value < result.floor - 0.2


def test_shuffled_topics(tmp_path: Path) -> None:
    result = run("instruction_utility", made(tmp_path, shuffled(SOUND, 5, ["topic"])), topic="topic")
    assert result.status == "fail"
    assert result.details["chance"] < 0.5


def test_the_same_seed_gives_the_same_values(tmp_path: Path) -> None:
    for audit in ("distinct_n", "self_similarity", "topic_balance", "text_lengths", "instruction_utility"):
        first, second = (run(audit, made(tmp_path / name)) for name in ("one", "two"))
        assert (first.value, first.ci_low, first.ci_high, first.floor) == (
            second.value,
            second.ci_low,
            second.ci_high,
            second.floor,
        )


@pytest.mark.parametrize(
    "audit", ["text_lengths", "instruction_utility", "self_similarity", "distinct_n", "topic_balance"]
)
def test_few_rows_tell_nothing(tmp_path: Path, audit: str) -> None:
    assert run(audit, made(tmp_path, SOUND.slice(0, 5))).status == "inconclusive"


def test_no_rows_are_no_evidence(tmp_path: Path) -> None:
    assert run("text_duplicates", made(tmp_path, SOUND.slice(0, 0))).status == "skipped"
    assert run("refusal_rate", made(tmp_path / "b", SOUND.slice(0, 0))).status == "skipped"


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    table = context(tmp_path, SOUND.rename_columns(["question", "answer", "topic"]), TRAIN, HOLDOUT)
    with pytest.raises(SynthError, match="the audited table has no column 'instruction'"):
        run("text_duplicates", table)
    with pytest.raises(SynthError, match=r"the real rows \(train\) has no column 'question'"):
        run("text_lengths", table, instruction="question", response="answer")
