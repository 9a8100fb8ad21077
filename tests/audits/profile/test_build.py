"""Who may not show real rows gets a profile in which nothing depends on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from synthkit.audits.profile import make_profile, synthetic_alone
from synthkit.audits.profile.profile import Profile
from tests.audits.sides import context


def rows(n: int, seed: int, top: float = 1.0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=n) * top, "n": rng.integers(0, 9, n), "c": rng.choice(["a", "b", f"only {seed}"], n)}


def test_without_the_real_rows_they_decide_nothing(tmp_path: Path) -> None:
    """The attack: two quite different real tables behind the same synthetic one must give the same bytes."""
    profiles = []
    for name, (train, holdout) in {
        "a": (rows(300, 2), rows(80, 3)),
        "b": (rows(900, 4, 1e6), rows(50, 5, -3.0)),
    }.items():
        audit = context(tmp_path / name, rows(400, 1), train, holdout)
        make_profile(audit)  # what was computed with them must not be taken from the cache
        profiles.append(json.dumps(make_profile(synthetic_alone(audit))))
    assert profiles[0] == profiles[1]
    assert '"real": null' in profiles[0]
    assert profiles[0].count('"real"') == 1
    assert "only 2" not in profiles[0]


def test_with_them_both_sides_are_there(tmp_path: Path) -> None:
    found = make_profile(context(tmp_path, rows(400, 1), rows(300, 2), rows(80, 3)))
    assert found["rows"] == {"synthetic": 400, "real": 380}
    assert all("real" in c for c in found["columns"])
    assert "real" in found["associations"]
    assert len(found["embedding"]["real"]) == 380


def test_the_file_is_read_as_a_value(tmp_path: Path) -> None:
    """A column of each kind on both sides, and parts that there is a reason not to show."""
    for sides in ((rows(400, 1), rows(300, 2), rows(80, 3)), ({"a": [1.0, None], "b": ["x", "y"]},) * 2):
        written = json.loads(json.dumps(make_profile(context(tmp_path, *sides))))
        found = Profile.from_json(written)
        assert found.to_json() == written
        assert [c.name for c in found.columns] == [c["name"] for c in written["columns"]]
    assert found.embedding.reason == "it takes two columns and 20 rows"


def test_it_is_plain_json(tmp_path: Path) -> None:
    odd = {"x": [float("inf"), float("nan"), None, 1.0] * 10, "c": [None] * 40}
    text = json.dumps(make_profile(context(tmp_path, odd, odd)), allow_nan=False)
    assert json.loads(text)["rows"] == {"synthetic": 40, "real": 40}


def test_an_empty_side_is_no_reason_to_fall_over(tmp_path: Path) -> None:
    import pyarrow as pa

    empty = pa.table({"x": pa.array([], pa.float64()), "c": pa.array([], pa.string())})
    found = make_profile(context(tmp_path, empty, empty))
    assert found["rows"] == {"synthetic": 0, "real": 0}
    assert "reason" in found["embedding"]
