"""k-anonymity, l-diversity, t-closeness and k-map, for those who must report them.

They were made for tables of real people whose records are coarsened. A synthetic table has no such people, so the first
three describe it and bound no risk; all ask for the quasi-identifiers, the columns that somebody else may know. Only
``k_map`` looks at real people. They are counts of the whole table, so they have no sampling error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import BANDED, POSITIVE, SHARE, AuditResult, ColumnName, ColumnNames, audit
from synthkit.audits.gate import Default, Estimate, GateParams, ShareParams, gated
from synthkit.errors import SynthError
from synthkit.sql.quoting import quote

Width = Annotated[float, Field(gt=0)]
BANDS = {"widths": BANDED}


class KAnonymityParams(ShareParams):
    """Parameters of ``k_anonymity`` and ``k_map``, beside the gate's.

    Args:
        min: the smallest group that passes. Default: 5.
        quasi_identifiers: the columns that somebody else may know about a person.
        widths: by column, the width of the bands into which numbers are cut first: ``{age: 10}``.
    """

    min: float | None = Field(default=None, ge=1)
    quasi_identifiers: ColumnNames
    widths: Mapping[ColumnName, Width] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _bands(self) -> Self:
        _refuse_other_bands(self.widths, self.quasi_identifiers)
        return self


class LDiversityParams(KAnonymityParams):
    """Parameters of ``l_diversity``, beside those of ``k_anonymity``.

    Args:
        min: the smallest diversity that passes. Default: 2.
        sensitive: the column that must not be learnt from the others.
        kind: ``distinct``, the number of different values in a group; ``entropy``, e to the power of their entropy.
    """

    sensitive: ColumnName
    kind: Literal["distinct", "entropy"] = "distinct"


class TClosenessParams(GateParams):
    """Parameters of ``t_closeness``, beside the gate's.

    Args:
        max: the largest distance that passes. Default: 0.2.
        quasi_identifiers, widths: as for ``k_anonymity``.
        sensitive: the column whose distribution is compared.
    """

    max: float | None = Field(default=None, ge=0, le=1)
    quasi_identifiers: ColumnNames
    widths: Mapping[ColumnName, Width] = Field(default_factory=dict)
    sensitive: ColumnName

    @model_validator(mode="after")
    def _bands(self) -> Self:
        _refuse_other_bands(self.widths, self.quasi_identifiers)
        return self


def _refuse_other_bands(widths: Mapping[str, float], quasi_identifiers: Sequence[str]) -> None:
    """Raises ValueError for the width of a column that is not cut into bands."""
    unknown = sorted(set(widths) - set(quasi_identifiers))
    if unknown:
        raise ValueError(f"widths: {unknown[0]!r} is not among quasi_identifiers")


Params = KAnonymityParams | TClosenessParams


@audit("k_anonymity", KAnonymityParams, family="privacy", between=POSITIVE, samples=False, takes=BANDS)
def k_anonymity(context: AuditContext, params: KAnonymityParams) -> AuditResult:
    """The smallest group of synthetic rows that share all quasi-identifiers (Sweeney 2002)

    Attacker: knows a person's quasi-identifiers and that the person is in the table, which of a synthetic one nobody
    is. No baseline, no control: it describes the table. A missing value is a value. A pass protects no one by itself.
    """
    groups = f"SELECT count(*) AS k FROM synthetic GROUP BY {_keys(context, params)}"
    k, rows, small = _row(context, f"SELECT min(k), sum(k), coalesce(sum(k) FILTER (k < 5), 0) FROM ({groups})")
    if not rows:
        return _empty()
    details = {"rows": int(rows), "rows_in_groups_below_5": int(small), "columns": list(params.quasi_identifiers)}
    return _counted(params, k, {"min": 5}, f"the smallest group has {_rows(k)}", details, "coarser columns (widths:)")


@audit("l_diversity", LDiversityParams, family="privacy", between=POSITIVE, samples=False, takes=BANDS)
def l_diversity(context: AuditContext, params: LDiversityParams) -> AuditResult:
    """The least number of different sensitive values among synthetic rows that share all quasi-identifiers

    Machanavajjhala et al. (2007): ``distinct``, or ``entropy`` (its exponential, so that both read as a number of
    values). Attacker and limits: as for ``k_anonymity``. A missing value is a value.
    """
    counted = f"SELECT {_keys(context, params, named=True)}, count(*) AS n FROM synthetic GROUP BY ALL"
    names = ", ".join(f"q{i}" for i in range(len(params.quasi_identifiers)))
    counted = counted.replace(", count(*)", f", {quote(params.sensitive)} AS s, count(*)", 1)
    measure = "count(*)" if params.kind == "distinct" else "exp(ln(sum(n)) - sum(n * ln(n)) / sum(n))"
    (value,) = _row(context, f"SELECT min(d) FROM (SELECT {measure} AS d FROM ({counted}) GROUP BY {names})")
    if value is None:
        return _empty()
    details = {"columns": list(params.quasi_identifiers), "sensitive": params.sensitive, "kind": params.kind}
    message = f"some group knows {value:.3g} values of {params.sensitive!r} ({params.kind})"
    return _counted(params, value, {"min": 2}, message, details, "coarser columns (widths:)")


@audit("t_closeness", TClosenessParams, family="privacy", between=SHARE, samples=False, takes=BANDS)
def t_closeness(context: AuditContext, params: TClosenessParams) -> AuditResult:
    """How far the sensitive column's distribution in a group of equal quasi-identifiers is from that of the whole table

    Li, Li & Venkatasubramanian (2007): the earth mover's distance, over ranks for numbers and dates (their ordered
    distance), and with equal distances (the total variation) for categories. The value is the largest of all groups.
    Attacker and limits: as for ``k_anonymity``.
    """
    import numpy as np

    if not context.rows("synthetic"):
        return _empty()
    group = f"dense_rank() OVER (ORDER BY {_keys(context, params)})"
    rank = f"dense_rank() OVER (ORDER BY {quote(params.sensitive)} NULLS FIRST)"
    found = context.query(f"SELECT g, r, count(*) FROM (SELECT {group} AS g, {rank} AS r FROM synthetic) GROUP BY ALL")
    g, r, n = np.array(found, dtype=np.int64).T
    overall = np.bincount(r - 1, weights=n)
    numeric = _numeric(context, params.sensitive)
    worst, where = 0.0, 0
    order = np.lexsort((r, g))
    g, r, n = g[order], r[order], n[order]
    for part in np.split(np.arange(len(g)), np.flatnonzero(np.diff(g)) + 1):
        share = np.bincount(r[part] - 1, weights=n[part], minlength=len(overall))
        gap = share / share.sum() - overall / overall.sum()
        distance = np.abs(np.cumsum(gap)).sum() / max(1, len(gap) - 1) if numeric else np.abs(gap).sum() / 2
        if distance > worst:
            worst, where = float(distance), int(n[part].sum())
    details = {"columns": list(params.quasi_identifiers), "sensitive": params.sensitive, "rows_of_that_group": where}
    message = f"a group of {_rows(where)} is {worst:.3g} away from the whole table's {params.sensitive!r}"
    return _counted(params, worst, {"max": 0.2}, message, details, "coarser columns (widths:)")


@audit(
    "k_map",
    KAnonymityParams,
    family="privacy",
    needs=("train", "holdout"),
    between=POSITIVE,
    as_read=False,
    samples=False,
    takes=BANDS,
)
def k_map(context: AuditContext, params: KAnonymityParams) -> AuditResult:
    """The smallest number of real people who share the quasi-identifiers of a synthetic row that fits anybody

    Attacker: takes a synthetic row for a real person and looks for who it is among all people of the source, by the
    quasi-identifiers (k-map: Sweeney 2002; El Emam & Dankar 2008 advise k ≥ 5). Control: none is subtracted; an
    independent sample meets rare people too, and the floor says how rare: the k-map of the held-out people in place
    of the table. Rows that fit nobody are left out. A pass means that nobody is pointed at by these columns alone.
    """
    keys = _keys(context, params, named=True)
    names = ", ".join(f"q{i}" for i in range(len(params.quasi_identifiers)))
    real = f"SELECT {keys} FROM train UNION ALL SELECT {keys} FROM holdout"
    crowd = f"SELECT {names}, count(*) AS k FROM ({real}) GROUP BY ALL"
    same = " AND ".join(f"a.q{i} IS NOT DISTINCT FROM b.q{i}" for i in range(len(params.quasi_identifiers)))

    def smallest(side: str) -> tuple[Any, ...]:
        mine = f"SELECT {keys} FROM {side}"
        query = f"SELECT min(k), count(*), count(*) FILTER (k < 5) FROM ({mine}) a JOIN ({crowd}) b ON {same}"
        return _row(context, query)

    k, rows, small = smallest("synthetic")
    if k is None:
        return AuditResult(None, "pass", "min 5", message="no synthetic row fits any real person in these columns")
    floor = smallest("holdout")[0]
    details: dict[str, Any] = {"rows_that_fit_somebody": int(rows), "rows_that_fit_fewer_than_5": int(small)}
    details["columns"] = list(params.quasi_identifiers)
    message = f"the synthetic row that fits the fewest real people fits {int(k)}"
    return _counted(params, k, {"min": 5}, message, details, "coarser columns (widths:)", floor)


def _keys(context: AuditContext, params: Params, *, named: bool = False) -> str:
    """The quasi-identifiers as SQL, cut into bands; ``named``: as q0, q1, …"""
    keys = []
    for i, column in enumerate(params.quasi_identifiers):
        key = quote(column)
        if column in params.widths:
            if not _numeric(context, column):
                raise SynthError(f"widths: {column!r} holds no numbers", hint="bands need a number")
            key = f"floor(CAST({key} AS DOUBLE) / {params.widths[column]!r})"
        keys.append(f"{key} AS q{i}" if named else key)
    return ", ".join(keys)


def _numeric(context: AuditContext, column: str) -> bool:
    declared = context.schema.by_name.get(column)
    return declared is not None and declared.numeric


def _row(context: AuditContext, query: str) -> tuple[Any, ...]:
    return context.query(query)[0]


def _rows(count: float) -> str:
    return f"{int(count):,} row{'s' if count != 1 else ''}"


def _empty() -> AuditResult:
    return AuditResult(None, "inconclusive", message="too few rows to tell: the table has none")


def _counted(
    params: Params,
    value: float,
    default: Default,
    message: str,
    details: Mapping[str, object],
    advice: str,
    floor: float | None = None,
) -> AuditResult:
    estimate = Estimate(float(value), float(value), float(value), None if floor is None else float(floor))
    return gated(params, estimate, default, message, details=details, advice=advice)
