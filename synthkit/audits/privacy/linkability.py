"""Can two sources about the same people be joined through the synthetic table?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import RISK, AuditResult, ColumnNames, audit
from synthkit.audits.privacy.attacks import AttackParams, Rates, attack_risk, judged, number_of_attacks, too_few
from synthkit.audits.privacy.population import attacked_columns
from synthkit.audits.rows.features import sample_rows
from synthkit.audits.rows.neighbours import Part, Space, nearest_rows, space
from synthkit.audits.rows.proportions import wilson
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


class LinkabilityParams(AttackParams):
    """Parameters of ``linkability``, beside those of all attacks.

    Args:
        left, right: the columns of each of the attacker's two sources. Default: the modelled columns, dealt out so that
            each source has some of many different values.
        neighbours: how many nearest synthetic rows of each half are compared.
    """

    left: ColumnNames | None = None
    right: ColumnNames | None = None
    neighbours: int = Field(default=1, ge=1, le=100)

    @model_validator(mode="after")
    def _both(self) -> LinkabilityParams:
        if (self.left is None) != (self.right is None):
            raise ValueError("give both left and right, or neither")
        if self.left and self.right and (shared := sorted(set(self.left) & set(self.right))):
            raise ValueError(
                f"{shared[0]!r} is in left and in right: whoever has it in both needs no table to join them"
            )
        return self


@audit("linkability", LinkabilityParams, family="privacy", needs=("train", "holdout"), between=RISK, apart="attacks")
def linkability(context: AuditContext, params: LinkabilityParams) -> AuditResult:
    """Can two sources about the same people be joined through the table? Risk beyond the control's (anonymeter)

    Attacker: has the table and two sources about the same people with different columns, ``left`` and ``right``. Goal:
    which records of the two belong to one person. Attack: a person's two halves belong together where their nearest
    synthetic rows are the same (or one of ``neighbours``; of equally near rows the first in a random order).
    Baseline: rows picked by chance, 1 − C(n − k, k) / C(n, k). Control: held-out people, whose halves fit together as
    the population's do. Risk: (main − control) / (1 − control), with Wilson's intervals joined by MOVER.

    A pass means that this attack joins training people no better than others; with other columns it may.
    """
    if (few := too_few(context, params)) is not None:
        return few
    columns = attacked_columns(context)
    left, right = (params.left, params.right) if params.left and params.right else _halves(context, columns)
    if not left or not right:
        return AuditResult(None, "skipped", message="two modelled columns are needed, one for each half")
    points = space(context, tuple(dict.fromkeys((*left, *right))))
    size = number_of_attacks(context, params)
    order = context.rng("linkability").permutation(context.rows("synthetic"))
    linked = {side: _links(context, points, side, size, order, (left, right), params.neighbours) for side in _SIDES}
    main, control = (wilson(int(linked[s].sum()), len(linked[s])) for s in _SIDES)
    rates = Rates(main, control, _by_chance(len(order), params.neighbours))
    details = {"attacks": {s: len(linked[s]) for s in _SIDES}, "left": list(left), "right": list(right)}
    return judged(params, rates, attack_risk(rates), "the halves are joined for", details)


_SIDES: tuple[Side, ...] = ("train", "holdout")


def _links(
    context: AuditContext,
    points: Space,
    side: Side,
    size: int,
    order: Array,
    halves: tuple[tuple[str, ...], tuple[str, ...]],
    k: int,
) -> Array:
    """Whether the two halves of each attacked person share a nearest synthetic row."""
    people = sample_rows(context, side, size, "linkability")
    found = []
    for columns in halves:
        found.append(nearest_rows(Part(points, columns), [(side, people)], ("synthetic", order), min(k, len(order)))[0])
    shared: Array = (found[0][:, :, None] == found[1][:, None, :]).any(axis=(1, 2))
    return shared


def _halves(context: AuditContext, columns: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns dealt out by their numbers of different synthetic values, so that both halves tell people apart."""
    if not columns:
        return (), ()
    # One at a time: a table of a column's values is held for each count of a query.
    table = context.scan("synthetic")
    counts = [context.scalar(f"SELECT count(DISTINCT {quote(c)}) FROM {table}") for c in columns]
    ordered = [c for _, c in sorted(zip(counts, columns, strict=True), key=lambda pair: (-pair[0], pair[1]))]
    left = {c for i, c in enumerate(ordered) if i % 4 in (0, 3)}
    return tuple(c for c in columns if c in left), tuple(c for c in columns if c not in left)


def _by_chance(rows: int, k: int) -> float:
    apart = 1.0
    for i in range(min(k, rows)):
        apart *= max(0, rows - k - i) / (rows - i)
    return 1 - apart
