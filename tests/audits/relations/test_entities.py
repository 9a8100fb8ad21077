"""Attacks on whole entities: ``entity_membership`` and ``entity_copies``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from benchmarks.audits.families import Rows, family_context
from synthkit.audits.context import AuditContext
from synthkit.audits.family import Member
from synthkit.audits.privacy.membership import halves
from synthkit.audits.privacy.population import units
from synthkit.audits.relations.copies import _records
from synthkit.audits.relations.steps import family_links
from synthkit.audits.relations.views import entity_view, kinds
from synthkit.schema import Column, Table
from tests.audits.families import healthy, put
from tests.audits.sides import context, run

Family = dict[str, pa.Table]


def copying(share: float, noise: float = 0.0) -> tuple[Rows, Rows, Rows]:
    """A synthetic family of which some customers are training customers with all that is theirs, under other keys.

    Args:
        noise: what their lines' prices are multiplied by, in standard deviations of a logarithm.
    """
    synthetic, train, holdout = healthy()
    customers = train["customers"].slice(0, int(share * train["customers"].num_rows))
    orders = train["orders"].filter(pc.is_in(train["orders"]["customer_id"], customers["customer_id"].combine_chunks()))
    lines = train["lines"].filter(pc.is_in(train["lines"]["order_id"], orders["order_id"].combine_chunks()))
    factor = np.exp(np.random.default_rng(1).normal(0, noise, lines.num_rows))
    copied = {
        "customers": shifted(customers, "customer_id", 5_000_000),
        "orders": shifted(shifted(orders, "customer_id", 5_000_000), "order_id", 90_000_000),
        "lines": shifted(lines, "order_id", 90_000_000),
    }
    price = copied["lines"].column_names.index("price")
    copied["lines"] = copied["lines"].set_column(
        price, "price", pc.multiply(copied["lines"]["price"], pa.array(factor))
    )
    keep = synthetic["customers"].num_rows - customers.num_rows
    first = synthetic["customers"].slice(0, keep)
    own = synthetic["orders"].filter(
        pc.is_in(synthetic["orders"]["customer_id"], first["customer_id"].combine_chunks())
    )
    theirs = synthetic["lines"].filter(pc.is_in(synthetic["lines"]["order_id"], own["order_id"].combine_chunks()))
    rest = {"customers": first, "orders": own, "lines": theirs}
    joined = {name: pa.concat_tables([rest[name], copied[name]]) for name in rest}
    return {**joined, "products": synthetic["products"]}, train, holdout


def shifted(rows: pa.Table, column: str, by: int) -> pa.Table:
    return rows.set_column(rows.column_names.index(column), column, pc.add(rows[column], by))


def test_another_draw_of_the_process_tells_nobody(tmp_path: Path) -> None:
    ctx = family_context(healthy(), "customers", tmp_path)
    attacked, copies = run("entity_membership", ctx), run("entity_copies", ctx)
    assert attacked.status in ("pass", "inconclusive"), attacked.message
    assert attacked.ci_low is not None
    assert attacked.ci_low < 0.5
    assert attacked.details["members"] == 150
    assert (copies.status, copies.value) == ("pass", 0.0), copies.message
    assert copies.floor is not None


def test_entities_copied_whole_are_counted(tmp_path: Path) -> None:
    result = run("entity_copies", family_context(copying(0.2), "customers", tmp_path))
    assert result.status == "fail"
    assert result.value == pytest.approx(0.2, abs=0.04)  # of those who have orders
    assert result.ci_low is not None
    assert result.ci_low > 0.1


def test_copies_are_found_whatever_their_keys_and_whatever_the_order_of_rows(tmp_path: Path) -> None:
    synthetic, train, holdout = copying(0.2)
    turned = {name: rows.take(np.arange(rows.num_rows)[::-1]) for name, rows in synthetic.items()}
    there = run("entity_copies", family_context((synthetic, train, holdout), "customers", tmp_path / "a"))
    other = run("entity_copies", family_context((turned, train, holdout), "customers", tmp_path / "b"))
    assert there.details["equal to a training entity"] == other.details["equal to a training entity"] > 80


def test_one_line_apart_is_no_copy(tmp_path: Path) -> None:
    """Prices a little off: no entity is equal any more, and the attack finds them still."""
    ctx = family_context(copying(1.0, noise=0.01), "customers", tmp_path)
    assert run("entity_copies", ctx).value == 0
    attacked = run("entity_membership", ctx)
    assert attacked.status == "fail"
    assert attacked.value is not None
    assert attacked.value > 0.8


@pytest.mark.parametrize("attack", ["distance", "classifier"])
def test_members_that_were_copied_are_found(tmp_path: Path, attack: str) -> None:
    result = run("entity_membership", family_context(copying(1.0), "customers", tmp_path), attack=attack)
    assert result.status == "fail"
    assert result.value is not None
    assert result.value > 0.85


def test_other_tables_and_few_entities(tmp_path: Path) -> None:
    sides = healthy(sizes=(60, 60, 60))
    for audit in ("entity_membership", "entity_copies"):
        assert run(audit, family_context(sides, "orders", tmp_path / f"{audit}1")).status == "skipped"
    assert run("entity_membership", family_context(sides, "customers", tmp_path / "few")).status == "inconclusive"
    less = healthy(sizes=(40, 60, 60))
    assert run("entity_copies", family_context(less, "customers", tmp_path / "less")).status == "inconclusive"


def patients(seed: int, count: int, first: int, rows: pa.Table | None = None) -> pa.Table:
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 8, count)
    level = np.repeat(rng.normal(0, 1, count), size)
    return pa.table(
        {
            "patient": np.repeat(np.arange(count) + first, size),
            "day": np.concatenate([np.sort(rng.integers(0, 900, n)) for n in size]),
            "value": (level + rng.normal(0, 0.3, len(level))).round(3),
        }
    )


def test_entities_of_a_table_without_a_parent(tmp_path: Path) -> None:
    train, holdout = patients(1, 600, 0), patients(2, 600, 1_000)

    def judged(rows: pa.Table, name: str) -> AuditContext:
        ctx = context(tmp_path / name, rows, train, holdout, types={"patient": "id"})
        return replace(ctx, schema=replace(ctx.schema, order_by="day", entity="patient"))

    fresh, copied = judged(patients(3, 600, 2_000), "fresh"), judged(shifted(train, "patient", 7_000), "copied")
    assert [run(a, fresh).status for a in ("entity_membership", "entity_copies")] == ["pass", "pass"]
    assert [run(a, copied).status for a in ("entity_membership", "entity_copies")] == ["fail", "fail"]


def of_people(sides: tuple[Rows, Rows, Rows], each: int = 2) -> tuple[Rows, Rows, Rows]:
    """The family with a column of its root that says whose a customer is: ``each`` of them are one person's."""

    def owned(rows: Rows, first: int) -> Rows:
        whose = pa.array(first + np.arange(rows["customers"].num_rows) // each)
        return {**rows, "customers": rows["customers"].append_column("person", whose)}

    synthetic, train, holdout = sides
    return owned(synthetic, 0), owned(train, 1_000_000), owned(holdout, 2_000_000)


def by_person(sides: tuple[Rows, Rows, Rows], directory: Path) -> AuditContext:
    """The context of the root, whose privacy unit is another column than its key."""
    ctx = family_context(sides, "customers", directory)
    assert ctx.family is not None

    def told(table: Table | None) -> Table | None:
        unit = Column("person", "id", "BIGINT")
        columns = tuple(unit if c.name == "person" else c for c in table.schema.columns) if table else ()
        return table and replace(table, schema=replace(table.schema, columns=columns, privacy_unit="person"))

    own = ctx.family.members["customers"]
    member = Member(*(told(t) for t in (own.synthetic, own.train, own.holdout)))  # type: ignore[arg-type]
    family = replace(ctx.family, members={**ctx.family.members, "customers": member})
    return replace(
        ctx, schema=member.synthetic.schema, synthetic=member.synthetic, train=member.train, holdout=member.holdout,
        family=family,
    )  # fmt: skip


def test_entities_are_what_is_held_out_together_and_rows_of_the_root(tmp_path: Path) -> None:
    """Two customers of one person are one entity, and each is one: whoever copies both copies a person, and whoever
    deals the copied customers to other people, as generators do that make up whose each is, copies customers."""
    copied = of_people(copying(0.5))
    found = family_links(by_person(copied, tmp_path / "a"))
    assert kinds(found) == ("unit", "row")
    people = [_records(found, side, "unit") for side in ("synthetic", "train")]
    assert np.isin(*people).sum() == 150  # of 300 people
    synthetic = dict(copied[0])
    whose = np.random.default_rng(4).permutation(synthetic["customers"]["person"].to_numpy())
    synthetic["customers"] = put(synthetic["customers"], "person", whose)
    dealt = by_person((synthetic, *copied[1:]), tmp_path / "b")
    assert np.isin(_records(family_links(dealt), "synthetic", "unit"), people[1]).sum() < 5
    result, attacked = run("entity_copies", dealt), run("entity_membership", dealt)
    assert (result.status, result.details["entities"]) == ("fail", "row")
    assert result.value == pytest.approx(0.5, abs=0.03)
    assert (attacked.status, attacked.details["entities"]) == ("fail", "row")
    assert attacked.value is not None
    assert attacked.value > 0.65
    near = run("entity_membership", by_person(of_people(copying(1.0, noise=0.01)), tmp_path / "c"))
    assert (near.status, near.details["entities"], near.details["members"]) == ("fail", "unit", 75)


def test_customers_of_one_person_lie_in_one_half(tmp_path: Path) -> None:
    """A person's other customers in the reference would make those attacked look like no members."""
    view = entity_view(by_person(of_people(healthy()), tmp_path), "row")
    others, reference = halves(view, 10_000)
    whose = units(view)[1]
    assert len(others) + len(reference) == len(whose)
    assert not set(whose[others].tolist()) & set(whose[reference].tolist())
