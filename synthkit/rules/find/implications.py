"""What follows from a value: nulls that come together or have a cause, and values that go with values.

For each value that a column of few values has, and for each missing one, the other columns are looked at in its rows:
where one is the same in all of them, that follows from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from math import log
from typing import TYPE_CHECKING, Any

from synthkit.rules.find.cells import Cells, pair_counts
from synthkit.rules.find.columns import Columns, Look
from synthkit.rules.find.evidence import MOST_CHANCE, Evidence, Found, chance_of
from synthkit.rules.sets import NullsTogether
from synthkit.rules.when import Condition, Value, When

if TYPE_CHECKING:
    from synthkit.rules.coding import Mask

FEW_VALUES = 40  # of a column whose values may be causes
MOST_CAUSES = 100  # columns that are looked at, of a wider table the first ones
FEW_NUMBERS = 10  # the same of one that holds numbers
FEWEST = 20  # rows of a cause
LEAST_SHARE = 0.005  # of all rows: what follows from rarer values is no rule to live by
FEWEST_NULLS = 3
MOST_LISTED = 12  # values in one rule
COMMON = 0.95  # a value that so many rows have follows from everything


def nulls_together(columns: Columns) -> Iterator[Found]:
    """Columns that are missing in the same rows."""
    import numpy as np

    groups: dict[bytes, list[Look]] = defaultdict(list)
    for look in columns.looks:
        if look.nulls >= FEWEST_NULLS and look.rows - look.nulls >= FEWEST_NULLS:
            groups[np.packbits(look.absent).tobytes()].append(look)
    for looks in groups.values():
        if len(looks) < 2:
            continue
        # Of all ways to lay so many nulls, one lies as the first column's: 1 / C(n, k) at most (min share) ** k.
        few = min(looks[0].nulls, looks[0].rows - looks[0].nulls)
        chance = chance_of(few * log(few / looks[0].rows), len(columns.looks) ** 2)
        if chance <= MOST_CHANCE:
            unseen = len(columns.unseen)
            yield Found(NullsTogether(tuple(x.name for x in looks)), Evidence(looks[0].rows, 0, unseen, chance))


def null_causes(columns: Columns, together: Mapping[str, str], zeros: Sequence[Found]) -> Iterator[Found]:
    """Values, or other missing values, because of which a column is missing.

    Args:
        together: column → the first of those that are missing in the same rows; only that one is looked at.
        zeros: what :func:`zeros_together` found: those columns have their cause.
    """
    caused = {f.rule.then.column for f in zeros if isinstance(f.rule, When) and f.rule.then.test == "null"}
    nulls = [x for x in columns.looks if x.nulls >= FEWEST_NULLS and together.get(x.name, x.name) == x.name]
    nulls = [x for x in nulls if x.name not in caused][:MOST_CAUSES]
    causes = [x for x in columns.looks if 1 < x.distinct <= FEW_VALUES and x.nulls == 0 and x.whole][:MOST_CAUSES]
    for look in nulls:
        whole = next((f for a in causes if (f := _decided(columns, look, a)) is not None), None)
        if whole is not None:
            yield whole
            continue
        for other in nulls:
            if other is not look and other.nulls >= FEWEST and not (other.absent & ~look.absent).any():
                chance = chance_of(other.nulls * log(look.nulls / look.rows), len(nulls) ** 2)
                if chance <= MOST_CHANCE and not _between(nulls, other, look):
                    rule = When((Condition(other.name, "null"),), Condition(look.name, "null"))
                    yield Found(rule, _evidence(columns, other.absent, chance))


def _between(nulls: list[Look], low: Look, high: Look) -> bool:
    """Whether another column's nulls lie between: then the implication follows from two."""
    return any(
        x not in (low, high) and not (low.absent & ~x.absent).any() and not (x.absent & ~high.absent).any()
        for x in nulls
    )


def _decided(columns: Columns, look: Look, cause: Look) -> Found | None:
    """The rule that each value of the cause has only nulls or none."""
    import numpy as np

    sizes = np.bincount(cause.codes, minlength=cause.distinct)
    absent = np.bincount(cause.codes, weights=look.absent, minlength=cause.distinct)
    if not ((absent == 0) | (absent == sizes)).all():
        return None
    share = look.nulls / look.rows
    chance = chance_of((look.rows - cause.distinct) * log(max(share, 1 - share)), len(columns.looks) ** 2)
    if chance > MOST_CHANCE or min(sizes[absent > 0].sum(), sizes[absent == 0].sum()) < FEWEST:
        return None
    values = [(_value(columns, cause, code), bool(absent[code])) for code in range(cause.distinct)]
    without = tuple(v for v, null in values if null and v is not None)
    others = tuple(v for v, null in values if not null and v is not None)
    if len(without) + len(others) < cause.distinct or min(len(without), len(others)) > MOST_LISTED:
        return None
    null, given = Condition(look.name, "null"), Condition(look.name, "not null")
    told, then, otherwise = (without, null, given) if len(without) <= len(others) else (others, given, null)
    rule = When((Condition(cause.name, "in", told),), then, otherwise)
    return Found(rule, Evidence(look.rows, 0, len(columns.unseen), chance))


