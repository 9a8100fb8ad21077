"""The JSON Schemas of receipts and run results, from the types of their values and what docstrings say of each field.

For those who read the files without synthkit it is written out: a part stands where it is used, and a demand is one of
the few keywords that :mod:`synthkit.verify.shape` knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import TypeAdapter

from synthkit.project.described import Described
from synthkit.project.jsonschema import DRAFT
from synthkit.records.receipt import Receipt
from synthkit.results import RunResults, RunStatus

_LEFT_OUT = ("title", "default")
# A run says all of this each time; in a receipt an older version may have left it out.
_ALWAYS = {
    "results": ["rows", "seconds", "fingerprints", "published", "audits", "message"],
    "audits": ["name", "column", "value", "ci", "threshold", "floor", "severity", "status", "message"],
}


def receipt_schema() -> dict[str, Any]:
    """Of ``<model>.receipt.json``. What an older version of synthkit did not write is not required."""
    return value_schema(Receipt, "synthkit receipt of a published table")


def run_results_schema() -> dict[str, Any]:
    """Of ``target/run_results.json``, with what a run says of itself besides (:meth:`RunResults.to_json`)."""
    found = value_schema(RunResults, "synthkit run results")
    result = found["properties"]["results"]["items"]
    found["properties"] |= {
        "status": {"enum": list(get_args(RunStatus)), "description": "of the run as a whole"},
        "untold": {"type": "integer", "minimum": 0, "description": "how many audits cannot tell"},
    }
    found["required"] += ["git"]
    result["required"] += _ALWAYS["results"]
    result["properties"]["audits"]["items"]["required"] = _ALWAYS["audits"]
    return found


def value_schema(value: type, title: str) -> dict[str, Any]:
    """Of a :class:`synthkit.records.record.Record` or a dataclass; ``title`` names the file that holds one."""
    found = TypeAdapter(value).json_schema(schema_generator=Described)
    parts = found.pop("$defs", {})
    found.pop("description", None)
    written = _written_out(found, parts)
    return {"$schema": DRAFT, "title": title, **written}


def _written_out(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        part = {k: v for k, v in parts[schema["$ref"].rpartition("/")[2]].items() if k != "description"}
        return _written_out({**part, **{k: v for k, v in schema.items() if k != "$ref"}}, parts)
    found = {k: v for k, v in schema.items() if k not in _LEFT_OUT and v is not True}
    if "description" in found:
        found["description"] = found["description"].removesuffix(".")
    if "enum" in found:
        del found["type"]  # which the words that are allowed say
    if "properties" in found:
        found["properties"] = {name: _written_out(part, parts) for name, part in found["properties"].items()}
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = _written_out(found["additionalProperties"], parts)
    if "prefixItems" in found:
        found["items"] = found.pop("prefixItems")[0]
    if "items" in found:
        found["items"] = _written_out(found["items"], parts)
    forms = found.pop("anyOf", None)
    return found if forms is None else {**_one_of([_written_out(form, parts) for form in forms]), **found}


def _one_of(forms: list[dict[str, Any]]) -> dict[str, Any]:
    """Several forms as one, where they differ in their type alone: ``{"type": ["string", "null"]}``."""
    if {"type": "number"} in [_typed(f) for f in forms]:
        forms = [f for f in forms if _typed(f) != {"type": "integer"}]  # each integer is a number
    null = {"type": "null"}
    others = [f for f in forms if f != null]
    if len(others) > 1:
        return {"anyOf": forms}
    (form,) = others
    if null not in forms:
        return form
    if "enum" in form:
        return {"enum": [*form["enum"], None]}
    if "anyOf" in form or ("properties" not in form and "items" in form and "minItems" in form):
        return {"anyOf": [null, form]}
    return {**form, "type": [*_types(form), "null"]}


def _types(form: Mapping[str, Any]) -> list[str]:
    return [form["type"]] if isinstance(form["type"], str) else list(form["type"])


def _typed(form: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": form.get("type")}
