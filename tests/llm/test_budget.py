from __future__ import annotations

from decimal import Decimal

from synthkit.llm.budget import Budget, usd

D = Decimal


def test_waits_while_others_are_out_and_stops_when_none_is() -> None:
    budget = Budget(D(10))
    assert budget.admit("a", D(6)) == "go"
    assert budget.admit("b", D(6)) == "wait"
    assert budget.take("a", D(3))
    assert budget.admit("b", D(6)) == "go"
    budget.take("b", D(5))
    assert budget.admit("c", D(3)) == "stop"
    assert budget.stopped == "max_usd: $8.00 spent of $10.00; the next request can cost up to $3.00"


def test_lost_answers_hold_back_what_is_sent_not_what_is_planned() -> None:
    budget = Budget(D(10), uncertain=D(1))
    assert [budget.admit(key, D(4)) for key in "ab"] == ["go", "go"]
    assert budget.send("a", D(4))
    assert budget.send("b", D(4))
    assert not budget.lose(D(4))
    budget.withdraw("b")
    assert not budget.send("b", D(4))
    budget.settle("a", D(1))
    assert budget.send("b", D(4)), "the answer cost less than was set aside for it"
    budget.take("a", D(1))
    budget.take("b", D(4))
    assert budget.admit("c", D(5)) == "go"
    assert not budget.send("c", D(5))
    budget.stop(D(5))
    assert "$5.00 spent and up to $5.00 for lost answers of $10.00" in str(budget.stopped)


def test_answers_that_are_there_count_before_they_are_taken() -> None:
    budget = Budget(D(10))
    assert [budget.admit(key, D(5)) for key in "ab"] == ["go", "go"]
    budget.settle("b", D(3))
    assert not budget.send("a", D(8))
    assert budget.send("a", D(7))


def test_a_question_counts_once() -> None:
    budget = Budget(D(10), request_limit=2)
    assert [budget.admit(k, D(5)) for k in ("a", "a", "b", "b")] == ["go"] * 4
    assert [budget.take("a", D(2)), budget.take("a", D(2))] == [True, False]
    assert budget.spent == 2
    assert budget.admit("c", D(0)) == "stop"
    assert budget.stopped == "request limit: 2 of 2 requests made"


def test_what_is_given_up_still_counts() -> None:
    budget = Budget(D(10))
    budget.admit("a", D(6))
    budget.send("a", D(6))
    budget.abandon("a", D(5))
    assert budget.uncertain == 5
    assert [budget.admit("b", D(6)), budget.send("b", D(6)), budget.send("b", D(5))] == ["go", False, True]


def test_money_for_people() -> None:
    assert [usd(D(s)) for s in ("0", "0.00123", "1234.5")] == ["$0.00", "$0.0012", "$1,234.50"]
