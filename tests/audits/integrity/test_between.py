"""The audit ``rules``: planted faults are counted and named, healthy tables pass, and nothing is searched under a budget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult
from synthkit.audits.integrity.between import WIDE
from synthkit.errors import SynthError
from synthkit.rules.find.linear import MOST_FREE
from synthkit.rules.find.search import find_rules
from synthkit.schema import Column, Schema
from tests.audits.sides import context
from tests.rules.test_find import planted

KEPT = tuple(str(one.rule) for one in find_rules(pa.table(planted())) if one.exact)


def run(ctx: AuditContext, **params: Any) -> AuditResult:
    found = registry.get("rules")
    bound = found.params.model_validate(params)
    return found.run(ctx, found.params.model_validate(bound.model_dump(mode="json")))


def sides(folder: Path, synthetic: dict[str, Any], kept: tuple[str, ...] = KEPT) -> AuditContext:
    made = context(folder, pa.table(synthetic), train=pa.table(planted(0)), holdout=pa.table(planted(1)))
    return replace(made, kept=kept)


def test_a_healthy_table_passes(tmp_path: Path) -> None:
    result = run(sides(tmp_path, planted(2)))
    assert (result.value, result.status) == (0, "pass")
    assert f"{len(KEPT)} rules hold in 3,000 rows" in result.message
    assert {c.status for c in result.columns} == {"pass"}


@pytest.mark.parametrize(
    ("name", "change", "rule", "rows"),
    [
        ("gross", lambda x: x + 1, "gross = net + tax - fee", 100),
        ("month", lambda x: x % 12 + 1, "month = month(ordered)", 100),
        ("city", lambda x: np.char.add(x.astype(str), " again"), "zip -> city", None),
        ("delivered", lambda x: x - 30, "ordered < delivered", 100),
        ("red", lambda _: np.full(100, 2), "one_hot: [red, green, blue]", 100),
        ("balance", lambda x: x + 10**6, "balance <= limit", 100),
    ],
)
def test_a_planted_fault_is_counted_and_named(
    tmp_path: Path, name: str, change: Any, rule: str, rows: int | None
) -> None:
    columns = planted(2)
    columns[name] = np.concatenate([change(columns[name][:100]), columns[name][100:]])
    result = run(sides(tmp_path, columns))
    assert result.status == "fail"
    worst = {c.column: c.value for c in result.columns if c.status == "fail"}
    assert rule in worst
    assert f"'{rule}' (found)" in result.message
    if rows is not None:
        assert worst[rule] == result.value == rows


def test_a_declared_rule_is_held_whatever_the_real_rows_do(tmp_path: Path) -> None:
    result = run(sides(tmp_path, planted(2), kept=()), declared=["quantity <= 10", "net >= 0"], found=False)
    assert result.status == "fail"
    assert [(c.column, c.status) for c in result.columns] == [("quantity <= 10", "fail"), ("net >= 0", "pass")]
    assert result.value == int((planted(2)["quantity"] > 10).sum())


def test_what_held_out_rows_break_is_no_rule(tmp_path: Path) -> None:
    """It held in the training rows by chance, so a table that breaks it is not wrong."""
    held_out = planted(1)
    held_out["gross"] = held_out["gross"] + 5
    columns = planted(2)
    columns["gross"] = columns["gross"] + 7
    made = context(tmp_path, pa.table(columns), train=pa.table(planted(0)), holdout=pa.table(held_out))
    assert run(replace(made, kept=KEPT)).status == "pass"


def test_rules_that_the_table_does_not_claim_are_named_and_fail_nothing(tmp_path: Path) -> None:
    columns = planted(2)
    columns["gross"] = columns["gross"] + 7
    result = run(sides(tmp_path, columns, kept=()))
    assert result.status == "pass"
    assert "'gross = net + tax - fee' (3,000)" in result.message
    assert run(sides(tmp_path / "none", columns, kept=()), found=False).message == (
        "no rule is declared, and the real rows show none"
    )


@pytest.mark.parametrize(
    ("columns", "numbers", "said"),
    [
        (WIDE, WIDE, ""),
        (WIDE + 1, WIDE + 1, "sums were looked for among all, other rules among the first"),
        (MOST_FREE + 1, MOST_FREE, "sums were looked for among all, other rules among the first"),
        (MOST_FREE + 1, MOST_FREE + 1, f"among the first {MOST_FREE} numbers and among those near each other"),
    ],
)
def test_it_says_what_of_a_wide_table_was_looked_at(tmp_path: Path, columns: int, numbers: int, said: str) -> None:
    kinds = ["float"] * numbers + ["categorical"] * (columns - numbers)
    whole = context(tmp_path, {"c0": np.arange(40.0)}, *[{"c0": np.arange(40.0)}] * 2)
    schema = Schema(tuple(Column(f"c{i}", kind, "DOUBLE") for i, kind in enumerate(kinds)))
    message = run(replace(whole, schema=schema)).message or ""
    assert said in message
    assert ("looked for" in message) is bool(said)


def test_a_text_that_is_no_rule_is_said(tmp_path: Path) -> None:
    with pytest.raises(SynthError, match="is no rule"):
        run(sides(tmp_path, planted(2)), declared=["nonsense"])
