"""All that holds in a table, and nothing that follows from the rest: a list short enough for people."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import TYPE_CHECKING

from synthkit.rules.dependency import Dependency
from synthkit.rules.expression import Call, Expression, Name
from synthkit.rules.find.cells import Cells
from synthkit.rules.find.columns import Columns
from synthkit.rules.find.dates import dates, digits
from synthkit.rules.find.dependencies import paired, single
from synthkit.rules.find.evidence import Found
from synthkit.rules.find.groups import fixed_combinations, one_hot, unique
from synthkit.rules.find.implications import null_causes, nulls_together, values_go_together, zeros_together
from synthkit.rules.find.linear import linear
from synthkit.rules.find.nearly import nearly
from synthkit.rules.find.orders import orders
from synthkit.rules.find.products import functions, products
from synthkit.rules.formula import Formula
from synthkit.rules.inequality import Inequality
from synthkit.rules.language import Rule
from synthkit.rules.sets import NullsTogether
from synthkit.rules.when import When

if TYPE_CHECKING:
    import pyarrow as pa

FEWEST = 20  # rows: of fewer nothing is said


def find_rules(table: pa.Table, *, seed: int = 0, mostly: bool = False) -> tuple[Found, ...]:
    """The rules that hold in the rows, each with its evidence.

    Candidates come from a sample of the rows (4,000, at most half) and are proven on all. The chance of each, times the
    number of candidates, is at most one in a million. What follows from other rules is left out.

    Args:
        seed: of the sample.
        mostly: also computed columns that up to a tenth of the rows break.
    """
    if table.num_rows < FEWEST or not table.num_columns:
        return ()
    columns = Columns(table, seed)
    formulas = _formulas(columns)
    graph = _Graph([look.name for look in columns.looks])
    for one in formulas:
        assert isinstance(one.rule, Formula)
        graph.computed(one.rule)
    dependencies = graph.reduced(single(columns))
    known = graph.closure()
    groups = list(one_hot(columns))
    pairs = _pairs(paired(columns, known), known, graph, [*formulas, *groups])
    ordered = _orders(list(orders(columns)), formulas, graph)
    together = list(nulls_together(columns))
    first = {name: f.rule.columns[0] for f in together if isinstance(f.rule, NullsTogether) for name in f.rule.columns}
    tied = {frozenset(pair) for f in (*formulas, *ordered, *groups) for pair in combinations(f.rule.columns, 2)}
    zeros = list(zeros_together(columns, tied))
    causes = list(null_causes(columns, first, zeros))
    cells = Cells(columns, known, [f.rule for f in causes if isinstance(f.rule, When)])
    values = list(values_go_together(columns, known, cells, tied))
    sets = list(fixed_combinations(columns, known, cells))
    keys = list(unique(columns, graph.first))
    found = (*formulas, *dependencies, *pairs, *ordered, *groups, *together, *zeros, *causes, *values, *sets, *keys)
    if not mostly:
        return found
    said = {frozenset(f.rule.columns) for f in found if isinstance(f.rule, Formula)}
    return (*found, *nearly(columns, said))


def _formulas(columns: Columns) -> list[Found]:
    """Computed columns: each is computed once, and none from one that is computed from it."""
    found: list[Found] = []
    inputs: dict[str, set[str]] = {}

    def reaches(start: str, goal: str) -> bool:
        return start == goal or any(reaches(i, goal) for i in inputs.get(start, ()))

    candidates = [one for finder in (dates, linear, digits, products, functions) for one in finder(columns)]
    for exponential in (False, True):  # a logarithm says the same, and comes out of the number that people know
        for one in candidates:
            rule = one.rule
            assert isinstance(rule, Formula)
            if ("exp(" in str(rule)) != exponential:
                continue
            if rule.target in inputs or any(reaches(i, rule.target) for i in rule.inputs):
                continue
            if any(set(rule.columns) <= set(f.rule.columns) for f in found):
                continue
            inputs[rule.target] = set(rule.inputs)
            found.append(one)
    return found


class _Graph:
    """Which column determines which: what is given by formulas, and what dependencies add."""

    def __init__(self, names: list[str]) -> None:
        self.order = {name: i for i, name in enumerate(names)}
        self.edges: dict[str, set[str]] = {name: set() for name in names}
        self.tied: set[frozenset[str]] = set()  # pairs of which a formula tells
        self.first: dict[str, str] = {}  # column → the first of those that are one to one with it

    def computed(self, rule: Formula) -> None:
        if len(rule.inputs) == 1:
            self.tied.add(frozenset(rule.columns))
            self.edges[rule.inputs[0]].add(rule.target)
            if _one_to_one(rule.expression):
                self.edges[rule.target].add(rule.inputs[0])

    def closure(self) -> dict[str, set[str]]:
        found = {name: set(after) for name, after in self.edges.items()}
        for middle in found:
            for after in found.values():
                if middle in after:
                    after |= found[middle]
        return {name: after - {name} for name, after in found.items()}

    def reduced(self, found: Iterable[Found]) -> list[Found]:
        """The dependencies that do not follow from formulas and from each other."""
        evidence: dict[tuple[str, str], Found] = {}
        given = {name: set(after) for name, after in self.edges.items()}
        for one in found:
            rule = one.rule
            assert isinstance(rule, Dependency)
            a, b = rule.determinants[0], rule.dependent
            for x, y in ((a, b), (b, a)) if rule.both else ((a, b),):
                evidence[x, y] = one
                if one.exact:
                    self.edges[x].add(y)
        known = self.closure()
        for name in self.order:
            same = [other for other in known[name] if name in known[other]]
            self.first[name] = min((name, *same), key=self.order.__getitem__)
        kept: list[Found] = []
        for name, first in self.first.items():
            if name != first and frozenset({name, first}) not in self.tied and name not in _reach(given, first):
                other = evidence.get((first, name)) or evidence.get((name, first))
                if other is not None:
                    kept.append(Found(Dependency((first,), name, both=True), other.evidence))
        firsts = [name for name in self.order if self.first[name] == name]
        for (a, b), one in evidence.items():
            if a not in firsts or b not in firsts or frozenset({a, b}) in self.tied or b in _reach(given, a):
                continue
            if any(c in known[a] and b in known[c] for c in firsts if c not in (a, b)):
                continue
            kept.append(Found(Dependency((a,), b), one.evidence))
        return kept


def _reach(edges: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    front = [start]
    while front:
        for after in edges[front.pop()]:
            if after not in found:
                found.add(after)
                front.append(after)
    return found


def _one_to_one(expression: Expression) -> bool:
    """Whether different inputs give different values."""
    if isinstance(expression, Name):
        return True
    if not isinstance(expression, Call):
        return False
    if expression.function in ("log", "log1p", "log2", "log10", "exp", "sqrt"):
        return _one_to_one(expression.arguments[0])
    return expression.function in ("+", "-", "*") and any(_one_to_one(a) for a in expression.arguments)


def _pairs(found: Iterable[Found], known: dict[str, set[str]], graph: _Graph, others: list[Found]) -> list[Found]:
    """Dependencies of two columns that do not follow from other rules or from each other."""
    firsts = [
        f for f in found if isinstance(f.rule, Dependency) and all(graph.first.get(c, c) == c for c in f.rule.columns)
    ]
    given: dict[tuple[str, ...], set[str]] = {}
    for f in firsts:
        assert isinstance(f.rule, Dependency)
        given.setdefault(f.rule.determinants, set()).add(f.rule.dependent)
    told = [set(f.rule.columns) for f in others]
    kept = []
    for f in firsts:
        rule = f.rule
        assert isinstance(rule, Dependency)
        if any(set(rule.columns) <= columns for columns in told):
            continue
        if any(rule.dependent in known[c] for c in given[rule.determinants] - {rule.dependent}):
            continue
        # a -> c and (c, b) -> d give (a, b) -> d.
        a, b = rule.determinants
        if any(
            rule.dependent in given.get(pair, ())
            for x, y in ((a, b), (b, a))
            for c in known[x] - {rule.dependent}
            for pair in ((c, y), (y, c))
        ):
            continue
        kept.append(f)
    return kept


def _part_of(low: str, high: str, rule: Rule) -> bool:
    """Whether a formula computes one column from the other so that their order follows: a total and its parts."""
    if not isinstance(rule, Formula):
        return False
    if set(rule.columns) == {low, high}:
        return True
    return rule.target == high and low in _added(rule.expression)


def _added(expression: Expression) -> set[str]:
    """The columns of a sum or product in which nothing is taken off."""
    names, waiting = set(), [expression]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Name):
            names.add(one.column)
        elif isinstance(one, Call):
            if one.function not in ("+", "*", "round"):
                return set()
            waiting += one.arguments[:1] if one.function == "round" else one.arguments
        elif one.value < 1:
            return set()
    return names


def _copied(rule: Rule) -> tuple[str, str] | None:
    """The two columns of a formula that says that one is the other."""
    if isinstance(rule, Formula) and isinstance(rule.expression, Name):
        return rule.target, rule.expression.column
    return None


def _orders(found: list[Found], formulas: list[Found], graph: _Graph) -> list[Found]:
    """Orderings that do not follow from two others, from a sum, or from a column that is the same."""
    pairs = {(f.rule.columns[0], f.rule.columns[1]): f for f in found if isinstance(f.rule, Inequality)}
    # Of columns that are the same, the first speaks for all: else each of their orders followed from another's.
    same = [copied for f in formulas if (copied := _copied(f.rule)) is not None]
    again = {max(two, key=graph.order.__getitem__) for two in same}
    pairs = {pair: f for pair, f in pairs.items() if not again & set(pair)}
    kept = []
    for (low, high), f in pairs.items():
        if any(_part_of(low, high, one.rule) for one in formulas):
            continue
        if (high, low) in pairs or any(
            (low, c) in pairs and (c, high) in pairs for c in graph.order if c not in (low, high)
        ):
            continue
        kept.append(f)
    return kept
