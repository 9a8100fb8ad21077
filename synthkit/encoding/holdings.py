"""What gives made-up keys to the rows of one drawing: each in its turn, beside every other rule that rows keep."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.encoding.held import Adapt, Held, Holding
from synthkit.encoding.kept.step import KeptRules
from synthkit.encoding.makers import ForeignMaker, Maker
from synthkit.encoding.rules import FillRule
from synthkit.encoding.shapes import digest
from synthkit.encoding.view import View
from synthkit.rules.coding import codes_differ
from synthkit.rules.comparing import satisfied
from synthkit.rules.inequality import Inequality

if TYPE_CHECKING:
    import pyarrow as pa


def holdings(
    held: Sequence[Held],
    filled: Sequence[FillRule],
    learnt: View,
    schema: pa.Schema,
    makers: Mapping[str, Maker],
    *,
    rules: Sequence[Inequality],
    asked: Collection[str],
    seed: int,
) -> list[Holding]:
    """What gives keys to rows, in the order of ``held``.

    Args:
        filled, learnt, schema: of the plan.
        makers: of made-up columns.
        rules: comparisons that rows go on to keep.
        asked: columns with conditions.
    """
    import numpy as np

    step = next((s for s in learnt.steps if isinstance(s, KeptRules)), None)
    by_name = {rule.column.name: rule for rule in filled}
    found: list[Holding] = []
    earlier: frozenset[str] = frozenset()
    for one in held:
        ids = makers[one.key]
        assert isinstance(ids, ForeignMaker)
        random = np.random.default_rng(int(digest(f"{seed}:{one.key}"), 16))
        made = {n: makers[n] for n in one.made}
        found.append(
            Holding(
                one,
                by_name[one.key],
                schema.field(one.key).type,
                ids,
                made,
                adapt=_adapting(step, rules, earlier),
                fixed={*asked, *earlier},
                rng=random,
            )
        )
        earlier |= {one.key, *one.columns}
    return found


def _adapting(step: KeptRules | None, rules: Sequence[Inequality], settled: frozenset[str]) -> Adapt:
    """Computes anew what follows from columns that changed, and says which rows break a rule then.

    Args:
        settled: columns that belong to keys that are there already.
    """

    def adapt(columns: dict[str, Any], changed: frozenset[str], before: dict[str, Any]) -> Any:
        import numpy as np

        wrong = [np.zeros(len(next(iter(columns.values()))), dtype=bool)]
        if step is not None:
            wrong.append(step.adapt(columns, changed, before))
        wrong += [~satisfied(rule, _some(columns, rule.columns)) for rule in rules]
        wrong += [codes_differ(before[n], columns[n]) for n in settled if n in before]
        return np.any(wrong, axis=0)

    return adapt


def _some(columns: Mapping[str, Any], names: Sequence[str]) -> pa.RecordBatch:
    import pyarrow as pa

    once = list(dict.fromkeys(names))
    return pa.record_batch([columns[n] for n in once], names=once)
