"""Which rows a source has: one table's, row by row, where ε protects them; and no other source's, unless that is said.

A guarantee is about adding or removing one row (or all rows of one unit) of a *table*. A query or a view that counts,
joins or ranks makes more of one row, so under ε it is refused. Accounts of the ledger are of people, so two source
tables over the same rows share one (``population:``), and one that got another name says what it was (``was:``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from synthkit.compiler.draft import Draft
from synthkit.errors import SynthError
from synthkit.project.types import SourceTableSpec
from synthkit.sources.address import Address, tables_read
from synthkit.sources.behind import table_behind
from synthkit.sources.files import find_files
from synthkit.sources.projection import NotRowwise, projection
from synthkit.sources.readers import reader_of


def check_row_by_row(draft: Draft) -> None:
    """What a model with ``epsilon`` reads gives at most one row for each row of one table."""
    for id_ in sorted(_under_epsilon(draft)):
        _, table = draft.tables[id_]
        chosen = draft.project.spec.connections.get(table.connection or "")
        if chosen is None:
            continue  # a file; or a connection that is not there, which was said
        if draft.recorded is not None:  # nothing is opened: the query's own words are all there is
            try:
                if table.query is not None:
                    projection(table.query.strip().rstrip(";"), reader_of(chosen).dialect)
            except NotRowwise as error:
                message = f"epsilon protects each row of {table.name}, but its query has {error}"
                draft.fault(message, table.origin.at("query"), hint="write columns and a WHERE of one table")
        elif id_ in draft.sources:
            try:
                draft.behind[id_] = table_behind(
                    table,
                    root=draft.project.root,
                    connections=draft.project.spec.connections,
                    cache=draft.project.describe_cache,
                )
            except SynthError as error:
                draft.fault(error.message, error.where or table.origin.at("name"), hint=error.hint)


def check_same_rows(draft: Draft) -> None:
    """Two source tables of the same rows are one account's; at least where ε, or a budget, is about one of them."""
    if not any(a.epsilon is not None for a in draft.accounts.values()) and not _under_epsilon(draft):
        return
    counted, seen = _counted(draft), dict[str, tuple[Address, ...]]()
    coarse = {id_: tuple(_coarse(draft, id_)) for id_ in draft.tables}
    ids = list(draft.tables)
    for index, second in enumerate(ids):
        for first in ids[:index]:
            if (first in counted or second in counted) and _overlap(coarse[first], coarse[second]) is not None:
                for id_ in (first, second):  # a database is looked into only where two tables are of it
                    seen.setdefault(id_, tuple(_addresses(draft, id_, coarse[id_])))
                shared = _overlap(seen[first], seen[second])
                if shared is not None:
                    _check_pair(draft, first, second, shared)


def _overlap(ones: Sequence[Address], others: Sequence[Address]) -> Address | None:
    return next((a for a in ones for b in others if a.overlaps(b)), None)


def _check_pair(draft: Draft, first: str, second: str, shared: Address) -> None:
    one, other = draft.tables[first][1], draft.tables[second][1]
    names = f"{first.removeprefix('source:')} and {second.removeprefix('source:')}"
    key = "path" if other.path is not None else "query" if other.query is not None else "table"
    where = other.origin.at(key if getattr(other, key) is not None else "name")
    if one.population is None or one.population != other.population:
        draft.fault(
            f"{names} are of the same rows ({shared}), but count as other people: what is spent of one is not "
            "counted for the other",
            where,
            hint="declare one table, or the same population: on both (with privacy_unit:), so that they share a budget",
        )
    elif one.part != other.part and one.part is not None and other.part is not None:
        message = (
            f"{names} are said to be about other people (part: {one.part}, {other.part}), but share rows ({shared})"
        )
        draft.fault(message, other.origin.at("part"), other.part, "give both the same part:, or none")


def check_former_names(draft: Draft) -> None:
    """``was:`` names tables that are no more: one that is still declared is an account of its own."""
    for id_, (_, table) in draft.tables.items():
        for index, old in enumerate(table.was or ()):
            where = table.origin.at("was", index)
            if f"source:{old}" == id_:
                draft.fault(f"{old} was itself: was: names what a table was called before", where, old, "drop it")
            elif f"source:{old}" in draft.tables:
                draft.fault(
                    f"was: {old} is still declared, so it cannot be what {id_.removeprefix('source:')} is called now",
                    where,
                    old,
                    "if both are of the same people, give both the same population:; else drop it",
                )


def _under_epsilon(draft: Draft) -> set[str]:
    """The source tables that models with ``epsilon`` are trained on."""
    found = {m.spec.source.id for m in draft.models.values() if m.spec.epsilon is not None and m.spec.source}
    return found & set(draft.tables)


def _counted(draft: Draft) -> set[str]:
    """The source tables that are trained on under ε, or that a budget is declared for."""
    budgets = {s for a in draft.accounts.values() if a.epsilon is not None for s in a.sources}
    return budgets | _under_epsilon(draft)


def _coarse(draft: Draft, id_: str) -> Iterator[Address]:
    """The files; or the database as a whole."""
    table, root = draft.tables[id_][1], draft.project.root
    if table.path is not None:
        yield from _files(table, root)
        return
    chosen = draft.project.spec.connections.get(table.connection or "")
    database = None if chosen is None else reader_of(chosen).database(chosen, root)
    if database is not None:
        yield Address(*database)


def _addresses(draft: Draft, id_: str, coarse: Sequence[Address]) -> Iterator[Address]:
    """The files; or the tables of the database."""
    table = draft.tables[id_][1]
    chosen = draft.project.spec.connections.get(table.connection or "")
    if table.path is not None or chosen is None:
        yield from coarse
        return
    names: Iterable[tuple[str, str]] | None = [draft.behind[id_]] if id_ in draft.behind else None
    if names is None:
        try:
            names = tables_read(table, chosen, draft.project.root, opened=draft.recorded is None)
        except (SynthError, sqlite3.Error):  # it cannot be reached: by its own words
            names = tables_read(table, chosen, draft.project.root, opened=False)
    for address in coarse:
        if names is None:
            yield address
        for name in names or ():
            yield replace(address, table=".".join(name))


def _files(table: SourceTableSpec, root: Path) -> Iterator[Address]:
    """The files, links followed, hard links known by their inode; those that are not there by their name."""
    assert table.path is not None
    try:
        for file in find_files(table, root):
            status = file.stat()
            yield Address(f"inode {status.st_dev}:{status.st_ino}", str(table.path))
    except (SynthError, OSError):
        yield Address(f"file {(root / table.path).resolve()}", str(table.path))
