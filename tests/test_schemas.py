"""The JSON Schemas and the page of all keys are those that are printed, and the schemas fit the YAML that works."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import synthkit
from synthkit.errors import Fault
from synthkit.project.packages import of_document, unpinned
from synthkit.project.yamlfile import Document, parse_file, parse_text
from synthkit.scaffold.init import init
from synthkit.scaffold.schemas import SCHEMAS, schema
from tests import keypage
from tests.synth import Project

SHIPPED = Path(synthkit.__file__).parent / "schemas"
ROOT = SHIPPED.parent.parent


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_shipped_schema_is_the_printed_one(name: str) -> None:
    shipped = json.loads((SHIPPED / f"{name}.schema.json").read_text("utf-8"))
    assert shipped == json.loads(json.dumps(schema(name))), "run: make schemas"
    jsonschema.Draft202012Validator.check_schema(shipped)


def test_the_page_of_all_keys_is_the_printed_one() -> None:
    assert keypage.PAGE.read_text("utf-8") == keypage.page(), "run: make schemas"


def test_the_example_project_fits() -> None:
    validator("project").validate(parse_file(ROOT / "synth_project.yml").value)
    for file in sorted((ROOT / "models").rglob("*.yml")):
        validator("models").validate(parse_file(file).value)


PROJECTS = sorted(p.parent for p in (ROOT / "tests" / "projects").rglob("synth_project.yml") if "wrong" not in p.parts)


@pytest.mark.parametrize("project", PROJECTS, ids=lambda p: p.name)
def test_projects_that_work_fit(project: Path) -> None:
    validator("project").validate(parse_file(project / "synth_project.yml").value)
    files = sorted((project / "models").rglob("*.yml"))
    assert files
    for file in files:
        validator("models").validate(parse_file(file).value)


def test_a_new_project_fits_the_schemas_that_its_files_name(tmp_path: Path) -> None:
    root = init("shop", tmp_path / "shop").root
    for file in root.rglob("*.yml"):
        named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", file.read_text("utf-8"))
        assert named, file
        own = json.loads((file.parent / named[1]).read_text("utf-8"))
        jsonschema.Draft202012Validator(own).validate(parse_file(file).value)
        assert list(jsonschema.Draft202012Validator(own).iter_errors({"nobody_knows": 1}))


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("packages: []", True),
        (f"packages: [{{git: git@host:a/b.git, revision: {'a' * 40}, subdirectory: x}}, {{local: ../x}}]", True),
        ("packages: [{git: https://host/x, revision: main}]", False),
        ("packages: [{git: https://host/x}]", False),
        (f"packages: [{{git: --upload-pack=x, revision: {'a' * 40}}}]", False),
        ("packages: [{local: ../x, revision: main}]", False),
        (f"packages: [{{local: ../x, git: https://host/x, revision: {'a' * 40}}}]", False),
        ("packages: [{package: acme/x, version: 1}]", False),
        ("packages: [{}]", False),
        ("models: []", False),
    ],
)
def test_packages_fit_where_the_loader_takes_them(text: str, fits: bool) -> None:
    faults: list[Fault] = []
    document = parse_text(text, Document(Path("packages.yml")))
    pinned = [not unpinned(spec) for spec in of_document(document, faults)]
    assert (not faults and all(pinned)) is fits
    assert validator("packages").is_valid(document.value) is fits


def test_the_catalogue_is_one_that_schemastore_takes(tmp_path: Path) -> None:
    """By the checks of its own repository: names, words, URLs, and no file that another entry matches."""
    url = "https://example.org/schemas"
    Project(tmp_path).ok("schema", "--write", "out", "--url", url)
    listed = json.loads((tmp_path / "out" / "catalog.json").read_text("utf-8"))
    assert listed["$schema"] == "https://json.schemastore.org/schema-catalog.json"
    names = [entry["name"] for entry in listed["schemas"]]
    assert len({*names}) == len(names) == 3
    for entry in listed["schemas"]:
        assert entry.keys() - {"fileMatch"} == {"name", "description", "url"}
        for text in (entry["name"], entry["description"]):
            assert "schema" not in text.lower()
            assert not re.search(r"^[,. \t-]|[,. \t-]$|\n", text)
        own = json.loads((tmp_path / "out" / entry["url"].removeprefix(f"{url}/")).read_text("utf-8"))
        assert list(own)[:2] == ["$schema", "$id"]
        assert own["$id"] == entry["url"]
        assert own["title"]
        assert own["type"] == "object"
        jsonschema.Draft202012Validator.check_schema(own)
        # What follows the $id is found without a network: all references are into the schema itself.
        assert set(re.findall(r'"\$ref": "([^"#]*)', json.dumps(own))) <= {""}
    matched = [pattern for entry in listed["schemas"] for pattern in entry.get("fileMatch", ())]
    assert matched == ["synth_project.yml"]  # packages.yml and models/**/*.yml are dbt's there
    assert "no URL" in Project(tmp_path).fails("schema", "--write", "out", "--url", "http://x", code=2)


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    """Made once: what :func:`jsonschema.validate` costs is the check of so large a schema, at every call."""
    return jsonschema.Draft202012Validator(schema(name))


def models(text: str) -> Any:
    return parse_text(text, Document(Path("x.yml"))).value


@pytest.mark.parametrize(
    "text",
    [
        "models: [{name: a, generator: sdv.ctgan, tags: x}]",
        "models: [{name: a, generator: {name: sdv.ctgan, epochs: \"{{ var('n') }}\"}, enabled: \"{{ var('x') }}\"}]",
        "models: [{name: a, generator: {name: my.own, anything: 1}, audits: [my_audit, {my_audit: {x: 1}}, {ks: null}]}]",
        "sources: [{name: s, tables: [{name: t, path: x.csv, primary_key: id}]}]",
        "sources: [{name: s, tables: [{name: t, path: x.csv, constraints: [a <= b, c > 0]}]}]",
        "models: [{name: a, generator: auto, constraints: a <= b}, {name: b, generator: {name: auto}}]",
        "models: [{name: a, audits: [{cardinality: {max: 2}}, {cardinality: {max_ratio: 2}}, {augmentation: {target: x, min: 0}}]}]",
    ],
)
def test_what_works_fits(text: str) -> None:
    validator("models").validate(models(text))


@pytest.mark.parametrize(
    "text",
    [
        "modles: []",
        "models: [{nam: a}]",
        "models: [{name: a, generator: {name: sdv.ctgan, epoch: 3}}]",
        "models: [{name: a, audits: [{ks: {maximum: 3}}]}]",
        "models: [{name: a, audits: [{augmentation: {target: x, within: 2x floor}}]}]",
        "models: [{name: a, materialized: tabel}]",
        "models: [{name: a, source: 3}]",
        "models: [{name: a, constraints: [{a: 1}]}]",
        "models: [{name: a, generator: {name: auto, epochs: 3}}]",
    ],
)
def test_what_does_not_work_does_not_fit(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validator("models").validate(models(text))
