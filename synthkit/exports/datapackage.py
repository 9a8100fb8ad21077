"""A Data Package of Frictionless: ``datapackage.json`` beside a CSV file for each table (https://datapackage.org).

Keys are the standard's own ``primaryKey`` and ``foreignKeys``; that rows are synthetic stands among its ``keywords``,
and what has no word there in ``synthkit:`` of a resource.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthkit.exports.card import CARD, said, sentence, write_card
from synthkit.exports.contract import ExportedTable, Exporter, Package
from synthkit.exports.kinds import Kind, kinds
from synthkit.exports.licences import address, spdx
from synthkit.exports.plain import write_csv
from synthkit.files import bytes_of, sha256_file
from synthkit.records.usage import Usage

_TYPES: Mapping[Kind, str] = {
    "boolean": "boolean",
    "integer": "integer",
    "float": "number",
    "decimal": "number",
    "date": "date",
    "time": "time",
    "timestamp": "datetime",
    "instant": "datetime",
    "list": "array",
    "struct": "object",
    "map": "object",
}


def write(package: Package, folder: Path) -> None:
    resources = []
    for table in package.tables:
        path = folder / f"{table.name}.csv"
        write_csv(table, path)
        resources.append(_resource(table, path))
    usage = package.usage
    described = {
        "name": _slug(package.name),
        "title": package.name,
        "description": f"{sentence(package.description)} What the tables are worth: {CARD}.",
        "keywords": ["tabular", *package.natures],
        "created": max(table.receipt.published_at for table in package.tables),
        **_licences(usage),
        **_contributors(usage),
        "resources": resources,
    }
    (folder / "datapackage.json").write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", "utf-8")
    write_card(package, folder)


def _slug(name: str) -> str:
    """A name of the standard: small letters, digits, ``.``, ``_``, ``-``, ``/``."""
    return "".join(c if c in ".-_" or (c.isascii() and c.isalnum()) else "-" for c in name.lower())


def _resource(table: ExportedTable, path: Path) -> dict[str, Any]:
    return {
        "name": _slug(table.name),
        "title": table.name,
        "type": "table",
        "path": path.name,
        "description": said(table),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": bytes_of(path),
        "hash": f"sha256:{sha256_file(path)}",
        **_licences(table.usage),
        "schema": _schema(table),
        "synthkit": {
            "synthetic": table.synthetic,
            "privacy": table.statement,
            "generator": table.receipt.generator.name,
            "usage": table.usage.to_json(),
            "audits": [{"name": a.name, "status": a.status, "column": a.column} for a in table.audits],
            "sha256": table.receipt.sha256,
        },
    }


def _schema(table: ExportedTable) -> dict[str, Any]:
    required, unique = table.not_null, table.unique
    fields = []
    for name, kind in kinds(table.arrow).items():
        demands = {"required": name in required, "unique": name in unique}
        fields.append(
            {
                "name": name,
                "type": _TYPES.get(kind, "string"),
                **({"description": words} if (words := table.column_descriptions.get(name)) else {}),
                **({"constraints": kept} if (kept := {k: v for k, v in demands.items() if v}) else {}),
            }
        )
    keys = [
        {
            "fields": [*key.columns],
            "reference": {
                "resource": "" if key.references == table.name else _slug(key.references),
                "fields": [*key.to],
            },
        }
        for key in table.keys
        if len(key.to) == len(key.columns)
    ]
    return {
        "fields": fields,
        "missingValues": [""],
        **({"primaryKey": [*table.primary_key]} if table.primary_key else {}),
        **({"foreignKeys": keys} if keys else {}),
    }


def _licences(usage: Usage) -> dict[str, Any]:
    if usage.licence is None:
        return {}
    known, path = spdx(usage.licence), address(usage.licence)
    name = known or (None if path else _slug(usage.licence))  # the standard wants a name or a path
    found = {"name": name, "path": path, "title": usage.licence}
    return {"licenses": [{k: v for k, v in found.items() if v and not (k == "title" and v == path and known)}]}


def _contributors(usage: Usage) -> dict[str, Any]:
    if usage.owner is None:
        return {}
    found = {"title": usage.owner.name or usage.owner.email, "email": usage.owner.email, "role": "publisher"}
    return {"contributors": [{k: v for k, v in found.items() if v}]}


FRICTIONLESS = Exporter("frictionless", write)
