"""What holds in a whole family holds across the blocks in which its root is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.exact.conditions import Share
from synthkit.generators.family import draw
from synthkit.generators.family.generate import fit_tables, sample_tables
from synthkit.generators.functions import Asked, silent
from synthkit.generators.tables import Key, Tables
from tests.generators.family.shop import table

TEAMS, STAFF = 60, 180


def offices(folder: Path, root: str) -> Tables:
    """Staff, each at a desk of its own, of which there are twice as many; in teams, or the root itself."""
    rng = np.random.default_rng(1)
    desk = rng.permutation(2 * STAFF)
    members = {
        "teams": table(folder, "teams", {"id": ("id", pa.array(np.arange(TEAMS)))}, ("id",)),
        "desks": table(
            folder,
            "desks",
            {
                "id": ("id", pa.array(np.arange(2 * STAFF))),
                "floor": ("categorical", pa.array(rng.choice(["low", "high"], 2 * STAFF))),
            },
            ("id",),
        ),
        "staff": table(
            folder,
            "staff",
            {
                "id": ("id", pa.array(np.arange(STAFF))),
                "team": ("id", pa.array(np.arange(STAFF) // 3)),
                "desk": ("id", pa.array(desk[:STAFF])),
                "shift": ("categorical", pa.array(rng.choice(["day", "night"], STAFF))),
            },
            ("id",),
        ),
    }
    owns = root == "teams"
    keys = (Key("staff", ("team",), "teams", owner=owns), Key("staff", ("desk",), "desks"))
    return Tables(members, keys, root, frozenset({"desks"} if owns else {"desks", "teams"}))


@pytest.mark.parametrize(("root", "rows"), [("teams", TEAMS), ("staff", STAFF)])
@pytest.mark.parametrize("asked", [False, True])
def test_a_row_that_is_named_once_is_named_once_over_all_blocks(
    root: str, rows: int, asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draw, "BLOCK", rows // 4)
    model = fit_tables(offices(tmp_path, root), ConditionalParams(), budget=None, seed=3, device="cpu", progress=silent)
    shares = (Share({"shift": "day"}, 0.75), Share({"shift": "night"}, 0.25))
    wanted = {"staff": Asked(shares=shares)} if asked and root == "teams" else {}
    named: list[int] = []
    for name, batch in sample_tables(model, rows, conditions=(), seed=5, progress=silent, asked=wanted):
        if name == "staff":
            named += batch.column("desk").drop_null().to_pylist()
    assert len(named) > 0.9 * STAFF
    assert len(set(named)) == len(named)
