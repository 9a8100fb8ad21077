"""Which values of a category of many are learnt each, and how the others are grouped (:mod:`.tails`)."""

from __future__ import annotations

from dataclasses import replace

from synthkit.encoding.fill import ColumnPlan
from synthkit.encoding.similar import scores
from synthkit.encoding.tails import RareTails, Tail
from synthkit.encoding.view import View
from synthkit.schema import MIN_COUNT, Table

OWN = 300  # values with a category of their own, at most
OWN_PEOPLE = 30  # of each of them, at least: fewer would be learnt by heart
GROUPS = 30  # of the others, at most
GROUP_ROWS = 50  # of a group, at least
CHOICES = 3  # values that a group gives back, at least


def with_tails(plan: ColumnPlan, table: Table) -> ColumnPlan:
    """The plan with the rare values of such columns grouped, innermost: whatever else is done with them sees values.

    Args:
        table: the training rows as they are read.
    """
    inner = [c.name for c in plan.inner.columns if c.rare is not None and c.name in plan.modelled.by_name]
    tails = [tail for name in inner if (tail := _tail(name, plan, table)) is not None]
    return replace(plan, learnt=View((*plan.learnt.steps, RareTails(tuple(tails))))) if tails else plan


def _tail(name: str, plan: ColumnPlan, table: Table) -> Tail | None:
    """How a column's rare values are grouped; None where there are none, or none that may come back."""
    import numpy as np
    import pyarrow as pa

    unit = table.schema.privacy_unit
    rows = table.to_arrow([name] if unit in (None, name) else [name, str(unit)])
    values = rows.column(0).combine_chunks()
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return None
    named = pa.table({"v": values, "who": rows.column(rows.num_columns - 1)}).filter(values.is_valid())
    counted = named.group_by("v").aggregate([([], "count_all"), ("who", "count_distinct")])
    texts, held = counted["v"].to_pylist(), np.array(counted["count_all"].to_pylist())
    people = held if rows.num_columns == 1 else np.array(counted["who_count_distinct"].to_pylist())
    common = people >= MIN_COUNT
    order = sorted(range(len(texts)), key=lambda i: (not common[i], -people[i], texts[i]))
    own = order[: min(OWN, int((people >= OWN_PEOPLE).sum()))]
    rest = order[len(own) :]
    if not rest or not common.any():
        return None
    at = scores(values, texts, held, table, [c for c in plan.modelled.columns if c.name != name])
    rest.sort(key=lambda i: (at[i], texts[i]))
    count = max(1, min(GROUPS, int(held[rest].sum() // GROUP_ROWS)))
    cuts = np.minimum(np.cumsum(held[rest]) * count // max(1, held[rest].sum() + 1), count - 1).astype(int)
    groups: list[tuple[tuple[str, int], ...]] = []
    group_of: dict[str, int] = {}
    for number in np.unique(cuts):
        inside = [i for i, cut in zip(rest, cuts, strict=True) if cut == number]
        back = [i for i in inside if common[i]]
        middle = float(np.average(at[inside], weights=held[inside]))
        near = sorted((i for i in order if common[i] and i not in back), key=lambda i: (abs(at[i] - middle), texts[i]))
        back += near[: max(0, CHOICES - len(back))]
        group_of |= {texts[i]: len(groups) for i in inside}
        groups.append(tuple((texts[i], int(held[i])) for i in back))
    label = "rare "
    while any(text.startswith(label) for text in texts):
        label = f"_{label}"
    called = f"{name} (grouped)"
    while called in plan.schema.by_name:
        called = f"{called}_"
    return Tail(name, called, label, tuple(groups), group_of)
