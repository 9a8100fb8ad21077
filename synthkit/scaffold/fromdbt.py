"""YAML for the tables of a dbt project, from its manifest alone: no row is read, and no database is asked.

A source of dbt, and the tables that its models made, become a source here each. Tests become keys and audits,
descriptions and tags come along. What no file says is left to whoever reads it: where the database is, and whose rows
the rows are (``owner: true``, ``privacy_unit``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthkit.errors import SynthError
from synthkit.plugins import entries
from synthkit.project.connections import GROUP
from synthkit.project.members import default_name
from synthkit.scaffold.dbtmanifest import DbtProject, DbtTable, read_manifest
from synthkit.scaffold.fromfile import Proposal
from synthkit.scaffold.given import Given, identifier
from synthkit.scaffold.writing import SCHEMA, quoted

_TYPES = ("dashboard", "notebook", "analysis", "ml", "application")
_ABOVE = """\
# Written from the manifest of the dbt project {project}: no row was read. Two things it does not say: which keys lead
# to the owner of a row (owner: true), and whose rows they are (privacy_unit). Both decide what is held out together.
"""


@dataclass(frozen=True)
class FromDbt:
    """The files, and the connection that they name, as YAML (:class:`Given` without tables)."""

    proposals: tuple[Proposal, ...]
    connection: Given


def from_dbt(path: Path, root: Path) -> FromDbt:
    """Sources, models and exposures of a dbt project.

    Args:
        root: of the synthkit project, by which a file's path is written.

    Raises:
        SynthError: the file is no manifest, or its database is of a kind that nothing here reads.
    """
    project = read_manifest(path)
    known = sorted(entries(GROUP))
    if project.adapter not in known:
        message = f"the dbt project {project.name!r} is on {project.adapter}, which no reader here reads"
        raise SynthError(message, hint=f"there are: {', '.join(known)}; docs/architecture.md says how to add one")
    connection = identifier(project.name)
    groups: dict[str, list[DbtTable]] = {}
    for table in project.tables:
        groups.setdefault(table.group, []).append(table)
    for group, tables in groups.items():
        _refuse_twice(group, tables)
    names = _model_names(groups)
    proposals = [_proposal(project, connection, group, tables, names) for group, tables in groups.items()]
    exposed = _exposures(project, names)
    if exposed:
        text = f"{SCHEMA}\nversion: 1\n\n{_yaml({'exposures': exposed})}"
        proposals.append(
            Proposal(f"{connection}_exposures", text, (f"exposures: {', '.join(str(e['name']) for e in exposed)}",))
        )
    said, note = _connection(project, connection, path.resolve().parent, root)
    left = ", ".join(f"{name} ({count})" for name, count in sorted(project.left.items()))
    notes = (note, *([f"tests that were left out, as nothing here says the same: {left}"] if left else []))
    first = proposals[0]
    proposals[0] = Proposal(first.name, first.text, (*first.notes, *notes))
    return FromDbt(tuple(proposals), Given(connection, (), connection, {}, said))


def _refuse_twice(group: str, tables: Sequence[DbtTable]) -> None:
    idents = [table.ident for table in tables]
    twice = next((ident for ident in idents if idents.count(ident) > 1), None)
    if twice is not None:
        raise SynthError(
            f"two tables of {group} would be called {twice!r}", hint="give one of them another name in dbt"
        )


@dataclass(frozen=True)
class _Keys:
    """Keys of a group: table → primary key, and its foreign keys as column → other table of the group."""

    primary: Mapping[str, str]
    foreign: Mapping[str, Mapping[str, str]]
    cut: frozenset[tuple[str, str]]
    apart: tuple[str, ...]


def _keys(tables: Sequence[DbtTable]) -> _Keys:
    by_id = {table.id: table for table in tables}
    primary: dict[str, str] = {}
    for table in tables:
        held = {name: {t.column for t in table.tests if t.name == name} for name in ("unique", "not_null")}
        both = [c for c in table.columns if c in held["unique"] & held["not_null"]]
        both += sorted((held["unique"] & held["not_null"]) - {*both})
        if both:
            primary[table.id] = both[0]
    for table in tables:  # what another table's key leads to is a key, where the table has no other
        for test in table.tests:
            if test.to in by_id and test.field is not None:
                primary.setdefault(str(test.to), test.field)
    foreign: dict[str, dict[str, str]] = {}
    apart = []
    for table in tables:
        for test in table.tests:
            if test.name == "relationships":
                if test.to in by_id and primary[str(test.to)] == test.field and test.column != primary.get(table.id):
                    foreign.setdefault(table.id, {})[test.column] = str(test.to)
                else:
                    apart.append(f"{table.name}.{test.column}")
    return _Keys(primary, foreign, _circles(foreign), tuple(apart))


def _circles(foreign: Mapping[str, Mapping[str, str]]) -> frozenset[tuple[str, str]]:
    """(table, column) of the keys that close a circle of tables."""
    cut: set[tuple[str, str]] = set()
    done: set[str] = set()

    def visit(table: str, path: tuple[str, ...]) -> None:
        for column, other in foreign.get(table, {}).items():
            if other in path and other != table:
                cut.add((table, column))
            elif other not in done and other != table:
                visit(other, (*path, other))
        done.add(table)

    for table in foreign:
        if table not in done:
            visit(table, (table,))
    return frozenset(cut)


def _model_names(groups: Mapping[str, Sequence[DbtTable]]) -> dict[str, str]:
    """Unique id → the synthetic table's name: that of the table, with its group where two would have it."""
    idents = [table.ident for tables in groups.values() for table in tables]
    found = {}
    for group, tables in groups.items():
        for table in tables:
            alone = idents.count(table.ident) == 1
            found[table.id] = f"synthetic_{table.ident}" if alone else default_name(f"synthetic_{group}", table.ident)
    return found


