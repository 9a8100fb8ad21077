"""The JSON Schemas and the page of all keys are those that are printed, and the schemas fit the YAML that works."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import synthkit
from synthkit.project.yamlfile import Document, parse_file, parse_text
from synthkit.scaffold.schemas import SCHEMAS, schema
from tests import keypage

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
