"""`synth gc` and `synth clean` of families: what a published table of one needs stays, what nobody needs goes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from tests.families import JOINS, MEMBERS, FamilyProject

MODELS = "models/shop.yml"
FAMILY = "  - name: synthetic_shop\n"
PRODUCTS = "      - {table: products}\n"
KEY = "          - {column: product_id, references: products}\n"


def held(project: FamilyProject) -> set[str]:
    """What scratch holds, but for caches of a few bytes that are known by a file's size and time."""
    target = project.root / "target"
    folders = (
        "cache/models",
        "cache/splits",
        "cache/checkpoints",
        "staging",
        "previous",
        "profiles",
        "failures",
        "dropped",
    )
    return {f"{f}/{p.name}" for f in folders if (target / f).is_dir() for p in (target / f).iterdir()}


def swap(old: str, new: str) -> Callable[[FamilyProject], object]:
    return lambda project: project.edit(old, new)


def without_products(project: FamilyProject) -> None:
    project.edit(PRODUCTS, "").edit(KEY, "")


EDITS: dict[str, tuple[Callable[[FamilyProject], object], Callable[[FamilyProject], object]]] = {
    "another seed": (swap("    generator: test.entities\n", "    generator: test.entities\n    seed: 5\n"), swap("    seed: 5\n", "")),
    "another size": (swap("    audits:\n      - row_count", "    size: 60\n    audits:\n      - row_count"), swap("    size: 60\n", "")),
    "another name": (swap("name: synthetic_orders,", "name: our_orders,"), swap("name: our_orders,", "name: synthetic_orders,")),
    "a table less": (
        without_products,
        lambda p: p.edit("      - {table: lines}\n", "      - {table: lines}\n" + PRODUCTS).edit(
            "references: orders, owner: true, max_per_parent: 10}\n",
            "references: orders, owner: true, max_per_parent: 10}\n" + KEY,
        ),
    ),
}  # fmt: skip


def check(project: FamilyProject) -> None:
    """After gc: nothing is to be built, nothing else goes, and no folder is of a table that is not there."""
    project.ok("gc", "--removed")
    assert "nothing to remove" in project.ok("gc", "--removed", "--dry-run")
    plan = json.loads(project.ok("plan", "--output", "json"))["actions"]
    assert {a["action"] for a in plan} == {"reuse"}
    names = {a["model"] for a in plan}
    found = held(project)
    assert {p.split("/")[1].partition(".json")[0] for p in found if p.startswith(("previous", "profiles"))} <= names
    assert len([p for p in found if p.startswith("cache/models")]) == 1
    for name in names:
        assert project.query(f"select count(*) as n from {name}")[0]["n"] > 0


@pytest.mark.slow
def test_whatever_is_edited_gc_leaves_what_published_tables_need(built_family: FamilyProject) -> None:
    rng = random.Random(4)
    done: list[str] = []
    for _ in range(4):
        name = rng.choice(sorted(EDITS))
        change, back = EDITS[name]
        if name in done:
            done.remove(name)
            back(built_family)
        else:
            done.append(name)
            change(built_family)
        built_family.ok("build")
        check(built_family)
        # Another audit of one table reads what is kept: nothing is trained or drawn for it.
        built_family.edit("      - row_count: {min: 1}", "      - row_count: {min: 2}").ok("build")
        actions = {r["model"]: r["action"] for r in built_family.results().values()}
        assert {a for m, a in actions.items() if m != "spending"} == {"audit"}, (done, actions)
        built_family.edit("      - row_count: {min: 2}", "      - row_count: {min: 1}").ok("build")
        check(built_family)


def test_a_family_that_is_gone_takes_its_models_rows_and_caches_with_it(built_family: FamilyProject) -> None:
    before = built_family.runs()
    text = (built_family.root / MODELS).read_text("utf-8").partition("models:\n")[0]
    (built_family.root / MODELS).write_text(text + "models: []\n", "utf-8")
    (built_family.root / "target/dropped").mkdir()
    (built_family.root / "target/dropped/synthetic_orders.jsonl").write_text("{}\n", "utf-8")
    said = built_family.ok("gc")
    assert "trained models" not in said  # its tables are still published
    assert "pictures" in said
    assert "answers that no table took" in said
    assert built_family.runs() == before
    said = built_family.ok("gc", "--removed")
    assert all(f"table {name}" in said for name in MEMBERS)
    assert {
        p for p in held(built_family) if not p.startswith("cache/splits")
    } == set()  # the sources are declared still
    assert not list((built_family.root / "warehouse/dev").rglob("*.parquet"))
    assert "nothing to remove" in built_family.ok("gc", "--removed")


def test_staged_rows_of_a_family_that_waits_for_another_limit_stay(built_family: FamilyProject) -> None:
    built_family.edit("      - {table: lines}", "      - {table: lines, audits: [{row_count: {min: 100000}}]}")
    built_family.edit("    audits:\n      - row_count", "    seed: 5\n    audits:\n      - row_count").fails("build")
    staged = {p for p in held(built_family) if p.startswith("staging")}
    assert {f"staging/{name}" for name in MEMBERS} <= staged
    built_family.ok("gc")
    assert {p for p in held(built_family) if p.startswith("staging")} == staged
    assert [set(r.values()) for r in built_family.query(JOINS)] == [{0}]  # the old ones
    built_family.edit("min: 100000", "min: 1").ok("build")
    assert set(built_family.runs().values()) == {
        json.loads((built_family.root / "target/run_results.json").read_text())["run_id"]
    }
    assert built_family.results()["synthetic_orders"]["action"] == "audit"


def test_clean_leaves_every_published_table_of_a_family(built_family: FamilyProject) -> None:
    before = built_family.runs()
    built_family.ok("clean")
    assert not (built_family.root / "target/cache").exists()
    assert built_family.runs() == before
    assert [set(r.values()) for r in built_family.query(JOINS)] == [{0}]
    assert set(built_family.actions().values()) == {"reuse"}
