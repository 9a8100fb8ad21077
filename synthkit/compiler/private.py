"""Checks of a model with ``epsilon``: nothing of its private rows may be needed beside its mechanisms.

A range, the list of categories, the number of rows: each is either declared in the YAML, which makes it public
knowledge, or estimated by the generator with a share of the budget.
"""

from __future__ import annotations

from dataclasses import replace

from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.encoding.kept.private import private_plan, refusals
from synthkit.generators.base import Trained
from synthkit.privacy.knowledge import Unknown, bounds_fault, learnt_columns, unknown
from synthkit.project.types import Relation, SourceTableSpec
from synthkit.rules.dependency import Dependency
from synthkit.rules.language import Rule
from synthkit.rules.mostly import Mostly
from synthkit.rules.sets import Unique
from synthkit.schema import Schema

_SHOWN = 6  # columns whose YAML a hint spells out
# Connections whose tables have column types of their own.
_DEFINED = ("duckdb", "postgres", "mysql", "mariadb", "snowflake", "trino", "bigquery", "databricks", "sqlserver")


def check_private(draft: Draft) -> None:
    """Declared bounds that cannot be used, whatever a private model would have to look up in its rows, and generators
    that learn under ``epsilon`` alone."""
    _check_bounds(draft)
    for model in draft.models.values():
        if model.generator is None or model.schema is None:
            continue
        if model.spec.epsilon is None:
            _check_budgeted(draft, model)
            continue
        if not model.generator.supports_epsilon:
            continue
        if model.family is None and not learnt_columns(model.schema).columns:
            _nothing_to_learn(draft, model)
            continue
        _check_knowledge(draft, model)
        _check_size(draft, model)


def _check_budgeted(draft: Draft, model: ModelDraft) -> None:
    """Of a family, families.py says it; where nothing is learnt, nothing is spent."""
    generator = model.generator
    if not isinstance(generator, Trained) or not generator.budgeted or model.family is not None:
        return
    assert model.schema is not None
    if learnt_columns(model.schema).columns:
        draft.fault(
            f"generator {generator.name!r} learns under epsilon alone",
            model.spec.origin.at("generator"),
            generator.name,
            "add epsilon, or drop generator: one is chosen that needs none",
        )


def check_private_rules(draft: Draft, model: ModelDraft) -> None:
    """Rules that cannot be kept by what is declared, and parameters that name a column which is then not learnt."""
    assert model.schema is not None
    assert isinstance(model.generator, Trained)
    columns, rules = learnt_columns(model.declared or model.schema), [r.rule for r in model.rules]
    where = model.spec.origin.at("epsilon")
    place = {r.rule: r.location for r in model.rules}
    named = [r for r in rules if isinstance(r, Dependency) and _names_id(r, model.schema)]
    refused: list[tuple[Rule, str]] = [(r, "ids are made up, one for each row") for r in named]
    refused += [(r, "rows are drawn one by one") for r in rules if _must_be_apart(r, model.schema)]
    refused += [
        (r, "in which rows it holds would be one more column to pay for") for r in rules if isinstance(r, Mostly)
    ]
    refused += refusals(columns, rules, counted=model.generator.counts is not None)
    for rule, why in refused:
        message = f"'{rule}' ({place[rule]}) cannot be kept under epsilon: {why}"
        hint = "declare values: of its columns, or drop the rule; or say it as when zip = '1010' then city = 'Wien'"
        draft.fault(message, where, hint=hint)
    plan, params = private_plan(columns, rules), model.params
    asked = [getattr(params, "target", None), *(n for s in getattr(params, "workload", None) or () for n in s)]
    asked += [n for zero in getattr(params, "impossible", ()) for n in zero]
    for name in dict.fromkeys(n for n in asked if n in columns.by_name):
        group = next((g for g in plan.groups if name in g.columns), None)
        if group is not None or name in plan.dropped:
            how = "is computed by a rule" if group is None else f"is learnt with others, as {group.name!r}"
            message = f"a parameter of {model.generator.name!r} names {name!r}, which {how}"
            draft.fault(message, model.spec.origin.at("generator"), name, "name what it follows from, or drop the rule")


def _must_be_apart(rule: Rule, schema: Schema) -> bool:
    """Whether rows would have to be moved apart that no id and no primary key tells apart."""
    if not isinstance(rule, Unique) or (schema.primary_key and set(schema.primary_key) <= set(rule.columns)):
        return False
    return not any(n in schema.by_name and schema.by_name[n].type == "id" for n in rule.columns)


def _names_id(rule: Dependency, schema: Schema) -> bool:
    """Whether other columns say what an id is."""
    ends = rule.columns if rule.both else (rule.dependent,)
    return any(n in schema.by_name and schema.by_name[n].type == "id" for n in ends)


def _nothing_to_learn(draft: Draft, model: ModelDraft) -> None:
    draft.fault(
        "epsilon is spent on what is learnt, and here nothing is: each column is a key, free text or made up",
        model.spec.origin.at("epsilon", key=True),
        model.spec.epsilon,
        "declare what a column to be learnt holds (type: categorical with its values), or drop epsilon",
    )


