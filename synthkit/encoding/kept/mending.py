"""Rules that no column can be left out for: rows that break one take the values of a row that keeps it.

First only the columns of the broken rule change, to those of another drawn row, and what follows from them is computed
anew. What is still broken then takes all columns that rules connect with it from a row that keeps all of them: together
these always keep them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.rules.language import Rule, violations
from synthkit.rules.sets import Combination, Unique

if TYPE_CHECKING:
    import numpy as np

    from synthkit.rules.coding import Mask

ROUNDS = 3


def rowwise(rule: Rule) -> bool:
    """Whether each row keeps or breaks it by itself."""
    from synthkit.rules.dependency import Dependency
    from synthkit.rules.mostly import Mostly

    return not isinstance(rule, Unique | Combination | Dependency | Mostly)


def broken(rule: Rule, columns: dict[str, Any]) -> Mask:
    """Which drawn rows break a rule."""
    import pyarrow as pa

    return violations(rule, pa.table({n: columns[n] for n in rule.columns}))


def mend(
    columns: dict[str, Any],
    rules: Sequence[Rule],
    derived: Callable[[dict[str, Any]], None],
    links: Sequence[tuple[str, ...]],
    fixed: frozenset[str],
    rng: np.random.Generator,
    blocks: Sequence[tuple[str, ...]] = (),
) -> None:
    """Change rows in place until none breaks a rule.

    Args:
        rules: that rows keep or break by themselves.
        derived: computes what follows from other columns anew.
        links: columns that must change together: what follows, and what it follows from.
        fixed: columns that follow from others.
        blocks: columns of which only some combinations occur: they change together.
    """
    import numpy as np

    for _ in range(ROUNDS):
        wrong = 0
        for rule in rules:
            bad = broken(rule, columns)
            own = [n for n in with_blocks(rule.columns, blocks) if n not in fixed]
            if bad.any() and not bad.all() and own:
                _copy(columns, own, bad, ~bad, rng)
                wrong += int(bad.sum())
        if not wrong:
            break
        derived(columns)
    for group, names in _connected(rules, links):
        bad = np.any([broken(rule, columns) for rule in group], axis=0) if group else np.zeros(1, dtype=bool)
        if bad.any() and not bad.all():
            _copy(columns, names, bad, ~bad, rng)


def with_blocks(names: Sequence[str], blocks: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns with those of their blocks."""
    more = [n for block in blocks if set(block) & set(names) for n in block]
    return list(dict.fromkeys((*names, *more)))


def _copy(columns: dict[str, Any], names: Sequence[str], to: Mask, source: Mask, rng: np.random.Generator) -> None:
    """Give rows the values that others have, drawn from them, together."""
    import numpy as np
    import pyarrow as pa

    place = np.arange(len(to))
    place[to] = rng.choice(np.flatnonzero(source), int(to.sum()))
    index = pa.array(place)
    for name in names:
        columns[name] = columns[name].take(index)


def _connected(rules: Sequence[Rule], links: Sequence[tuple[str, ...]]) -> list[tuple[list[Rule], list[str]]]:
    """Rules that share columns, directly or not, with all their columns and those that are linked with them."""
    groups: list[tuple[list[Rule], list[str]]] = []
    for rule, columns in (*((r, r.columns) for r in rules), *((None, link) for link in links)):
        mine, names = [] if rule is None else [rule], list(columns)
        for group in [g for g in groups if set(g[1]) & set(columns)]:
            groups.remove(group)
            mine += group[0]
            names += [n for n in group[1] if n not in names]
        groups.append((mine, names))
    return groups
