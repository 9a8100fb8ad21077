"""Logical types from the training rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthkit.schema import Column
from synthkit.sources.infer import Profile, logical_type
from tests.sources.reading import Reader, kinds

ROOT = Path(__file__).parents[2]


def _csv(**columns: list[object]) -> str:
    lines = [",".join(columns)] + [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", ["id", "customer_id", "customerID", "orderId", "uuid", "row_key"])
def test_names_of_keys(reader: Reader, name: str) -> None:
    assert kinds(reader.csv(_csv(**{name: list(range(100)), "x": [1] * 100})))[name] == "id"


@pytest.mark.parametrize("name", ["paid", "grid", "idle", "n_ids", "humid", "amount"])
def test_names_that_only_end_alike(reader: Reader, name: str) -> None:
    assert kinds(reader.csv(_csv(**{name: list(range(100)), "x": [1] * 100})))[name] == "integer"


def test_a_foreign_key_is_an_id_and_a_code_a_category(reader: Reader) -> None:
    many, few = [i % 60 for i in range(600)], [i % 8 for i in range(600)]
    found = kinds(
        reader.csv(_csv(user_id=many, status_id=few, storm_id=[f"s{v}" for v in many], flag=[i % 2 for i in few]))
    )
    assert found == {"user_id": "id", "status_id": "categorical", "storm_id": "id", "flag": "integer"}


def test_text_by_its_number_of_values(reader: Reader) -> None:
    n = 1000
    split = reader.csv(
        _csv(
            few=[f"c{i % 50}" for i in range(n)],
            some=[f"c{i % 60}" for i in range(n)],
            nearly_all=[f"w{i % 950}" for i in range(n)],
            constant=["c"] * n,
            money=[f"{i}.5" if i else " " for i in range(n)],
        )
    )
    assert kinds(split) == {
        "few": "categorical",
        "some": "categorical",
        "nearly_all": "text",
        "constant": "categorical",
        "money": "float",
    }


def test_values_that_are_all_different_are_no_category_in_a_small_table(reader: Reader) -> None:
    split = reader.csv(_csv(name=["ann", "bob", "cid", "dan"], size=["s", "m", "s", "m"]))
    assert kinds(split) == {"name": "text", "size": "categorical"}


def test_uuids_are_ids_whatever_they_are_called(reader: Reader) -> None:
    values = [f"3f2504e0-4f89-11d3-9a0c-{i:012x}" for i in range(10)]
    assert kinds(reader.csv(_csv(ref=values, x=range(10))))["ref"] == "id"  # type: ignore[arg-type]
    assert kinds(reader.csv(_csv(ref=[values[0]] * 10, x=range(10))))["ref"] == "categorical"  # type: ignore[arg-type]


def test_declarations_win(reader: Reader) -> None:
    content = _csv(code=list(range(100)), customer_id=list(range(100)), note=["x"] * 100)
    found = kinds(reader.csv(content, primary_key=["code"], columns={"customer_id": "integer", "note": "text"}))
    assert found == {"code": "id", "customer_id": "integer", "note": "text"}


def test_columns_of_a_compound_key(reader: Reader) -> None:
    content = _csv(a=list(range(100)), b=[i % 5 for i in range(100)], v=[1.5] * 100)
    assert kinds(reader.csv(content, primary_key=["a", "b"])) == {"a": "id", "b": "categorical", "v": "float"}


@pytest.mark.parametrize(
    ("distinct", "rows", "kind"), [(50, 60, "categorical"), (1000, 20_000, "categorical"), (1001, 10**6, "text")]
)
def test_few(distinct: int, rows: int, kind: str) -> None:
    assert logical_type(Column("x", "categorical", "VARCHAR"), Profile(rows, 0, distinct), ()) == kind


def test_nullable_is_what_is_seen_or_declared(reader: Reader) -> None:
    split = reader.csv("a,b,c\n1,,1\n2,x,2\n", columns={"c": {"nullable": True}})
    assert [c.nullable for c in split.schema.columns] == [False, True, True]


def test_what_is_observed(reader: Reader) -> None:
    split = reader.csv("f,g,s,d\n1.50,1e-20,x,2024-01-05\n-2.125,3,,2024-01-04\n")
    seen = split.observed
    assert (seen["f"].low, seen["f"].high, seen["f"].decimals) == ("-2.125", "1.5", 3)
    assert seen["g"].decimals is None
    assert (seen["s"].nulls, seen["s"].distinct, seen["s"].decimals) == (1, 1, None)
    assert (seen["d"].low, seen["d"].rows) == ("2024-01-04", 2)


def test_the_tables_that_ship(reader: Reader) -> None:
    churn = kinds(reader.read(path=str(ROOT / "data" / "churn.csv"), holdout=0.2))
    assert churn["state"] == churn["churn"] == churn["area_code"] == "categorical"
    assert churn["account_length"] == "integer"
    assert churn["total_day_charge"] == "float"
    survey = kinds(reader.read(path=str(ROOT / "data" / "health_survey.csv"), holdout=0.2))
    assert survey["mdvis"] == "integer"
    assert set(survey.values()) == {"integer", "float"}


def test_a_wide_table_is_profiled_in_bounded_memory(tmp_path: Path) -> None:
    """All columns of 600 at once would take gigabytes: DuckDB holds a hash table for each count of different values."""
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    from synthkit.schema import Column, Schema
    from synthkit.sources.infer import profile

    path, names = tmp_path / "wide.parquet", [f"c{i}" for i in range(600)]
    pq.write_table(pa.table({n: [float(i + j) for j in range(200)] for i, n in enumerate(names)}), path)
    with duckdb.connect(config={"memory_limit": "200MB", "threads": 2}) as connection:
        found = profile(connection, Schema(tuple(Column(n, "float", "DOUBLE") for n in names)), path)
    assert [found[n].low for n in names] == [str(float(i)) for i in range(600)]
    assert {p.distinct for p in found.values()} == {200}
