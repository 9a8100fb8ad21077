"""Each export is loaded by its own tool, and says what the tables are worth."""

from __future__ import annotations

import csv
import datetime as dt
import json
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pyarrow.parquet as pq
import pytest
import yaml

from tests.exports.conftest import exported
from tests.families import MEMBERS, FamilyProject
from tests.synth import Project, copied

LONG = 9007199254740993


def test_csv_keeps_digits_and_tells_nothing_from_an_empty_text(kinds: Project) -> None:
    path = exported(kinds, "kinds", "--to", "csv", "--out", "out/csv") / "kinds.csv"
    lines = path.read_text("utf-8").splitlines()
    assert lines[0].split(",")[:3] == ['"id"', '"long"', '"exact"']
    rows = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
    assert [int(r["long"]) for r in rows] == [LONG + i for i in range(5)]
    assert rows[3]["exact"] == "3.10000000000000000000"
    assert (rows[4]["words"], rows[3]["words"]) == ('ü, "q"\nx', "=1+1")
    assert (rows[0]["moment"], rows[0]["instant"]) == ("2024-02-29T23:59:59.123456", "2024-02-29T10:00:00.000000Z")
    assert json.loads(rows[2]["both"]) == {"a": 2, "b": "x"}
    assert "," * 2 in lines[2]  # null: nothing between the commas
    assert ',"",' in lines[3]
    with duckdb.connect() as connection:
        read = connection.execute(f"select words, day from read_csv('{path}', nullstr='', allow_quoted_nulls=false) order by id").fetchall()  # fmt: skip
        assert read[1:3] == [(None, dt.date(1900, 1, 1)), ("", dt.date(1900, 1, 2))]


def test_json_lines_keep_digits(kinds: Project) -> None:
    path = exported(kinds, "kinds", "--to", "jsonl", "--out", "out/jsonl") / "kinds.jsonl"
    rows = [json.loads(line, parse_float=Decimal) for line in path.read_text("utf-8").splitlines()]
    assert [r["long"] for r in rows] == [LONG + i for i in range(5)]
    assert (rows[2]["exact"], rows[1]["words"], rows[2]["words"]) == (Decimal("2.1"), None, "")
    assert (rows[4]["numbers"], rows[4]["both"], rows[0]["even"]) == ([4, None], {"a": 4, "b": "x"}, True)


def test_parquet_is_the_published_file_with_its_receipt(kinds: Project) -> None:
    folder = exported(kinds, "kinds", "--to", "parquet", "--out", "out/parquet")
    assert (folder / "kinds.parquet").read_bytes() == kinds.parquet("kinds")[0].read_bytes()
    published = (kinds.root / "warehouse/dev/kinds.receipt.json").read_text("utf-8")
    assert json.loads((folder / "kinds.receipt.json").read_text("utf-8")) == json.loads(published)


def test_the_card_says_what_it_is_for_and_what_it_is_worth(kinds: Project) -> None:
    card = (exported(kinds, "kinds", "--to", "csv", "--out", "out/card") / "README.md").read_text("utf-8")
    for words in (
        "**Synthetic data.**",
        "| privacy | synthetic rows, no formal privacy guarantee |",
        "| intended | load tests |",
        "| not for | pricing; decisions about people |",
        "| not_null | pass |",
        "| `words` | `VARCHAR` |  | What was said |",
    ):
        assert words.replace("_", "\\_") in card.replace("\\_", "_").replace("_", "\\_"), card
    assert [line for line in card.splitlines() if line.startswith("#")] == ["# kinds", "## kinds", "### Columns", "### Audits"]  # fmt: skip


def test_excel_holds_text_as_text(kinds: Project) -> None:
    openpyxl = pytest.importorskip("openpyxl")

    path = exported(kinds, "kinds", "--to", "excel", "--out", "out/tables.xlsx")
    book = openpyxl.load_workbook(path)
    assert book.properties.keywords == "synthetic"
    assert book.sheetnames == ["About", "kinds"]
    head, *rows = book["kinds"].iter_rows()
    column = {cell.value: i for i, cell in enumerate(head)}
    assert rows[3][column["words"]].value == "=1+1"
    assert rows[3][column["words"]].data_type == "s"  # a formula would be f
    assert [row[column["long"]].value for row in rows] == [str(LONG + i) for i in range(5)]
    assert rows[0][column["even"]].value is True
    assert [row[column["day"]].value for row in rows][:2] == ["1899-12-31", "1900-01-01"]
    assert rows[1][column["words"]].value is None
    about = {str(row[0].value): row[1].value for row in book["About"].iter_rows() if len(row) > 1}
    assert about["not for"] == "pricing; decisions about people"
    assert about["privacy"] == "synthetic rows, no formal privacy guarantee"


