"""Names of tables in lineage: where rows are, as others name it, and nothing that is secret."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from synthkit.openlineage.naming import name_of
from synthkit.project.projectfile import LineageSpec, ProjectSpec
from synthkit.project.types import ConnectionSpec, Relation, SourceTableSpec

CONNECTIONS = {
    "pg": ConnectionSpec(type="postgres", url="postgresql://me:s3cret@db.example.org:5433/shop?sslmode=require"),
    "plain": ConnectionSpec(type="postgres", url="host=db.example.org dbname=shop user=me password=s3cret"),
    "my": ConnectionSpec(type="mysql", url="mysql://me:s3cret@db.example.org:3307/shop?ssl_mode=required"),
    "maria": ConnectionSpec(type="mariadb", url="mariadb://db.example.org/shop"),
    "unnamed": ConnectionSpec(type="mysql", url="mysql://db.example.org"),
    "nowhere": ConnectionSpec(type="postgres", url="postgresql://"),
    "snow": ConnectionSpec(type="snowflake", url="snowflake://me:s3cret@org-account/shop/sales?warehouse=w"),
    "lake": ConnectionSpec(type="trino", url="trino://me:s3cret@trino.example.org:8443/lake/sales"),
    "bq": ConnectionSpec(type="bigquery", url="bigquery://our-shop/sales?token=s3cret"),
    "dbx": ConnectionSpec(type="databricks", url="databricks://token:s3cret@h.example.org/lake/sales?http_path=/x"),
    "ms": ConnectionSpec(type="sqlserver", url="sqlserver://me:s3cret@h.example.org/shop/sales"),
    "duck": ConnectionSpec(type="duckdb", path="data/shop.duckdb"),
}


def named(root: Path, namespace: str | None = None, **table: Any) -> tuple[str, str]:
    lineage = LineageSpec(transport="file", namespace=namespace)
    spec = ProjectSpec(name="shop", connections=CONNECTIONS, lineage=lineage)
    project = SimpleNamespace(root=root, spec=spec, target_name="prod")
    relation = Relation("customers", "crm")
    source = SimpleNamespace(spec=SourceTableSpec(name="customers", **table))
    return name_of(cast(Any, SimpleNamespace(project=project, sources={relation.id: source})), relation)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"path": "data/*.csv"}, ("shop", "data/*.csv")),
        ({"path": "/srv/rows.parquet"}, ("file", "/srv/rows.parquet")),
        ({"connection": "pg", "table": "customers"}, ("postgres://db.example.org:5433", "shop.public.customers")),
        ({"connection": "pg", "table": "sales.people"}, ("postgres://db.example.org:5433", "shop.sales.people")),
        ({"connection": "plain"}, ("postgres://db.example.org:5432", "shop.public.customers")),
        ({"connection": "my", "table": "customers"}, ("mysql://db.example.org:3307", "shop.customers")),
        ({"connection": "maria", "table": "sales.people"}, ("mysql://db.example.org:3306", "sales.people")),
        ({"connection": "unnamed"}, ("shop", "source:crm.customers")),
        ({"connection": "snow"}, ("snowflake://org-account", "SHOP.SALES.CUSTOMERS")),
        ({"connection": "snow", "table": 'other."x"'}, ("snowflake://org-account", "SHOP.OTHER.x")),
        ({"connection": "lake"}, ("trino://trino.example.org:8443", "lake.sales.customers")),
        ({"connection": "bq"}, ("bigquery", "our-shop.sales.customers")),
        ({"connection": "dbx"}, ("databricks://h.example.org", "lake.sales.customers")),
        ({"connection": "ms"}, ("mssql://h.example.org:1433", "shop.sales.customers")),
        ({"connection": "nowhere"}, ("shop", "source:crm.customers")),
        ({"connection": "pg", "query": "select 1"}, ("shop", "source:crm.customers")),
        ({"connection": "duck", "table": "people"}, ("shop", "data/shop.duckdb/people")),
    ],
)
def test_a_source_is_named_by_where_its_rows_are(
    tmp_path: Path, table: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert named(tmp_path, **table) == expected


def test_a_file_is_named_alike_however_its_path_is_written(tmp_path: Path) -> None:
    assert named(tmp_path, path=str(tmp_path / "data/x.csv")) == ("shop", "data/x.csv")
    outside = ("file", (tmp_path.parent / "x.csv").as_posix())
    assert named(tmp_path, path="../x.csv") == outside
    assert named(tmp_path, path=str(tmp_path.parent / "x.csv")) == outside


def test_a_namespace_is_of_what_the_project_names(tmp_path: Path) -> None:
    assert named(tmp_path, "team", path="data/x.csv") == ("team", "data/x.csv")
    assert named(tmp_path, "team", path="/srv/x.csv") == ("file", "/srv/x.csv")
