"""Keys of other kinds: tables that are kept, keys that run in a circle, values that name no row, keys of several columns."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from synthkit.generators.family.generator import CONDITIONAL
from synthkit.generators.functions import silent
from synthkit.generators.tables import Key, Tables
from tests.generators.family.shop import table

PARAMS = CONDITIONAL.params.model_validate({"trees": 8})


def made(tables: Tables, rows: int, folder: Path) -> dict[str, pd.DataFrame]:
    """Learnt, saved, read back, drawn."""
    assert CONDITIONAL.related is not None
    model = CONDITIONAL.related.fit(tables, PARAMS, budget=None, seed=3, device="cpu", progress=silent)
    CONDITIONAL.save(model, folder)
    found: dict[str, list[pa.RecordBatch]] = {}
    drawn = CONDITIONAL.related.sample(CONDITIONAL.load(folder), rows, conditions=(), seed=3, progress=silent)
    for name, batch in drawn:
        found.setdefault(name, []).append(batch)
    return {name: pa.Table.from_batches(batches).to_pandas() for name, batches in found.items()}


def test_a_kept_table_is_named_by_its_own_keys_and_is_not_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    places = table(
        tmp_path,
        "places",
        {
            "code": ("id", pa.array(["BSL", "BRN", "CHR"])),
            "size": ("categorical", pa.array(["big", "big", "small"])),
        },
        ("code",),
    )
    size = rng.choice(3, 300, p=[0.7, 0.2, 0.1])
    people = table(
        tmp_path,
        "people",
        {
            "id": ("id", pa.array(np.arange(300))),
            "place": ("id", pa.array(np.array(["BSL", "BRN", "CHR"])[size])),
            "rent": ("integer", pa.array(np.where(size == 2, 800, 1500) + rng.integers(0, 50, 300))),
        },
        ("id",),
    )
    keys = (Key("people", ("place",), "places"),)
    for first in ("places", "people"):
        tables = Tables({"places": places, "people": people}, keys, kept=frozenset({"places"}), first=first)
        if first == "places":
            continue  # a table that is there already has no size
        drawn = made(tables, 200, tmp_path)
        assert set(drawn) == {"people"}
        assert len(drawn["people"]) == 200
        assert set(drawn["people"].place) == {"BSL", "BRN", "CHR"}
        assert (drawn["people"].groupby("place").rent.median()["CHR"]) < 1_000


def test_keys_in_a_circle_and_values_that_name_no_row(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    team = rng.integers(0, 20, 200)
    head = np.array([int(np.flatnonzero(team == t)[0]) for t in range(20)])
    teams = table(
        tmp_path,
        "teams",
        {"id": ("id", pa.array(np.arange(20))), "head": ("id", pa.array(head))},
        ("id",),
    )
    lost = rng.random(200) < 0.2
    workers = table(
        tmp_path,
        "workers",
        {
            "id": ("id", pa.array(np.arange(200))),
            "team": ("id", pa.array(team)),
            "friend": ("id", pa.array(np.where(lost, 999, rng.integers(0, 200, 200)))),
            "rank": ("categorical", pa.array(np.where(np.isin(np.arange(200), head), "head", "hand"))),
        },
        ("id",),
    )
    tables = Tables(
        {"teams": teams, "workers": workers},
        (
            Key("teams", ("head",), "workers", cut=True),
            Key("workers", ("team",), "teams", owner=True),
            Key("workers", ("friend",), "workers", orphans=True),
        ),
    )
    drawn = made(tables, 20, tmp_path)
    assert drawn["teams"]["head"].isin(set(drawn["workers"].id)).all()
    rank = drawn["workers"].set_index("id")["rank"]
    assert (rank[drawn["teams"]["head"]] == "head").mean() > 0.8  # in the source all heads are
    assert drawn["workers"].team.isin(set(drawn["teams"].id)).all()


def test_lookups_without_a_row_and_keys_of_two_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    shops = table(tmp_path, "shops", {"id": ("id", pa.array([dt.date(2020, 1, 1), dt.date(2020, 1, 2)]))}, ("id",))
    pairs = [(s, n) for s in range(2) for n in range(1, 60)]
    shelves = table(
        tmp_path,
        "shelves",
        {
            "shop": ("id", pa.array([dt.date(2020, 1, 1 + s) for s, _ in pairs])),
            "number": ("integer", pa.array([n for _, n in pairs])),
            "wide": ("float", pa.array(rng.normal(100, 10, len(pairs)))),
        },
        ("shop", "number"),
    )
    of = rng.integers(0, len(pairs), 300)
    goods = table(
        tmp_path,
        "goods",
        {
            "id": ("id", pa.array([f"G{i:04d}" for i in range(300)])),
            "shop": ("id", pa.array([dt.date(2020, 1, 1 + pairs[i][0]) for i in of])),
            "shelf": ("id", pa.array([pairs[i][1] for i in of])),
            "price": ("float", pa.array(np.round(rng.gamma(2, 5, 300), 2))),
        },
        ("id",),
    )
    tables = Tables(
        {"shops": shops, "shelves": shelves, "goods": goods},
        (
            Key("shelves", ("shop",), "shops", owner=True),
            Key("goods", ("shop", "shelf"), "shelves", owner=True),
            Key("goods", ("shop",), "shops"),
        ),
    )
    drawn = made(tables, 4, tmp_path)
    assert drawn["shops"].id.is_unique
    assert not drawn["shelves"].duplicated(["shop", "number"]).any()
    joined = drawn["goods"].merge(drawn["shelves"], left_on=["shop", "shelf"], right_on=["shop", "number"], how="left")
    assert len(joined) == len(drawn["goods"]) > 50
    assert joined.wide.notna().all()
    assert drawn["goods"].id.is_unique


def test_values_that_name_no_row_are_drawn_at_their_rate(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    parents = table(
        tmp_path,
        "parents",
        {"id": ("id", pa.array(np.arange(50))), "x": ("float", pa.array(rng.normal(size=50)))},
        ("id",),
    )
    named = np.where(rng.random(400) < 0.15, 1_000 + np.arange(400), rng.integers(0, 50, 400))
    rows = {
        "id": ("id", pa.array(np.arange(400))),
        "p": ("id", pa.array(named)),
        "y": ("float", pa.array(rng.normal(size=400))),
    }
    children = table(tmp_path, "children", rows, ("id",))  # type: ignore[arg-type]
    for orphans in (True, False):
        keys = (Key("children", ("p",), "parents", owner=True, orphans=orphans),)
        drawn = made(Tables({"parents": parents, "children": children}, keys), 100, tmp_path)
        lost = ~drawn["children"].p.isin(set(drawn["parents"].id))
        assert 0.08 < lost.mean() < 0.22 if orphans else not lost.any()
        assert drawn["children"].p.notna().all()


def test_rows_of_nobody_name_no_row_that_is_not_there(tmp_path: Path) -> None:
    """Some keys are missing and others lead nowhere: without orphans: keep only the former are drawn."""
    rng = np.random.default_rng(6)
    parents = table(tmp_path, "parents", {"id": ("id", pa.array(np.arange(50)))}, ("id",))
    named, u = rng.integers(0, 50, 400), rng.random(400)
    rows = {"id": ("id", pa.array(np.arange(400))), "p": ("id", pa.array(np.where(u < 0.2, 999, named), mask=u > 0.8))}
    children = table(tmp_path, "children", rows, ("id",))  # type: ignore[arg-type]
    for orphans in (True, False):
        keys = (Key("children", ("p",), "parents", owner=True, orphans=orphans),)
        found = made(Tables({"parents": parents, "children": children}, keys), 100, tmp_path)["children"].p
        assert found.isna().any()
        owned = found[found.between(1, 100)]
        assert (
            0.8 < len(owned) / 100 / (((u > 0.2) & (u < 0.8)).sum() / 50) < 1.2
        )  # rows of nobody are no owner's only one
        lost = ~found.dropna().isin(range(1, 101))
        assert lost.any() == orphans


def test_few_rows_at_the_top_of_a_tree_are_few_in_the_drawn_one(tmp_path: Path) -> None:
    """Three of 900 employees have no manager, too few for a cell of their own: no whole level stands in their place."""
    rng = np.random.default_rng(3)
    above = [None] * 3 + rng.integers(0, 3, 97).tolist() + rng.integers(3, 100, 800).tolist()
    columns = {
        "id": ("id", pa.array(range(900))),
        "boss": ("id", pa.array(above, pa.int64())),
        "pay": ("integer", pa.array(rng.integers(0, 50, 900))),
    }
    people = table(tmp_path, "people", columns, ("id",))
    tables = Tables({"people": people}, (Key("people", ("boss",), "people"),), "people")
    drawn = made(tables, 900, tmp_path)["people"]
    whose = {i: None if pd.isna(b) else b for i, b in zip(drawn["id"], drawn["boss"], strict=True)}
    depth = [0 if b is None else 1 if whose[b] is None else 2 for b in whose.values()]
    counts = np.bincount(depth, minlength=3)
    assert 1 <= counts[0] <= 9
    assert 60 <= counts[1] <= 150  # 97 of the real ones
