"""Bind declared rules: parse each, check it against the columns and the others, and hand a source's to its models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from math import prod
from typing import TYPE_CHECKING

from synthkit.compiler.declared import DeclaredRule
from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.compiler.private import check_private_rules
from synthkit.encoding.locales import Pii
from synthkit.errors import did_you_mean
from synthkit.formats.columns import as_read, conditions_as_read, forms_of
from synthkit.generators.base import Query, Trained
from synthkit.generators.exact.conditions import key_value, typed_value
from synthkit.project.types import Conditions, ModelSpec, SourceTableSpec
from synthkit.rules.dependency import Dependency
from synthkit.rules.expression import Kind, kind_in
from synthkit.rules.formula import Formula
from synthkit.rules.inequality import Inequality
from synthkit.rules.language import Rule, parse_rule, violations
from synthkit.rules.mostly import Mostly
from synthkit.rules.sets import Combination, Unique
from synthkit.rules.tokens import RuleError
from synthkit.rules.when import Condition, When
from synthkit.schema import Schema
from synthkit.sources.types import provisional_type

if TYPE_CHECKING:
    from synthkit.errors import Location

FOUND, NONE = "found", "none"  # words that stand among rules, or for them
MOST_COMBINED = 1_000  # combinations of conditions that are held against a rule


def bind_rules(draft: Draft) -> None:
    """Rules of the source tables, then of the models, which have those of what they learn from as well.

    Comparisons among them are constraints (:mod:`.constraints`).
    """
    of_source: dict[str, tuple[DeclaredRule, ...]] = {}
    for id_, (_, table) in draft.tables.items():
        node = draft.sources.get(id_)
        if node is not None and table.rules:
            of_source[id_] = _declared(draft, table, node.schema, ())
    for name in draft.order:
        model = draft.models[name]
        spec, source = model.spec, model.spec.source
        if model.generator is None:
            continue
        if not isinstance(model.generator, Trained):
            if spec.rules and isinstance(model.generator, Query):
                message = f"{spec.name!r} is an SQL model: its query decides its rows, so it takes no rules"
                hint = "check them with the audit rules, or make them hold in the query"
                draft.fault(message, spec.origin.at("rules", key=True), hint=hint)
            continue
        if model.schema is None or source is None:
            continue
        upstream = draft.models.get(source.name) if source.source is None else None
        inherited = upstream.rules if upstream is not None else of_source.get(source.id, ())
        own = _declared(draft, spec, model.schema, inherited)
        model.rules = (*inherited, *own)
        said = spec.rules
        if said is None and source.source is not None:
            said = draft.tables[source.id][1].rules
        model.rules_found = model.budget is None and (said is None or FOUND in said)
        if model.spec.epsilon is not None:
            check_private_rules(draft, model)
        _check_conditions(draft, model)


def texts_of(spec: SourceTableSpec | ModelSpec) -> Iterator[tuple[str, Location]]:
    """The rules of a spec that are texts of the language, with their places."""
    for index, text in enumerate(spec.rules or ()):
        if text not in (FOUND, NONE):
            yield text, spec.origin.at("rules", index)


def comparisons_of(spec: SourceTableSpec | ModelSpec) -> Iterator[tuple[str, Location]]:
    """Those that compare, which constraints keep."""
    for text, where in texts_of(spec):
        try:
            rule = parse_rule(text)
        except RuleError:
            continue
        if isinstance(rule, Inequality):
            yield str(rule), where


def _declared(
    draft: Draft, spec: SourceTableSpec | ModelSpec, schema: Schema, inherited: Sequence[DeclaredRule]
) -> tuple[DeclaredRule, ...]:
    """The spec's own rules, without comparisons and those that are inherited; what is wrong becomes faults."""
    if spec.rules is not None and NONE in spec.rules and len(spec.rules) > 1:
        draft.fault("none stands among other rules", spec.origin.at("rules"), NONE, "write none alone, or drop it")
    found: list[DeclaredRule] = []
    for text, where in texts_of(spec):
        try:
            rule = parse_rule(text)
        except RuleError as error:
            column = f" (at its character {error.at + 1})" if error.at else ""
            draft.fault(f"rule {text!r}: {error.message}{column}", where, text, error.hint)
            continue
        if isinstance(rule, Inequality):
            continue
        known = [r.rule for r in (*inherited, *found)]
        problem = check_rule(rule, as_read(schema)) or _clash(rule, known)
        if problem is not None:
            draft.fault(f"rule {text!r}: {problem[0]}", where, text, problem[1])
        elif rule not in known:
            found.append(DeclaredRule(rule, f"{draft.relative(spec)}:{where.line}:{where.column}"))
    return tuple(found)


