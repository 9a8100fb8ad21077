"""Declared inequalities held in every generated row, by rejection.

Rows that break a rule are drawn anew, so what is kept has exactly the model's distribution given that the rules hold:
clipping, sorting or swapping values would hold them too, and bend the distribution. Rows with a missing value on
either side satisfy a rule (SQL's CHECK), NaN counts as missing.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.encoding.values import array_of
from synthkit.errors import BuildError
from synthkit.generators.base import Progress, Quota, Sample, silent
from synthkit.generators.exact.rejection import Drawn, fill_quotas, values_text
from synthkit.rules.comparing import satisfied
from synthkit.rules.inequality import Inequality, parse_inequality
from synthkit.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.encoding.fill import ColumnPlan

LEAST_DRAW = 1_000  # rows drawn at once where no conditions make rows dear


# -- the real rows ---------------------------------------------------------------------------------------


def check_real_rows(rules: Mapping[Inequality, str], table: Table) -> None:
    """The training rows must satisfy every rule: a rule that they break is wrong, or they are.

    Args:
        rules: rule → where it is declared.

    Raises:
        BuildError: names each broken rule, its location, and how many rows break it.
    """
    names = sorted({name for rule in rules for name in rule.columns})
    broken = dict.fromkeys(rules, 0)
    for batch in table.batches(names) if names else ():
        for rule in rules:
            broken[rule] += int((~satisfied(rule, batch)).sum())
    found = [f"{n:,} of {table.rows:,} break '{rule}' ({rules[rule]})" for rule, n in broken.items() if n]
    if found:
        raise BuildError(
            f"training rows break what is declared of them: {'; '.join(found)}",
            hint="mend the rule, or clean the rows in an SQL model and learn from that one",
        )


def unchanging(rules: Sequence[Inequality], plan: ColumnPlan) -> dict[str, pa.Scalar]:
    """Values of the rules' columns that no generator draws, as they are the same (or missing) in all training rows.

    Raises:
        BuildError: a rule's column turned out to be a key or free text, which is made up.
    """
    import pyarrow as pa

    made = {r.column.name: r for r in plan.filled}
    schema, fixed = plan.arrow_schema(), {}
    for rule in rules:
        for name in rule.columns:
            if name not in made:
                continue
            kind = schema.field(name).type
            if made[name].kind == "null":
                fixed[name] = pa.scalar(None, kind)
            elif made[name].kind == "constant":
                fixed[name] = array_of([json.loads(made[name].value or "null")], kind, name)[0]
            else:
                raise BuildError(
                    f"the rule '{rule}' cannot hold: {name!r} looks like {_described(made[name].kind)} and is made up",
                    hint=f"declare the type of {name!r} (integer, decimal, date, …), so that it is modelled",
                )
    return fixed


def _described(kind: str) -> str:
    return {"key": "a key", "foreign": "a key", "text": "free text", "form": "free text"}.get(kind, kind)


# -- rows that satisfy the rules -------------------------------------------------------------------------


def within(sample: Sample, rules: Sequence[Inequality], fixed: Mapping[str, pa.Scalar], name: str) -> Sample:
    """A generator's ``sample`` that gives only rows which satisfy every rule: as many as asked for, quotas met exactly.

    Memory stays bounded, and the same model and seed give the same rows.

    Args:
        fixed: see :func:`satisfied`.
        name: of the generator, for messages.

    Raises (while sampling):
        BuildError: too few rows satisfy the rules after 400 draws per row (500,000 at least).
    """
    if not rules:
        return sample

    def sample_within(
        model: Any, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
    ) -> Iterator[pa.RecordBatch]:
        def draw(counts: Sequence[int], turn: int) -> Iterator[pa.RecordBatch]:
            asked = [Quota(q.values, n) for q, n in zip(conditions, counts, strict=False) if n]
            return sample(model, sum(counts), conditions=asked, seed=_turn_seed(seed, turn), progress=silent)

        supply = _Within(draw, rules, fixed, name, len(conditions))
        yield from fill_quotas(supply, conditions or (Quota({}, rows),), rows, seed=seed, progress=progress)

    return sample_within


class _Within:
    """Draws from the generator, a number of rows for each quota, and lets pass what satisfies the rules."""

    def __init__(
        self,
        source: Callable[[Sequence[int], int], Iterator[pa.RecordBatch]],
        rules: Sequence[Inequality],
        fixed: Mapping[str, pa.Scalar],
        name: str,
        conditions: int,
    ) -> None:
        self.source, self.rules, self.fixed, self.name, self.conditions = source, rules, fixed, name, conditions
        self.turn = self.draws = self.passed = 0
        self.holding = [0] * len(rules)  # draws in which each rule held

    def draw(self, needs: Sequence[float], most: int) -> Drawn:
        import pyarrow as pa

        counts = [math.ceil(1.1 * n) for n in needs]
        if not self.conditions:
            counts = [max(LEAST_DRAW, counts[0])]
        if sum(counts) > most:
            counts = [n * most // sum(counts) for n in counts]
            counts[max(range(len(needs)), key=needs.__getitem__)] += most - sum(counts)
        kept = [self._passing(batch) for batch in self.source(counts, self.turn)]
        self.turn += 1
        return Drawn(pa.concat_batches(kept), counts, sum(counts))

    def _passing(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        import numpy as np
        import pyarrow as pa

        passing = np.ones(batch.num_rows, dtype=bool)
        for i, rule in enumerate(self.rules):
            mask = satisfied(rule, batch, self.fixed)
            self.holding[i] += int(mask.sum())
            passing &= mask
        self.draws += batch.num_rows
        self.passed += int(passing.sum())
        return batch.filter(pa.array(passing))

    def unmet(self, quota: Quota, have: int, draws: int) -> BuildError:
        worst = min(range(len(self.rules)), key=self.holding.__getitem__)
        asked = f" with {values_text(quota)}" if quota.values else ""
        rates = f"'{self.rules[worst]}' holds in {_rate(self.holding[worst], self.draws)} of its draws"
        if len(self.rules) > 1:
            rates += f", all {len(self.rules)} rules in {_rate(self.passed, self.draws)}"
        return BuildError(
            f"{self.name} gave {have:,} of {quota.rows:,} rows{asked} that satisfy the declared constraints "
            f"in {draws:,} draws: {rates}",
            hint="train longer, choose a generator that learns how these columns go together, or ask for fewer rows",
        )


def _rate(part: int, whole: int) -> str:
    return f"{part / max(1, whole):.2g} ({part:,} rows)" if 0 < part < whole / 100 else f"{part / max(1, whole):.1%}"


def _turn_seed(seed: int, turn: int) -> int:
    """A seed for each draw: two draws from one seed would give the same rows."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{turn}".encode()).digest()[:4], "big")


def keeps(rules: Sequence[Inequality]) -> frozenset[str]:
    """Columns that may not be changed afterwards, to make a key unique: those compared with another column.

    A value that moves between the least and the greatest real one still satisfies a comparison with a constant.
    """
    return frozenset(name for rule in rules if isinstance(rule.right, str) for name in rule.columns)


def parse_all(texts: Mapping[str, str]) -> dict[Inequality, str]:
    """Rules back from a job's text → location."""
    return {parse_inequality(text): location for text, location in texts.items()}
