from __future__ import annotations

from decimal import Decimal

from synthkit.teacher.budget import Budget, usd

D = Decimal


def test_waits_while_others_are_out_and_stops_when_none_is() -> None:
    budget = Budget(D(10))
    assert budget.admit("a", D(6), kept=False) == "go"
    assert budget.admit("b", D(6), kept=False) == "wait"
    assert budget.take("a", D(3))
    assert budget.admit("b", D(6), kept=False) == "go"
    budget.take("b", D(5))
    assert budget.admit("c", D(3), kept=False) == "stop"
    assert budget.stopped == "max_usd: $8.00 spent of $10.00; the next request can cost up to $3.00"


def test_lost_answers_hold_money_back_from_new_requests_only() -> None:
    budget = Budget(D(10))
    assert budget.admit("a", D(4), kept=False) == "go"
    assert budget.lose(D(4))
    assert not budget.lose(D(4))
    assert "up to $8.00 for lost answers" in str(budget.stopped)
    budget.take("a", D(1))
    assert budget.admit("kept", D(4), kept=True) == "go"
    assert budget.admit("new", D(4), kept=False) == "stop"
    assert Budget(D(10), uncertain=D(7)).admit("a", D(4), kept=False) == "stop"


def test_a_question_counts_once() -> None:
    budget = Budget(D(10), request_limit=2)
    assert [budget.admit(k, D(5), kept=False) for k in ("a", "a", "b", "b")] == ["go"] * 4
    assert [budget.take("a", D(2)), budget.take("a", D(2))] == [True, False]
    assert budget.spent == 2
    assert budget.admit("c", D(0), kept=False) == "stop"
    assert budget.stopped == "request limit: 2 of 2 requests made"


def test_what_is_given_up_still_counts() -> None:
    budget = Budget(D(10))
    budget.admit("a", D(6), kept=False)
    budget.abandon("a", D(5))
    assert (budget.uncertain, budget.admit("b", D(6), kept=False), budget.admit("c", D(5), kept=False)) == (
        5,
        "stop",
        "go",
    )


def test_money_for_people() -> None:
    assert [usd(D(s)) for s in ("0", "0.00123", "1234.5")] == ["$0.00", "$0.0012", "$1,234.50"]
