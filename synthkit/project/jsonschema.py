"""JSON Schemas (draft 2020-12) of the YAML files, so that editors complete and check while one types.

They accept what the loader accepts: Jinja in place of any value, one word for a list of one, an audit by its bare
name. What needs the project (does this model exist?) is the compiler's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from synthkit.project.described import Described
from synthkit.project.exposures import ExposureSpec
from synthkit.project.folders import DEFAULT_KEYS
from synthkit.project.packages import HASH, PackagesSpec
from synthkit.project.projectfile import ProjectSpec
from synthkit.project.specs import AUDIT_OPTIONS
from synthkit.project.types import AUTO, AuditSpec, ModelSpec, SourceSpec
from synthkit.project.unittests import UnitTestSpec

DRAFT = "https://json-schema.org/draft/2020-12/schema"
JINJA = {"type": "string", "pattern": r"\{\{|\{%"}


class Known(NamedTuple):
    """A generator or an audit: its parameters, and what it is in one line."""

    params: type[BaseModel]
    summary: str


Catalogue = Mapping[str, Known]


def models_schema(generators: Catalogue, audits: Catalogue) -> dict[str, Any]:
    """Of the files below models/: sources, models, exposures."""
    definitions = _definitions(generators, audits)
    source = _plain(SourceSpec, definitions)
    exposure = _plain(ExposureSpec, definitions)
    depends = exposure["properties"]["depends_on"]
    exposure["properties"]["depends_on"] = _array(JINJA, depends["description"])
    return _used(
        {
            "$schema": DRAFT,
            "title": "synthkit sources, models and exposures",
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "version": {"const": 1, "description": "of the file format"},
                "sources": _array(source, "real tables, in groups"),
                "models": _array({"$ref": "#/$defs/model"}, "synthetic tables"),
                "exposures": _array(exposure, "who depends on which tables"),
                "unit_tests": _array(_unit_test(definitions), "given rows and the rows that must come out"),
            },
            "$defs": definitions,
        }
    )


def packages_schema() -> dict[str, Any]:
    """Of packages.yml, which has no Jinja."""
    schema = PackagesSpec.model_json_schema(ref_template="#/$defs/{model}", schema_generator=Described)
    package = schema["$defs"]["PackageSpec"]
    properties = {k: {"type": "string", "description": v["description"]} for k, v in package["properties"].items()}
    properties["revision"]["pattern"] = HASH
    properties["git"]["pattern"] = "^[A-Za-z0-9]"
    of_git = {"required": ["git", "revision"], "not": {"required": ["local"]}}
    not_of_git = [{"required": [key]} for key in ("git", "revision", "subdirectory")]
    a_folder = {"required": ["local"], "not": {"anyOf": not_of_git}}
    schema["$defs"]["PackageSpec"] = {**package, "properties": properties, "oneOf": [of_git, a_folder]}
    return {"$schema": DRAFT, **schema, "title": "packages.yml", "required": ["packages"]}


def _used(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the definitions that nothing refers to."""
    definitions = schema["$defs"]
    waiting, wanted = _references({k: v for k, v in schema.items() if k != "$defs"}), set()
    while waiting:
        wanted |= waiting
        waiting = {name for found in waiting for name in _references(definitions[found])} - wanted
    return {**schema, "$defs": {name: found for name, found in definitions.items() if name in wanted}}


def _references(schema: Any) -> set[str]:
    """The definitions that a schema refers to itself."""
    if isinstance(schema, Mapping):
        own = {schema["$ref"].rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set()
        return own.union(*map(_references, schema.values()))
    return set().union(*map(_references, schema)) if isinstance(schema, list) else set()


def _array(items: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "array", "description": description, "items": items}


def _unit_test(definitions: dict[str, Any]) -> dict[str, Any]:
    test = _plain(UnitTestSpec, definitions)
    given = definitions["GivenSpec"]["properties"]
    given["input"] = {"type": "string", "description": given["input"]["description"]}
    return test


def project_schema(generators: Catalogue, audits: Catalogue, runners: Catalogue) -> dict[str, Any]:
    """Of synth_project.yml."""
    definitions = _definitions(generators, audits)
    schema = _plain(ProjectSpec, definitions)
    target = definitions["TargetSpec"]["properties"]
    target["runner"] = {**_runner(runners, definitions), "description": target["runner"]["description"]}
    keys = definitions["model"]["properties"]
    for name in ("models", "audit_sets"):
        schema["properties"][name] = {"description": schema["properties"][name]["description"]}
    schema["properties"]["models"]["$ref"] = "#/$defs/folder"
    schema["properties"]["audit_sets"] |= {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"$ref": "#/$defs/audit"}},
    }
    definitions["folder"] = {
        "type": "object",
        "description": "Defaults for the models below a folder: +key applies here, other keys are folders or models",
        "properties": {f"+{k}": keys[k] for k in sorted(DEFAULT_KEYS)},
        "patternProperties": {"^[^+]": {"$ref": "#/$defs/folder"}},
        "additionalProperties": False,
    }
    return _used({"$schema": DRAFT, "title": "synth_project.yml", **schema, "$defs": definitions})


