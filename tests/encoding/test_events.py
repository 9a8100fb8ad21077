"""Rules that hold in most rows: found with their exceptions, learnt as an event, kept at their rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import synthkit
from synthkit.rules.language import parse_rule, violations
from synthkit.rules.mostly import Mostly
from synthkit.rules.tokens import RuleError

QUICK: dict[str, dict[str, Any]] = {
    "circuit": {"states": 4, "min_steps": 20, "refinements": 0},
    "cart": {"trees": 2},
    "tvae": {"epochs": 1, "min_steps": 10, "compress_dims": [16], "decompress_dims": [16], "embedding_dim": 8},
    "ctgan": {"epochs": 1, "min_steps": 4, "generator_dim": [16], "discriminator_dim": [16], "embedding_dim": 8},
    "sdv.gaussian_copula": {},
}


def bills(rows: int = 3_000, seed: int = 0) -> pa.Table:
    """Most pay what they were billed, the late ones seldom; a total that some rows get wrong; an order that some break."""
    rng = np.random.default_rng(seed)
    billed = rng.integers(0, 5_000, rows)
    late = rng.random(rows) < 0.2
    same = rng.random(rows) < np.where(late, 0.3, 0.99)
    paid = np.where(same, billed, rng.integers(0, 5_000, rows))
    net, tax = rng.integers(1, 900, rows), rng.integers(1, 90, rows)
    total = net + tax + np.where(rng.random(rows) < 0.05, rng.integers(1, 50, rows), 0)
    start = rng.integers(0, 100, rows)
    end = np.where(rng.random(rows) < 0.93, start + rng.integers(0, 80, rows), rng.integers(0, 60, rows))
    status = np.where(late, "late", "paid")
    columns = {"billed": billed, "paid": paid, "status": status, "net": net, "tax": tax, "total": total}
    return pa.table({**columns, "start": start, "end": end})


BILLS = bills()
RULES = ("total = net + tax mostly", "start <= end mostly", "paid = billed mostly")


def share(text: str, rows: pa.Table) -> float:
    rule = parse_rule(text)
    assert isinstance(rule, Mostly)
    return float(rule.holds(rows).mean())


def test_the_language() -> None:
    rule = parse_rule("paid=billed mostly")
    assert str(rule) == "paid = billed mostly"
    assert parse_rule(str(rule)) == rule
    assert str(parse_rule("when a = 'x' then b is null  mostly")) == "when a = 'x' then b is null mostly"
    assert str(parse_rule("a = mostly")) == "a = mostly"  # a column of this name
    assert not violations(rule, BILLS).any()
    with pytest.raises(RuleError, match="mostly stands after zip -> city"):
        parse_rule("zip -> city mostly")


def test_they_are_offered_with_their_exceptions() -> None:
    found = {str(f.rule): f.evidence for f in synthkit.find_rules(BILLS)}
    evidence = found["total = net + tax mostly"]
    assert evidence.rows + evidence.exceptions == 3_000
    assert 110 < evidence.exceptions < 200
    assert "paid = billed mostly" not in found  # in 86 % of the rows: to be declared by who knows it
    most = bills(seed=1).slice(0, 2_000)
    noise = most.set_column(1, "paid", most["paid"].take(pa.array(np.random.default_rng(2).permutation(2_000))))
    assert not [f for f in synthkit.find_rules(noise) if "paid" in f.rule.columns]


def test_columns_of_zeros_are_no_rule() -> None:
    rng = np.random.default_rng(5)
    rare = [np.where(rng.random(4_000) < 0.05, rng.integers(1, 900, 4_000), 0) for _ in range(6)]
    table = pa.table({f"x{i}": x for i, x in enumerate(rare)})
    assert [str(f.rule) for f in synthkit.find_rules(table)] == []


@pytest.mark.parametrize("generator", QUICK)
def test_they_are_kept_at_their_rate(generator: str) -> None:
    model = synthkit.fit(BILLS, generator={"name": generator, **QUICK[generator]}, rules=RULES)
    rows = model.draw(3_000)
    assert rows.schema.names == BILLS.schema.names
    bare = synthkit.fit(BILLS, generator={"name": generator, **QUICK[generator]}, rules="none").draw(3_000)
    # A network that was hardly trained learns shares roughly; without rules these are below one in a hundred.
    near = 0.25 if generator in ("tvae", "ctgan") else 0.03
    for text in (RULES[0], RULES[2]):
        assert abs(share(text, rows) - share(text, BILLS)) < near, text
        assert share(text, bare) < 0.05
    assert abs(share(RULES[1], rows) - share(RULES[1], BILLS)) < near
    if generator == "circuit":  # which rows are exceptions is learnt, too
        late = rows.filter(pa.array([s == "late" for s in rows["status"].to_pylist()]))
        assert abs(share(RULES[2], late) - 0.3) < 0.1


def test_they_stand_beside_rules_that_always_hold() -> None:
    rng = np.random.default_rng(7)
    a, b = rng.integers(0, 500, 2_000), rng.integers(0, 50, 2_000)
    paid = np.where(rng.random(2_000) < 0.9, a + b, rng.integers(0, 550, 2_000))
    table = pa.table({"a": a, "b": b, "total": a + b, "paid": paid, "left": a + b - paid})
    rules = ["total = a + b", "paid = total mostly", "left = total - paid"]
    rows = synthkit.fit(table, generator={"name": "circuit", **QUICK["circuit"]}, rules=rules).draw(1_500)
    assert {r: int(violations(parse_rule(r), rows).sum()) for r in rules} == dict.fromkeys(rules, 0)
    assert abs(share(rules[1], rows) - 0.9) < 0.04