def check_rule(rule: Rule, schema: Schema) -> tuple[str, str] | None:
    """(what is wrong with the rule for a table of these columns, how to fix it), or None."""
    for name in rule.columns:
        column = schema.by_name.get(name)
        if column is None:
            return f"there is no column {name!r}", did_you_mean(name, schema.names, "a column")
        if not column.modelled and not _by_key(rule, schema) and not _of_key(rule, schema):
            why = f"pii: {column.pii}" if column.pii is not None else column.type
            message = f"column {name!r} is made up, not learnt ({why}), so no rule can hold in it"
            return message, "declare the type that its values have, or drop the rule"
        by_row = Pii.of(column.pii or "")
        if by_row.column is not None and isinstance(rule, Dependency) and not _by_key(rule, schema):
            message = f"column {name!r} is made up by each row's {by_row.column!r}, and a key has one value"
            return message, f"say a locale, as in pii: {by_row.kind} in de_DE, or drop the rule"
    inner = rule.rule if isinstance(rule, Mostly) else rule
    return _check_kinds(inner, schema) if isinstance(inner, Formula) else None


def _by_key(rule: Rule, schema: Schema) -> bool:
    """Whether a rule holds because the table's primary key tells its rows apart."""
    if not isinstance(rule, Dependency | Unique) or not schema.primary_key:
        return False
    if isinstance(rule, Dependency) and rule.both:
        return False
    apart = rule.columns if isinstance(rule, Unique) else rule.determinants
    return set(schema.primary_key) <= set(apart)


def _of_key(rule: Rule, schema: Schema) -> bool:
    """Whether a rule says what belongs to a made-up key (``unit -> state``, ``unique: [unit, year]``), or names it."""
    columns = [schema.by_name[n] for n in rule.columns if n in schema.by_name]
    made = [c for c in columns if not c.modelled]
    keys = [c for c in made if c.type == "id" and c.pii is None]
    if isinstance(rule, Unique):
        return len(made) == len(keys) == 1
    if not isinstance(rule, Dependency):
        return False
    *given, told = columns
    if all(c.modelled for c in given):
        return told in keys
    return len(given) == 1 and (given[0] in keys or (rule.both and told in keys))


def _check_kinds(rule: Formula, schema: Schema) -> tuple[str, str] | None:
    kinds: dict[str, Kind] = {}
    for name in rule.columns:
        kind = kind_of_column(schema.by_name[name].sql_type)
        if kind is None:
            message = f"column {name!r} is {schema.by_name[name].sql_type}, of which nothing is computed"
            return message, "name numbers, dates, moments or texts"
        kinds[name] = kind
    try:
        gives = kind_in(rule.expression, kinds)
    except ValueError as error:
        return str(error), "see docs/rules.md for what each function takes"
    target = kinds[rule.target]
    if gives == target or (gives, target) in (("date", "moment"), ("moment", "date")):
        return None
    return f"it gives a {gives}, and {rule.target!r} is a {target}", "compute a value of the column's own kind"


def kind_of_column(sql_type: str) -> Kind | None:
    """What an expression takes a column of a DuckDB type for; None where it can do nothing with it."""
    found = provisional_type(sql_type)
    if found in ("integer", "float", "decimal", "boolean"):
        return "number"
    if found == "date":
        return "date"
    if found == "datetime":
        return "moment"
    return "text" if sql_type.upper() == "VARCHAR" else None