def _definitions(generators: Catalogue, audits: Catalogue) -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    definitions["generator"] = _generator(generators, definitions)
    definitions["audit"] = _audit(audits, definitions)
    model = _plain(ModelSpec, definitions)
    properties = model["properties"]
    properties["source"] = {**JINJA, "description": properties["source"]["description"]}
    properties["generator"] = {"$ref": "#/$defs/generator", "description": properties["generator"]["description"]}
    taken = {
        "type": "object",
        "description": "The audits of a set of synth_project.yml; default: those of a model that names none",
        "properties": {"set": {"type": "string", "description": "a name of audit_sets, or default"}},
        "required": ["set"],
        "additionalProperties": False,
    }
    either = {"anyOf": [{"$ref": "#/$defs/audit"}, taken]}
    properties["audits"] = _array(either, properties["audits"]["description"])
    member = definitions["MemberSpec"]
    member["properties"]["audits"] = _array(either, member["properties"]["audits"]["description"])
    alone = {"type": "string", "description": "a table of which nothing is said"}
    tables = {"anyOf": [{"$ref": "#/$defs/MemberSpec"}, alone]}
    properties["tables"] = _array(tables, properties["tables"]["description"])
    definitions["model"] = model
    config = {"type": "object", "description": "the same keys, as dbt has them", "properties": dict(properties)}
    model["properties"] = {**properties, "config": config}
    return definitions


def _generator(generators: Catalogue, definitions: dict[str, Any]) -> dict[str, Any]:
    automatic = {"const": AUTO, "description": "the compiler chooses, by epsilon and the number of rows"}
    chosen = {"type": "object", "properties": {"name": automatic}, "required": ["name"]}
    names = [AUTO, *sorted(generators)]
    options: list[dict[str, Any]] = [{"enum": names}, {"type": "string"}, {**chosen, "additionalProperties": False}]
    options += _by_name(generators, definitions)
    other = _other(names, "a generator of another package, or of an earlier version")
    return {"anyOf": [*options, other], "description": "A generator by name, or {name: …, parameters}"}


def _runner(runners: Catalogue, definitions: dict[str, Any]) -> dict[str, Any]:
    names = sorted(runners)
    options = [{"enum": names}, {"type": "string"}, *_by_name(runners, definitions)]
    return {"anyOf": [*options, _other(names, "a runner of another package")]}


def _by_name(catalogue: Catalogue, definitions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """For each name an object of it, with the parameters beside it."""
    for name in sorted(catalogue):
        schema = _plain(catalogue[name].params, definitions)
        own_name = {"const": name, "description": catalogue[name].summary}
        yield {**schema, "properties": {"name": own_name, **schema.get("properties", {})}, "required": ["name"]}


def _other(names: Sequence[str], description: str) -> dict[str, Any]:
    """An object of a name that is none of these."""
    other = {"not": {"enum": names}, "description": description}
    return {"type": "object", "required": ["name"], "properties": {"name": other}}


def _audit(audits: Catalogue, definitions: dict[str, Any]) -> dict[str, Any]:
    shared = _plain(AuditSpec, definitions)["properties"]
    options = {k: shared[k] for k in sorted(AUDIT_OPTIONS)}
    properties = {}
    for name, (params, summary) in sorted(audits.items()):
        schema = _plain(params, definitions)
        schema["properties"] = {**schema.get("properties", {}), **options}
        schema["type"] = ["object", "null"]
        schema["description"] = summary
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
    schema = model.model_json_schema(ref_template="#/$defs/{model}", mode="validation", schema_generator=Described)
    for name, inner in schema.pop("$defs", {}).items():
        definitions.setdefault(name, _lenient(inner))
    return _lenient(schema)


_SINGLE = frozenset({"tags", "primary_key", "columns", "together", "constraints", "rules"})


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
