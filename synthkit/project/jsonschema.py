"""JSON Schemas (draft 2020-12) of the YAML files, so that editors complete and check while one types.

They accept what the loader accepts: Jinja in place of any value, one word for a list of one, an audit by its bare
name. What needs the project (does this model exist?) is the compiler's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from synthkit.project.exposures import ExposureSpec
from synthkit.project.folders import DEFAULT_KEYS
from synthkit.project.projectfile import ProjectSpec
from synthkit.project.specs import AUDIT_OPTIONS
from synthkit.project.types import AUTO, AuditSpec, ModelSpec, SourceSpec
from synthkit.project.unittests import UnitTestSpec

DRAFT = "https://json-schema.org/draft/2020-12/schema"
JINJA = {"type": "string", "pattern": r"\{\{|\{%"}
Params = Mapping[str, type[BaseModel]]


def models_schema(generators: Params, audits: Params) -> dict[str, Any]:
    """Of the files below models/: sources, models, exposures."""
    definitions = _definitions(generators, audits)
    source = _plain(SourceSpec, definitions)
    exposure = _plain(ExposureSpec, definitions)
    exposure["properties"]["depends_on"] = {"type": "array", "items": JINJA}
    return {
        "$schema": DRAFT,
        "title": "synthkit sources, models and exposures",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "version": {"const": 1},
            "sources": {"type": "array", "items": source},
            "models": {"type": "array", "items": {"$ref": "#/$defs/model"}},
            "exposures": {"type": "array", "items": exposure},
            "unit_tests": {"type": "array", "items": _unit_test(definitions)},
        },
        "$defs": definitions,
    }


def _unit_test(definitions: dict[str, Any]) -> dict[str, Any]:
    test = _plain(UnitTestSpec, definitions)
    definitions["GivenSpec"]["properties"]["input"] = {
        "type": "string",
        "description": "ref('model') or source('group', 'table'), with or without {{ }}; or this",
    }
    return test


def project_schema(generators: Params, audits: Params) -> dict[str, Any]:
    """Of synth_project.yml."""
    definitions = _definitions(generators, audits)
    schema = _plain(ProjectSpec, definitions)
    keys = definitions["model"]["properties"]
    schema["properties"]["models"] = {"$ref": "#/$defs/folder"}
    schema["properties"]["audit_sets"] = {
        "type": "object",
        "description": "Audits under a name, which models take as {set: name}",
        "additionalProperties": {"type": "array", "items": {"$ref": "#/$defs/audit"}},
    }
    definitions["folder"] = {
        "type": "object",
        "description": "Defaults for the models below a folder: +key applies here, other keys are folders or models",
        "properties": {f"+{k}": keys[k] for k in sorted(DEFAULT_KEYS)},
        "patternProperties": {"^[^+]": {"$ref": "#/$defs/folder"}},
        "additionalProperties": False,
    }
    return {"$schema": DRAFT, "title": "synth_project.yml", **schema, "$defs": definitions}


def _definitions(generators: Params, audits: Params) -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    definitions["generator"] = _generator(generators, definitions)
    definitions["audit"] = _audit(audits, definitions)
    model = _plain(ModelSpec, definitions)
    properties = model["properties"]
    properties["source"] = {**JINJA, "description": "\"{{ source('group', 'table') }}\" or \"{{ ref('model') }}\""}
    properties["generator"] = {"$ref": "#/$defs/generator"}
    taken = {
        "type": "object",
        "description": "The audits of a set of synth_project.yml; default: those of a model that names none",
        "properties": {"set": {"type": "string"}},
        "required": ["set"],
        "additionalProperties": False,
    }
    properties["audits"] = {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/audit"}, taken]}}
    definitions["model"] = model
    model["properties"] = {**properties, "config": {"type": "object", "properties": dict(properties)}}
    return definitions


def _generator(generators: Params, definitions: dict[str, Any]) -> dict[str, Any]:
    chosen = {"type": "object", "properties": {"name": {"const": AUTO}}, "required": ["name"]}
    names = [AUTO, *sorted(generators)]
    options: list[dict[str, Any]] = [{"enum": names}, {"type": "string"}, {**chosen, "additionalProperties": False}]
    for name in names[1:]:
        schema = _plain(generators[name], definitions)
        schema["properties"] = {"name": {"const": name}, **schema.get("properties", {})}
        schema["required"] = ["name"]
        options.append(schema)
    known = {"type": "object", "required": ["name"], "properties": {"name": {"not": {"enum": names}}}}
    return {"anyOf": [*options, known], "description": "A generator by name, or {name: …, parameters}"}


def _audit(audits: Params, definitions: dict[str, Any]) -> dict[str, Any]:
    shared = _plain(AuditSpec, definitions)["properties"]
    options = {k: shared[k] for k in sorted(AUDIT_OPTIONS)}
    properties = {}
    for name, params in sorted(audits.items()):
        schema = _plain(params, definitions)
        schema["properties"] = {**schema.get("properties", {}), **options}
        schema["type"] = ["object", "null"]
        properties[name] = schema
    one = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": properties,
        "additionalProperties": {"type": ["object", "null"], "description": "a custom SQL audit and its parameters"},
    }
    return {"anyOf": [{"enum": sorted(audits)}, {"type": "string"}, one]}


def _plain(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """Pydantic's schema with its definitions moved to ours, and made to accept Jinja and single words."""
    schema = model.model_json_schema(ref_template="#/$defs/{model}", mode="validation")
    for name, inner in schema.pop("$defs", {}).items():
        definitions.setdefault(name, _lenient(inner))
    return _lenient(schema)


