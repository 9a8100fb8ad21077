"""Whose privacy there is to spend, how much of it, and under what each private model trains: by what is declared."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.compiler.private import declared_types
from synthkit.errors import Location, did_you_mean
from synthkit.generators.base import Budget
from synthkit.privacy.guarantee import Account
from synthkit.project.ownership import owners
from synthkit.project.projectfile import BudgetSpec
from synthkit.project.types import Relation, SourceTableSpec
from synthkit.schema import Schema

if TYPE_CHECKING:
    from synthkit.project.project import Project

CAP = 1e-5  # no default δ is larger


def default_delta(rows: int) -> float:
    """δ for a table of ``rows`` declared rows: at most 1e-5, 1/(10 n) and n^-1.1.

    A mechanism that publishes each row with probability δ is (0, δ)-private, so δ must stay well below 1/n (Dwork &
    Roth, "The algorithmic foundations of differential privacy", 2014, section 2.3).
    """
    n = max(rows, 1)
    return min(CAP, 1 / (10 * n), 1 / math.pow(n, 1.1))


def account_names(project: Project) -> dict[str, str]:
    """The account of each source table (``group.table``), former names too: of its population, its owner or its own."""
    found: dict[str, str] = {}
    before: dict[str, str] = {}
    for source in project.sources:
        tables = {t.name: t for t in source.tables}
        for table in source.tables:
            steps = owners(tables, table.name)
            top = steps[-1].owner if steps else table  # what belongs to a person is spent of that person's account
            name = f"{source.name}.{table.name}"
            found[name] = table.population or top.population or f"{source.name}.{top.name}"
            before |= dict.fromkeys(table.was or (), found[name])
    return before | found


def budget_of(project: Project, account: str) -> BudgetSpec | None:
    """The budget that synth_project.yml declares for an account: its own, or that of all that have none."""
    privacy = project.spec.privacy
    if account in privacy.budgets:
        return privacy.budgets[account]
    return privacy.default_budget if account in account_names(project).values() else None


def bind_accounts(draft: Draft) -> None:
    """One account per population, or per table that names none; with the budgets of synth_project.yml."""
    tables: dict[str, list[str]] = {}
    names = account_names(draft.project)
    for id_, (_, table) in draft.tables.items():
        tables.setdefault(names[id_.removeprefix("source:")], []).append(id_)
        if table.population is not None and table.privacy_unit is None:
            draft.fault(
                f"a table of the population {table.population!r} names no privacy_unit, so each row would be a person",
                table.origin.at("population"),
                table.population,
                "add privacy_unit: the column that says whose row it is (the primary key, if each has one row)",
            )
        if table.part is not None and table.population is None:
            draft.fault(
                "part without population: a part is one of the tables that share a population",
                table.origin.at("part", key=True),
                table.part,
                "add population:, or drop part: (a table without one is an account of its own)",
            )
        if table.max_rows_per_unit is not None and table.privacy_unit is None:
            draft.fault(
                "max_rows_per_unit without privacy_unit: each row is a unit of its own",
                table.origin.at("max_rows_per_unit", key=True),
                table.max_rows_per_unit,
                "add privacy_unit: the column that says whose row it is",
            )
    draft.accounts = {name: _account(draft, name, ids) for name, ids in tables.items()}
    privacy, origin = draft.project.spec.privacy, draft.project.spec.origin
    for name, spec in privacy.budgets.items():
        if name in draft.accounts:
            _set_budget(draft, name, spec, ("budgets", name))
            continue
        shared = draft.tables.get(f"source:{name}")
        if shared is not None:
            hint = f"write {names[name]}: its tables share one budget"
            message = f"{name} is about the people of {names[name]!r}, which has the budget"
            if shared[1].population is not None:
                message = f"{name} belongs to the population {shared[1].population!r}, which has the budget"
        else:
            hint = did_you_mean(name, draft.accounts, "a population or source table")
            message = f"a budget for {name!r}, which is neither a population nor a source table"
        draft.fault(message, origin.at("privacy", "budgets", name, key=True), name, hint)
    for name, account in draft.accounts.items():
        if account.epsilon is None and privacy.default_budget is not None:
            _set_budget(draft, name, privacy.default_budget, ("default_budget",))
        elif account.epsilon is None and (rows := _rows(draft, account.sources)):
            draft.accounts[name] = replace(account, delta=default_delta(rows))


def _account(draft: Draft, name: str, ids: list[str]) -> Account:
    """An account of these tables. What one of them was before counts as about its part, or as about all of several."""
    parts = {i: part for i in ids if (part := draft.tables[i][1].part) is not None}
    before: dict[str, set[str | None]] = {}
    for id_ in ids:
        for old in draft.tables[id_][1].was or ():
            before.setdefault(f"source:{old}", set()).add(parts.get(id_))
    parts |= {old: str(part) for old, (part, *more) in before.items() if part is not None and not more}
    return Account(name, tuple(ids), parts=parts, formerly=tuple(sorted(before)))


def _set_budget(draft: Draft, name: str, spec: BudgetSpec, path: tuple[str, ...]) -> None:
    account = draft.accounts[name]
    where = draft.project.spec.origin.at("privacy", *path)
    rows = _rows(draft, account.sources)
    delta = spec.delta if spec.delta is not None else default_delta(rows) if rows else None
    if spec.delta is not None and rows and spec.delta >= 1 / rows:
        _too_large(draft, spec.delta, rows, where)
    if delta is None and path[0] == "budgets":
        hint = "add delta: below 1/n for n rows, such as 1e-6; or declare row_count: on the source table"
        draft.fault(f"nothing says what δ the budget of {name} has", where, hint=hint)
    draft.accounts[name] = replace(account, epsilon=spec.epsilon, delta=delta)


def _rows(draft: Draft, sources: Iterable[str]) -> int:
    """The largest declared row count: its δ is the smallest. 0 where none is declared."""
    return max(draft.tables[id_][1].row_count or 0 for id_ in sources)


def _too_large(draft: Draft, delta: float, rows: int, where: Location) -> None:
    draft.fault(
        f"δ = {delta:g} is no privacy for {rows:,} declared rows: it must be below 1/n = {1 / rows:.3g}",
        where,
        f"{delta:g}",
        f"drop delta (then it is {default_delta(rows):.3g}), or lower it",
    )


def bind_budgets(draft: Draft) -> None:
    """Under what each model with ``epsilon`` is trained; what makes its ε no theorem is a fault."""
    for model in draft.models.values():
        spec = model.spec
        if spec.epsilon is None:
            if spec.insecure_seed is not None:
                where = spec.origin.at("insecure_seed", key=True)
                draft.fault("insecure_seed without epsilon: there is no noise", where, hint="drop insecure_seed")
            continue
        if model.generator is None or not model.generator.supports_epsilon or spec.source is None:
            continue
        if spec.source.id in draft.tables:
            _bind_budget(draft, model, draft.tables[spec.source.id][1])
    _default_deltas(draft)


def _bind_budget(draft: Draft, model: ModelDraft, table: SourceTableSpec) -> None:
    spec, about = model.spec, model.spec.source
    assert spec.epsilon is not None
    assert about is not None
    if model.family is not None:  # the unit is a row of the root, whatever the table
        about = Relation(draft.families[model.family].root, about.source)
        table = draft.tables[about.id][1]
    rows, delta = table.row_count, spec.delta
    if delta is None:
        if not rows:
            draft.fault(
                f"nothing says what δ goes with epsilon: {about} declares no row_count",
                spec.origin.at("epsilon"),
                spec.epsilon,
                "declare row_count: on the source table (a public number of rows), or add delta: here",
            )
            return
        delta = default_delta(rows)
    elif rows and delta >= 1 / rows:
        _too_large(draft, delta, rows, spec.origin.at("delta"))
        return
    kept = 1 if model.family is not None else _rows_per_unit(draft, table)
    if kept is not None:
        trained = None if rows is None else round(rows * (1 - model.holdout))
        model.budget = Budget(spec.epsilon, delta, trained, kept, spec.insecure_seed)
        model.declared = None if model.schema is None else declared_types(model.schema, draft, model)
        if model.family is not None and model.declared is not None:
            model.declared = _named_rows(model.declared)


def _named_rows(schema: Schema) -> Schema:
    """What tells the rows of a table apart is there in each of them."""
    whole = (replace(c, nullable=False) if c.name in schema.primary_key else c for c in schema.columns)
    return replace(schema, columns=tuple(whole))


def _default_deltas(draft: Draft) -> None:
    """Where nothing says an account's δ, it is the least of the trainings that are charged to it."""
    for name, account in draft.accounts.items():
        if account.delta is None:
            trained = [m for m in draft.models.values() if m.spec.source and m.spec.source.id in account.sources]
            deltas = [m.budget.delta for m in trained if m.budget is not None]
            draft.accounts[name] = replace(account, delta=min(deltas, default=None))


def _rows_per_unit(draft: Draft, table: SourceTableSpec) -> int | None:
    """How many rows one unit may have; None (and a fault, once) where that is not known."""
    if table.privacy_unit is None or table.primary_key == (table.privacy_unit,):
        return 1
    if table.max_rows_per_unit is not None:
        return table.max_rows_per_unit
    where = table.origin.at("privacy_unit")
    message = f"nothing says how many rows one {table.privacy_unit!r} may have, so no noise can hide them"
    if not any(f.message == message and f.where == where for f in draft.faults):
        hint = "add max_rows_per_unit: (more rows of one unit are left out of trainings under epsilon)"
        draft.fault(message, where, table.privacy_unit, hint)
    return None
