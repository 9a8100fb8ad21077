"""A plan with the rules between its columns kept: those that are declared, and those that the rows show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from synthkit.encoding.fill import ColumnPlan
from synthkit.encoding.heldplan import found_of_keys, with_held
from synthkit.encoding.kept.choosing import keep_declared, keep_rules
from synthkit.encoding.kept.step import KeptRules
from synthkit.encoding.kept.together import Counts
from synthkit.encoding.keys import KeyRule, plan_key
from synthkit.encoding.values import array_of
from synthkit.encoding.view import View
from synthkit.errors import BuildError
from synthkit.generators.base import Trained, silent
from synthkit.rules.language import Rule, parse_rule, violations
from synthkit.rules.sets import Unique
from synthkit.schema import MIN_COUNT, Table

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 1_000_000  # that are looked at
LEAST_DRAWN, DRAWN = 20_000, 50  # rows that are drawn to count a column's values: at least; for each value


def ruled(plan: ColumnPlan, table: Table, declared: Mapping[str, str], *, found: bool, private: bool) -> ColumnPlan:
    """The plan that leaves out what rules compute, and gives drawn rows that keep them.

    Args:
        table: the training rows as they are read.
        declared: rule → where it is declared.
        found: look for rules in the rows, too.
        private: nothing of the rows may be looked at but their types: then what is declared is kept by what else is
            declared.

    Raises:
        BuildError: training rows break a declared rule.
    """
    from synthkit.rules.find.named import shown_rules

    rules = {parse_rule(text): place for text, place in declared.items()}
    names = [c.name for c in plan.modelled.columns]
    if not names or not (rules or found):
        return plan
    if private:
        step = keep_declared(plan.modelled, plan.arrow_schema(), tuple(rules), array_of)
        return replace(plan, learnt=View((*plan.learnt.steps, step))) if step.kept else plan
    beside = plan.read.inner  # columns that the table lacks: a rule of one would speak of what nobody knows
    rows = table.first(MOST_ROWS)
    _check(rows, rules)
    unit = plan.modelled.privacy_unit
    people = rows.column(unit) if unit is not None and unit in rows.column_names else None
    shown = shown_rules(rows.select([n for n in names if n not in beside]), MIN_COUNT, people) if found else ()
    every = [*rules, *(rule for rule in shown if rule not in rules)]
    step = keep_rules(
        rows.select(names),
        every,
        unit=people,
        min_count=MIN_COUNT,
        declared=frozenset(rules),
        near=found,
        measured=[c.name for c in plan.modelled.columns if c.continuous],
    )
    plan = replace(plan, learnt=View((*plan.learnt.steps, step))) if step.kept or step.parts else plan
    plan = with_held(plan, tuple(rules), found_of_keys(plan, rows) if found else ())
    return replace(plan, uniques=_uniques(plan, table, rules))


def _uniques(plan: ColumnPlan, table: Table, rules: Iterable[Rule]) -> tuple[KeyRule, ...]:
    """Declared sets of learnt columns of which no two rows have the same values; the primary key is one anyway."""
    learnt, primary = set(plan.modelled.names), set(plan.schema.primary_key)
    mine = [r.columns for r in rules if isinstance(r, Unique) and set(r.columns) <= learnt]
    keys = [plan_key(table, {}, names) for names in mine if not primary or not primary <= set(names)]
    return tuple(key for key in keys if key is not None)


def settled(plan: ColumnPlan, counts: Callable[[str], Counts]) -> ColumnPlan:
    """The plan for rows of a model that was trained under a budget: which values go together is known by now.

    Args:
        counts: of a learnt column, what the training released: all that this looks at.
    """
    steps = (s.settled(counts) if isinstance(s, KeptRules) else s for s in plan.learnt.steps)
    return replace(plan, learnt=View(tuple(steps)))


def counted(generator: Trained, model: Any, plan: ColumnPlan, seed: int) -> Callable[[str], Counts]:
    """Noisy counts of a column that was learnt: as they were released, or of rows that the model draws."""

    def counts(name: str) -> Counts:
        import pyarrow as pa
        import pyarrow.compute as pc

        if generator.counts is not None:
            return Counts(*generator.counts(model, name))
        values = plan.inner.by_name[name].values or ()
        rows = max(LEAST_DRAWN, DRAWN * len(values))
        batches = generator.sample(model, rows, conditions=(), seed=seed, progress=silent)
        drawn = pa.chunked_array([batch.column(name) for batch in batches])
        many = {one["values"]: one["counts"] for one in pc.value_counts(drawn).to_pylist()}
        return Counts(tuple(float(many.get(value, 0)) for value in values))

    return counts


def found_in(plan: ColumnPlan) -> tuple[str, ...]:
    """The rules that a plan keeps although nobody declared them, as text."""
    of_columns = (text for step in plan.learnt.steps if isinstance(step, KeptRules) for text in step.found)
    return (*of_columns, *(text for held in plan.held for text in held.found))


def _check(rows: pa.Table, rules: Mapping[Rule, str]) -> None:
    broken = []
    for rule, place in rules.items():
        if not set(rule.columns) <= set(rows.column_names):
            continue
        try:
            many = int(violations(rule, rows, rows).sum())
        except ValueError as error:
            raise BuildError(
                f"the rule '{rule}' ({place}) does not fit the training rows: {error}", hint="mend the rule"
            ) from None
        if many:
            broken.append(f"{many:,} of {rows.num_rows:,} break '{rule}' ({place})")
    if broken:
        raise BuildError(
            f"training rows break what is declared of them: {'; '.join(broken)}",
            hint="mend the rule, or clean the rows in an SQL model and learn from that one",
        )
