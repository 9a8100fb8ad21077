"""The rules that a file's rows show, as YAML to strike out."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from synthkit.encoding.kept.choosing import keep_rules
from synthkit.encoding.writtenform import read_view
from synthkit.rules.find.named import shown_rules
from synthkit.schema import MIN_COUNT, Table

MOST_ROWS = 200_000  # that are looked at: a first look, not a proof


def proposed_rules(table: Table, left_out: Collection[str], unit: str | None = None) -> tuple[str, ...]:
    """What holds between the learnt columns in every row, as far as drawn rows would keep it.

    Args:
        left_out: columns that are made up whatever their type: keys and personal data.
        unit: the column that says whose each row is, where there is one.
    """
    names = [c.name for c in table.schema.columns if c.modelled and c.name not in left_out]
    if len(names) < 2:
        return ()
    with TemporaryDirectory() as scratch:
        known = read_view(table).learn(table, Path(scratch) / "read.parquet")
        rows = known.to_arrow(names).slice(0, MOST_ROWS)
    people = None if unit is None else table.to_arrow([unit]).column(0).slice(0, MOST_ROWS)
    shown = shown_rules(rows, MIN_COUNT, people)
    measured = [c.name for c in known.schema.columns if c.continuous]
    return keep_rules(rows, shown, unit=people, min_count=MIN_COUNT, measured=measured).kept


def rules_lines(rules: Collection[str]) -> list[str]:
    """The key ``rules:`` of a source table."""
    if not rules:
        return []
    return [
        "        # Each holds in every row here. Strike out what is chance; before you set epsilon, all that nobody",
        "        # can know who never saw the file. With found in the list, others that the rows show are kept, too.",
        "        rules:",
        *(f"          - {json.dumps(rule, ensure_ascii=False)}" for rule in rules),
    ]
