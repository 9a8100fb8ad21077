"""Products, ratios and functions of one column, with rounding: ``amount = round(price * quantity, 2)``, ``log(x)``.

All pairs are tried on a few rows at once, what is left on more, and what is left then on all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from synthkit.rules.evaluate import evaluate
from synthkit.rules.expression import Call, Expression, Name, Number, names_in
from synthkit.rules.find.columns import Columns, Look
from synthkit.rules.find.evidence import Found
from synthkit.rules.find.proving import prove_formula
from synthkit.rules.formula import Formula

if TYPE_CHECKING:
    from synthkit.rules.coding import Floats

MOST_MULTIPLIED = 60  # columns that are looked at, of a wider table the first ones
TRIED = 48  # rows on which each pair is tried at first
FEWEST = 8  # rows that must tell something
HUNDRED = Number(Decimal(100))
ONE = Number(Decimal(1))

# Name → what the pair gives. A name is also the shape of the expression that is written.
PAIRS: dict[str, Callable[[Any, Any], Any]] = {
    "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "100 * a / b": lambda a, b: 100 * a / b,
    "a * b / 100": lambda a, b: a * b / 100,
    "a / (100 * b)": lambda a, b: a / (100 * b),
}
SYMMETRIC = ("a * b", "a * b / 100")
FUNCTIONS = ("log", "log1p", "log10", "log2", "exp", "sqrt")


def products(columns: Columns) -> Iterator[Found]:
    """``y = a * b`` and its like, and with a third factor ``c`` or ``1 - c``, for each numeric ``y``."""
    import numpy as np

    looks = [look for look in columns.numeric if look.distinct > 2][:MOST_MULTIPLIED]
    if len(looks) < 3:
        return
    rows = _telling(columns, looks)
    values = np.column_stack([look.numbers[rows] for look in looks if look.numbers is not None])
    first, second = np.triu_indices(len(looks), k=1)
    candidates = len(looks) * len(first) * (2 * len(PAIRS) + 1)
    seen: set[frozenset[str]] = set()
    shapes = [
        (list(PAIRS).index(name), i, a, b)
        for i, look in enumerate(looks)
        for name, a, b in _fitting(values, i, first, second, look)
    ]
    for shape, i, a, b in sorted(shapes):  # y = a * b before a = y / b, which says the same
        look, names = looks[i], frozenset({looks[i].name, looks[a].name, looks[b].name})
        if names not in seen:
            expression = _pair(list(PAIRS)[shape], Name(looks[a].name), Name(looks[b].name))
            rule = _rounded(columns, look, expression)
            found = None if rule is None else prove_formula(columns, rule, candidates)
            if found is not None:
                seen.add(names)
                yield found
    yield from _three(columns, looks, values, seen)


def functions(columns: Columns) -> Iterator[Found]:
    """``y = log(x)`` and its like."""
    looks = [look for look in columns.numeric if look.distinct > 2][:MOST_MULTIPLIED]
    candidates = max(1, len(looks) ** 2 * (len(FUNCTIONS) + 1))
    for target in looks:
        if target.whole:
            continue  # a rounded logarithm of a count is found in too many rows by chance
        for other in looks:
            for expression in _functions(Name(other.name)) if other is not target else ():
                rule = _rounded(columns, target, expression)
                found = None if rule is None else prove_formula(columns, rule, candidates)
                if found is not None:
                    yield found
                    break


def _functions(column: Name) -> Iterator[Expression]:
    yield from (Call(function, (column,)) for function in FUNCTIONS)
    yield Call("log", (Call("greatest", (column, ONE)),))  # as logarithms of amounts that may be zero are taken


def _telling(columns: Columns, looks: list[Look]) -> Any:
    """Rows of the sample in which few numbers are missing, zero or one: those tell products apart."""
    import numpy as np

    part = columns.sample
    plain = np.zeros(len(part))
    for look in looks:
        assert look.numbers is not None
        x = look.numbers[part]
        plain += np.isnan(x) | (x == 0) | (x == 1)
    dull = np.argsort(plain, kind="stable")
    # Half of the least dull rows, half of any: a column may be missing or zero in all of the former.
    return np.unique(np.concatenate([part[dull[: TRIED // 2]], part[: TRIED - TRIED // 2]]))


def _fitting(values: Floats, i: int, first: Any, second: Any, look: Look) -> Iterator[tuple[str, int, int]]:
    """Pairs of columns that give the ``i``-th one in all tried rows that tell something."""
    import numpy as np

    y = values[:, i : i + 1]
    near = (1e-6 if look.single else 1e-9) * np.abs(y)
    near = near if look.decimals is None else near + 0.5 * 10.0**-look.decimals * (1 + 1e-6)
    with np.errstate(all="ignore"):
        for name, give in PAIRS.items():
            ways = ((first, second),) if name in SYMMETRIC else ((first, second), (second, first))
            for a, b in ways:
                made = give(values[:, a], values[:, b])
                known = np.isfinite(made) & ~np.isnan(y)
                telling = known & (np.abs(made) > np.abs(near)) & (values[:, b] != 1) & (values[:, a] != 1)
                fits = ~known | (np.abs(made - y) <= near)
                good = fits.all(axis=0) & (telling.sum(axis=0) >= FEWEST) & (a != i) & (b != i)
                yield from ((name, int(a[j]), int(b[j])) for j in np.flatnonzero(good))


def _pair(name: str, a: Expression, b: Expression) -> Expression:
    if name == "a * b":
        return Call("*", (a, b))
    if name == "a / b":
        return Call("/", (a, b))
    if name == "100 * a / b":
        return Call("/", (Call("*", (HUNDRED, a)), b))
    if name == "a * b / 100":
        return Call("/", (Call("*", (a, b)), HUNDRED))
    return Call("/", (a, Call("*", (HUNDRED, b))))


def _three(columns: Columns, looks: list[Look], values: Floats, seen: set[frozenset[str]]) -> Iterator[Found]:
    """``y = a * b * c`` and ``y = a * b * (1 - c)``: the ratio y / (a · b) is compared with every column."""
    import numpy as np

    few = values[: 3 * FEWEST]
    first, second = np.triu_indices(len(looks), k=1)
    candidates = len(looks) ** 2 * len(first) * 2
    with np.errstate(all="ignore"):
        made = few[:, first] * few[:, second]
        for i, look in enumerate(looks):
            if look.decimals is not None and look.decimals == 0:
                continue
            allowed = 1e-9 if look.decimals is None else 0.5 * 10.0**-look.decimals
            for c, third in enumerate(looks):
                if c == i:
                    continue
                for minus in (False, True):
                    factor = 1 - few[:, c] if minus else few[:, c]
                    whole = made * factor[:, None]
                    known = np.isfinite(whole) & ~np.isnan(few[:, i : i + 1])
                    fits = ~known | (np.abs(whole - few[:, i : i + 1]) <= allowed * (1 + 1e-6) + 1e-9 * np.abs(whole))
                    telling = known & (np.abs(whole) > 10 * allowed) & (factor != 1)[:, None]
                    good = fits.all(axis=0) & (telling.sum(axis=0) >= FEWEST)
                    good &= (first != i) & (second != i) & (first != c) & (second != c)
                    for j in np.flatnonzero(good):
                        a, b = looks[first[j]].name, looks[second[j]].name
                        names = frozenset({look.name, a, b, third.name})
                        if names in seen or any(s < names for s in seen):
                            continue
                        last: Expression = Name(third.name)
                        last = Call("-", (ONE, last)) if minus else last
                        rule = _rounded(columns, look, Call("*", (Call("*", (Name(a), Name(b))), last)))
                        found = None if rule is None else prove_formula(columns, rule, candidates)
                        if found is not None:
                            seen.add(names)
                            yield found


def _rounded(columns: Columns, target: Look, expression: Expression) -> Formula | None:
    """The formula, rounded where the target has fewer places than the value; None where the sample breaks it."""
    import numpy as np
    import pyarrow as pa

    part = columns.table.select(list(names_in(expression))).take(pa.array(columns.sample[:500]))
    value = evaluate(expression, part)
    assert isinstance(value, np.ndarray)
    assert target.numbers is not None
    given = target.numbers[columns.sample[:500]]
    known = ~np.isnan(value) & ~np.isnan(given)
    apart = np.abs(value - given)[known]
    exact = (1e-6 if target.single else 1e-9) * (np.abs(value) + np.abs(given) + 1)[known]
    if not len(apart):
        return None
    if (apart <= exact).all():
        return Formula(target.name, expression)
    if target.decimals is None or not (apart <= 0.5 * 10.0**-target.decimals * (1 + 1e-6) + exact).all():
        return None
    return Formula(target.name, Call("round", (expression, Number(Decimal(target.decimals)))))
