"""What holds in most rows, though not in all: ``paid = billed``, ``total = a + b``, ``amount = price * quantity``.

Pairs and triples of numeric columns are tried on some rows and proven on all. Rows in which the target has its most
frequent value (mostly zero) tell nothing: the rule must hold in nine of ten others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from synthkit.rules.expression import Call, Expression, Name, Number
from synthkit.rules.find.columns import Columns, Look
from synthkit.rules.find.evidence import Found
from synthkit.rules.find.proving import prove_formula
from synthkit.rules.formula import Formula
from synthkit.rules.language import violations
from synthkit.rules.mostly import Mostly

if TYPE_CHECKING:
    from synthkit.rules.coding import Floats, Mask

LEAST = 0.9  # share of the rows
TRIED = 400  # rows that candidates are looked for in
DOUBT = 0.85  # share of these: at LEAST among all, 400 rows show less once in a thousand times
MOST_LOOKED = 40  # columns, of a wider table the first ones


def nearly(columns: Columns, said: Collection[frozenset[str]]) -> Iterator[Found]:
    """Computed columns that up to a tenth of the rows break.

    Args:
        said: sets of columns that rules are known of.
    """
    looks = [look for look in columns.numeric if look.distinct > 2][:MOST_LOOKED]
    targets: set[str] = set()
    candidates = max(1, len(looks) ** 3)
    for target, expression in _candidates(columns, looks):
        rule = Formula(target.name, expression)
        names = frozenset(rule.columns)
        if target.name in targets or any(names <= s or s <= names for s in said):
            continue
        found = prove_formula(columns, rule, candidates, most=1 - LEAST)
        if found is not None and found.evidence.exceptions and _tells(columns, rule, target):
            targets.add(target.name)
            said = {*said, names}
            yield Found(Mostly(rule), found.evidence)


def _candidates(columns: Columns, looks: list[Look]) -> Iterator[tuple[Look, Expression]]:
    """Targets and what they may be computed from: one column first, then two."""
    import numpy as np

    if len(looks) < 2:
        return
    rows = columns.sample[:TRIED]
    values = np.column_stack([look.numbers[rows] for look in looks if look.numbers is not None])
    for i, target in enumerate(looks):
        near = _near(values[:, i], target)
        for j in np.flatnonzero(_share(values[:, :i], values[:, i : i + 1], near) >= DOUBT):
            yield target, Name(looks[j].name)
    first, second = np.triu_indices(len(looks), k=1)
    for i, target in enumerate(looks):
        near, y = _near(values[:, i], target), values[:, i : i + 1]
        for sign, made in (("+", values[:, first] + values[:, second]), ("*", values[:, first] * values[:, second])):
            good = (_share(made, y, near) >= DOUBT) & (first != i) & (second != i)
            for k in np.flatnonzero(good):
                expression: Expression = Call(sign, (Name(looks[first[k]].name), Name(looks[second[k]].name)))
                if (
                    sign == "*"
                    and target.decimals is not None
                    and not (target.whole and _whole(looks, first[k], second[k]))
                ):
                    expression = Call("round", (expression, Number(Decimal(target.decimals))))
                yield target, expression


def _whole(looks: list[Look], *places: int) -> bool:
    return all(looks[i].whole for i in places)


def _near(values: Floats, look: Look) -> Floats:
    """How far a computed value may lie from each, as a column."""
    import numpy as np

    rounding = 0.5 * 10.0**-look.decimals * (1 + 1e-6) if look.decimals else 0.0
    found: Floats = ((1e-6 if look.single else 1e-9) * np.abs(np.nan_to_num(values)) + rounding)[:, None]
    return found


def _share(made: Floats, y: Floats, near: Floats) -> Floats:
    """Of each column of ``made`` the share of telling rows in which it gives ``y``; 0 where hardly a row tells."""
    import numpy as np

    telling = np.isfinite(made) & ~np.isnan(y) & (y != _usual(y[:, 0]))
    with np.errstate(invalid="ignore"):
        fits = telling & (np.abs(made - y) <= near)
    many = telling.sum(axis=0)
    found: Floats = np.where(many >= 20, fits.sum(axis=0) / np.maximum(many, 1), 0.0)
    return found


def _usual(values: Floats) -> float:
    """The most frequent number."""
    import numpy as np

    found, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return float(found[counts.argmax()]) if len(found) else 0.0


def _tells(columns: Columns, rule: Formula, target: Look) -> bool:
    """Whether it holds in most of those rows, too, in which the target has not its most frequent value."""
    import numpy as np

    assert target.numbers is not None
    telling: Mask = ~target.absent & (target.numbers != _usual(target.numbers))
    telling &= ~np.any([columns.by_name[n].absent for n in rule.inputs], axis=0)
    broken = violations(rule, columns.table)
    return bool(telling.any()) and float(broken[telling].mean()) <= 1 - LEAST
