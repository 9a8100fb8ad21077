"""The JSON Schema of a receipt, for those who read receipts without synthkit; `verify` holds each one against it."""

from __future__ import annotations

from typing import Any

from synthkit.project.jsonschema import DRAFT
from synthkit.store.resultschema import SECONDS, audit_record_schema, git_schema, said
from synthkit.store.warehouse import REQUIRED

_TEXT = {"type": "string"}
_TEXT_OR_NONE = {"type": ["string", "null"]}
_PARTS = ("train", "sample", "audit")
_TEXTS = {"type": "array", "items": _TEXT}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_COUNT = {"type": "integer", "minimum": 0}
_COUNT_OR_NONE = {"type": ["integer", "null"], "minimum": 0}
_NUMBER_OR_NONE = {"type": ["number", "null"], "minimum": 0}
_NAMED_TEXTS = {"type": "object", "additionalProperties": _TEXT}
_NAMED_COUNTS = {"type": "object", "additionalProperties": _COUNT}
_OBJECTS = {"type": "array", "items": {"type": "object"}}


def receipt_schema() -> dict[str, Any]:
    """Of ``<model>.receipt.json``. What an older version of synthkit did not write is not required."""
    return {
        "$schema": DRAFT,
        "title": "synthkit receipt of a published table",
        "type": "object",
        "required": sorted(REQUIRED),
        "properties": {
            "model": said(_TEXT, "the table's name"),
            "run_id": said(_TEXT, "the run that published it"),
            "published_at": said({"type": "string", "format": "date-time"}, "UTC"),
            "rows": said(_COUNT, "of the table"),
            "source_rows": {**_COUNT_OR_NONE, "description": "withheld (null) of a table under epsilon"},
            "schema": said(_table_schema(), "its columns, with their logical and SQL types"),
            "columns": {
                "type": "array",
                "description": "their names and SQL types",
                "items": _column(["name", "type"], name="as published", type="its SQL type"),
            },
            "fingerprints": {
                "type": "object",
                "description": "the hashes of what trains it, draws from it and audits it",
                "required": list(_PARTS),
                "additionalProperties": _SHA256,
            },
            "inputs": said(_inputs(), "what the hashes were made of"),
            "uses": said({"type": "array", "items": _rendering()}, "what the YAML was rendered with"),
            "seed": said({"type": "integer"}, "of its random numbers, privacy noise aside"),
            "generator": {
                "type": "object",
                "description": "what drew the rows",
                "required": ["name"],
                "properties": {
                    "name": said(_TEXT, "by which the YAML names it"),
                    "params": said({"type": "object"}, "its parameters, defaults too"),
                    "version": said({"type": "integer"}, "is raised when the same seed gives other rows"),
                },
            },
            "source": said(_TEXT_OR_NONE, "the node that it learnt from"),
            "signature": {**_TEXT, "description": "an SSH signature of the rest of the receipt: docs/review.md"},
            "holdout": {
                "type": ["object", "null"],
                "description": "the held-out rows that judged the table",
                "required": ["share", "of"],
                "properties": {
                    "share": said({"type": "number", "minimum": 0}, "of the rows; 0: none was held out"),
                    "of": {**_TEXT, "description": "the node whose rows are divided"},
                    "through": {**_TEXTS, "description": "SQL models that its held-out rows were put through"},
                    "why": {**_TEXT, "description": "why no source's held-out rows judge it"},
                },
            },
            "epsilon": said(_NUMBER_OR_NONE, "what it was trained under; null: no differential privacy"),
            "delta": said(_NUMBER_OR_NONE, "the δ beside it"),
            "privacy": _privacy(),
            "guarantees": said(_guarantees(), "towards each account that it descends from"),
            "teacher": _teacher(),
            "contains_real_rows": said({"type": "boolean"}, "whether rows of a source are in it"),
            "descends_from": said(_TEXTS, "the sources whose rows are in it or behind it"),
            "materialized": said({"enum": ["table", "view", "parquet", "ephemeral"]}, "what it is published as"),
            "description": said(_TEXT_OR_NONE, "for people, from the YAML"),
            "column_descriptions": said(_NAMED_TEXTS, "column → what it is, from the YAML"),
            "required": said(_required(), "the audits that it had to pass"),
            "source_columns": said(_of_each(_NAMED_TEXTS), "source → its columns and types"),
            "ephemeral": said(_of_each({"type": "object"}), "the ephemeral tables behind it"),
            "audits": said({"type": "array", "items": _audit()}, "what each audit found"),
            "seconds": said(SECONDS, "phase → how long it took"),
            "versions": said(_NAMED_TEXTS, "of synthkit, Python and the packages that compute"),
            "git": said(git_schema(), "of the project, where it is in git"),
            "device": said(_TEXT, "where it was trained"),
            "environment": _environment(),
            "file": {**_TEXT, "description": "the Parquet file, seen from the receipt's folder"},
            "sha256": said(_SHA256, "of the Parquet file"),
            "md5": {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "by which DVC names the file"},
            "bytes": said(_COUNT, "of the Parquet file"),
            "previous": {**_SHA256, "type": ["string", "null"], "description": "of the receipt that it replaced"},
            "restored": {
                "type": "object",
                "description": "where an old version was published again",
                "required": ["at", "commit"],
                "properties": {"at": said(_TEXT, "when"), "commit": said(_TEXT, "where it was read from git")},
            },
        },
    }