_SINGLE = frozenset({"tags", "primary_key", "columns", "together", "constraints"})


def _lenient(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    if isinstance(properties, dict):
        schema["properties"] = {k: _property(k, v) for k, v in properties.items()}
    return schema


def _property(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A property that may also be written as Jinja; a list of one as the one."""
    if schema.get("type") == "string" or schema == {} or "$ref" in schema or "const" in schema:
        return schema
    kept: dict[str, Any] = {k: schema[k] for k in ("description", "default", "title") if k in schema}
    choices = [schema, JINJA]
    if name in _SINGLE:
        choices.append({"type": "string"})
    return {**kept, "anyOf": choices}


def audit_record_schema() -> dict[str, Any]:
    """Of what one audit found, in run_results.json and in receipts."""
    number = {"type": ["number", "null"]}
    text = {"type": ["string", "null"]}
    return {
        "type": "object",
        "required": ["name", "column", "value", "ci", "threshold", "floor", "severity", "status", "message"],
        "properties": {
            "name": {"type": "string"},
            "audit": text,
            "column": text,
            "value": number,
            "ci": {"anyOf": [{"type": "null"}, {"type": "array", "items": number, "minItems": 2, "maxItems": 2}]},
            "threshold": text,
            "floor": number,
            "severity": {"enum": ["error", "warn"]},
            "status": {"enum": ["pass", "warn", "fail", "error", "inconclusive", "skipped"]},
            "message": {"type": "string"},
            "seconds": number,
            "columns": {"type": "array", "items": {"type": "object"}},
            "details": {"type": "object"},
            "limit": number,
            "better": {"enum": ["lower", "higher", None]},
            "decide": {"enum": ["interval", "point", "lower", "upper", None]},
            "compares": {"type": ["boolean", "null"], "description": "whether it holds the table against real rows"},
        },
    }


def run_results_schema() -> dict[str, Any]:
    """Of target/run_results.json."""
    number = {"type": ["number", "null"]}
    text = {"type": ["string", "null"]}
    result = {
        "type": "object",
        "required": ["model", "action", "status", "rows", "seconds", "fingerprints", "published", "audits", "message"],
        "properties": {
            "model": {"type": "string"},
            "action": {"enum": ["train", "sample", "query", "ask", "audit", "reuse"]},
            "status": {"enum": ["pass", "warn", "fail", "error", "skipped", "reused"]},
            "rows": {"type": ["integer", "null"], "minimum": 0},
            "seconds": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
            "fingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
            "epsilon": number,
            "delta": number,
            "published": {"type": "boolean"},
            "audits": {"type": "array", "items": audit_record_schema()},
            "message": {"type": "string"},
            "generator": text,
            "path": text,
            "materialized": text,
            "withheld": {"type": "array", "items": {"type": "string"}},
            "disclosure": {"enum": ["open", "guarded", "private"]},
            "places": {"type": "array", "items": {"type": "string"}},
        },
    }
    return {
        "$schema": DRAFT,
        "title": "synthkit run results",
        "type": "object",
        "required": ["run_id", "started_at", "ended_at", "git", "versions", "target", "seed", "device", "results"],
        "properties": {
            "run_id": {"type": "string"},
            "started_at": {"type": "string", "format": "date-time"},
            "ended_at": {"type": "string", "format": "date-time"},
            "git": {
                "type": ["object", "null"],
                "properties": {"commit": {"type": "string"}, "dirty": {"type": "boolean"}},
            },
            "versions": {"type": "object", "additionalProperties": {"type": "string"}},
            "target": {"type": "string"},
            "seed": {"type": "integer"},
            "device": {"type": "string"},
            "command": {"type": "string"},
            "interrupted": {"type": "boolean"},
            "status": {"enum": ["pass", "warn", "fail", "interrupted"]},
            "untold": {"type": "integer", "minimum": 0, "description": "how many audits cannot tell"},
            "results": {"type": "array", "items": result},
        },
    }
