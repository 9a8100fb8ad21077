"""A data contract of the Open Data Contract Standard 3.1 (https://bitol-io.github.io/open-data-contract-standard).

What it promises of columns is what audits demand of every published version; what they found is told as quality in
words. Purpose, limitations and retention are the standard's own fields; that rows are synthetic is a tag, and a custom
property beside the guarantee.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthkit.exports.card import nature, sentence
from synthkit.exports.contract import ExportedTable, Exporter, Package
from synthkit.exports.kinds import Kind, kinds
from synthkit.records.audit import AuditRecord
from synthkit.records.usage import Usage
from synthkit.report.style import measured

_TYPES: Mapping[Kind, str] = {
    "boolean": "boolean",
    "integer": "integer",
    "float": "number",
    "decimal": "number",
    "date": "date",
    "time": "time",
    "timestamp": "timestamp",
    "instant": "timestamp",
    "list": "array",
    "struct": "object",
    "map": "object",
}
_UNITS = {"day": "d", "week": "w", "month": "m", "year": "y"}


def write(package: Package, path: Path) -> None:
    import yaml

    path.write_text(yaml.safe_dump(contract(package), sort_keys=False, allow_unicode=True), "utf-8")


def contract(package: Package) -> dict[str, Any]:
    """The contract, as a mapping."""
    usage = package.usage
    intended = [*dict.fromkeys(use for table in package.tables for use in table.usage.intended)]
    barred = [*dict.fromkeys(use for table in package.tables for use in table.usage.not_for)]
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"{package.project}.{package.target}.{package.name}",
        "name": package.name,
        "version": package.version,
        "status": "active",
        "tags": [*package.natures],
        "description": {
            "purpose": "; ".join(intended) or package.description,
            **({"limitations": "Not for: " + "; ".join(barred)} if barred else {}),
            "usage": package.description,
        },
        **({"servers": [_server(package)]} if package.database else {}),
        **_people(usage),
        **_kept(package),
        "schema": [_table(table) for table in package.tables],
        "customProperties": [
            *_custom("synthetic", package.synthetic),
            *_custom("licence", usage.licence),
        ],
    }


def _server(package: Package) -> dict[str, Any]:
    assert package.database is not None
    return {
        "server": package.target,
        "type": "duckdb",
        "database": package.database.name,
        "schema": "main",
        "environment": package.target,
    }


def _people(usage: Usage) -> dict[str, Any]:
    found: dict[str, Any] = {}
    owner = usage.owner
    if owner is not None:
        members = [{"username": owner.email, "role": "owner"}] if owner.email else []
        found["team"] = {"name": owner.name or owner.email, **({"members": members} if members else {})}
    if usage.contact:
        url = usage.contact if "://" in usage.contact else f"mailto:{usage.contact}" if "@" in usage.contact else None
        found["support"] = [{"channel": usage.contact, **({"url": url} if url else {})}]
    return found


def _kept(package: Package) -> dict[str, Any]:
    """Retention, of each table that says it."""
    terms = []
    for table in package.tables:
        said = table.usage.retention
        if said is not None:
            count, _, unit = said.partition(" ")
            period = {"value": int(count), "unit": _UNITS[unit.removesuffix("s")]} if unit else {"value": said}
            terms.append({"property": "retention", **period, "element": table.name})
    return {"slaProperties": terms} if terms else {}


def _table(table: ExportedTable) -> dict[str, Any]:
    keys = [
        {
            "from": [f"{table.name}.{c}" for c in key.columns] if len(key.to) > 1 else f"{table.name}.{key.columns[0]}",
            "to": [f"{key.references}.{c}" for c in key.to] if len(key.to) > 1 else f"{key.references}.{key.to[0]}",
            "type": "foreignKey",
        }
        for key in table.keys
        if key.to and len(key.to) == len(key.columns)
    ]
    return {
        "name": table.name,
        "logicalType": "object",
        "physicalType": "view" if table.receipt.materialized == "view" else "table",
        "description": " ".join(part for part in (sentence(table.description), nature(table)) if part),
        **({"tags": ["synthetic"]} if table.synthetic else {}),
        "properties": _columns(table),
        **({"relationships": keys} if keys else {}),
        **({"quality": [_quality(audit) for audit in table.audits]} if table.audits else {}),
        "customProperties": [
            *_custom("synthetic", table.synthetic),
            *_custom("privacy", table.statement),
            *_custom("generator", table.receipt.generator.name),
            *_custom("rows", table.rows),
            *_custom("sha256", table.receipt.sha256),
            *_custom("publishedAt", table.receipt.published_at),
            *_custom("usage", table.usage.to_json() or None),
        ],
    }


def _columns(table: ExportedTable) -> list[dict[str, Any]]:
    held = {c.name: c.sql_type for c in table.columns}
    origins = table.origins
    found = []
    for name, kind in kinds(table.arrow).items():
        key = {"primaryKey": True, "primaryKeyPosition": [*table.primary_key, name].index(name) + 1}
        found.append(
            {
                "name": name,
                "logicalType": _TYPES.get(kind, "string"),
                "physicalType": held[name],
                **({"description": words} if (words := table.column_descriptions.get(name)) else {}),
                **(key if name in table.primary_key else {}),
                **({"required": True} if name in table.not_null else {}),
                **({"unique": True} if name in table.unique else {}),
                **({"customProperties": _custom("madeBy", origins[name].in_words)} if name in origins else {}),
            }
        )
    return found


def _quality(audit: AuditRecord) -> dict[str, Any]:
    return {
        "name": audit.name,
        "type": "text",
        "description": f"{audit.status}: {measured(audit)}",
        "severity": audit.severity,
    }


def _custom(name: str, value: Any) -> list[dict[str, Any]]:
    return [] if value is None else [{"property": name, "value": value}]


ODCS = Exporter("odcs", write, (".yaml", ".yml"))