def _proposal(
    project: DbtProject, connection: str, group: str, tables: Sequence[DbtTable], names: Mapping[str, str]
) -> Proposal:
    keys = _keys(tables)
    described = next((d for name, d in project.descriptions.items() if identifier(name) == group), "")
    source = {
        "name": group,
        **_words("description", described),
        "connection": connection,
        "tables": [_source_table(table, keys, tables) for table in tables],
    }
    joined = {t for table, key in keys.foreign.items() for t in (table, *key.values())}
    family = [table for table in tables if table.id in joined]
    models = [_model(group, table, names[table.id]) for table in tables if table.id not in joined]
    if family:
        models.insert(0, _family(group, family, names, whole=len(family) == len(tables)))
    text = f"{SCHEMA}\n{_ABOVE.format(project=project.name)}version: 1\n\n"
    text += _yaml({"sources": [source]}) + "\n" + _yaml({"models": models})
    notes = [f"{len(tables)} {'table' if len(tables) == 1 else 'tables'} of dbt's {group}"]
    if family:
        notes.append(f"a family of those that join: {', '.join(names[t.id] for t in family)}")
    if keys.apart:
        why = "to another source, to what is no primary key there, or the table's own primary key"
        notes.append(f"keys that no family holds together ({why}): {', '.join(keys.apart)}")
    return Proposal(group, text, tuple(notes))


def _source_table(table: DbtTable, keys: _Keys, tables: Sequence[DbtTable]) -> dict[str, Any]:
    idents = {other.id: other.ident for other in tables}
    foreign = [
        {"column": column, "references": idents[other], **({"cut": True} if (table.id, column) in keys.cut else {})}
        for column, other in keys.foreign.get(table.id, {}).items()
    ]
    schema, called = table.where
    held = called if schema in ("", "main", "public") else f"{schema}.{called}"
    columns = [{"name": c, "description": _plain(d)} for c, d in table.columns.items() if d]
    return {
        "name": table.ident,
        **_words("description", table.description),
        **({"table": held} if held != table.ident else {}),
        **({"primary_key": keys.primary[table.id]} if table.id in keys.primary else {}),
        **({"foreign_keys": foreign} if foreign else {}),
        **({"loaded_at_field": table.loaded_at_field, "freshness": dict(table.freshness)} if table.freshness else {}),
        **({"tags": [*table.tags]} if table.tags else {}),
        **({"columns": columns} if columns else {}),
    }