def _of_each(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema}


def _required() -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "required": ["name"]}}


def _guarantees() -> dict[str, Any]:
    return {"type": ["array", "null"], "items": _guarantee()}


def _inputs() -> dict[str, Any]:
    parts = {part: said({"type": "object"}, f"of the {part} hash") for part in _PARTS}
    return {"type": "object", "properties": parts}


def _column(required: list[str], **meanings: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required,
        "properties": {name: said(_TEXT, text) for name, text in meanings.items()},
    }


def _environment() -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "description": "where the rows were computed: elsewhere their bytes may differ",
        "required": ["platform", "processor", "threads", "held", "kernels"],
        "properties": {
            "platform": said(_TEXT, "system and kind of processor"),
            "processor": said(_TEXT, "by its maker's name"),
            "threads": {"type": "integer", "minimum": 1, "description": "of the linear algebra of one training"},
            "held": {**_NAMED_TEXTS, "description": "variables that hold libraries to one set of instructions"},
            "kernels": {**_NAMED_TEXTS, "description": "what the loaded libraries compute with"},
        },
    }


def _audit() -> dict[str, Any]:
    """A record as the audit runner writes it; of a table under ε, or of an older version, parts of it."""
    return {**audit_record_schema(), "required": ["name", "status"]}


def _table_schema() -> dict[str, Any]:
    names = {"name": "as published", "type": "its logical type", "sql_type": "its SQL type"}
    column = _column(list(names), **names)
    seen = "whether it was declared or seen to have nulls"
    column["properties"]["nullable"] = said({"type": ["boolean", "null"]}, seen)
    return {
        "type": "object",
        "required": ["columns"],
        "properties": {
            "columns": said({"type": "array", "items": column}, "in their order"),
            "primary_key": said(_TEXTS, "the columns that name a row"),
            "privacy_unit": said(_TEXT_OR_NONE, "the column that says whose row it is"),
        },
    }


def _rendering() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "what a value was rendered with; of environment variables the names alone",
        "required": ["path"],
        "properties": {
            "path": said(_TEXTS, "the key, from the model down"),
            "template": said(_SHA256, "of the text before rendering"),
            "vars": said({"type": "object"}, "name → value"),
            "env_vars": said(_TEXTS, "names alone"),
            "macros": said({"type": "object", "additionalProperties": _SHA256}, "name → hash of its text"),
            "project": {"type": "integer", "description": "of the seed: the project's, where the model has none"},
        },
    }


def _privacy() -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "description": "what the ledger was charged for the training that drew the rows",
        "required": ["entry", "account", "mechanisms"],
        "properties": {
            "entry": {**_SHA256, "description": "the hash of the ledger's entry"},
            "account": said(_TEXT, "whose privacy was spent: a source table or a population"),
            "privacy_unit": said(_TEXT_OR_NONE, "the column that says whose row it is; null: each row is one's own"),
            "max_rows_per_unit": said({"type": "integer", "minimum": 1}, "rows of one unit that were read at most"),
            "mechanisms": said(_OBJECTS, "what was released, and with how much noise"),
            "insecure_seed": said({"type": ["integer", "null"]}, "of noise that whoever knows it can repeat"),
        },
    }


def _teacher() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "who was asked for the rows, for what use, and at what cost",
        "required": ["provider", "model", "intended_use", "usd", "usage", "requests"],
        "properties": {
            "provider": said(_TEXT, "whose model it is"),
            "model": said(_TEXT, "the provider's model id"),
            "intended_use": said(_TEXT, "what the table is for"),
            "terms_ack": said({"type": "boolean"}, "the provider's terms were read and allow this use"),
            "usd": {**_TEXT, "pattern": "^[0-9.E+-]+$", "description": "exact, so a text"},
            "max_usd": said(_TEXT, "what it may cost at most"),
            "usage": said(_NAMED_COUNTS, "tokens by kind"),
            "requests": said(_COUNT, "how many were answered"),
            "counts": said(_NAMED_COUNTS, "items asked for, accepted and rejected, by stage"),
            "stopped": said(_TEXT_OR_NONE, "why it ended early"),
        },
    }


def _guarantee() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["account", "sources", "epsilon", "delta"],
        "properties": {
            "account": said(_TEXT, "a source table or a population"),
            "sources": said(_TEXTS, "of that account, behind the table"),
            "epsilon": {**_NUMBER_OR_NONE, "description": "null: there is no bound"},
            "delta": said(_NUMBER_OR_NONE, "the δ beside it"),
            "releases": said(_TEXTS, "the trained tables that it is made from"),
            "unprotected": said(_TEXTS, "the ways by which rows reach it without ε"),
            "entries": said({"type": "array", "items": _SHA256}, "of the ledger"),
        },
    }
