"""Shares of topics become whole rows, and the neediest topic is asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synthkit.instruct.topics import NOTHING, Balance, quotas

SHARES = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.floats(0.01, 100), min_size=1, max_size=8)


@given(rows=st.integers(1, 10_000), shares=SHARES)
def test_quotas_add_up_and_are_less_than_a_row_away(rows: int, shares: dict[str, float]) -> None:
    found, total = quotas(rows, shares), sum(shares.values())
    assert sum(found.values()) == rows
    for topic, share in shares.items():
        assert abs(found[topic] - rows * share / total) < 1 + 1e-6


def test_without_topics_all_rows_are_of_none() -> None:
    assert quotas(7, {}) == {None: 7}


def test_what_is_expected_is_not_asked_for_again() -> None:
    balance = Balance({"a": 4, "b": 2})
    assert balance.neediest() == "b"  # both lack all; of equals the last by name
    balance.expected["b"] = 2
    assert balance.neediest() == "a"
    balance.expected["a"] = 4
    assert balance.neediest() is NOTHING
    balance.accepted.update(a=4, b=2)
    assert balance.done
