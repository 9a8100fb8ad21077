"""A ``sources.yml`` for dbt: the published tables as sources of a dbt project, with tests and meta.

Its form is that of dbt 1.10.8 and later (``arguments:`` of tests, ``config:`` with tags and meta). Tests say again what
audits demand, on the database that dbt reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthkit.errors import SynthError
from synthkit.exports.card import nature, sentence
from synthkit.exports.contract import ExportedTable, Exporter, Package
from synthkit.records.joins import Join

_JINJA = re.compile(r"\{(?=[{%#])")


def write(package: Package, path: Path) -> None:
    import yaml

    path.write_text(yaml.safe_dump(sources(package), sort_keys=False, allow_unicode=True), "utf-8")


def sources(package: Package) -> dict[str, Any]:
    """The file, as a mapping.

    Raises:
        SynthError: a table is in no database.
    """
    absent = [table.name for table in package.tables if table.name not in package.shown]
    if absent:
        hint = "publish them as materialized: table or view, or export those that are: synth export MODEL …"
        raise SynthError(f"dbt reads tables of a database, and in none are: {', '.join(absent)}", hint=hint)
    assert package.database is not None
    name = re.sub(r"\W", "_", package.project)
    return {
        "version": 2,
        "sources": [
            {
                "name": name,
                "description": _unrendered(f"Published by the synthkit project {package.project}."),
                "database": package.database.stem,
                "schema": "main",
                "tables": [_table(table, name) for table in package.tables],
            }
        ],
    }


def _unrendered(value: Any) -> Any:
    """Text in which dbt finds no Jinja."""
    if isinstance(value, str):
        return _JINJA.sub("{ ", value)
    if isinstance(value, Mapping):
        return {key: _unrendered(part) for key, part in value.items()}
    return [_unrendered(part) for part in value] if isinstance(value, list) else value


def _table(table: ExportedTable, source: str) -> dict[str, Any]:
    meta = {
        "synthetic": table.synthetic,
        "privacy": table.statement,
        "generator": table.receipt.generator.name,
        "published_at": table.receipt.published_at,
        "sha256": table.receipt.sha256,
        **({"usage": table.usage.to_json()} if table.usage.facts() else {}),
        "audits": {a.name: a.status for a in table.audits},
        **({"keys": keys} if (keys := [_wide(key) for key in table.keys if len(key.columns) > 1]) else {}),
    }
    description = " ".join(
        part for part in (sentence(table.description), nature(table), f"Privacy: {table.statement}.") if part
    )
    return {
        "name": table.name,
        "description": _unrendered(description),
        "config": {
            **({"tags": ["synthetic"]} if table.synthetic else {}),
            "meta": {"synthkit": _unrendered(meta)},
        },
        "columns": [_column(table, c.name, c.sql_type, source) for c in table.columns],
    }


def _wide(key: Join) -> dict[str, Any]:
    """A key of several columns, for which dbt itself has no test."""
    return {"columns": [*key.columns], "references": key.references, "to": [*key.to]}


def _column(table: ExportedTable, name: str, sql_type: str, source: str) -> dict[str, Any]:
    tests: list[Any] = ["not_null"] if name in table.not_null else []
    tests += ["unique"] if name in table.unique else []
    for values in _accepted(table, name):
        quoted = {} if isinstance(values[0], str) else {"quote": False}
        tests.append({"accepted_values": {"arguments": {"values": values, **quoted}}})
    for key in table.keys:
        if key.columns == (name,) and len(key.to) == 1:
            there = f"source('{source}', '{key.references}')"
            tests.append({"relationships": {"arguments": {"to": there, "field": key.to[0]}}})
    words = table.column_descriptions.get(name)
    return {
        "name": name,
        "data_type": sql_type,
        **({"description": _unrendered(words)} if words else {}),
        **({"data_tests": tests} if tests else {}),
    }


def _accepted(table: ExportedTable, name: str) -> list[list[Any]]:
    """The values that audits accept; none where dbt would read one as Jinja, or they are not of one type."""
    found = []
    for demand in table.demanded("accepted_values"):
        values = [*demand.get("values", ())]
        plain = not any(isinstance(value, str) and _JINJA.search(value) for value in values)
        if demand.get("column") == name and values and plain and len({type(value) for value in values}) == 1:
            found.append(values)
    return found


DBT = Exporter("dbt", write, (".yml", ".yaml"))
