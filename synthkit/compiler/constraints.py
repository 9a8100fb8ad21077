"""Bind declared inequalities: parse each, check it against the columns, and hand a source's rules to its models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synthkit.compiler.declared import Constraint
from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.compiler.rules import comparisons_of
from synthkit.formats.columns import as_read, conditions_as_read, forms_of
from synthkit.generators.base import Query, Trained
from synthkit.project.types import ModelSpec, SourceTableSpec
from synthkit.rules.inequality import (
    Inequality,
    check_inequality,
    contradiction,
    parse_constant,
    parse_inequality,
)
from synthkit.schema import Schema


def bind_constraints(draft: Draft) -> None:
    """Constraints of the source tables, then of the models, which inherit those of what they learn from."""
    of_source: dict[str, tuple[Constraint, ...]] = {}
    for id_, (_, table) in draft.tables.items():
        node = draft.sources.get(id_)
        if node is not None and (table.constraints or table.rules):
            of_source[id_] = _declared(draft, table, node.schema, ())
    for name in draft.order:
        model = draft.models[name]
        if model.generator is None:
            continue
        if isinstance(model.generator, Query):
            _refuse(draft, model.spec)
        elif isinstance(model.generator, Trained) and model.schema is not None and model.spec.source is not None:
            source = model.spec.source
            upstream = draft.models.get(source.name) if source.source is None else None
            inherited = upstream.constraints if upstream is not None else of_source.get(source.id, ())
            _check_inherited(draft, model, inherited)
            model.constraints = (*inherited, *_declared(draft, model.spec, model.schema, inherited))
            _check_conditions(draft, model)


def _declared(
    draft: Draft, spec: SourceTableSpec | ModelSpec, schema: Schema, inherited: Sequence[Constraint]
) -> tuple[Constraint, ...]:
    """The spec's own rules, without those that are inherited already; what is wrong with them becomes faults."""
    found: dict[Inequality, Constraint] = {}
    good = True
    own = [(text, spec.origin.at("constraints", index)) for index, text in enumerate(spec.constraints)]
    for text, where in (*own, *comparisons_of(spec)):
        try:
            rule = parse_inequality(text)
        except ValueError as error:
            draft.fault(str(error.args[0]), where, text, str(error.args[-1]))
            good = False
            continue
        problem = check_inequality(rule, as_read(schema))
        if problem is not None:
            message, hint = problem
            draft.fault(f"constraint {text!r}: {message}", where, text, hint)
            good = False
        elif rule not in {c.rule for c in inherited}:
            location = f"{draft.relative(spec)}:{where.line}:{where.column}"
            found.setdefault(rule, Constraint(rule, location))
    if good and found:
        _check_together(draft, spec, inherited, list(found.values()))
    return tuple(found.values())


def _check_together(
    draft: Draft, spec: SourceTableSpec | ModelSpec, inherited: Sequence[Constraint], own: Sequence[Constraint]
) -> None:
    clash = contradiction([c.rule for c in (*inherited, *own)])
    if clash is not None and not set(clash) <= {c.rule for c in inherited}:
        rules = " and ".join(f"'{rule}'" for rule in clash)
        message = f"only rows with missing values can satisfy {rules} at once"
        where = spec.origin.at("constraints" if spec.constraints else "rules")
        draft.fault(message, where, hint="drop or mend one of them")


def _check_inherited(draft: Draft, model: ModelDraft, inherited: Sequence[Constraint]) -> None:
    """A model may say of a column that it is made up: then its source's rules cannot hold in it."""
    assert model.schema is not None
    for constraint in inherited:
        problem = check_inequality(constraint.rule, as_read(model.schema))
        if problem is not None:
            draft.fault(
                f"the constraint '{constraint.rule}' ({constraint.location}) cannot hold here: {problem[0]}",
                model.spec.origin.at("columns"),
                hint="let the model keep the column as its source declares it, or drop the constraint there",
            )


def _check_conditions(draft: Draft, model: ModelDraft) -> None:
    """A condition that asks for a value which a rule forbids would be searched for in vain."""
    forms = {} if model.schema is None else forms_of(model.schema)
    for column, wanted in model.spec.conditions.items():
        values = {str(v): (column, v) for v in wanted} if isinstance(wanted, Mapping) else {str(wanted): (column,)}
        for constraint in model.constraints:
            rule = constraint.rule
            if rule.columns != (column,):
                continue
            for text, path in values.items():
                value = parse_constant(str(conditions_as_read({column: text}, forms)[column]))
                if value is not None and type(value) is type(rule.right) and not rule.allows(value):
                    where = model.spec.origin.at("conditions", *path, key=len(path) > 1)
                    message = f"{column} = {text} breaks the constraint '{rule}' ({constraint.location})"
                    draft.fault(message, where, text, "ask for another value, or drop the constraint")


def _refuse(draft: Draft, spec: ModelSpec) -> None:
    if spec.constraints:
        rule = spec.constraints[0].replace('"', '\\"')
        draft.fault(
            f"{spec.name!r} is an SQL model: its query decides its rows, so it takes no constraints",
            spec.origin.at("constraints", key=True),
            hint=f'check them with an audit: - expression: {{sql: "{rule}"}}',
        )
