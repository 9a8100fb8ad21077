"""`synth preview` of a family: some entities with all that is theirs, and rows of its tables; nothing is left."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from synthkit.building.previewing import some_entities
from synthkit.generators.tables import Key
from synthkit.sources.split import load_split
from tests.families import MEMBERS, FamilyProject, family_project


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> FamilyProject:
    """The shop, of which nothing is built. Must not be changed."""
    project = family_project(tmp_path_factory.mktemp("previewing") / "shop")
    return project.edit("- row_count: {min: 1}", "- {row_count: {min: 1}}\n      - rollup\n      - references")


def test_a_family_shows_rows_of_each_table_and_what_its_quick_audits_find(shop: FamilyProject) -> None:
    done = shop.synth("preview", "synthetic_shop", "--rows", "3", "--learn", "100")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line in MEMBERS] == [
        "synthetic_shop_customers", "synthetic_orders", "synthetic_shop_products", "synthetic_shop_lines",
    ]  # fmt: skip
    assert "ok          references: 0" in done.stderr
    assert "preview of synthetic_shop_lines: ok; " in done.stderr
    assert not (shop.root / "warehouse").exists()
    assert {p.name for p in (shop.root / "target").iterdir()} <= {"cache", ".gitignore"}


def test_one_of_its_tables_is_shown_alone(shop: FamilyProject) -> None:
    done = shop.synth("preview", "synthetic_orders", "--rows", "4", "--format", "csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 4
    assert {"order_id", "customer_id", "total"} <= rows[0].keys()
    assert done.stderr.count("preview of") == 1


def test_several_tables_are_no_csv_and_a_family_is_suggested(shop: FamilyProject) -> None:
    said = shop.fails("preview", "synthetic_shop", "--format", "csv", code=2)
    assert "'synthetic_shop' has several tables, and csv holds one" in said
    assert "did you mean 'synthetic_shop'?" in shop.fails("preview", "synthetic_sho", code=2)


def test_some_entities_come_with_all_that_is_theirs(
    shop: FamilyProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.ok("build", "--select", "synthetic_shop")
    known = {"joined": "customers", "ordered_at": "orders", "line_no": "lines", "price": "products"}
    found = [load_split(file.parent) for file in (shop.root / "target" / "cache").rglob("split.json")]
    splits = {table: next(s for s in found if column in s.schema.names) for column, table in known.items()}
    keys = (
        Key("orders", ("customer_id",), "customers", owner=True),
        Key("lines", ("order_id",), "orders", owner=True),
        Key("lines", ("product_id",), "products"),
    )
    monkeypatch.setattr("synthkit.building.previewing.LEAST", 20)
    folders = some_entities(splits, keys, "customers", tmp_path / "some", 200)
    assert folders["products"] == splits["products"].directory
    for side in ("train", "holdout"):
        rows = {t: pq.read_table(f / f"{side}.parquet") for t, f in folders.items()}
        whole = {t: pq.read_table(s.directory / f"{side}.parquet") for t, s in splits.items()}
        here = set(rows["customers"]["customer_id"].to_pylist())
        if side == "train":
            assert 0 < len(here) < whole["customers"].num_rows
        theirs = [o for o, c in zip(*(whole["orders"][n].to_pylist() for n in ("order_id", "customer_id")), strict=True)
                  if c in here]  # fmt: skip
        assert rows["orders"]["order_id"].to_pylist() == theirs
        lines = [o for o in whole["lines"]["order_id"].to_pylist() if o in set(theirs)]
        assert rows["lines"]["order_id"].to_pylist() == lines
        assert (
            load_split(folders["orders"]).train.rows == pq.read_metadata(folders["orders"] / "train.parquet").num_rows
        )