def zeros_together(columns: Columns, tied: set[frozenset[str]]) -> Iterator[Found]:
    """Numbers that are zero in the same rows, or missing where another one is zero.

    Args:
        tied: pairs of columns of which another rule tells already.
    """
    import numpy as np

    groups: dict[bytes, list[tuple[Look, Condition, Condition, int]]] = defaultdict(list)
    for look in columns.looks:
        if look.numbers is not None and look.kind == "number":
            zero = look.numbers == 0
            there = int(zero.sum())
            if FEWEST <= there <= COMMON * columns.rows:
                is_zero = Condition(look.name, "in", (Decimal(0),))
                is_not = Condition(look.name, "not in", (Decimal(0),))
                groups[np.packbits(zero).tobytes()].append((look, is_zero, is_not, there))
    for look in columns.looks:
        key = np.packbits(look.absent).tobytes()
        if key in groups and look.nulls:
            groups[key].append((look, Condition(look.name, "null"), Condition(look.name, "not null"), look.nulls))
    for (first, cause, _, there), *others in groups.values():
        if all(look.distinct <= 2 for look in (first, *(o[0] for o in others))) and cause.test != "null":
            continue  # two columns of zeros and ones are the same one
        chance = chance_of(there * log(there / columns.rows), len(columns.looks) ** 2)
        for look, then, otherwise, _ in others:
            if chance <= MOST_CHANCE and frozenset({first.name, look.name}) not in tied:
                rule = When((cause,), then, otherwise)
                yield Found(rule, Evidence(columns.rows, 0, len(columns.unseen), chance))


def values_go_together(
    columns: Columns, known: Mapping[str, set[str]], cells: Cells, skip: set[frozenset[str]]
) -> Iterator[Found]:
    """``when internet = 'no' then backup = 'no internet' else backup != 'no internet'``, and one way alone.

    Of two columns, a rule says which pairs of values never occur. One whose pairs follow from others, through a third
    column or directly, is left out.

    Args:
        known: column → what it determines anyway.
        cells: which pairs of values other rules allow; what is found is noted there.
        skip: pairs of columns of which another kind of rule tells already.
    """
    looks = [x for x in columns.looks if _category(x)][:MOST_CAUSES]
    candidates = max(1, sum(x.distinct for x in looks) ** 2)
    found = [
        one
        for a in looks
        for b in looks
        if a is not b and b.name not in known.get(a.name, ()) and frozenset({a.name, b.name}) not in skip
        for one in _implied(columns, a, b, known, candidates)
    ]
    # Both ways first, then what says most.
    for rule, told_rows, chance in sorted(found, key=lambda f: (f[0].otherwise is None, -f[1])):
        if cells.adds(rule):
            yield Found(rule, Evidence(told_rows, 0, int(told_rows * len(columns.unseen) / columns.rows), chance))


def _category(look: Look) -> bool:
    """Whether its values may be causes: few of them, none of them measured."""
    return look.varies and look.whole and look.distinct <= (FEW_NUMBERS if look.kind == "number" else FEW_VALUES)


def _implied(
    columns: Columns, a: Look, b: Look, known: Mapping[str, set[str]], candidates: int
) -> Iterator[tuple[When, int, float]]:
    """Values of ``a`` in whose rows ``b`` has one value: rule, rows, chance."""
    import numpy as np

    if a.name in known.get(b.name, ()) and a.distinct > 2:
        return  # a value of which only one part exists: no rule, a short list
    table = pair_counts(a, b)
    sizes, shares = table.sum(axis=1), table.sum(axis=0) / columns.rows
    fewest = max(FEWEST, LEAST_SHARE * columns.rows)
    one_way: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for code in range(a.distinct):
        row = table[code + 1]
        if not fewest <= sizes[code + 1] <= COMMON * columns.rows or np.count_nonzero(row) != 1:
            continue
        value = int(row.argmax())
        if value == 0 or shares[value] > COMMON:
            continue  # nulls have rules of their own
        support = _support(columns, a, b, known, a.codes == code)
        chance = chance_of(support * log(shares[value]), candidates)
        if support < FEWEST or chance > MOST_CHANCE:
            continue
        if table[:, value].sum() == sizes[code + 1]:
            rule = _rule(columns, a, [code], b, value - 1, both=True)
            if rule is not None:
                yield rule, columns.rows, chance
        else:
            one_way[value - 1].append((code, chance))
    for value, codes in one_way.items():
        rule = _rule(columns, a, [c for c, _ in codes], b, value, both=False)
        if rule is not None:
            yield rule, int(sum(sizes[c + 1] for c, _ in codes)), max(chance for _, chance in codes)


def _support(columns: Columns, a: Look, b: Look, known: Mapping[str, set[str]], rows: Mask) -> int:
    """How many rows speak for it; where a third column decides both, as a person does their year of birth, how many of
    its values do: the rows of one say the same again."""
    import numpy as np

    fewest = int(rows.sum())
    for other in columns.looks:
        if {a.name, b.name} <= known.get(other.name, set()):
            fewest = min(fewest, len(np.unique(other.codes[rows])))
    return fewest


def _rule(columns: Columns, a: Look, codes: list[int], b: Look, value: int, *, both: bool) -> When | None:
    values = tuple(v for c in codes if (v := _value(columns, a, c)) is not None)
    then = _value(columns, b, value)
    if then is None or not 0 < len(values) <= MOST_LISTED or len(values) < len(codes):
        return None
    otherwise = Condition(b.name, "not in", (then,)) if both else None
    return When((Condition(a.name, "in", values),), Condition(b.name, "in", (then,)), otherwise)


def _evidence(columns: Columns, told: Any, chance: float) -> Evidence:
    return Evidence(int(told.sum()), 0, int(told[columns.unseen].sum()), chance)


def _value(columns: Columns, look: Look, code: int) -> Value | None:
    """A value as the language writes it; None for those that it cannot."""
    import datetime as dt

    import numpy as np

    row = int(np.argmax(look.codes == code))
    found = columns.table.column(look.name)[row].as_py()
    if isinstance(found, bool | str) or (isinstance(found, dt.date) and not isinstance(found, dt.datetime)):
        return found
    if isinstance(found, int | float | Decimal):
        return Decimal(str(found))
    return None
