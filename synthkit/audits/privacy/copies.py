"""Verbatim copies of training rows among the synthetic ones, beyond what chance gives."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import SHARE, AuditResult, ColumnNames, audit
from synthkit.audits.gate import Default, Estimate, GateParams, gated, judge, limit_of, untold
from synthkit.audits.measures.statistics import Z
from synthkit.audits.privacy.frequencies import independent_keys
from synthkit.audits.privacy.population import (
    FEWEST,
    Population,
    attacked_columns,
    matches,
    population,
    record_keys,
)
from synthkit.audits.rows.proportions import Share, against_chance, clustered, paired_excess
from synthkit.schema import MIN_COUNT

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

DEFAULT: Default = {"max": 0.01}
ADVICE = "a generator that copies less, or epsilon; a generator that cannot copy still meets common rows by chance"


class ExactMatchParams(GateParams):
    """Parameters of ``exact_match``, beside the gate's.

    Args:
        max: the largest share of copied rows that passes. Default: 0.01.
        features: the columns that make a row equal; default: all that are modelled.
    """

    max: float | None = Field(default=None, ge=0, le=1)
    features: ColumnNames | None = None


@audit(
    "exact_match",
    ExactMatchParams,
    family="privacy",
    version=4,
    needs=("train", "holdout"),
    between=SHARE,
    samples=False,
)
def exact_match(context: AuditContext, params: ExactMatchParams) -> AuditResult:
    """How many synthetic rows are copies of training rows, beyond those that chance makes equal? Their share

    Attacker: reads the table and takes each row for a real person. Knows nothing. Goal: a person's complete record.
    Baseline: common rows, which a table meets by chance (of Adult's, about one in twenty). Control: the held-out
    people, who are met by chance alone.

    The value is (rate in the training rows − rate in the holdout) / f, both for equally many people: of u_t training
    people a part f = min(1, u_h / u_t) is compared, on average over all such parts (a record that m of them have is
    among them with probability 1 − (1 − f)^m: rarefaction, Hurlbert, Ecology 52, 1971), and the division by f undoes
    that a part shows a part of the copies only. So the value is the share of copied rows, 0 for an independent
    sample, whatever the sizes and duplicates; it and its interval are cut to [0, 1].

    A record that five people have, trained on or held out, is no copy of one of them (the minimum frequency rule of
    statistical disclosure control: Hundepool et al., Statistical Disclosure Control, 2012), and is left out: generators
    give out values that as many people have, so rows of one or two columns are met by right. Both sides are counted:
    were it the training side alone, what is left out would be what happens to stand there more often.

    What both sides have in equal parts says nothing, and adds no error: each row is compared with itself, and the value
    is the share of rows met rather in the training rows less that of rows met rather in the holdout. Interval: of rows
    that are a single person's, Newcombe's for two such shares (Stat. Med. 17, 1998, 2635–2650, method 10), from
    Wilson's for as many rows as there are different matches; of rows that two to four people have, the error of the
    split: given how many have a record, chance alone says which of them were trained on, and all rows of a record go
    with that.

    A table may have the values of a column as often as the training rows have them: frequencies are what it is to keep,
    and they are known only as exactly as the training rows tell. Of a column of many values (a day, say) the held-out
    rows' frequencies are others, by chance, and rows that are nobody's copies meet training people rather. So what such
    a table meets, whose columns are drawn independently of each other, is taken off (``by_frequencies``), of values
    that five people have; of one that passes all the same, it is not looked for.

    A table made of training rows alone has the value that is reported as ``reach``, the mean of (1 − f)^(m − 1) over
    the training people, of those whose record five have 0. Where that is within the limit (two columns of two values,
    say) the audit does not apply, and is skipped.

    A pass says nothing of near copies: ``dcr`` and ``membership_inference`` look for these.
    """
    limit = limit_of(params, 0.0, DEFAULT)
    threshold = limit.text
    columns = attacked_columns(context, params.features)
    if not columns:
        return AuditResult(None, "skipped", threshold, message="no column is modelled, so nothing was learnt")
    people = population(context, columns)
    rows = context.rows("synthetic")
    if min(*people.units, rows) < FEWEST:
        counts = f"{people.units[0]} training and {people.units[1]} held-out people and {rows} synthetic rows"
        return untold(f"{counts}, and at least {FEWEST} of each are needed", threshold)
    part = min(1.0, people.units[1] / people.units[0])
    reach = reach_of(people.train, people.holdout, part)
    details: dict[str, Any] = {"reach": reach, "columns": list(columns)}
    if limit.value is not None and reach <= limit.value < 1:
        message = (
            f"does not apply: {len(people.keys):,} different records of {sum(people.units):,} people tell none apart; "
            f"even of a table of training rows, {reach:.2%} would count as copies"
        )
        return AuditResult(None, "skipped", threshold, message=message, details=details)
    in_train, in_holdout, known = matches(people, record_keys(context, "synthetic", columns))
    met = rarefied(in_train, part)
    control = rarefied(in_holdout, min(1.0, people.units[0] / people.units[1]))
    estimate = beyond_chance(in_train, in_holdout, known, rows, people.units)
    if len(columns) > 1 and judge(estimate, limit) != "pass":
        by_right = by_frequencies(context, people, columns)
        if limit.value is not None and reach - by_right <= limit.value < 1:
            message = (
                f"does not apply: columns each with its values as often as the training rows meet {by_right:.2%} of "
                f"rows beyond chance, and a table of training rows {reach:.2%}"
            )
            return AuditResult(None, "skipped", threshold, message=message, details=details)
        estimate, details["by_frequencies"] = beside(estimate, by_right), by_right
    details |= {
        "equal_to_a_training_row": int((in_train > 0).sum()),
        "equal_to_a_held_out_row": int((in_holdout > 0).sum()),
        "rate_of_as_many_training_people": float(met.mean()),
        "rate_of_held_out_people": float(control.mean()),
    }
    message = (
        f"{details['equal_to_a_training_row']:,} of {rows:,} synthetic rows equal a training row; "
        f"beyond chance, {estimate.value:.2%} are copies"
    )
    return gated(params, estimate, DEFAULT, message, details=details, advice=ADVICE)


def reach_of(train: Array, holdout: Array, part: float) -> float:
    """The value of a table that holds the training people's own records, each once.

    Args:
        train, holdout: how many people have each record.
        part: of the training people that is compared.
    """
    import numpy as np

    found = np.where(train + holdout < MIN_COUNT, train * (1 - part) ** np.maximum(train - 1, 0), 0.0)
    return float(found.sum() / train.sum())


def beyond_chance(train: Array, holdout: Array, records: Array, rows: int, people: tuple[int, int]) -> Estimate:
    """The share of rows that are copies of a training person's record, beyond those that chance makes equal.

    Args:
        train, holdout: for each row, how many people have its record on either side.
        records: which record each row is, as any number.
        rows: how many there are.
        people: on either side.
    """
    import numpy as np

    part, ratio = min(1.0, people[1] / people[0]), min(1.0, people[0] / people[1])
    both = train + holdout
    beyond = rarefied(train, part) - rarefied(holdout, ratio)
    own = both == 1
    main = one_sided(np.where(own, np.maximum(beyond, 0), 0) / part, records, rows)
    chance = one_sided(np.where(own, np.maximum(-beyond, 0), 0) / part, records, rows, 1 / part)
    single = paired_excess(main, chance)
    few = (both > 1) & (both < MIN_COUNT)
    if not few.any():
        return single
    _, first, many = np.unique(records[few], return_index=True, return_counts=True)
    errors = np.array([_split_variance(n, people[0] / sum(people), part, ratio) for n in range(MIN_COUNT)])
    shared = float(beyond[few].sum()) / part / rows
    spread = Z * float(np.sqrt((many.astype(float) ** 2 * errors[both[few][first]]).sum())) / part / rows
    value = main.value - chance.value + shared
    low = value - math.hypot(single.value - single.low, spread)
    high = value + math.hypot(single.high - single.value, spread)
    found = against_chance(value, low, high, 0.0)
    cut = (min(1.0, max(0.0, v)) for v in (found.value, found.low, found.high))
    return replace(found, **dict(zip(("value", "low", "high"), cut, strict=True)))


def by_frequencies(context: AuditContext, people: Population, columns: tuple[str, ...]) -> float:
    """The value that the columns' own frequencies give, were the columns independent of each other."""
    import numpy as np

    keys, shared = independent_keys(context, columns)
    train, holdout, known = matches(people, keys)
    train, holdout = np.where(shared, train, 0), np.where(shared, holdout, 0)
    return beyond_chance(train, holdout, known, len(keys), people.units).value


def beside(found: Estimate, by_right: float) -> Estimate:
    """What is left of a value, and of its interval, when a part of it is taken off."""
    value, low, high = (min(1.0, max(0.0, v - by_right)) for v in (found.value, found.low, found.high))
    return replace(found, value=value, low=low, high=high)


def _split_variance(people: int, trained: float, part: float, ratio: float) -> float:
    """How much the difference of the two rates of a record varies, as each of so many people falls to the trained ones
    with a probability."""
    import numpy as np

    mine = np.arange(people + 1)
    chance = np.array([math.comb(people, m) * trained**m * (1 - trained) ** (people - m) for m in range(people + 1)])
    beyond = rarefied(mine, part) - rarefied(people - mine, ratio)
    mean = float(chance @ beyond)
    return float(chance @ (beyond - mean) ** 2)


def one_sided(weights: Array, records: Array, rows: int, least: float = 1.0) -> Share:
    """The share of rows that are met on one side rather than on the other: rows of one record count together."""
    return clustered(weights[weights > 0], records[weights > 0], rows, least)


def rarefied(count: Array, part: float) -> Array:
    """The chance that a record that ``count`` people of a side have is met in a part of them."""
    import numpy as np

    return np.asarray(1 - (1 - part) ** count, dtype=float)
