"""A receipt made by hand, for tests of what reads receipts."""

from __future__ import annotations

from typing import Any

from synthkit.records.receipt import AuditedTable, Receipt

MADE: dict[str, Any] = {
    "model": "m",
    "run_id": "r1",
    "published_at": "2026-01-01T00:00:00Z",
    "rows": 3,
    "source_rows": None,
    "schema": {"columns": [{"name": "n", "type": "integer", "sql_type": "BIGINT"}]},
    "columns": [{"name": "n", "type": "BIGINT"}],
    "fingerprints": {"train": "1" * 64, "sample": "2" * 64, "audit": "3" * 64},
    "inputs": {},
    "seed": 1,
    "generator": {"name": "sql", "params": {}, "version": 1},
    "source": None,
    "epsilon": None,
    "delta": None,
    "contains_real_rows": False,
    "descends_from": ["source:crm.customers"],
    "materialized": "table",
    "description": None,
    "column_descriptions": {},
    "audits": [],
    "versions": {},
}
FILE = {"file": "m/0.parquet", "sha256": "0" * 64, "bytes": 1}


def audited(**said: Any) -> AuditedTable:
    """What is recorded before a table is published."""
    return AuditedTable.from_json({**MADE, **said})


def receipt(**said: Any) -> Receipt:
    return Receipt.from_json({**MADE, **FILE, **said})
