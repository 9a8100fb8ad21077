"""The benchmark of rows that hold together: its tables keep the rules that are counted, and its bars are held."""

from __future__ import annotations

import pytest

from benchmarks.constraints.__main__ import _missed
from benchmarks.constraints.fits import Fit, run
from benchmarks.constraints.tables import known
from synthkit.rules.language import violations
from synthkit.rules.sets import Unique


def fit(*, broken: float = 0.0, c2st: float = 0.55) -> Fit:
    return Fit(broken, c2st, 1.0, 0.1, 0, 3, 3)


def test_the_rules_that_are_counted_hold_in_the_real_rows() -> None:
    tables = list(known(["houses", "shipments", "panel"]))
    assert [t.name for t in tables] == ["made: houses", "made: shipments", "made: panel"]
    for table in tables:
        assert len(table.rules) >= 5
        assert not any(isinstance(rule, Unique) for rule in table.rules)
        for part in table.parts(1):
            assert not any(violations(rule, part, table.rows).any() for rule in table.rules)


@pytest.mark.parametrize(
    ("after", "before", "ratio", "said"),
    [
        (fit(), fit(broken=0.5, c2st=0.9), 1.2, 0),
        (fit(broken=0.01), fit(), 1.0, 1),
        (fit(), fit(), 1.4, 1),
        (fit(c2st=0.7), fit(c2st=0.79), 1.0, 0),
        (fit(c2st=0.7, broken=0.1), fit(c2st=0.85), 2.0, 3),
    ],
)
def test_the_bars(after: Fit, before: Fit, ratio: float, said: int) -> None:
    assert len(_missed("t", [after] * 3, [before] * 3, ratio)) == said


@pytest.mark.long  # that no row breaks a rule is tests/test_rules.py's
def test_with_rules_no_row_breaks_one_and_without_nearly_all_do() -> None:
    """Shipments, whose days are written as numbers beside the dates."""
    table = next(iter(known(["shipments"])))
    texts = tuple(str(rule) for rule in table.rules)
    found = {name: run(name, *table.parts(1), texts, 1, 0) for name in ("circuit found", "circuit none")}
    assert found["circuit found"].broken == 0
    assert found["circuit none"].broken > 0.9
    assert found["circuit found"].c2st < found["circuit none"].c2st - 0.1
