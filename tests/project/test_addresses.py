"""An address (``s3://…``) is never taken for a folder of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthkit.project.addresses import scheme_of
from tests.synth import SQL_PROJECT, make_project

PATHS = """
    name: shop
    paths: {models: [models, "s3://bucket/models"], audits: ["gs://bucket/audits"], macros: ["az://a/macros"]}
    targets:
      dev: {database: "s3://bucket/shop.duckdb"}
"""
CONNECTIONS = {
    "synth_project.yml": """
        name: shop
        connections:
          files: {type: duckdb, path: "s3://bucket/shop.duckdb"}
          lite: {type: sqlite, path: "s3://bucket/shop.sqlite"}
    """,
    "models/more.yml": """
        version: 1
        sources:
          - name: db
            tables:
              - {name: t, connection: files, table: t}
              - {name: u, connection: lite, table: u}
        models:
          - {name: t2, generator: {name: sql, query: "select * from {{ source('db', 't') }}"}, audits: []}
          - {name: u2, generator: {name: sql, query: "select * from {{ source('db', 'u') }}"}, audits: []}
    """,
}


def test_each_key_that_takes_a_path_refuses_an_address_where_it_stands(tmp_path: Path) -> None:
    shop = make_project(tmp_path / "shop", {**SQL_PROJECT, "synth_project.yml": PATHS})
    text = shop.fails("compile", code=2)
    refused = [line for line in text.splitlines() if "takes a path of this machine, no address" in line]
    assert [line.split(": ")[0] for line in refused] == [
        f"synth_project.yml:{place}" for place in ("2:26", "2:58", "2:90", "4:19")
    ]
    assert not [p for p in shop.root.rglob("*") if p.name.startswith(("s3:", "gs:", "az:"))]


def test_a_database_file_is_one_of_this_machine(tmp_path: Path) -> None:
    text = make_project(tmp_path / "shop", {**SQL_PROJECT, **CONNECTIONS}).fails("compile", code=2)
    for name in ("shop.duckdb", "shop.sqlite"):
        assert f"s3://bucket/{name} is not on this machine" in text


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("s3://bucket/prefix", "s3"),
        ("GS://bucket", "gs"),
        ("abfs+x://a", "abfs+x"),
        ("warehouse/dev", None),
        ("/srv/s3://x", None),
        ("C:\\data", None),
        ("s3:/bucket", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_begins_with_a_scheme(text: str | None, scheme: str | None) -> None:
    assert scheme_of(text) == scheme


def test_no_verb_makes_a_folder_of_a_warehouse_that_nothing_serves(tmp_path: Path) -> None:
    project = "name: shop\ntargets:\n  dev: {warehouse: 'ftp://host/shop'}\n"
    shop = make_project(tmp_path / "shop", {**SQL_PROJECT, "synth_project.yml": project})
    for verb in (("compile",), ("build",), ("plan",), ("verify",), ("query", "select 1"), ("gc",)):
        text = shop.fails(*verb, code=2)
        assert "ftp://" in text, text
    assert "synth_project.yml:3:20: error: warehouse ftp://host/shop: nothing here reads" in shop.fails("build", code=2)
    assert not (shop.root / "ftp:").exists()
