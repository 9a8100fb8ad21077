"""Declared inequalities held in every generated row, by rejection.

Rows that break a rule are drawn anew, so what is kept has exactly the model's distribution given that the rules hold:
clipping, sorting or swapping values would hold them too, and bend the distribution. Rows with a missing value on
either side satisfy a rule (SQL's CHECK), NaN counts as missing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import TYPE_CHECKING, Any

from synthkit.encoding.values import array_of
from synthkit.errors import BuildError
from synthkit.generators.base import Progress, Quota, Sample, silent
from synthkit.generators.exact.inequality import Inequality, parse_inequality
from synthkit.generators.exact.rejection import Drawn, fill_quotas, values_text
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from synthkit.encoding.fill import ColumnPlan

    Mask = np.ndarray[Any, np.dtype[np.bool_]]

LEAST_DRAW = 1_000  # rows drawn at once where no conditions make rows dear


# -- one rule over some rows -----------------------------------------------------------------------------


def satisfied(rule: Inequality, batch: pa.RecordBatch, fixed: Mapping[str, pa.Scalar] | None = None) -> Mask:
    """Which rows satisfy the rule: booleans, shape (rows,).

    Args:
        fixed: values of columns that the batch lacks, as they are the same in all rows.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    def column(name: str) -> Any:
        return fixed[name] if fixed is not None and name in fixed else batch.column(name)

    left = column(rule.column)
    if isinstance(rule.right, str):
        left, right = _comparable(left, column(rule.right))
    else:
        left, right = _with_constant(left, rule)
    compare = {"<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}[rule.operator]
    missing = pc.or_(_missing(left), _missing(right))
    holds = pc.or_kleene(missing, pc.fill_null(compare(left, right), True))
    if isinstance(holds, pa.Scalar):
        return np.full(batch.num_rows, holds.as_py())
    mask: Mask = holds.to_numpy(zero_copy_only=False)
    return mask


def _missing(value: Any) -> Any:
    import pyarrow.compute as pc

    return pc.is_null(value, nan_is_null=True)


def _comparable(left: Any, right: Any) -> tuple[Any, Any]:
    """Two columns in types that Arrow compares as SQL does: as floats if one is, else exactly."""
    import pyarrow as pa
    import pyarrow.types as t

    kinds = (left.type, right.type)
    if any(t.is_floating(k) for k in kinds):
        return _as_float(left), _as_float(right)
    if pa.uint64() in kinds:  # which has no common integer type with the signed ones
        return tuple(v.cast(pa.decimal128(20, 0)) if t.is_integer(v.type) else v for v in (left, right))
    return left, right


def _as_float(value: Any) -> Any:
    import pyarrow as pa

    return value.cast(pa.float64(), safe=False)


def _with_constant(column: Any, rule: Inequality) -> tuple[Any, pa.Scalar]:
    """The column and the rule's constant in types that compare exactly."""
    import pyarrow as pa
    import pyarrow.types as t

    constant, kind = rule.right, column.type
    assert not isinstance(constant, str)
    if isinstance(constant, dt.time):
        return column, pa.scalar(constant, pa.time64("us"))
    if isinstance(constant, dt.date):
        return _with_moment(column, constant)
    if t.is_floating(kind):
        return column, pa.scalar(float(constant), kind)  # in the column's own precision, as 0.1 is there
    try:
        if t.is_decimal(kind):
            return column, pa.scalar(_rounded(constant, rule.operator, kind.scale), kind)
        return column, pa.scalar(int(_rounded(constant, rule.operator, 0)), kind)
    except (pa.ArrowInvalid, OverflowError):  # beyond every value of the column
        return _as_float(column), pa.scalar(float(constant))


def _with_moment(column: Any, constant: dt.date) -> tuple[Any, pa.Scalar]:
    """A column of dates or moments beside a moment: dates are midnights, constants are in UTC where zones are known."""
    import pyarrow as pa
    import pyarrow.types as t

    moment = constant if isinstance(constant, dt.datetime) else dt.datetime.combine(constant, dt.time())
    zone = column.type.tz if t.is_timestamp(column.type) else None
    if zone is not None:
        moment = moment.replace(tzinfo=dt.UTC)
    column = column.cast(pa.timestamp("us")) if t.is_date(column.type) else column
    return column, pa.scalar(moment, pa.timestamp("us", tz=zone))


def _rounded(constant: Decimal, operator: str, scale: int) -> Decimal:
    """The constant on the column's grid, on the side that changes nothing: for integers ``x < 1.5`` is ``x < 2``."""
    with localcontext() as context:
        context.prec = 1_000
        rounding = ROUND_FLOOR if operator in ("<=", ">") else ROUND_CEILING
        return constant.quantize(Decimal(1).scaleb(-scale), rounding=rounding)


# -- the real rows ---------------------------------------------------------------------------------------


def check_real_rows(rules: Mapping[Inequality, str], table: Table) -> None:
    """The training rows must satisfy every rule: a rule that they break is wrong, or they are.

    Args:
        rules: rule → where it is declared.

    Raises:
        BuildError: names each broken rule, its place, and how many rows break it.
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
    return {"key": "a key", "foreign": "a key", "text": "free text"}.get(kind, kind)


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
    """Rules back from a job's text → place."""
    return {parse_inequality(text): place for text, place in texts.items()}
