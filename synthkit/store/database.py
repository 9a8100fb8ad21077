"""The DuckDB file: derived from the receipts and their Parquet files, built beside and renamed over.

A DuckDB writer locks out every other process, so the file that people read is never written to: readers that hold
the old one go on reading it, and the next connection sees the new one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.files import clean_temporaries, replacing
from synthkit.store.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb

META = "synth_meta"
LAYOUT = 1  # of synth_meta: raise it when its tables change

_TABLES = {
    "tables": """name VARCHAR, rows BIGINT, columns INTEGER, materialized VARCHAR, generator VARCHAR, source VARCHAR,
        epsilon DOUBLE, delta DOUBLE, seed BIGINT, published_at VARCHAR, run_id VARCHAR, fingerprint VARCHAR,
        parquet VARCHAR, bytes BIGINT, description VARCHAR""",
    "audits": """"table" VARCHAR, name VARCHAR, "column" VARCHAR, value DOUBLE, ci_low DOUBLE, ci_high DOUBLE,
        threshold VARCHAR, floor DOUBLE, severity VARCHAR, status VARCHAR, message VARCHAR""",
    "privacy": """"table" VARCHAR, epsilon DOUBLE, delta DOUBLE, contains_real_rows BOOLEAN, sources VARCHAR[],
        statement VARCHAR""",
    "runs": """run_id VARCHAR, started_at VARCHAR, ended_at VARCHAR, command VARCHAR, target VARCHAR, status VARCHAR,
        seed BIGINT, models INTEGER, "commit" VARCHAR, versions VARCHAR""",
}


@dataclass(frozen=True)
class TableInfo:
    """How a published table appears in DuckDB."""

    name: str
    materialized: str
    description: str | None = None
    column_descriptions: Mapping[str, str | None] = field(default_factory=dict)


def rebuild(warehouse: Warehouse, infos: Mapping[str, TableInfo], runs: Sequence[Mapping[str, Any]]) -> bool:
    """Bring the DuckDB file up to date; returns whether it had to be written.

    Raises:
        BuildError: the file cannot be written; the old one is then as it was.
    """
    receipts = warehouse.all_published()
    state = _state(receipts, infos, runs)
    marker = _marker(warehouse)
    if warehouse.database.exists() and marker.exists() and marker.read_text("utf-8") == state:
        return False
    if not receipts and not runs and not warehouse.database.exists():
        return False
    import duckdb

    clean_temporaries(warehouse.database.parent)
    with replacing(warehouse.database) as temporary:
        connection = duckdb.connect(str(temporary))
        try:
            _fill(connection, warehouse, receipts, infos, runs)
        finally:
            connection.close()
    with replacing(marker) as temporary:
        temporary.write_text(state, "utf-8")
    return True


def _marker(warehouse: Warehouse) -> Path:
    """Says which receipts the DuckDB file was derived from, so that a build with nothing to do opens neither."""
    return warehouse.directory / ".database-state"


def _state(
    receipts: Mapping[str, Mapping[str, Any]],
    infos: Mapping[str, TableInfo],
    runs: Sequence[Mapping[str, Any]],
) -> str:
    decides = {
        "layout": LAYOUT,
        "receipts": receipts,
        "infos": {k: asdict(v) for k, v in infos.items()},
        "runs": [r.get("run_id") for r in runs],
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()


def _fill(
    connection: duckdb.DuckDBPyConnection,
    warehouse: Warehouse,
    receipts: Mapping[str, Mapping[str, Any]],
    infos: Mapping[str, TableInfo],
    runs: Sequence[Mapping[str, Any]],
) -> None:
    for name, receipt in receipts.items():
        info = infos.get(name) or TableInfo(name, str(receipt["materialized"]))
        if info.materialized in ("table", "view"):
            _add_table(connection, info, warehouse.file(receipt))
    connection.execute(f"CREATE SCHEMA {META}")
    rows = {
        "tables": [_table_row(n, r, infos.get(n), warehouse) for n, r in receipts.items()],
        "audits": [_audit_row(n, a) for n, r in receipts.items() for a in r.get("audits", [])],
        "privacy": [_privacy_row(n, r) for n, r in receipts.items()],
        "runs": [_run_row(r) for r in runs],
    }
    for table, columns in _TABLES.items():
        connection.execute(f"CREATE TABLE {META}.{table} ({columns})")
        if rows[table]:
            marks = ", ".join("?" * len(rows[table][0]))
            connection.executemany(f"INSERT INTO {META}.{table} VALUES ({marks})", rows[table])


def _add_table(connection: duckdb.DuckDBPyConnection, info: TableInfo, parquet: Path) -> None:
    kind = "VIEW" if info.materialized == "view" else "TABLE"
    name = _quoted(info.name)
    # An absolute path: a view over a relative one breaks from another directory.
    scan = f"read_parquet({_text(str(parquet.resolve()))})"
    connection.execute(f"CREATE {kind} {name} AS SELECT * FROM {scan}")
    if info.description:
        connection.execute(f"COMMENT ON {kind} {name} IS {_text(info.description)}")
    columns = {str(row[0]) for row in connection.execute(f"DESCRIBE {name}").fetchall()}
    for column, description in info.column_descriptions.items():
        if description and column in columns:
            connection.execute(f"COMMENT ON COLUMN {name}.{_quoted(column)} IS {_text(description)}")


def _table_row(name: str, r: Mapping[str, Any], info: TableInfo | None, warehouse: Warehouse) -> list[Any]:
    return [
        name,
        r["rows"],
        len(r["columns"]),
        info.materialized if info else r["materialized"],
        r["generator"]["name"],
        r["source"] or ", ".join(r.get("descends_from", [])) or None,
        r["epsilon"],
        r["delta"],
        r["seed"],
        r["published_at"],
        r["run_id"],
        r["fingerprints"]["sample"],
        str(warehouse.file(r)),
        r["bytes"],
        info.description if info else r["description"],
    ]


def _audit_row(table: str, audit: Mapping[str, Any]) -> list[Any]:
    low, high = audit.get("ci") or (None, None)
    keys = ("threshold", "floor", "severity", "status", "message")
    return [
        table, audit["name"], audit.get("column"), audit.get("value"), low, high, *(audit.get(k) for k in keys)
    ]  # fmt: skip


def _privacy_row(table: str, r: Mapping[str, Any]) -> list[Any]:
    if r["contains_real_rows"]:
        statement = "contains real rows: no privacy protection"
    elif r["epsilon"] is not None:
        statement = f"({r['epsilon']}, {r['delta']})-differential privacy"
    else:
        statement = "synthetic rows, no formal privacy guarantee"
    sources = [s.removeprefix("source:") for s in r.get("descends_from", [])]
    return [table, r["epsilon"], r["delta"], r["contains_real_rows"], sources, statement]


def _run_row(run: Mapping[str, Any]) -> list[Any]:
    keys = ("run_id", "started_at", "ended_at", "command", "target", "status", "seed", "models")
    commit = (run.get("git") or {}).get("commit")
    return [*(run.get(k) for k in keys), commit, json.dumps(run.get("versions", {}))]


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