def _model(group: str, table: DbtTable, name: str) -> dict[str, Any]:
    columns = [{"name": c, "description": _plain(d)} for c, d in table.columns.items() if d]
    return {
        "name": name,
        "description": _plain(table.description) or f"Synthetic stand-in for {group}.{table.ident}",
        "source": f"{{{{ source('{group}', '{table.ident}') }}}}",
        "size": "1x",
        **({"tags": [*table.tags]} if table.tags else {}),
        **({"columns": columns} if columns else {}),
        "audits": _audits(table),
    }


def _family(group: str, tables: Sequence[DbtTable], names: Mapping[str, str], *, whole: bool) -> dict[str, Any]:
    members = []
    for table in tables:
        columns = [{"name": c, "description": _plain(d)} for c, d in table.columns.items() if d]
        own: dict[str, Any] = {"table": table.ident, "name": names[table.id]}
        own |= _words("description", table.description) | ({"columns": columns} if columns else {})
        members.append({**own, "audits": _audits(table)})
    return {
        "name": f"synthetic_{group}" if f"synthetic_{group}" not in names.values() else f"synthetic_{group}_family",
        "description": f"Synthetic stand-in for the tables of {group}{'' if whole else ' that join'}",
        "source": f"{{{{ source('{group}') }}}}",
        "tables": members,
    }


def _audits(table: DbtTable) -> list[dict[str, Any]]:
    """The default set, and what the tests of dbt say."""
    found: list[dict[str, Any]] = [{"set": "default"}]
    for name in ("not_null", "unique"):
        columns = [*dict.fromkeys(t.column for t in table.tests if t.name == name)]
        found += [{name: {"columns": columns}}] if columns else []
    for test in table.tests:
        if test.name == "accepted_values":
            found.append({"accepted_values": {"column": test.column, "values": [*map(_plain, test.values)]}})
    return found


def _exposures(project: DbtProject, names: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    for exposure in project.exposures:
        reads = [names[n] for n in exposure.get("depends_on", {}).get("nodes", ()) if n in names]
        kind, owner = exposure.get("type"), exposure.get("owner") or {}
        people = {k: owner[k] for k in ("name", "email") if isinstance(owner.get(k), str)}
        if reads and people:
            found.append(
                {
                    "name": str(exposure["name"]),
                    "type": kind if kind in _TYPES else "application",
                    "owner": people,
                    **_words("description", str(exposure.get("description") or "")),
                    **_words("url", str(exposure.get("url") or "")),
                    "depends_on": [f"{{{{ ref('{name}') }}}}" for name in reads],
                }
            )
    return found


def _connection(project: DbtProject, name: str, folder: Path, root: Path) -> tuple[tuple[str, ...], str]:
    """Its YAML, and what is to be done about it: a manifest says neither path nor password.

    Args:
        folder: of the manifest.
    """
    head = (f"  {name}:", f"    type: {project.adapter}")
    databases = sorted({t.database for t in project.tables if t.database})
    if project.adapter in ("duckdb", "sqlite"):
        # dbt writes into target/, and its project lies around that; what is above another folder is anybody's.
        around, below = (folder.parent, "**/") if folder.name == "target" else (folder, "")
        ends = ("duckdb", "db", "sqlite")
        files = [f for stem in databases for end in ends for f in around.glob(f"{below}{stem}.{end}")]
        if len(files) == 1:
            inside = files[0].is_relative_to(root)
            shown = files[0].relative_to(root).as_posix() if inside else str(files[0])
            return (*head, f"    path: {quoted(shown)}"), f"the database is {shown}"
        stem = databases[0] if databases else project.name
        note = f"set path: of the connection {name} in synth_project.yml: the manifest does not say where the file is"
        return (*head, f"    path: {quoted(f'{stem}.{project.adapter}')}"), note
    variable = f"{name.upper()}_URL"
    note = f"set the environment variable {variable} to the url of the database before synth build"
    return (*head, f"    url: \"{{{{ env_var('{variable}') }}}}\""), note


def _words(key: str, text: str) -> dict[str, str]:
    return {key: _plain(text)} if text.strip() else {}


def _plain(value: Any) -> Any:
    """Text in which nothing is Jinja here."""
    if not isinstance(value, str):
        return value
    return re.sub(r"\{[{%#]", lambda found: f"{{{{ '{found[0]}' }}}}", value.strip())


def _yaml(value: Mapping[str, Iterable[Any]]) -> str:
    import yaml

    return str(yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True, width=110))