def sniffed(draft: Draft, table: SourceTableSpec) -> bool:
    """Whether a table's column types may follow from its rows: those of every file, as what writes a Parquet file
    takes them from the rows as a rule (one missing value turns a column of integers into floating-point numbers)."""
    if table.path is not None:
        return True
    connection = draft.project.spec.connections.get(table.connection or "")
    return connection is None or connection.type not in _DEFINED


def source_table(draft: Draft, model: ModelDraft) -> tuple[Relation, SourceTableSpec] | None:
    """The real table that a model learns from; None where it learns from another model."""
    return None if model.spec.source is None else draft.tables.get(model.spec.source.id)


def _check_bounds(draft: Draft) -> None:
    for id_, (_, table) in draft.tables.items():
        node = draft.sources.get(id_)
        for index, spec in enumerate(table.columns):
            column = None if node is None else node.schema.by_name.get(spec.name)
            fault = None if column is None else bounds_fault(column)
            if fault is not None:
                key = fault.partition(":")[0]
                where = table.origin.at("columns", index, key)
                draft.fault(f"column {spec.name!r}: {fault}", where, hint="declare what anyone may know of the column")


def _check_knowledge(draft: Draft, model: ModelDraft) -> None:
    found = source_table(draft, model)
    assert model.schema is not None
    if found is None:
        return  # what a model may learn from another one under epsilon is a matter of lineage
    relation, table = found
    said = (*table.columns, *model.spec.columns)
    typed = {c.name for c in said if not c.type is c.format is c.pii is None}
    if not sniffed(draft, table):
        typed |= set(model.schema.names)
    typed |= set(table.primary_key if len(table.primary_key) == 1 else ())
    pays = (getattr(model.params, "preprocessing_share", 0) or 0) > 0 and model.family is None
    schema = model.schema if model.family is None else with_keys(model.schema, keys_in(draft, model))
    missing = [u for u in unknown(schema, typed) if not (pays and u.estimable)]
    if not missing:
        return
    count = f"{len(missing)} column{'s' if len(missing) > 1 else ''}"
    named = ", ".join(f"{u.column.name} ({' and '.join(u.what)})" for u in missing[:_SHOWN])
    more = f", and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    where = model.spec.origin.at("epsilon", key=True)
    message = f"epsilon protects every row, so {count} of {relation} must be declared: {named}{more}"
    draft.fault(message, where, model.spec.epsilon, _how(missing, model, relation))


def _how(missing: list[Unknown], model: ModelDraft, relation: Relation) -> str:
    """The YAML that mends it."""
    assert model.generator is not None
    lines = "; ".join(u.yaml for u in missing[:_SHOWN])
    hint = f"under columns: of {relation}, declare what anyone may know without seeing the rows: {lines}"
    if any(u.estimable for u in missing) and "preprocessing_share" in model.generator.params.model_fields:
        share = f"generator: {{name: {model.generator.name}, preprocessing_share: 0.1}}"
        hint += f"; bounds and values can be estimated with a tenth of the budget instead: {share}"
    return hint


def keys_in(draft: Draft, model: ModelDraft) -> frozenset[str]:
    """The columns of a family's table that name rows, its own or others'."""
    assert model.family is not None
    assert model.spec.source is not None
    name, keys = model.spec.source.name, draft.families[model.family].keys
    _, table = draft.tables[model.spec.source.id]
    named = len(table.primary_key) == 1 or any(k.references == name for k in keys)
    own = table.primary_key if named else ()
    return frozenset((*own, *(c for k in keys if k.table == name for c in k.columns)))


def with_keys(schema: Schema, keys: frozenset[str]) -> Schema:
    """The columns, of which those that name rows are keys, and are not learnt."""
    return replace(schema, columns=tuple(replace(c, type="id") if c.name in keys else c for c in schema.columns))


def _check_size(draft: Draft, model: ModelDraft) -> None:
    """A size relative to the source tells its number of rows."""
    found = source_table(draft, model)
    if model.family is not None and found is not None and found[0].name != draft.families[model.family].root:
        return  # sizes are of the root
    if model.size.rows is not None or found is None or found[1].row_count is not None:
        return
    key = "size" if model.spec.size is not None else "epsilon"
    draft.fault(
        f"a size of {model.size} tells how many rows {found[0]} has, which epsilon protects",
        model.spec.origin.at(key),
        model.spec.size,
        "write a number of rows (size: 5000), or declare row_count: on the source table if it is public",
    )


def declared_types(schema: Schema, draft: Draft, model: ModelDraft) -> Schema:
    """``schema`` in the types that a private model works with."""
    from synthkit.privacy.knowledge import declared_schema

    found = source_table(draft, model)
    return declared_schema(schema, sniffed=found is not None and sniffed(draft, found[1]))
