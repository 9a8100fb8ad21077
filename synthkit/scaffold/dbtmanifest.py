"""What dbt's ``target/manifest.json`` says of tables: where they are, what their columns mean, what tests hold of them.

Read as dbt documents it (https://docs.getdbt.com/reference/artifacts/manifest-json), version 10 (dbt 1.6) and later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthkit.errors import SynthError
from synthkit.scaffold.given import identifier

OLDEST = 10
_ON_THE_FIRST_ROW = ("!=0", ">0", ">=1")  # of error_if; the first is dbt's default
_BUILT = ("model", "seed", "snapshot")


@dataclass(frozen=True)
class DbtTest:
    """A generic test: its name, the column, and what it was told."""

    name: str
    column: str
    values: tuple[Any, ...] = ()
    to: str | None = None  # unique id of a table
    field: str | None = None


@dataclass(frozen=True)
class DbtTable:
    """A source table, or what a model, seed or snapshot made.

    Args:
        id: dbt's own.
        group: the source's name, or the project's.
        where: schema and name in the database.
    """

    id: str
    group: str
    name: str
    database: str | None
    where: tuple[str, str]
    description: str
    columns: Mapping[str, str]
    tags: tuple[str, ...]
    tests: tuple[DbtTest, ...] = ()
    loaded_at_field: str | None = None
    freshness: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ident(self) -> str:
        return identifier(self.name)


@dataclass(frozen=True)
class DbtProject:
    """A compiled dbt project.

    Args:
        adapter: of its target: duckdb, postgres, …
        exposures: as the manifest has them.
        left: tests that are none of the four that mean something here, and how many of each.
    """

    name: str
    adapter: str
    tables: tuple[DbtTable, ...]
    exposures: tuple[Mapping[str, Any], ...]
    left: Mapping[str, int]
    descriptions: Mapping[str, str]


def is_manifest(path: Path) -> bool:
    """Whether a file is one: it is JSON, and says so of itself."""
    if path.suffix != ".json" or not path.is_file():
        return False
    with path.open("rb") as file:
        return b"dbt_schema_version" in file.read(4096)


def read_manifest(path: Path) -> DbtProject:
    """Raises SynthError where it is none, or of a version that is not read."""
    hint = "name the manifest.json that dbt parse, compile or build wrote: --from dbt target/manifest.json"
    try:
        said = json.loads(path.read_text("utf-8"))
        metadata = said["metadata"]
        version = int(str(metadata["dbt_schema_version"]).rpartition("/v")[2].removesuffix(".json"))
        nodes, sources = said["nodes"], said["sources"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SynthError(f"{path} is no manifest of dbt: {error}", hint=hint) from None
    if version < OLDEST:
        raise SynthError(
            f"{path} is of version {version}, which dbt before 1.6 wrote", hint="compile it with a newer dbt"
        )
    tests, left = _tests(nodes)
    name = str(metadata.get("project_name") or "dbt")
    tables = [_source(node, tests) for node in sources.values() if _enabled(node)]
    for node in nodes.values():
        ephemeral = node.get("config", {}).get("materialized") == "ephemeral"
        if node.get("resource_type") in _BUILT and _enabled(node) and not ephemeral:
            tables.append(_built(node, tests))
    if not tables:
        raise SynthError(f"{path} has neither sources nor models", hint=hint)
    return DbtProject(
        name,
        str(metadata.get("adapter_type") or "unknown"),
        tuple(tables),
        tuple(e for e in said.get("exposures", {}).values() if _enabled(e)),
        left,
        {str(s["source_name"]): str(s.get("source_description") or "") for s in sources.values()},
    )


def _enabled(node: Mapping[str, Any]) -> bool:
    return bool(node.get("config", {}).get("enabled", True))


def _columns(node: Mapping[str, Any]) -> dict[str, str]:
    return {str(c["name"]): str(c.get("description") or "") for c in node.get("columns", {}).values()}


def _source(node: Mapping[str, Any], tests: Mapping[str, list[DbtTest]]) -> DbtTable:
    found = _table(node, tests, str(node["source_name"]), str(node.get("identifier") or node["name"]))
    periods = {k: v for k, v in (node.get("freshness") or {}).items() if k.endswith("_after") and v and v.get("count")}
    loaded = node.get("loaded_at_field")
    return DbtTable(**{**vars(found), "loaded_at_field": loaded, "freshness": periods if loaded else {}})


def _built(node: Mapping[str, Any], tests: Mapping[str, list[DbtTest]]) -> DbtTable:
    return _table(node, tests, str(node.get("package_name") or "dbt"), str(node.get("alias") or node["name"]))


def _table(node: Mapping[str, Any], tests: Mapping[str, list[DbtTest]], group: str, called: str) -> DbtTable:
    return DbtTable(
        id=str(node["unique_id"]),
        group=identifier(group),
        name=str(node["name"]),
        database=node.get("database"),
        where=(str(node.get("schema") or ""), called),
        description=str(node.get("description") or ""),
        columns=_columns(node),
        tags=tuple(map(str, node.get("tags") or node.get("config", {}).get("tags") or ())),
        tests=tuple(tests.get(str(node["unique_id"]), ())),
    )


def _tests(nodes: Mapping[str, Any]) -> tuple[dict[str, list[DbtTest]], dict[str, int]]:
    """Table → its tests that block on the first row; and of the others how many there are of each."""
    found: dict[str, list[DbtTest]] = {}
    left: dict[str, int] = {}
    for node in nodes.values():
        if node.get("resource_type") != "test" or not _enabled(node):
            continue
        metadata, config = node.get("test_metadata") or {}, node.get("config", {})
        name = str(metadata.get("name") or node.get("name"))
        own = not metadata.get("namespace") and name in ("unique", "not_null", "accepted_values", "relationships")
        first = str(config.get("error_if") or "!= 0").replace(" ", "") in _ON_THE_FIRST_ROW
        plain = str(config.get("severity") or "error").lower() == "error" and first and not config.get("where")
        test = _test(name, node, metadata.get("kwargs") or {}) if own and plain else None
        table = node.get("attached_node") or _about(node)
        if test is None or table is None:
            left[name] = left.get(name, 0) + 1
        else:
            found.setdefault(table, []).append(test)
    return found, left


def _about(node: Mapping[str, Any]) -> str | None:
    """The table of a test; a test of a source says it by what it depends on alone, the other table of a key first."""
    parents = _parents(node)
    return parents[-1] if parents else None


def _parents(node: Mapping[str, Any]) -> list[str]:
    return [str(p) for p in node.get("depends_on", {}).get("nodes", ()) if not str(p).startswith("macro.")]


def _test(name: str, node: Mapping[str, Any], kwargs: Mapping[str, Any]) -> DbtTest | None:
    given = {**kwargs, **(kwargs.get("arguments") or {})}
    column = str(given.get("column_name") or node.get("column_name") or "").strip('"`')
    if not column:
        return None
    if name == "accepted_values":
        values = given.get("values")
        return DbtTest(name, column, tuple(values)) if isinstance(values, list) and values else None
    if name == "relationships":
        table, to = node.get("attached_node") or _about(node), given.get("field")
        others = list(_others(node, table))
        return DbtTest(name, column, to=others[0], field=str(to).strip('"`')) if to and others else None
    return DbtTest(name, column)


def _others(node: Mapping[str, Any], table: str | None) -> Iterator[str]:
    """What a key leads to: the other table that its test reads, or the table itself."""
    parents = _parents(node)
    yield from (p for p in parents if p != table)
    yield from parents
