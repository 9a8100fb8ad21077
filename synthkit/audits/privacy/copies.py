"""Verbatim copies of training rows among the synthetic ones, beyond what chance gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import SHARE, AuditResult, ColumnNames, audit
from synthkit.audits.gate import Default, GateParams, gated, limit_of, untold
from synthkit.audits.privacy.population import FEWEST, Population, attacked_columns, population, record_keys
from synthkit.audits.rows.proportions import Share, clustered, paired_excess

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
    version=2,
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

    What both sides have in equal parts says nothing, and adds no error: each row is compared with itself, and the value
    is the share of rows met rather in the training rows less that of rows met rather in the holdout. Interval:
    Newcombe's for two such shares (Stat. Med. 17, 1998, 2635–2650, method 10), from Wilson's for as many rows as there
    are different matches.

    A record that several people have is no copy of one of them. A table made of training rows alone has the value that
    is reported as ``reach``, the mean of (1 − f)^(m − 1) over the training people. Where that is within the limit (two
    columns of two values, say) the audit does not apply, and is skipped.

    A pass says nothing of near copies: ``dcr`` and ``membership_inference`` look for these.
    """
    import numpy as np

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
    reach = float(people.train @ (1 - part) ** np.maximum(people.train - 1, 0) / people.train.sum())
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
    main = one_sided(np.maximum(met - control, 0) / part, known, rows)
    chance = one_sided(np.maximum(control - met, 0) / part, known, rows, 1 / part)
    estimate = paired_excess(main, chance)
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


def matches(people: Population, keys: Array) -> tuple[Array, Array, Array]:
    """For each synthetic row: how many training people and held-out people have it, and which record it is."""
    import numpy as np

    place = np.minimum(np.searchsorted(people.keys, keys), len(people.keys) - 1)
    equal = people.keys[place] == keys
    return np.where(equal, people.train[place], 0), np.where(equal, people.holdout[place], 0), place


def one_sided(weights: Array, records: Array, rows: int, least: float = 1.0) -> Share:
    """The share of rows that are met on one side rather than on the other: rows of one record count together."""
    return clustered(weights[weights > 0], records[weights > 0], rows, least)


def rarefied(count: Array, part: float) -> Array:
    """The chance that a record that ``count`` people of a side have is met in a part of them."""
    import numpy as np

    return np.asarray(1 - (1 - part) ** count, dtype=float)
