"""``synth_meta``: what a DuckDB file says in SQL of the tables beside it, derived from receipts and from the YAML."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.privacy.guarantee import in_words, promised
from synthkit.records.audit import AuditRecord, undecided, untold
from synthkit.records.history import RunEntry
from synthkit.records.joins import Join, of_receipts
from synthkit.records.receipt import Receipt
from synthkit.records.usage import Responsible
from synthkit.store.others import META
from synthkit.store.target import TableInfo, Tables

if TYPE_CHECKING:
    import duckdb

LAYOUT = 7  # of synth_meta: raise it when its tables, or what stands in them, change

TABLES = {
    "tables": """name VARCHAR, rows BIGINT, columns INTEGER, materialized VARCHAR, generator VARCHAR, source VARCHAR,
        epsilon DOUBLE, delta DOUBLE, seed BIGINT, published_at VARCHAR, run_id VARCHAR, fingerprint VARCHAR,
        parquet VARCHAR, bytes BIGINT, description VARCHAR, status VARCHAR, audits INTEGER, inconclusive INTEGER,
        family VARCHAR""",
    "columns": """"table" VARCHAR, position INTEGER, name VARCHAR, type VARCHAR, how VARCHAR, "by" VARCHAR,
        description VARCHAR, audits VARCHAR[]""",
    "keys": """"table" VARCHAR, columns VARCHAR[], "references" VARCHAR, "to" VARCHAR[], kind VARCHAR, joins BOOLEAN,
        verdict VARCHAR""",
    "audits": """"table" VARCHAR, name VARCHAR, "column" VARCHAR, value DOUBLE, ci_low DOUBLE, ci_high DOUBLE,
        threshold VARCHAR, floor DOUBLE, severity VARCHAR, status VARCHAR, message VARCHAR""",
    "privacy": """"table" VARCHAR, epsilon DOUBLE, delta DOUBLE, contains_real_rows BOOLEAN, sources VARCHAR[],
        statement VARCHAR""",
    "usage": """"table" VARCHAR, intended VARCHAR[], not_for VARCHAR[], owner VARCHAR, owner_email VARCHAR,
        licence VARCHAR, retention VARCHAR, contact VARCHAR""",
    "lineage": """"table" VARCHAR, relation VARCHAR, parent VARCHAR, kind VARCHAR""",
    "exposures": """name VARCHAR, "table" VARCHAR, type VARCHAR, owner VARCHAR, owner_email VARCHAR, url VARCHAR,
        description VARCHAR""",
    "runs": """run_id VARCHAR, started_at VARCHAR, ended_at VARCHAR, command VARCHAR, target VARCHAR, status VARCHAR,
        seed BIGINT, models INTEGER, "commit" VARCHAR, versions VARCHAR""",
}


def write_meta(
    connection: duckdb.DuckDBPyConnection,
    warehouse: Tables,
    receipts: Mapping[str, Receipt],
    infos: Mapping[str, TableInfo],
    runs: Sequence[RunEntry],
) -> None:
    """Make and fill ``synth_meta`` in the connection's database."""
    import pyarrow as pa

    rows = meta_rows(receipts, infos, runs, lambda receipt: str(warehouse.file(receipt)))
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {META}")
    for table, columns in TABLES.items():
        connection.execute(f"CREATE TABLE {META}.{table} ({columns})")
        if rows[table]:
            # By way of Arrow: row by row takes seconds for a project of a thousand models.
            values = [pa.array(list(column)) for column in zip(*rows[table], strict=True)]
            connection.register("_rows", pa.table(values, names=[f"c{i}" for i in range(len(values))]))
            connection.execute(f"INSERT INTO {META}.{table} SELECT * FROM _rows")
            connection.unregister("_rows")


def meta_rows(
    receipts: Mapping[str, Receipt],
    infos: Mapping[str, TableInfo],
    runs: Sequence[RunEntry],
    place: Callable[[Receipt], str],
) -> dict[str, list[list[Any]]]:
    """The rows of each table of ``synth_meta``.

    Args:
        place: says where the Parquet file of a table lies.
    """
    found = of_receipts(receipts)
    return {
        "tables": [_table_row(n, r, infos.get(n), place) for n, r in receipts.items()],
        "columns": [row for n, r in receipts.items() for row in _column_rows(n, r, infos.get(n))],
        "keys": [_key_row(n, j, r) for n, r in receipts.items() for j in found.get(n, ())],
        "audits": [_audit_row(n, a) for n, r in receipts.items() for a in r.audits],
        "privacy": [_privacy_row(n, r) for n, r in receipts.items()],
        "usage": [row for n, r in receipts.items() for row in _usage_rows(n, r, infos.get(n))],
        "lineage": [row for n, r in receipts.items() for row in _lineage_rows(n, r)],
        "exposures": [row for n in receipts for row in _exposure_rows(n, infos.get(n))],
        "runs": [_run_row(r) for r in runs],
    }


