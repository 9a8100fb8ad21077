"""What `python -m benchmarks readme` compares: what a run came to, not how long it took or in which order models ended."""

from __future__ import annotations

import pytest

from benchmarks.readme import facts, shown, without_progress

RUN = """2 models into target dev, 2 at a time
[1/2] train  a: never built
[2/2] train  b: never built
[1/2] train  a: 30 of 50 epochs, 1 min 12 s left  loss 0.3
[1/2] train  a ............ ok 2 min 28 s, 10 rows, 3 of 3 audits passed
[2/2] train  b ............ ok 0.2 s, 4,000 rows, 2 of 2 audits passed
done: 2 passed in 2 min 32 s
"""
ELSEWHERE = """2 models into target dev, 2 at a time
[1/2] train  b: never built
[1/2] train  b ............ ok 13.2 s, 4,000 rows, 2 of 2 audits passed
[2/2] train  a: never built
[2/2] train  a ............ ok 59.1 s, 10 rows, 3 of 3 audits passed
done: 2 passed in 59 s
"""


def test_times_and_the_order_are_left_out() -> None:
    assert facts(without_progress(RUN)) == facts(ELSEWHERE)
    assert len(facts(ELSEWHERE)) == len(ELSEWHERE.splitlines())


def test_rows_audits_and_warnings_are_not() -> None:
    fewer = ELSEWHERE.replace("10 rows, 3 of 3 audits passed", "10 rows, 2 of 3 audits passed, 1 can't tell")
    assert facts(ELSEWHERE) != facts(fewer)
    assert facts(ELSEWHERE) != facts(ELSEWHERE.replace("4,000", "4,001"))
    assert facts(ELSEWHERE) != facts(ELSEWHERE + "warning: something\n")


def test_the_block_is_found_or_missed() -> None:
    assert shown(f"What `make build` prints when (one run):\n\n```\n{RUN}```\n\n```\nelse\n```\n") == RUN
    with pytest.raises(ValueError, match="no block"):
        shown("```\nnothing\n```\n")