def _clash(rule: Rule, known: Sequence[Rule]) -> tuple[str, str] | None:
    """Why a rule cannot stand beside those before it: a column that is computed twice, a circle, a contradiction."""
    computes = _computes(rule)
    if computes is not None:
        rule, formulas = computes, {one.target: one for r in known if (one := _computes(r)) is not None}
        other = formulas.get(rule.target)
        if other is not None and other != rule:
            return f"{rule.target!r} is computed by '{other}' already", "drop one of the two"
        way = _way(rule, formulas)
        if way is not None:
            return f"it goes in a circle with '{way}'", "compute one of the columns from others"
    if isinstance(rule, When):
        for before in known:
            same = isinstance(before, When) and before.conditions == rule.conditions
            if same and isinstance(before, When) and _exclude(before.then, rule.then):
                return f"it contradicts '{before}'", "drop or mend one of them"
    return None


def _computes(rule: Rule) -> Formula | None:
    """How a rule computes a column, in all rows or in most."""
    inner = rule.rule if isinstance(rule, Mostly) else rule
    return inner if isinstance(inner, Formula) else None


def _way(rule: Formula, formulas: Mapping[str, Formula]) -> Formula | None:
    """A formula through which the rule's target is computed from itself."""
    waiting, seen = list(rule.inputs), set()
    while waiting:
        name = waiting.pop()
        one = formulas.get(name)
        if one is None or name in seen:
            continue
        seen.add(name)
        if rule.target in one.inputs:
            return one
        waiting += one.inputs
    return None


def _exclude(a: Condition, b: Condition) -> bool:
    """Whether no value passes both."""
    if a.column != b.column:
        return False
    if a.test == "in" and b.test == "in":
        return not set(a.values) & set(b.values)
    return {a.test, b.test} in ({"null", "not null"}, {"null", "in"})


def _check_conditions(draft: Draft, model: ModelDraft) -> None:
    """Conditions whose values break a rule, taken together, would be searched for in vain."""
    assert model.schema is not None
    wanted = conditions_as_read(model.spec.conditions, forms_of(model.schema))
    schema = as_read(model.schema)
    for declared in model.rules:
        rule = declared.rule
        if not set(rule.columns) <= wanted.keys():
            continue
        if isinstance(rule, Unique | Combination):
            _check_room(draft, model, declared)
            continue
        broken = _broken(rule, {name: wanted[name] for name in rule.columns}, schema)
        if broken is not None:
            draft.fault(
                f"conditions ask for {broken}, which breaks the rule '{rule}' ({declared.location})",
                model.spec.origin.at("conditions"),
                hint="ask for other values, or drop the rule",
            )


def _check_room(draft: Draft, model: ModelDraft, declared: DeclaredRule) -> None:
    """More rows than the conditions leave combinations for cannot all differ."""
    rule, wanted = declared.rule, model.spec.conditions
    if not isinstance(rule, Unique) or model.size.rows is None:
        return
    if model.family is not None and (family := draft.families[model.family]).members[family.root] != model.spec.name:
        return  # the size is of another table
    room = prod(len(value) if isinstance(value, Mapping) else 1 for value in (wanted[name] for name in rule.columns))
    if room < model.size.rows:
        draft.fault(
            f"conditions leave {room:,} combinations for {model.size.rows:,} rows, which breaks the rule '{rule}' "
            f"({declared.location})",
            model.spec.origin.at("conditions"),
            hint="ask for fewer rows or more values, or drop the rule",
        )


def _broken(rule: Rule, wanted: Conditions, schema: Schema) -> str | None:
    """A combination of values that conditions ask for and the rule forbids, as text."""
    import pyarrow as pa

    values = []
    for name, value in wanted.items():
        column = schema.by_name.get(name)
        if column is None:
            return None
        read, several = (key_value, list(value)) if isinstance(value, Mapping) else (typed_value, [value])
        try:
            values.append([read(v, column) for v in several])
        except ValueError:
            return None  # another pass says it
    rows = list(islice(product(*values), MOST_COMBINED))
    try:
        asked = pa.table({name: list(column) for name, column in zip(wanted, zip(*rows, strict=True), strict=True)})
        # A dependency is broken by rows together: one zip, asked for with two cities.
        wrong = [i for i, bad in enumerate(violations(rule, asked).tolist()) if bad]
    except (ValueError, pa.ArrowException):
        return None
    return ", ".join(f"{name} = {value}" for name, value in zip(wanted, rows[wrong[0]], strict=True)) if wrong else None