def meta_columns(table: str) -> tuple[tuple[str, str], ...]:
    """The columns of a table of ``synth_meta``: (name, DuckDB type).

    >>> meta_columns("lineage")
    (('table', 'VARCHAR'), ('relation', 'VARCHAR'), ('parent', 'VARCHAR'), ('kind', 'VARCHAR'))
    """
    pairs = (one.split() for one in TABLES[table].split(","))
    return tuple((name.strip('"'), sql_type) for name, sql_type in pairs)


def _table_row(name: str, r: Receipt, info: TableInfo | None, place: Callable[[Receipt], str]) -> list[Any]:
    return [
        name,
        r.rows,
        len(r.columns),
        info.materialized if info else r.materialized,
        r.generator.name,
        r.source or ", ".join(r.descends_from) or None,
        *(promised(r) or (None, None)),
        r.seed,
        r.published_at,
        r.run_id,
        r.fingerprints.sample,
        place(r),
        r.bytes,
        info.description if info else r.description,
        "warn" if undecided(r.audits) or any(a.status == "warn" for a in r.audits) else "pass",
        len(r.audits),
        untold(r.audits),
        None if r.family is None else r.family.name,
    ]


def _column_rows(table: str, r: Receipt, info: TableInfo | None) -> Iterator[list[Any]]:
    origins = {o.name: o for o in r.column_origins or ()}
    descriptions = r.column_descriptions if info is None else info.column_descriptions
    for position, column in enumerate(r.columns, 1):
        origin = origins.get(column.name)
        how, by = (None, None) if origin is None else (origin.how, origin.by)
        audits = list(r.looked_at(column.name))
        yield [table, position, column.name, column.type, how, by, descriptions.get(column.name), audits]


def _key_row(table: str, key: Join, r: Receipt) -> list[Any]:
    return [table, list(key.columns), key.references, list(key.to), key.kind, key.holds, key.verdict(r.audits)]


def _audit_row(table: str, a: AuditRecord) -> list[Any]:
    low, high = a.ci or (None, None)
    return [table, a.name, a.column, a.value, low, high, a.threshold, a.floor, a.severity, a.status, a.message]


def _privacy_row(table: str, r: Receipt) -> list[Any]:
    sources = [s.removeprefix("source:") for s in r.descends_from]
    return [table, *(promised(r) or (None, None)), r.contains_real_rows, sources, in_words(r)]


def _usage_rows(table: str, r: Receipt, info: TableInfo | None) -> Iterator[list[Any]]:
    """One row of a table that says anything of its use."""
    said = r.usage if info is None else info.usage
    if said is not None and said.facts():
        owner = said.owner or Responsible()
        rest = [said.licence, said.retention, said.contact]
        yield [table, list(said.intended), list(said.not_for), owner.name, owner.email, *rest]


def _lineage_rows(table: str, r: Receipt) -> Iterator[list[Any]]:
    """What the rows are made from, what they descend from beyond that, and whose held-out rows judged them."""
    direct = sorted({*r.inputs.sources, *([r.source] if r.source else [])})
    further = [node for node in r.descends_from if node not in direct]
    judged = [r.holdout.of] if r.holdout is not None and r.holdout.share else []
    for relation, nodes in (("made from", direct), ("descends from", further), ("judged by", judged)):
        for node in nodes:
            kind, _, parent = node.partition(":")
            yield [table, relation, parent, "source" if kind == "source" else "table"]


def _exposure_rows(table: str, info: TableInfo | None) -> Iterator[list[Any]]:
    for e in () if info is None else info.exposures:
        yield [e.name, table, e.type, e.owner, e.email, e.url, e.description]


def _run_row(r: RunEntry) -> list[Any]:
    commit = None if r.git is None else r.git.commit
    shown = [r.run_id, r.started_at, r.ended_at, r.command, r.target, r.status, r.seed, r.models]
    return [*shown, commit, json.dumps(dict(r.versions))]