def test_hugging_face_loads_the_folder_without_a_network(kinds: Project, family: FamilyProject, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    from huggingface_hub import DatasetCard

    folder = exported(kinds, "kinds", "--to", "huggingface", "--out", "out/hf")
    card = DatasetCard.load(folder / "README.md").data
    assert (card.license, card.size_categories, card.pretty_name) == ("cc-by-4.0", ["n<1K"], "kinds")
    assert "synthetic" in (card.tags or [])
    found = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))["train"]
    assert found["long"][:] == [LONG + i for i in range(5)]
    assert found["words"][1:3] == [None, ""]
    folder = exported(family, "synthetic_shop", "--to", "huggingface", "--out", "out/hf")
    assert {*datasets.get_dataset_config_names(str(folder))} == {*MEMBERS}
    for name in MEMBERS:
        loaded = datasets.load_dataset(str(folder), name, cache_dir=str(tmp_path / "cache"))["train"]
        assert loaded.num_rows == family.receipts()[name]["rows"]


def test_croissant_is_valid_and_reads_its_records(family: FamilyProject, kinds: Project) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    folder = exported(family, "synthetic_shop", "--to", "croissant", "--out", "out/croissant")
    dataset = mlcroissant.Dataset(str(folder / "croissant.json"))
    assert not dataset.metadata.issues.errors, dataset.metadata.issues.report()
    sets = {r.name: r for r in dataset.metadata.record_sets}
    assert {*sets} == {*MEMBERS}
    assert "names a row of" in next(f.description for f in sets["synthetic_shop_customers"].fields if f.name == "referred_by")  # fmt: skip
    led = {f.name: f.references for f in sets["synthetic_orders"].fields}
    assert led["customer_id"].field == "synthetic_shop_customers/customer_id"
    (first, *_) = list(dataset.records("synthetic_orders"))
    assert {*first} == {f"synthetic_orders/{c['name']}" for c in family.receipts()["synthetic_orders"]["columns"]}
    path = exported(kinds, "kinds", "--to", "croissant", "--out", "out/croissant") / "croissant.json"
    said = json.loads(path.read_text("utf-8"))
    assert mlcroissant.Dataset(str(path)).metadata.issues.errors == set()
    assert said["rai:hasSyntheticData"] is True
    assert (said["rai:dataUseCases"], said["license"]) == (["load tests"], "https://spdx.org/licenses/CC-BY-4.0.html")
    assert said["rai:dataLimitations"] == ["Not for: pricing", "Not for: decisions about people"]
    assert "row_count: pass" in " ".join(said["rai:dataAnnotationAnalysis"])


def test_a_data_contract_fits_the_standard(kinds: Project, family: FamilyProject) -> None:
    standard = pytest.importorskip("open_data_contract_standard")
    from open_data_contract_standard.model import OpenDataContractStandard

    schema = json.loads((files(standard) / "schema.json").read_text("utf-8"))
    for project, name in ((kinds, "kinds"), (family, "synthetic_shop")):
        path = exported(project, name, "--to", "odcs", "--out", "out/contract.odcs.yaml")
        said = yaml.safe_load(path.read_text("utf-8"))
        jsonschema.Draft201909Validator(schema).validate(said)
        read = OpenDataContractStandard.from_file(str(path))
        assert {s.name for s in read.schema_ or []} == ({"kinds"} if project is kinds else {*MEMBERS})
    orders = next(s for s in said["schema"] if s["name"] == "synthetic_orders")
    assert {"from": "synthetic_orders.customer_id", "to": "synthetic_shop_customers.customer_id", "type": "foreignKey"} in orders["relationships"]  # fmt: skip
    said = yaml.safe_load((kinds.root / "out/contract.odcs.yaml").read_text("utf-8"))
    assert said["tags"] == ["synthetic"]
    assert (said["description"]["purpose"], said["description"]["limitations"]) == ("load tests", "Not for: pricing; decisions about people")  # fmt: skip
    assert said["slaProperties"] == [{"property": "retention", "value": 90, "unit": "d", "element": "kinds"}]
    (table,) = said["schema"]
    (usage,) = (p["value"] for p in table["customProperties"] if p["property"] == "usage")
    assert (usage["contact"], usage["owner"]["email"]) == ("help@example.org", "data@example.org")
    columns = {p["name"]: p for p in table["properties"]}
    assert columns["id"] == {"name": "id", "logicalType": "integer", "physicalType": "BIGINT", "required": True, "unique": True}  # fmt: skip
    assert "required" not in columns["words"]
    assert {q["name"]: q["description"].split(":")[0] for q in table["quality"]} == dict.fromkeys(("not_null", "unique", "accepted_values", "row_count"), "pass")  # fmt: skip


