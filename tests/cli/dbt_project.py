"""A dbt project as it lies on disk after `dbt compile`: a DuckDB file and target/manifest.json, written by dbt's own schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

TABLES = """
    CREATE SCHEMA raw;
    CREATE TABLE raw.customers AS SELECT i AS id, 'person' || i || '@example.org' AS email, 20 + i % 50 AS age FROM range(1, 121) t(i);
    CREATE TABLE raw.orders AS SELECT i AS id, 1 + i * 7 % 120 AS customer_id, ['placed', 'sent', 'returned'][1 + i % 3] AS status,
        DATE '2024-01-01' + (i % 300)::INT AS ordered FROM range(1, 301) t(i);
    CREATE TABLE main.dim_customers AS SELECT id AS customer_id, age FROM raw.customers;
"""  # fmt: skip


def node(kind: str, name: str, **said: Any) -> dict[str, Any]:
    """What every node of the manifest has."""
    return {
        "database": "warehouse",
        "schema": "main",
        "name": name,
        "resource_type": kind,
        "package_name": "jaffle",
        "path": f"{name}.sql",
        "original_file_path": f"models/{name}.sql",
        "unique_id": f"{kind}.jaffle.{name}",
        "fqn": ["jaffle", name],
        **said,
    }


def model(name: str, **said: Any) -> dict[str, Any]:
    found = node("model", name, alias=name, checksum={"name": "sha256", "checksum": "0"}, **said)
    return {"config": {"materialized": "table", "enabled": True}, "tags": [], "description": "", "columns": {}, **found}


def source(name: str, columns: dict[str, str], **said: Any) -> dict[str, Any]:
    found = node(
        "source", name, source_name="raw", source_description="The shop's own tables", loader="", identifier=name
    )
    found |= {"schema": "raw", "unique_id": f"source.jaffle.raw.{name}"}
    listed = {c: {"name": c, "description": d} for c, d in columns.items()}
    return {**found, "description": "", "columns": listed, "tags": [], "config": {"enabled": True}, **said}


def data_test(
    name: str, table: str, column: str, others: tuple[str, ...] = (), config: Any = None, **kwargs: Any
) -> Any:
    id_ = f"{name}_{table.rpartition('.')[2]}_{column}_{'_'.join(map(str, kwargs.values()))}"
    return node(
        "test",
        id_,
        alias=id_,
        checksum={"name": "none", "checksum": ""},
        config={"enabled": True, "severity": "ERROR", **(config or {})},
        test_metadata={
            "name": name,
            "kwargs": {"column_name": column, "model": "{{ get_where_subquery(x) }}", **kwargs},
        },
        column_name=column,
        attached_node=table if table.startswith("model") else None,
        depends_on={"macros": [], "nodes": [*others, table]},
    )


def manifest(adapter: str = "duckdb") -> dict[str, Any]:
    customers, orders = "source.jaffle.raw.customers", "source.jaffle.raw.orders"
    tests = [
        *(data_test(t, s, "id") for t in ("unique", "not_null") for s in (customers, orders)),
        data_test("not_null", orders, "status"),
        data_test("accepted_values", orders, "status", values=["placed", "sent", "returned"]),
        data_test("relationships", orders, "customer_id", (customers,), to="source('raw', 'customers')", field="id"),
        data_test("not_null", "model.jaffle.dim_customers", "age", config={"severity": "warn"}),
        data_test("unique", orders, "status", config={"error_if": ">10"}),
        data_test("unique", "model.jaffle.dim_customers", "customer_id", config={"error_if": "!= 0"}),
        data_test("not_null", "model.jaffle.dim_customers", "customer_id"),
    ]
    freshness = {"warn_after": {"count": 12, "period": "hour"}, "error_after": {"count": None, "period": None}}
    sources = [
        source(
            "customers", {"id": "Whose order it is", "email": "", "age": ""}, description="People {{ 'not' }} rendered"
        ),
        source(
            "orders",
            {"id": "", "status": "Where it is"},
            loaded_at_field="ordered",
            freshness=freshness,
            tags=["daily"],
        ),
    ]
    models = [
        model(
            "dim_customers",
            description="A row for each customer",
            columns={"age": {"name": "age", "description": "In years"}},
        ),
        model("stg_orders", config={"materialized": "ephemeral", "enabled": True}),
    ]
    exposure = {
        **{k: v for k, v in node("exposure", "board").items() if k not in ("database", "schema")},
        "type": "dashboard",
        "owner": {"name": "Sales", "email": "sales@example.org"},
        "url": "https://example.org/board",
        "depends_on": {"macros": [], "nodes": ["model.jaffle.dim_customers", "model.jaffle.stg_orders"]},
    }
    return {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "dbt_version": "1.12.6",
            "project_name": "jaffle",
            "adapter_type": adapter,
        },
        "nodes": {n["unique_id"]: n for n in [*models, *tests]},
        "sources": {s["unique_id"]: s for s in sources},
        "exposures": {exposure["unique_id"]: exposure},
        **{key: {} for key in ("macros", "docs", "metrics", "groups", "disabled", "parent_map", "child_map")},
        **{key: {} for key in ("group_map", "saved_queries", "semantic_models", "unit_tests", "selectors")},
    }


def dbt_project(root: Path, **said: Any) -> Path:
    """Write it; returns the manifest's path."""
    (root / "target").mkdir(parents=True)
    with duckdb.connect(str(root / "warehouse.duckdb")) as connection:
        connection.execute(TABLES)
    path = root / "target" / "manifest.json"
    path.write_text(json.dumps(manifest(**said)), "utf-8")
    return path
