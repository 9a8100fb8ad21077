"""Rows of every table of a family are some unit's, so that values are counted by people at any depth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.generators.exact.members import KeyColumns, plan_member
from synthkit.generators.exact.units import UNIT, with_units
from synthkit.generators.tables import Key
from synthkit.schema import Column, LogicalType, Schema, Table

KEYS = (Key("orders", ("customer",), "customers", owner=True), Key("lines", ("shop", "order"), "orders", owner=True))
TYPES: dict[str, LogicalType] = {"customer": "id", "order": "id", "shop": "id", "line": "id"}


def table(
    folder: Path, name: str, columns: dict[str, list[Any]], primary: tuple[str, ...], unit: str | None = None
) -> Table:
    rows, file = pa.table(columns), folder / f"{name}.parquet"
    pq.write_table(rows, file)
    sql = {pa.int64(): "BIGINT", pa.string(): "VARCHAR"}
    schema = Schema(
        tuple(Column(f.name, TYPES.get(f.name, "category"), sql[f.type]) for f in rows.schema), primary, unit
    )
    return Table(schema, (file,), rows.num_rows)


def shop(folder: Path) -> dict[str, Table]:
    people = [f"C{i}" for i in range(40)]
    orders = {"shop": ["a", "b"] * 20, "order": [i // 2 for i in range(40)], "customer": [*people[:30], *people[:10]]}
    # One customer bought the same thing in each of nine lines; another thing was bought by nine customers.
    of = [0] * 9 + list(range(10, 28, 2)) + list(range(40))
    lines = {
        "shop": [orders["shop"][i] for i in of],
        "order": [orders["order"][i] for i in of],
        "line": list(range(len(of))),
        "what": ["hers alone"] * 9 + ["what nine bought"] * 9 + ["bread"] * 40,
    }
    lines["order"][-1] = 999  # of no order
    return {
        "customers": table(folder, "customers", {"customer": people}, ("customer",), "customer"),
        "orders": table(folder, "orders", orders, ("shop", "order"), "customer"),
        "lines": table(folder, "lines", lines, ("shop", "order", "line")),
    }


def test_a_row_two_levels_down_is_its_owners_owner_s(tmp_path: Path) -> None:
    tables = with_units(shop(tmp_path), KEYS, tmp_path)
    assert tables["orders"].schema.privacy_unit == "customer"
    lines = tables["lines"]
    assert lines.schema.privacy_unit == UNIT
    assert UNIT not in lines.schema.names
    units = lines.to_arrow([UNIT]).column(0).to_pylist()
    orders = tables["orders"].to_arrow().to_pylist()
    whose = {(o["shop"], o["order"]): o["customer"] for o in orders}
    rows = lines.to_arrow(["shop", "order"]).to_pylist()
    assert units == [whose.get((r["shop"], r["order"])) for r in rows]
    assert units[-1] is None


def test_a_unit_that_no_column_names_is_a_row_of_the_table_at_the_top(tmp_path: Path) -> None:
    """A patient is named by the clinic and a number: findings of visits are the patient's all the same."""
    people = {"shop": ["a", "b"] * 10, "order": [i // 2 for i in range(20)]}
    visits = {"shop": people["shop"] * 2, "order": people["order"] * 2, "line": [1] * 20 + [2] * 20}
    findings = {**{n: [*v, v[0]] for n, v in visits.items()}, "what": ["x"] * 41}
    findings["line"][-1] = 9  # of no visit
    primary = ("shop", "order", "line")
    keys = (Key("visits", ("shop", "order"), "people", owner=True), Key("findings", primary, "visits", owner=True))
    tables = {
        "people": table(tmp_path, "people", people, ("shop", "order")),
        "visits": table(tmp_path, "visits", visits, primary),
        "findings": table(tmp_path, "findings", findings, ()),
    }
    found = with_units(tables, keys, tmp_path)
    assert found["people"].schema.privacy_unit is None  # each row is somebody
    for name in ("visits", "findings"):
        rows = found[name].to_arrow(["shop", "order", UNIT]).to_pylist()[:40]
        units = {(r["shop"], r["order"]): r[UNIT] for r in rows}
        assert all(units[r["shop"], r["order"]] == r[UNIT] for r in rows)
        assert len(set(units.values())) == len(units) == 20
    assert found["findings"].to_arrow([UNIT]).column(0).to_pylist()[-1] is None


def test_what_one_customer_has_in_many_rows_does_not_come_back(tmp_path: Path) -> None:
    tables = shop(tmp_path)
    plans = {}
    for name, given in (("without", tables), ("with", with_units(tables, KEYS, tmp_path))):
        lines = given["lines"]
        column = Column("what", "category", "VARCHAR", rare="similar")
        schema = Schema(
            tuple(column if c.name == "what" else c for c in lines.schema.columns), lines.schema.primary_key
        )
        unit = lines.schema.privacy_unit
        rare = Table(Schema(schema.columns, schema.primary_key, unit), lines.paths, lines.rows)
        keys = KeyColumns.in_table("lines", rare.schema, KEYS)
        assert keys.names == ("shop", "order")
        plan, _ = plan_member(rare, keys, tmp_path / f"{name}.parquet", declared={}, found=False)
        (tails,) = plan.columns.learnt.steps
        plans[name] = {value for group in tails.to_json()["columns"][0]["groups"] for value, _ in group}
    assert "hers alone" in plans["without"]  # nine rows, which it counts as nine people
    assert "hers alone" not in plans["with"]
    assert "what nine bought" in plans["with"]


def test_the_generator_of_families_counts_people_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthkit.generators.conditional.params import ConditionalParams
    from synthkit.generators.family import reading

    lines = with_units(shop(tmp_path), KEYS, tmp_path)["lines"]
    keys = KeyColumns.in_table("lines", lines.schema, KEYS)
    plan, known = plan_member(lines, keys, tmp_path / "read.parquet", declared={}, found=False)
    learnt = plan.learn(known, tmp_path / "learnt.parquet")
    encode, given = reading.encoded, []

    def watched(table: Table, params: ConditionalParams, seed: int) -> Any:
        given.append(table)
        return encode(table, params, seed)

    monkeypatch.setattr(reading, "encoded", watched)
    unlearnt = reading.key_columns(learnt.schema.names, learnt.schema.primary_key, KEYS, "lines")
    found = reading.read(learnt, unlearnt, ConditionalParams(), seed=1)
    (encoded,) = given
    assert encoded.schema.privacy_unit == UNIT
    assert encoded.schema.names == ("what",)
    assert encoded.to_arrow([UNIT]).column(0).to_pylist() == lines.to_arrow([UNIT]).column(0).to_pylist()
    assert found.field(UNIT) == -1  # it is counted by, and not learnt