def test_frictionless_finds_the_package_valid_keys_too(kinds: Project, family: FamilyProject) -> None:
    frictionless = pytest.importorskip("frictionless")
    for project, name in ((kinds, "kinds"), (family, "synthetic_shop")):
        path = exported(project, name, "--to", "frictionless", "--out", "out/frictionless") / "datapackage.json"
        report = frictionless.validate(str(path))
        assert report.valid, report.flatten(["type", "note"])
        assert "synthetic" in json.loads(path.read_text("utf-8"))["keywords"]
    package = frictionless.Package(str(path))
    orders = package.get_resource("synthetic_orders")
    keys = {tuple(k["fields"]): k["reference"]["resource"] for k in orders.schema.foreign_keys}
    assert keys[("customer_id",)] == "synthetic_shop_customers"
    orders_csv = path.parent / "synthetic_orders.csv"
    text = orders_csv.read_text("utf-8").splitlines()
    place = text[0].split(",").index('"customer_id"')
    cells = text[1].split(",")
    orders_csv.write_text("\n".join([text[0], ",".join([*cells[:place], '"nobody"', *cells[place + 1 :]]), *text[2:]]), "utf-8")  # fmt: skip
    found = {e[0] for e in frictionless.validate(str(path)).flatten(["type"])}
    assert found & {"foreign-key", "type-error"}  # what it checks, it checks
    assert "hash-count" in found or "byte-count" in found


def test_a_licence_in_words_is_valid_to_frictionless(kinds: Project, tmp_path: Path) -> None:
    frictionless = pytest.importorskip("frictionless")
    project = copied(kinds, tmp_path / "shop")
    models = project.root / "models/kinds.yml"
    models.write_text(models.read_text("utf-8").replace("CC-BY-4.0", "for our own use, alone"), "utf-8")
    path = exported(project, "kinds", "--to", "frictionless", "--out", "out/frictionless") / "datapackage.json"
    assert json.loads(path.read_text("utf-8"))["licenses"] == [{"name": "for-our-own-use--alone", "title": "for our own use, alone"}]  # fmt: skip
    report = frictionless.validate(str(path))
    assert report.valid, report.flatten(["type", "note"])


def _tests(column: dict[str, Any]) -> dict[str, Any]:
    return {t: None for t in column.get("data_tests", ()) if isinstance(t, str)} | {
        name: body for t in column.get("data_tests", ()) if isinstance(t, dict) for name, body in t.items()
    }


def test_sources_of_dbt_name_what_is_in_the_database(kinds: Project, family: FamilyProject) -> None:
    said = yaml.safe_load(exported(kinds, "--to", "dbt", "--out", "out/sources.yml").read_text("utf-8"))
    (source,) = said["sources"]
    (table,) = source["tables"]
    columns = {c["name"]: _tests(c) for c in table["columns"]}
    assert columns["id"] == {"not_null": None, "unique": None}
    assert columns["even"] == {"accepted_values": {"arguments": {"values": [True, False], "quote": False}}}
    assert "{{" not in (kinds.root / "out/sources.yml").read_text("utf-8")
    meta = table["config"]["meta"]["synthkit"]
    assert (table["config"]["tags"], meta["synthetic"], meta["audits"]["row_count"]) == (["synthetic"], True, "pass")
    said = yaml.safe_load(exported(family, "--to", "dbt", "--out", "out/sources.yml").read_text("utf-8"))
    (source,) = said["sources"]
    assert source["database"] == "dev"
    orders = next(t for t in source["tables"] if t["name"] == "synthetic_orders")
    key = _tests(next(c for c in orders["columns"] if c["name"] == "customer_id"))["relationships"]["arguments"]
    assert key == {"to": f"source('{source['name']}', 'synthetic_shop_customers')", "field": "customer_id"}
    # As dbt's compiled SQL does it: each table, each test, by database, schema and name.
    with duckdb.connect(str(family.root / "warehouse/dev.duckdb"), read_only=True) as connection:
        for table in source["tables"]:
            name = f"{source['database']}.{source['schema']}.{table['name']}"
            for column in table["columns"]:
                tests = _tests(column)
                if "unique" in tests:
                    assert connection.execute(f"select {column['name']} from {name} where {column['name']} is not null group by 1 having count(*) > 1").fetchall() == []  # fmt: skip
                if "not_null" in tests:
                    assert connection.execute(f"select 1 from {name} where {column['name']} is null").fetchall() == []
                for body in [tests["relationships"]] if "relationships" in tests else []:
                    there = body["arguments"]["to"].split("'")[3]
                    assert connection.execute(f"select 1 from {name} where {column['name']} is not null and {column['name']} not in (select {body['arguments']['field']} from {there})").fetchall() == []  # fmt: skip


def test_no_form_loses_a_row(family: FamilyProject) -> None:
    folder = exported(family, "synthetic_shop", "--to", "jsonl", "--out", "out/rows")
    for name in MEMBERS:
        (published,) = family.parquet(name)
        assert len((folder / f"{name}.jsonl").read_text("utf-8").splitlines()) == pq.read_metadata(published).num_rows
