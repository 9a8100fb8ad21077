"""Which rules are kept how: each column follows from others by one rule at most, and nothing goes in circles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.encoding.kept.calendar import Calendar, calendar, says_when
from synthkit.encoding.kept.combined import combined
from synthkit.encoding.kept.computed import computed, computed_declared, places_of
from synthkit.encoding.kept.dependents import Dependents, dependents
from synthkit.encoding.kept.events import event_of
from synthkit.encoding.kept.gaps import gap
from synthkit.encoding.kept.matched import Matched, coarse, matched
from synthkit.encoding.kept.mending import rowwise
from synthkit.encoding.kept.near import near_parts
from synthkit.encoding.kept.private import private_plan
from synthkit.encoding.kept.step import KeptRules, Part
from synthkit.encoding.kept.together import Typed, together
from synthkit.rules.coding import codes_of
from synthkit.rules.dependency import Dependency
from synthkit.rules.evaluate import kind_of_type
from synthkit.rules.formula import Formula
from synthkit.rules.inequality import Inequality
from synthkit.rules.language import Rule
from synthkit.rules.mostly import Mostly
from synthkit.rules.sets import Combination, OneHot
from synthkit.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa


def keep_rules(
    rows: pa.Table,
    rules: Iterable[Rule],
    *,
    unit: pa.ChunkedArray | None,
    min_count: int,
    declared: frozenset[Rule] = frozenset(),
    near: bool = False,
    measured: Collection[str] = (),
) -> KeptRules:
    """The step that keeps rules which hold in all rows, as far as it can.

    Args:
        rows: the columns that are learnt, and no others.
        rules: those over other columns are passed over.
        unit: the column of privacy units; None: each row is somebody's own.
        min_count: people who must share what is given out.
        declared: which of the rules are; the others were found.
        near: whether columns that nearly follow from others are learnt as what is left of them.
        measured: columns of numbers, dates and times: what few people hold is not given out.
    """
    names = tuple(rows.column_names)
    mine = [rule for rule in rules if set(rule.columns) <= set(names)]
    choice = _Choice(rows, mine, declared, None if unit is None else codes_of(unit), min_count, measured)
    first = [rule for rule in mine if rule in declared]
    kept = [rule for some in (first, mine) for rule in _by_kind(some) if choice.takes(rule)]
    kept += [rule for rule in mine if rule not in kept and rowwise(rule)]
    if near:
        choice.add_near()
    mended = tuple(str(rule) for rule in mine if rule in kept and rowwise(rule))
    texts = tuple(str(rule) for rule in mine if rule in kept)
    found = tuple(str(rule) for rule in mine if rule in kept and rule not in declared)
    return KeptRules(names, choice.parts(), mended, texts, found)


def keep_declared(schema: Schema, types: pa.Schema, rules: Sequence[Rule], typed: Typed) -> KeptRules:
    """The step that keeps declared rules without a look at a row.

    Args:
        schema: the columns that would be learnt without rules, as they are declared.
        types: their Arrow types.
        typed: (values, type, name of the column) → the values in this type.
    """
    mine = [rule for rule in rules if set(rule.columns) <= set(schema.names)]
    plan, empty = private_plan(schema, mine), types.empty_table()
    formulas = {rule.target: rule for rule in mine if isinstance(rule, Formula)}
    parts: list[Part] = [together(group, schema, types, typed) for group in plan.groups]

    def visit(rule: Formula) -> None:
        for name in rule.inputs:
            if name in formulas:
                visit(formulas[name])
        part = computed_declared(rule, empty, schema.by_name[rule.target], plan)
        if part not in parts:
            parts.append(part)

    for rule in formulas.values():
        visit(rule)
    in_groups = {rule for group in plan.groups for rule in group.rules}
    kept = [rule for rule in mine if rowwise(rule) or rule in in_groups]
    mended = tuple(str(rule) for rule in mine if rowwise(rule))
    return KeptRules(schema.names, tuple(parts), mended, tuple(map(str, kept)), ())


def _by_kind(rules: Sequence[Rule]) -> list[Rule]:
    """Formulas first, as they say most; then dependencies, the ones that hold both ways first; sets, and orders."""
    kinds: tuple[type, ...] = (Formula, Mostly, Dependency, OneHot, Combination, Inequality)

    def rank(rule: Rule) -> tuple[int, int]:
        both = isinstance(rule, Dependency) and rule.both
        return kinds.index(type(rule)), 0 if both else len(rule.columns)

    return sorted((r for r in rules if isinstance(r, kinds)), key=rank)


def _lower_and_higher(rule: Inequality) -> tuple[str, str]:
    """The columns of a comparison of two columns."""
    right = str(rule.right)
    return (rule.column, right) if rule.operator in ("<", "<=") else (right, rule.column)


MOST_POOLED = 0.5  # rows of names that few people have: beyond it, a dependency that nobody declared is not kept


class _Choice:
    """What is left out so far."""

    def __init__(
        self,
        rows: pa.Table,
        rules: Sequence[Rule],
        declared: frozenset[Rule],
        people: Any,
        min_count: int,
        measured: Collection[str],
    ) -> None:
        self.declared, self.measured = declared, measured
        self.rows, self.people, self.min_count = rows, people, min_count
        orders = [rule for rule in rules if isinstance(rule, Inequality) and isinstance(rule.right, str)]
        self.higher = {_lower_and_higher(rule)[1] for rule in orders}
        self.by_output: dict[str, Part] = {}
        self.events: list[Part] = []

    def takes(self, rule: Rule) -> bool:
        """Whether the rule is kept by leaving something out."""
        if isinstance(rule, Formula):
            if not self._free(rule.target, rule.inputs):
                return False
            return self._dated(rule) or self._add(computed(rule, self.rows))
        if isinstance(rule, Mostly):
            return self._event(rule)
        if isinstance(rule, Dependency):
            return self._dependency(rule)
        if isinstance(rule, OneHot | Combination):
            if any(n in self.by_output for n in rule.columns):
                return False
            return self._add(combined(self.rows, rule.columns))
        if isinstance(rule, Inequality) and isinstance(rule.right, str):
            low, high = _lower_and_higher(rule)
            return self._free(high, (low,)) and self._add(
                gap(self.rows, low, high, places=places_of(self.rows, high), min_count=self.min_count)
            )
        return False

    def add_near(self) -> None:
        """Leave out what nearly follows from columns, where no rule is about it."""
        for part in near_parts(self.rows, self._free, self.min_count):
            self._add(part)

    def parts(self) -> tuple[Part, ...]:
        """Each after what it is computed from."""
        done: list[Part] = []

        def visit(part: Part) -> None:
            if part not in done:
                for name in part.inputs:
                    if name in self.by_output:
                        visit(self.by_output[name])
                if part not in done:
                    done.append(part)

        # Sets and gaps are what the generator gives: they come first, and learn last.
        for part in (*self.by_output.values(), *self.events):
            visit(part)
        return tuple(done)

    def _dependency(self, rule: Dependency) -> bool:
        given, dependent = rule.determinants, rule.dependent
        if rule.both and not self._free(dependent, given):
            given, dependent = (dependent,), given[0]
        if not self._free(dependent, given):
            return False
        if len(given) == 1 and not rule.both and self._matched(given[0], dependent):
            return True
        if rule.both and {*given, dependent} <= {*self.measured}:
            if self._add(self._map(rule, given, dependent, named=False, most_pooled=MOST_POOLED)):
                return True
            if rule not in self.declared:
                return False
        most_pooled = MOST_POOLED if self._tell_of_few(rule, given) else 1.0
        return self._add(self._map(rule, given, dependent, named=True, most_pooled=most_pooled))

    def _map(
        self, rule: Dependency, given: tuple[str, ...], dependent: str, *, named: bool, most_pooled: float
    ) -> Dependents | None:
        return dependents(
            self.rows,
            given,
            (dependent,),
            people=self.people,
            min_count=self.min_count,
            both=rule.both,
            named=named,
            most_pooled=most_pooled,
        )

    def _tell_of_few(self, rule: Dependency, given: Sequence[str]) -> bool:
        """Whether a rule that nobody declared is of names, where many rows may be one person's."""
        names = any(kind_of_type(self.rows.schema.field(n).type) == "text" for n in given)
        return names and self.people is not None and rule not in self.declared

    def _dated(self, rule: Formula) -> bool:
        """Whether what is said of a date or moment is learnt together with it."""
        if not says_when(rule, self.rows):
            return False
        (moment,) = rule.inputs
        before = self.by_output.get(moment)
        if isinstance(before, Calendar) and before.moment == moment:
            others = tuple(part.rule for part in before.formulas)
            return self._add(calendar(self.rows, moment, (*others, rule)))
        return self._alone(moment) and self._add(calendar(self.rows, moment, (rule,)))

    def _matched(self, number: str, dependent: str) -> bool:
        """Whether a column of more values than are told apart is learnt together with what follows from it."""
        before = self.by_output.get(number)
        found = None
        if isinstance(before, Matched) and before.outputs[0] == number:
            found = (*before.outputs[1:], dependent)
        elif self._alone(number):
            found = (dependent,)
        return found is not None and self._add(
            matched(self.rows, number, found, people=self.people, min_count=self.min_count)
        )

    def _alone(self, name: str) -> bool:
        """Whether a column has more values than are told apart, and follows from no other, nor lies above one."""
        return name not in self.by_output and name not in self.higher and coarse(self.rows.column(name))

    def _event(self, rule: Mostly) -> bool:
        inner = rule.rule
        if isinstance(inner, Formula):
            return self._free(inner.target, inner.inputs) and self._add(event_of(rule, self.rows))
        self.events.append(event_of(rule, self.rows))
        return True

    def _free(self, target: str, inputs: Sequence[str]) -> bool:
        """Whether a column may follow from others: it does not yet, and they do not follow from it."""
        if target in self.by_output:
            return False
        return not any(self._reaches(name, target) for name in inputs)

    def _reaches(self, name: str, goal: str) -> bool:
        if name == goal:
            return True
        part = self.by_output.get(name)
        return part is not None and any(self._reaches(n, goal) for n in part.inputs)

    def _add(self, part: Part | None) -> bool:
        if part is None:
            return False
        for name in part.outputs:
            self.by_output[name] = part
        return True
