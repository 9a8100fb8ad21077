"""Which tables ``synth init`` asks about: may their rows be published as they are?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from synthkit.scaffold.acrossed import CATALOGUE, LISTED, NAMED, listed


@pytest.mark.parametrize(
    ("table", "rows", "naming", "asked"),
    [
        ("products", LISTED, 0, True),
        ("products", LISTED + 1, (LISTED + 1) * NAMED, True),
        ("products", LISTED + 1, (LISTED + 1) * NAMED - 1, False),  # named too seldom for what anyone knows
        ("products", CATALOGUE + 1, 10**9, False),
        ("doctors", LISTED, 10**6, False),  # people
    ],
)
def test_short_tables_and_catalogues_that_others_look_up(table: str, rows: int, naming: int, asked: bool) -> None:
    read: Any = {table: SimpleNamespace(rows=rows, pii=()), "lines": SimpleNamespace(rows=naming, pii=())}
    key = SimpleNamespace(table="lines", references=table, owner=False, included=naming)
    keys: Any = SimpleNamespace(foreign=[key], of=lambda name: [k for k in [key] if k.table == name])
    assert listed(read, keys) == ({table: rows} if asked else {})
