"""Values in the text of a found rule are of several people, as the text is published with the table."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from synthkit.rules.find.named import names_few
from synthkit.rules.find.search import find_rules
from synthkit.rules.language import parse_rule
from tests.synth import make_project, write_csv

ENDED = ("shut", "gone", "lost", "done", "left")
TABLE = pa.table(
    {
        "status": ["open"] * 6 + ["late"] * 2 + ["shut"] * 10,
        "who": ["a", "b", "c", "d", "e", "f", "g", "h", *["i"] * 10],
        "n": range(18),
    }
)


@pytest.mark.parametrize(
    ("rule", "few", "few_people"),
    [
        ("when status = 'open' then n < 6", False, False),
        ("when status in ('open', 'late') then n < 9", True, True),
        ("when status = 'shut' then n > 7", False, True),
        ("when n < 6 then status = 'open' else status != 'late'", True, True),
        ("when status is null then n is null", False, False),
        ("status -> n", False, False),
    ],
)
def test_each_value_is_counted(rule: str, few: bool, few_people: bool) -> None:
    assert names_few(parse_rule(rule), TABLE, 5) == few
    assert names_few(parse_rule(rule), TABLE, 5, TABLE["who"]) == few_people


def test_a_receipt_names_no_value_of_one_person(tmp_path: Path) -> None:
    """One row in six hundred has a status of its own, which decides what is missing like the others do."""
    dice = random.Random(3)
    rows = [
        {"status": s, "closed": dice.randrange(900) if s in ENDED else "", "n": dice.randrange(99)}
        for s in [
            "deceased-abroad",
            *(dice.choice(["open", "new", "held", *ENDED]) for _ in range(600)),
        ]
    ]
    columns = {"status": [r["status"] for r in rows], "closed": [r["closed"] or None for r in rows]}
    assert any("deceased-abroad" in str(f.rule) for f in find_rules(pa.table(columns)))  # else nothing is tested
    project = make_project(
        tmp_path / "p",
        {
            "synth_project.yml": "name: p\nseed: 7\nholdout: 0\n",
            "models/m.yml": """
                version: 1
                sources: [{name: raw, tables: [{name: cases, path: data/cases.csv}]}]
                models:
                  - {name: drawn, source: "{{ source('raw', 'cases') }}", generator: circuit, audits: [rules]}
            """,
        },
    )
    write_csv(project.root / "data" / "cases.csv", rows)
    project.ok("build")
    assert "deceased-abroad" not in (project.root / "warehouse/dev/drawn.receipt.json").read_text()
