"""Which columns an audit of fidelity compares, and whether there are rows enough to compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import AuditResult
from synthkit.audits.gate import Default, Gate, limit_of, untold
from synthkit.audits.rows import marginals
from synthkit.audits.rows.entities import FEWEST
from synthkit.audits.rows.links import whose
from synthkit.audits.verdict import MIN_ROWS
from synthkit.errors import SynthError, did_you_mean


def judged_columns(
    context: AuditContext,
    asked: Sequence[str] | None,
    audit: str,
    fits: Callable[[str], bool] = lambda _: True,
    why_not: str = "",
    instead: str = "",
) -> tuple[str, ...]:
    """The columns to compare: those asked for, or all comparable ones that fit; empty where none does.

    Args:
        why_not: what is said of a column that was asked for and does not fit.
        instead: what to do about it; default: to leave it out.

    Raises:
        SynthError: there are no held-out rows; a column that was asked for is not there, or does not fit.
    """
    if context.holdout is None:
        raise SynthError(f"{audit} needs held-out real rows, and there are none", hint='set holdout: "20%"')
    if asked is None:
        return tuple(c.name for c in marginals.comparable_columns(context) if fits(c.name))
    real = marginals.sql_types(context, "holdout")
    for column in asked:
        marginals.require(context, column)
        if column not in real:
            hint = did_you_mean(column, real, "a column")
            raise SynthError(f"the real table has no column {column!r} to compare with", hint=hint)
        if not fits(column):
            raise SynthError(f"{column!r} {why_not}", hint=instead or f"leave it out of the columns of {audit}")
    return tuple(dict.fromkeys(asked))


def is_number(context: AuditContext, column: str) -> bool:
    """Whether distances along the column mean something, on both sides (numbers, dates and times)."""
    declared = context.schema.by_name.get(column)
    if declared is not None and declared.type in ("categorical", "boolean"):
        return False
    return marginals.number_key(context, column) is not None


def reference(context: AuditContext) -> Side:
    """The real rows that bins and categories are taken from: the training rows, where there are any."""
    return "holdout" if context.train is None else "train"


def has_floor(context: AuditContext, column: str) -> bool:
    """Whether there are training rows with this column, to compare the held-out ones with."""
    return context.train is not None and column in marginals.sql_types(context, "train")


def too_few(context: AuditContext, params: Gate, default: Default, least: int = MIN_ROWS) -> AuditResult | None:
    """The result where either side has fewer than ``least`` rows, or fewer than 30 people; None where both have enough.

    Rows of one person are alike: many rows of a few people are not many rows. People are counted in members of
    families, whose rows belong to somebody else's.
    """
    rows = {"synthetic": context.rows("synthetic"), "held-out": context.rows("holdout")}
    few = [f"{n} {side} rows" for side, n in rows.items() if n < least]
    if few:
        return untold(f"{' and '.join(few)} (at least {least} are needed)", limit_of(params, None, default).text)
    people = _people(context)
    if people is not None and people < FEWEST:
        told = f"{rows['held-out']} held-out rows are {people} people's (at least {FEWEST} people are needed)"
        return untold(told, limit_of(params, None, default).text)
    return None


def _people(context: AuditContext) -> int | None:
    """Whose the held-out rows are, by number; None where each row is somebody's own, or nothing says whose it is."""
    import pyarrow.compute as pc

    if context.family is None or context.holdout is None:
        return None
    if (theirs := whose(context, "holdout")) is not None:
        return len(set(theirs.tolist()))
    schema = context.holdout.schema
    unit = schema.privacy_unit
    if unit is None or unit not in schema.names or schema.primary_key == (unit,):
        return None
    return int(pc.count_distinct(context.arrow("holdout", (unit,)).column(0)).as_py())
