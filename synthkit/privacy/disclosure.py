"""What may be published of a table: decided here, field by field, for every record that is published, and nowhere else.

Published are a table's receipt, ``synth_meta`` and comments in DuckDB, the metadata of its Parquet files, what reports
and the site show, events of lineage, and the ledger. Each of their fields is of one :class:`Kind`; a table's
:data:`Disclosure` says which kinds are withheld. A field that is not classified is withheld, and a test enumerates the
fields of each record as builds write them, and demands that each is classified.

=========  ==============================================================================
disclosure  is
=========  ==============================================================================
private    a table that promises some ε; and one that does not, but is made from, or held against, rows of people whom
           a budget or another table's ε protects: a figure beside it would break that promise
guarded    a table over a source that is marked ``sensitive``, and under no ε
open       any other
=========  ==============================================================================

Real rows that reach a table only through trainings under ε are in none of this: all of that is post-processing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any, Literal, TypeVar

from synthkit.records.audit import AuditRecord
from synthkit.records.columns import ColumnOrigin
from synthkit.records.receipt import AuditedTable
from synthkit.results import ModelResult

T = TypeVar("T", bound=AuditedTable)
Disclosure = Literal["open", "guarded", "private"]
WITHHELD = "its figures are computed from the real rows, so they are not published"
UNTOLD = "its words and details may name numbers of real rows, so they are not published"
UNSAID = "it was not built; the reason may quote rows, and is on the console and in the log of who built it"


class Kind(Enum):
    """Where a published field comes from, and so what it could tell of real rows."""

    DECLARED = "the YAML, the environment, the machine, the clock: no row decides it"
    DRAWN = "the rows that are published themselves, and what is computed from them alone"
    VERDICT = "a bit or two about the real rows, which no theorem covers: whether an audit passed, whether rows changed"
    KEYED = "a hash over real rows, keyed with the project's secret"
    LEDGER = "what the ledger was charged, which follows from declarations"
    TYPES = "names and types of columns; of a private table those that are declared"
    COST = "what a third party was paid for: it saw the rows by `allow_external`"
    COUNT = "a number of real rows, or what follows from one, such as times"
    WORDS = "sentences and details of what looked at real rows: they may name a count or quote a value"
    FIGURE = "computed from real rows"


_WITHHELD: Mapping[str, frozenset[Kind]] = {
    "open": frozenset(),
    "guarded": frozenset({Kind.COUNT, Kind.WORDS}),
    "private": frozenset({Kind.COUNT, Kind.WORDS, Kind.FIGURE}),
}
Fields = Mapping[str, "Kind | Fields"]

# Of an audit that looks at real rows; of others every field is of the published rows. The threshold is what is declared
# (:class:`synthkit.audits.gate.Limit`); the number that it comes to may follow from real rows, and is the ``limit``.
AUDIT: Fields = {
    "name": Kind.DECLARED,
    "severity": Kind.DECLARED,
    "threshold": Kind.DECLARED,
    "compares": Kind.DECLARED,
    "status": Kind.VERDICT,
    "column": Kind.FIGURE,
    "value": Kind.FIGURE,
    "ci": Kind.FIGURE,
    "floor": Kind.FIGURE,
    "limit": Kind.FIGURE,
    "better": Kind.FIGURE,
    "decide": Kind.FIGURE,
    "columns": Kind.FIGURE,
    "message": Kind.WORDS,
    "details": Kind.WORDS,
    "seconds": Kind.COUNT,
}
_INPUTS: Fields = {
    "train": {
        **dict.fromkeys(("generator", "packages", "declared", "seed", "holdout", "device", "threads"), Kind.DECLARED),
        **dict.fromkeys(("epsilon", "delta", "columns", "budget", "rules", "family"), Kind.DECLARED),
        "sources": Kind.KEYED,
        "owners": Kind.KEYED,
    },
    "sample": dict.fromkeys(
        (
            "size",
            "of",
            "conditions",
            "across",
            "constraints",
            "keys",
            "fill",
            "packages",
            "engine",
            "at_least",
            "at_most",
            "member",
            "partitions",
        ),
        Kind.DECLARED,
    ),
    "audit": {"audits": Kind.DECLARED, "tables": Kind.KEYED, "reference": Kind.KEYED},
}
_GUARANTEE: Fields = {
    **dict.fromkeys(("account", "sources", "releases", "unprotected"), Kind.DECLARED),
    **dict.fromkeys(("epsilon", "delta", "entries"), Kind.LEDGER),
}
# A rule that the rows showed computes a column, and its text says more than that it is computed.
_ORIGIN: Fields = {"name": Kind.TYPES, "how": Kind.VERDICT, "by": Kind.FIGURE}
# How much a teacher was asked and told tells how many rows it was shown, where it is no third party that was paid.
_TEACHER: Fields = {
    **dict.fromkeys(("provider", "model", "reach", "intended_use", "terms_ack", "max_usd", "prices_of"), Kind.DECLARED),
    **dict.fromkeys(("domain", "topics", "filters"), Kind.DECLARED),
    "usd": Kind.COST,
    **dict.fromkeys(("usage", "requests", "counts", "stopped"), Kind.COUNT),
}
RECEIPT: Fields = {
    **dict.fromkeys(
        ("model", "run_id", "published_at", "uses", "seed", "generator", "source", "holdout"), Kind.DECLARED
    ),
    **dict.fromkeys(("epsilon", "delta", "contains_real_rows", "descends_from", "materialized"), Kind.DECLARED),
    **dict.fromkeys(
        ("description", "column_descriptions", "usage", "required", "versions", "git", "device"), Kind.DECLARED
    ),
    "environment": Kind.DECLARED,  # of the machine
    **dict.fromkeys(("family", "keys"), Kind.DECLARED),
    **dict.fromkeys(("rows", "file", "sha256", "md5", "bytes", "previous", "restored", "signature"), Kind.DRAWN),
    "promoted": Kind.DRAWN,
    **dict.fromkeys(("schema", "columns", "source_columns"), Kind.TYPES),
    "column_origins": _ORIGIN,
    "fingerprints": Kind.KEYED,
    "inputs": _INPUTS,
    "ephemeral": Kind.KEYED,  # fingerprints and inputs of tables that leave no receipt, each as its own says them
    "privacy": Kind.LEDGER,
    "guarantees": _GUARANTEE,
    "teacher": _TEACHER,
    "audits": AUDIT,
    "source_rows": Kind.COUNT,
    "rules": Kind.FIGURE,
    "seconds": Kind.COUNT,
}
# What became of a table in a run; its ``message`` quotes rows only where it is that of an error.
RESULT: Fields = {
    **dict.fromkeys(("model", "action", "generator", "path", "places", "materialized"), Kind.DECLARED),
    **dict.fromkeys(("family", "keys"), Kind.DECLARED),
    **dict.fromkeys(("epsilon", "delta", "withheld", "disclosure"), Kind.DECLARED),
    "rows": Kind.DRAWN,
    "column_origins": _ORIGIN,
    "published": Kind.VERDICT,
    "status": Kind.VERDICT,
    "message": Kind.VERDICT,
    "fingerprints": Kind.KEYED,
    "audits": AUDIT,
    "seconds": Kind.COUNT,
    **dict.fromkeys(("consumed", "queued"), Kind.COUNT),
    "paid": Kind.COST,
}
# ``synth_meta`` is filled from receipts as they are published, so of withheld kinds its columns hold NULL.
META: Mapping[str, Fields] = {
    "tables": {
        **dict.fromkeys(("name", "materialized", "generator", "source", "seed", "description"), Kind.DECLARED),
        **dict.fromkeys(("published_at", "run_id", "family"), Kind.DECLARED),
        **dict.fromkeys(("rows", "columns", "parquet", "bytes"), Kind.DRAWN),
        **dict.fromkeys(("epsilon", "delta"), Kind.LEDGER),
        "fingerprint": Kind.KEYED,
        "audits": Kind.DECLARED,
        **dict.fromkeys(("status", "inconclusive"), Kind.VERDICT),
    },
    "columns": {
        **dict.fromkeys(("table", "position", "name", "type"), Kind.TYPES),
        "how": Kind.VERDICT,
        "by": Kind.FIGURE,
        "description": Kind.DECLARED,
        "audits": Kind.DECLARED,
    },
    "keys": {
        **dict.fromkeys(("table", "columns", "references", "to", "kind", "joins"), Kind.DECLARED),
        "verdict": Kind.VERDICT,
    },
    "audits": {
        **dict.fromkeys(("table", "name", "severity", "threshold"), Kind.DECLARED),
        **dict.fromkeys(("column", "value", "ci_low", "ci_high", "floor"), Kind.FIGURE),
        "status": Kind.VERDICT,
        "message": Kind.WORDS,
    },
    "privacy": {
        **dict.fromkeys(("table", "contains_real_rows", "sources"), Kind.DECLARED),
        **dict.fromkeys(("epsilon", "delta", "statement"), Kind.LEDGER),
    },
    "usage": dict.fromkeys(
        ("table", "intended", "not_for", "owner", "owner_email", "licence", "retention", "contact"), Kind.DECLARED
    ),
    "lineage": dict.fromkeys(("table", "relation", "parent", "kind"), Kind.DECLARED),
    "exposures": dict.fromkeys(("name", "table", "type", "owner", "owner_email", "url", "description"), Kind.DECLARED),
    "runs": {
        **dict.fromkeys(("run_id", "started_at", "ended_at", "command", "target", "seed"), Kind.DECLARED),
        **dict.fromkeys(("models", "commit", "versions"), Kind.DECLARED),
        "status": Kind.VERDICT,
    },
}
PARQUET: Fields = {
    "synthkit.model": Kind.DECLARED,
    "synthkit.generator": Kind.DECLARED,
    "synthkit.epsilon": Kind.DECLARED,
    "synthkit.columns": Kind.VERDICT,
    "synthkit.fingerprint": Kind.KEYED,
}
# Facets of OpenLineage events; figures of audits come from results that were made public before.
LINEAGE: Mapping[str, Fields] = {
    "run": {
        **dict.fromkeys(("processing_engine", "parent", "tags"), Kind.DECLARED),
        "synthkit_run": {
            **dict.fromkeys(("run", "command", "target", "action"), Kind.DECLARED),
            "reason": Kind.VERDICT,
            "fingerprints": Kind.KEYED,
        },
        "test": Kind.VERDICT,
        "errorMessage": Kind.VERDICT,
    },
    "job": dict.fromkeys(("jobType", "documentation", "sourceCodeLocation", "sql"), Kind.DECLARED),
    "input": {"schema": Kind.TYPES, "version": Kind.KEYED},
    "output": {
        **dict.fromkeys(("documentation", "datasetType"), Kind.DECLARED),
        "schema": Kind.TYPES,
        "version": Kind.DRAWN,
        "outputStatistics": Kind.DRAWN,
        "dataQualityAssertions": Kind.VERDICT,
        "synthkit_privacy": Kind.LEDGER,
    },
}
# An entry says only what was declared: no row decides any of it.
LEDGER: Fields = {
    **dict.fromkeys(("version", "time", "run_id", "model", "sources", "account", "privacy_unit"), Kind.DECLARED),
    **dict.fromkeys(("max_rows_per_unit", "mechanisms", "epsilon", "delta", "insecure_seed"), Kind.DECLARED),
    **dict.fromkeys(("previous", "joins", "hash"), Kind.LEDGER),
    "train": Kind.KEYED,
}


def public_audits(
    records: Sequence[AuditRecord], real: Collection[str], disclosure: Disclosure = "private"
) -> tuple[AuditRecord, ...]:
    """Audit records as they may be published.

    Args:
        real: names of the audits that read real rows.
    """
    return tuple(AuditRecord.from_json(_said(r.to_json(), AUDIT, disclosure)) if r.name in real else r for r in records)


def public_result(result: ModelResult) -> ModelResult:
    """What became of a model, for a report that people without access to its source read."""
    disclosure = result.disclosure
    if disclosure == "open" and (result.epsilon is not None or result.withheld):  # of a run that did not record it
        disclosure = "private"
    if disclosure == "open":
        return result
    message = UNSAID if result.status == "error" and result.message else result.message
    audits = public_audits(result.audits, result.withheld, disclosure)
    origins = tuple(ColumnOrigin.from_json(_said(o.to_json(), _ORIGIN, disclosure)) for o in result.column_origins)
    apart = ("audits", "message", "column_origins")
    kept = _said({k: v for k, v in vars(result).items() if k not in apart}, RESULT, disclosure)
    return replace(result, **kept, audits=audits, message=message, column_origins=origins)


def public_receipt(table: T, real: Collection[str], disclosure: Disclosure = "private") -> T:
    """A receipt without what only real rows could tell.

    Args:
        real: names of the audits that read real rows.
    """
    if disclosure == "open":
        return table
    kept = _said({k: v for k, v in table.to_json().items() if k != "audits"}, RECEIPT, disclosure)
    return type(table).from_json({**kept, "audits": public_audits(table.audits, real, disclosure)})


def _said(record: Mapping[str, Any], fields: Fields, disclosure: Disclosure) -> dict[str, Any]:
    """The record with its withheld fields emptied, and without fields that nobody classified."""
    found = {}
    for key, value in record.items():
        kind = fields.get(key)
        if kind is None:
            if disclosure == "open":
                found[key] = value
        elif isinstance(kind, Kind):
            found[key] = value if kind not in _WITHHELD[disclosure] else _empty(key, value, disclosure)
        elif isinstance(value, Mapping):
            found[key] = _said(value, kind, disclosure)
        elif isinstance(value, list | tuple):
            found[key] = [_said(v, kind, disclosure) if isinstance(v, Mapping) else v for v in value]
        else:
            found[key] = value
    return found


def _empty(key: str, value: Any, disclosure: Disclosure) -> Any:
    """Nothing, in the field's own shape."""
    if key == "message":
        return WITHHELD if disclosure == "private" else UNTOLD
    if isinstance(value, tuple):
        return ()
    return {} if isinstance(value, Mapping) else [] if key == "columns" else None


def picturable(disclosure: Disclosure, show_real: bool) -> bool:
    """Whether a report may picture real rows beside a table.

    No row is pictured whose people some table, or some budget, promises to protect: a histogram on the page of a table
    without ε would break the promise of the one with it, as both are of the same rows. A picture has counts in it, so
    none is taken of a ``sensitive`` source either.
    """
    return show_real and disclosure == "open"
