"""The JSON Schema of a receipt, for those who read receipts without synthkit; `verify` holds each one against it."""

from __future__ import annotations

from typing import Any

from synthkit.project.jsonschema import DRAFT, audit_record_schema
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


def receipt_schema() -> dict[str, Any]:
    """Of ``<model>.receipt.json``. What an older version of synthkit did not write is not required."""
    return {
        "$schema": DRAFT,
        "title": "synthkit receipt of a published table",
        "type": "object",
        "required": sorted(REQUIRED),
        "properties": {
            "model": _TEXT,
            "run_id": _TEXT,
            "published_at": {"type": "string", "format": "date-time"},
            "rows": _COUNT,
            "source_rows": {**_COUNT_OR_NONE, "description": "withheld (null) of a table under epsilon"},
            "schema": _table_schema(),
            "columns": {
                "type": "array",
                "items": {"type": "object", "required": ["name", "type"], "properties": {"name": _TEXT, "type": _TEXT}},
            },
            "fingerprints": {
                "type": "object",
                "required": list(_PARTS),
                "additionalProperties": _SHA256,
            },
            "inputs": {"type": "object", "properties": {part: {"type": "object"} for part in _PARTS}},
            "uses": {"type": "array", "items": _rendering()},
            "seed": {"type": "integer"},
            "generator": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": _TEXT, "params": {"type": "object"}, "version": {"type": "integer"}},
            },
            "source": _TEXT_OR_NONE,
            "signature": {**_TEXT, "description": "an SSH signature of the rest of the receipt: docs/review.md"},
            "holdout": {
                "type": ["object", "null"],
                "description": "the held-out rows that judged the table",
                "required": ["share", "of"],
                "properties": {
                    "share": {"type": "number", "minimum": 0},
                    "of": {**_TEXT, "description": "the node whose rows are divided"},
                    "through": {**_TEXTS, "description": "SQL models that its held-out rows were put through"},
                    "why": {**_TEXT, "description": "why no source's held-out rows judge it"},
                },
            },
            "epsilon": _NUMBER_OR_NONE,
            "delta": _NUMBER_OR_NONE,
            "privacy": _privacy(),
            "guarantees": {"type": ["array", "null"], "items": _guarantee()},
            "teacher": _teacher(),
            "contains_real_rows": {"type": "boolean"},
            "descends_from": _TEXTS,
            "materialized": {"enum": ["table", "view", "parquet", "ephemeral"]},
            "description": _TEXT_OR_NONE,
            "column_descriptions": _NAMED_TEXTS,
            "required": {"type": "array", "items": {"type": "object", "required": ["name"]}},
            "source_columns": {"type": "object", "additionalProperties": _NAMED_TEXTS},
            "ephemeral": {"type": "object", "additionalProperties": {"type": "object"}},
            "audits": {"type": "array", "items": _audit()},
            "seconds": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
            "versions": _NAMED_TEXTS,
            "git": {
                "type": ["object", "null"],
                "properties": {"commit": _TEXT, "dirty": {"type": "boolean"}},
            },
            "device": _TEXT,
            "environment": _environment(),
            "file": {**_TEXT, "description": "the Parquet file, seen from the receipt's folder"},
            "sha256": _SHA256,
            "md5": {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "by which DVC names the file"},
            "bytes": _COUNT,
            "previous": {**_SHA256, "type": ["string", "null"], "description": "of the receipt that it replaced"},
            "restored": {"type": "object", "required": ["at", "commit"], "properties": {"at": _TEXT}},
        },
    }


def _environment() -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "description": "where the rows were computed: elsewhere their bytes may differ",
        "required": ["platform", "processor", "threads", "held", "kernels"],
        "properties": {
            "platform": _TEXT,
            "processor": _TEXT,
            "threads": {"type": "integer", "minimum": 1, "description": "of the linear algebra of one training"},
            "held": {**_NAMED_TEXTS, "description": "variables that hold libraries to one set of instructions"},
            "kernels": {**_NAMED_TEXTS, "description": "what the loaded libraries compute with"},
        },
    }


def _audit() -> dict[str, Any]:
    """A record as the audit runner writes it; of a table under ε, or of an older version, parts of it."""
    return {**audit_record_schema(), "required": ["name", "status"]}


def _table_schema() -> dict[str, Any]:
    column = {
        "type": "object",
        "required": ["name", "type", "sql_type"],
        "properties": {"name": _TEXT, "type": _TEXT, "sql_type": _TEXT, "nullable": {"type": ["boolean", "null"]}},
    }
    return {
        "type": "object",
        "required": ["columns"],
        "properties": {
            "columns": {"type": "array", "items": column},
            "primary_key": _TEXTS,
            "privacy_unit": _TEXT_OR_NONE,
        },
    }


def _rendering() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "what a value was rendered with; of environment variables the names alone",
        "required": ["path"],
        "properties": {
            "path": _TEXTS,
            "template": _SHA256,
            "vars": {"type": "object"},
            "env_vars": _TEXTS,
            "macros": {"type": "object", "additionalProperties": _SHA256},
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
            "account": _TEXT,
            "privacy_unit": _TEXT_OR_NONE,
            "max_rows_per_unit": {"type": "integer", "minimum": 1},
            "mechanisms": {"type": "array", "items": {"type": "object"}},
            "insecure_seed": {"type": ["integer", "null"]},
        },
    }


def _teacher() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "who was asked for the rows, for what use, and at what cost",
        "required": ["provider", "model", "intended_use", "usd", "usage", "requests"],
        "properties": {
            "provider": _TEXT,
            "model": _TEXT,
            "intended_use": _TEXT,
            "terms_ack": {"type": "boolean"},
            "usd": {**_TEXT, "pattern": "^[0-9.E+-]+$", "description": "exact, so a text"},
            "max_usd": _TEXT,
            "usage": {"type": "object", "additionalProperties": _COUNT},
            "requests": _COUNT,
            "counts": {"type": "object", "additionalProperties": _COUNT},
            "stopped": _TEXT_OR_NONE,
        },
    }


def _guarantee() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["account", "sources", "epsilon", "delta"],
        "properties": {
            "account": _TEXT,
            "sources": _TEXTS,
            "epsilon": {**_NUMBER_OR_NONE, "description": "null: there is no bound"},
            "delta": _NUMBER_OR_NONE,
            "releases": _TEXTS,
            "unprotected": _TEXTS,
            "entries": {"type": "array", "items": _SHA256},
        },
    }
