"""The JSON Schema of target/run_results.json, for those who read it without synthkit, and of an audit's record."""

from __future__ import annotations

from typing import Any

from synthkit.project.jsonschema import DRAFT

NUMBER = {"type": ["number", "null"]}
TEXT = {"type": "string"}
TEXT_OR_NONE = {"type": ["string", "null"]}
WHEN = {"type": "string", "format": "date-time"}
TEXTS = {"type": "array", "items": TEXT}
NAMED_TEXTS = {"type": "object", "additionalProperties": TEXT}
SECONDS = {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}
YES = {"type": "boolean"}


def said(schema: dict[str, Any], text: str) -> dict[str, Any]:
    """A property with what it means."""
    return {**schema, "description": text}


def audit_record_schema() -> dict[str, Any]:
    """Of what one audit found, in run_results.json and in receipts."""
    ends = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
    statuses = ["pass", "warn", "fail", "error", "inconclusive", "skipped"]
    return {
        "type": "object",
        "required": ["name", "column", "value", "ci", "threshold", "floor", "severity", "status", "message"],
        "properties": {
            "name": said(TEXT, "what reports call it"),
            "audit": said(TEXT_OR_NONE, "the audit's own name"),
            "column": said(TEXT_OR_NONE, "the column, pair or group that decided"),
            "value": said(NUMBER, "the measure; null where it could not be taken, or is withheld"),
            "ci": said({"anyOf": [{"type": "null"}, ends]}, "its 95 % interval"),
            "threshold": said(TEXT_OR_NONE, "what it is held against, as text; null: a report only"),
            "floor": said(NUMBER, "the same measure of real rows against real rows"),
            "severity": said({"enum": ["error", "warn"]}, "whether a failure keeps the table from being published"),
            "status": said({"enum": statuses}, "the verdict; inconclusive: too few rows to tell"),
            "message": said(TEXT, "one sentence: what failed, where, and what to try"),
            "seconds": said(NUMBER, "how long it took"),
            "columns": said({"type": "array", "items": {"type": "object"}}, "the columns responsible, worst first"),
            "details": said({"type": "object"}, "anything else"),
            "limit": said(NUMBER, "the number that the value is held against; null: a report only"),
            "better": said({"enum": ["lower", "higher", None]}, "on which side of the limit the value is to be"),
            "decide": said(
                {"enum": ["interval", "point", "lower", "upper", None]}, "what of the measure must keep the limit"
            ),
            "compares": said({"type": ["boolean", "null"]}, "whether it holds the table against real rows"),
        },
    }


def run_results_schema() -> dict[str, Any]:
    """Of target/run_results.json."""
    required = ["run_id", "started_at", "ended_at", "git", "versions", "target", "seed", "device", "results"]
    return {
        "$schema": DRAFT,
        "title": "synthkit run results",
        "type": "object",
        "required": required,
        "properties": {
            "run_id": said(TEXT, "the run, as ledger, receipts and synth_meta.runs name it"),
            "started_at": said(WHEN, "UTC"),
            "ended_at": said(WHEN, "UTC"),
            "git": said(git_schema(), "of the project, where it is in git"),
            "versions": said(NAMED_TEXTS, "of synthkit, Python and the packages that compute"),
            "target": said(TEXT, "where was published to"),
            "seed": said({"type": "integer"}, "the project's, or that of the command line"),
            "device": said(TEXT, "where generators train, as asked for"),
            "command": said(TEXT, "the verb"),
            "interrupted": said(YES, "whether it was stopped before its end"),
            "status": said({"enum": ["pass", "warn", "fail", "interrupted"]}, "of the run as a whole"),
            "untold": said({"type": "integer", "minimum": 0}, "how many audits cannot tell"),
            "results": said({"type": "array", "items": _result()}, "one for each model of the run"),
        },
    }


def git_schema() -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "properties": {"commit": said(TEXT, "its hash"), "dirty": said(YES, "whether anything was not committed")},
    }


def _result() -> dict[str, Any]:
    actions = ["train", "sample", "query", "ask", "audit", "reuse"]
    statuses = ["pass", "warn", "fail", "error", "skipped", "reused"]
    return {
        "type": "object",
        "required": ["model", "action", "status", "rows", "seconds", "fingerprints", "published", "audits", "message"],
        "properties": {
            "model": said(TEXT, "its name"),
            "action": said({"enum": actions}, "what was done for it"),
            "status": said({"enum": statuses}, "what it came to"),
            "rows": said({"type": ["integer", "null"], "minimum": 0}, "of the table"),
            "seconds": said(SECONDS, "phase → how long it took"),
            "fingerprints": said(NAMED_TEXTS, "the hashes of what trains it, draws from it and audits it"),
            "epsilon": said(NUMBER, "what it was trained under; null: no differential privacy"),
            "delta": said(NUMBER, "the δ beside it"),
            "published": said(YES, "whether this run published a new version"),
            "audits": said({"type": "array", "items": audit_record_schema()}, "what each audit found"),
            "message": said(TEXT, "one sentence, where something went wrong"),
            "generator": said(TEXT_OR_NONE, "by name"),
            "path": said(TEXT_OR_NONE, "the YAML file, seen from the project"),
            "materialized": said(TEXT_OR_NONE, "what it is published as"),
            "withheld": said(TEXTS, "audits whose figures tell of private rows: others are shown their verdicts alone"),
            "disclosure": said({"enum": ["open", "guarded", "private"]}, "who may see figures of it"),
            "places": said(TEXTS, "line:column of the model, and then of each audit, in that file"),
        },
    }
