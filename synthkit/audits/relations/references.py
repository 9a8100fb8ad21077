"""Do the keys name rows that are there, as often and as singly as the real ones do?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import POSITIVE, AuditParams, AuditResult, ColumnResult, Status, audit
from synthkit.audits.counting import listed, row_text
from synthkit.audits.family import name_of
from synthkit.audits.gate import Estimate, Limit, judge
from synthkit.audits.rows.entities import FEWEST, count, deal_entities, shares_apart
from synthkit.audits.rows.links import NOBODY, NULL, Links, World, links, no_family
from synthkit.audits.rows.sampling_error import gaps
from synthkit.generators.tables import Key

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

CHANCE = 3.0  # doubled pairs that dealing keys at random would make, of which none by chance has probability 5 %


class ReferencesParams(AuditParams):
    """Parameters of ``references``.

    Args:
        max_nulls: how far the share of null keys may be from the real one. Default: 0.05.
    """

    max_nulls: float = Field(default=0.05, ge=0, le=1)


@dataclass(frozen=True)
class _Broken:
    """Rows that break something of a key: a mask over the synthetic rows."""

    name: str
    what: str
    rows: Array


@audit("references", ReferencesParams, family="integrity", needs=("train",), between=POSITIVE, stands_on=("child",))
def references(context: AuditContext, params: ReferencesParams) -> AuditResult:
    """Keys name rows that are there, as singly as the real ones, and are null as often

    The value is the number of rows that break something of a key. A key that is not null names a row of the parent; it
    names nothing only where ``orphans: keep`` says so and real keys do, and then no more often. What is so in all real
    rows stays so: no two rows of a link table name the same two rows, at most one row names a parent (one to one), no
    row is its own ancestor. The first two count as rules where the primary key says so, or where keys dealt at random
    would have made three doubled ones or more, so that none by chance has a probability below 5 %. ``max_per_parent``
    is kept. These are counts, and exact.

    The share of null keys is an estimate: |difference| from the held-out rows', with its interval over entities drawn
    anew, its floor from training rows, and the limit ``max_nulls``.
    """
    if (none := no_family(context)) is not None:
        return none
    found = links(context)
    table = found.family.table
    total = found.rows("synthetic", table)
    if total == 0:
        return AuditResult(None, "skipped", "max 0", message="there are no rows to look at")
    import numpy as np

    keys = found.family.keys_of(table)
    broken = [b for key in keys for b in _of_key(found, key)] + _doubled(found, keys)
    failing = int(np.any([b.rows for b in broken], axis=0).sum()) if broken else 0
    results = [_counted(name_of(key), [b for b in broken if b.name == name_of(key)]) for key in keys]
    pairs = {b.name for b in broken} - {name_of(key) for key in keys}
    results += [_counted(name, [b for b in broken if b.name == name]) for name in sorted(pairs)]
    shares = [s for key in keys for s in _shares(found, key, params.max_nulls)]
    results = sorted(
        [*results, *shares],
        key=lambda r: ("fail", "inconclusive").index(r.status) if r.status in ("fail", "inconclusive") else 2,
    )
    statuses = {r.status for r in results}
    status: Status = (
        "fail" if failing or "fail" in statuses else "inconclusive" if "inconclusive" in statuses else "pass"
    )
    threshold = f"max 0, nulls within {params.max_nulls:g}"
    bad = [f"{r.column!r}: {r.message}" for r in results if r.status in ("fail", "inconclusive")]
    message = listed(bad) if bad else f"{row_text(total)} looked at, all keys name rows as the real ones do"
    details = {"rows": total, "failing": failing, "keys": {name_of(k): _told(found, k) for k in keys}}
    return AuditResult(
        failing, status, threshold, failing, failing, message=message, columns=tuple(results), details=details
    )


def _counted(name: str, broken: list[_Broken]) -> ColumnResult:
    import numpy as np

    rows = int(np.any([b.rows for b in broken], axis=0).sum()) if broken else 0
    said = ", ".join(f"{int(b.rows.sum()):,} {b.what}" for b in broken if b.rows.any())
    return ColumnResult(name, rows, "fail" if rows else "pass", rows, rows, message=said)


def _of_key(found: Links, key: Key) -> list[_Broken]:
    import numpy as np

    name = name_of(key)
    real, ours = found.named("real", key), found.named("synthetic", key)
    broken = []
    if not (key.orphans and (real == NOBODY).any()):
        broken.append(_Broken(name, "name no row that is there", ours == NOBODY))
    most = _most(found, key, real)
    if most is not None:
        what = "are a second one of their parent" if most == 1 else f"are more than {most} of one parent"
        broken.append(_Broken(name, what, _rank_within(ours, ours >= 0) >= most))
    if key.inner and not _circling(real).any():
        broken.append(_Broken(name, "are their own ancestors", _circling(ours)))
    return [b for b in broken if len(b.rows) == len(ours) and np.ndim(b.rows) == 1]


def _most(found: Links, key: Key, real: Array) -> int | None:
    """The most rows that may name one parent: as declared, or one where no real parent has two."""
    import numpy as np

    if key.max_per_parent is not None:
        return key.max_per_parent
    named = real[real >= 0]
    if not len(named) or np.bincount(named).max() > 1:
        return None
    own = found.family.members[key.table].synthetic.schema.primary_key
    parents = sum(found.rows(s, key.references) for s in found.sides("real", key.references))
    sure = set(own) == set(key.columns) or len(named) * (len(named) - 1) / 2 / max(1, parents) >= CHANCE
    return 1 if sure else None


def _doubled(found: Links, keys: tuple[Key, ...]) -> list[_Broken]:
    """Rows that name the same two rows as one before them, where no two real rows do."""
    import numpy as np

    broken = []
    for one, other in combinations(keys, 2):
        pairs: dict[World, tuple[Array, Array]] = {}
        worlds: tuple[World, ...] = ("real", "synthetic")
        for world in worlds:
            a, b = found.named(world, one), found.named(world, other)
            both = (a >= 0) & (b >= 0)
            pairs[world] = (a * (1 + int(b.max(initial=0))) + b, both)
        code, both = pairs["real"]
        if not both.any() or len(np.unique(code[both])) < both.sum():
            continue
        own = set(found.family.members[one.table].synthetic.schema.primary_key)
        a, b = (found.named("real", k)[both] for k in (one, other))
        if own != {*one.columns, *other.columns} and _by_chance(a, b) < CHANCE:
            continue
        code, both = pairs["synthetic"]
        name = f"{name_of(one)} × {name_of(other)}"
        broken.append(_Broken(name, "name two rows that another one names", _rank_within(code, both) >= 1))
    return broken


def _by_chance(one: Array, other: Array) -> float:
    """How many doubled pairs keys dealt at random would make."""
    import numpy as np

    n = np.bincount(one).astype(float)
    share = np.bincount(other) / len(other)
    return float((n * (n - 1) / 2).sum() * (share**2).sum())


def _rank_within(values: Array, counted: Array) -> Array:
    """How many counted rows before a counted row have its value; −1 for others."""
    import numpy as np

    rank = np.full(len(values), -1)
    rows = np.flatnonzero(counted)
    order = rows[np.argsort(values[rows], kind="stable")]
    if len(order):
        ordered = values[order]
        starts = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        first = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
        rank[order] = np.arange(len(order)) - first
    return rank


def _circling(named: Array) -> Array:
    """The rows from which following the key never ends. Row numbers are doubled along: 2, 4, 8 … steps at once."""
    import numpy as np

    end = len(named)
    step = np.append(np.where((named >= 0) & (named < end), named, end), end)
    for _ in range(max(1, end.bit_length())):
        step = step[step]
    return np.asarray(step[:-1] != end)


def _shares(found: Links, key: Key, most: float) -> list[ColumnResult]:
    """How far the shares of null keys, and of keys to nothing where real ones lead there, are from the real ones."""
    import numpy as np

    side: Side = "holdout" if found.rows("holdout", key.table) else "train"
    real = found.named("real", key)
    results = []
    for code, what in ((NULL, "nulls"), (NOBODY, "to nothing")):
        ours, theirs = found.named("synthetic", key) == code, found.on(side, key.table, real) == code
        if code == NOBODY and not key.orphans:
            continue
        if not ((real == code).any() or (code == NULL and ours.any())) or not len(theirs):
            continue
        units = [found.units("synthetic", key.table), found.on(side, key.table, found.units("real", key.table))]
        name = f"{name_of(key)}: {what}"
        if min(map(count, units)) < FEWEST:
            results.append(ColumnResult(name, None, "inconclusive", message=f"fewer than {FEWEST} entities on a side"))
            continue
        rng = found.context.rng("references", key.columns)
        groups = [deal_entities(u, rng) for u in units]
        apart, error = shares_apart(ours, theirs, 2, groups[0], groups[1])
        drawn = gaps(apart[1:], error[:, 1:]).distance()
        train = found.on("train", key.table, real) == code
        floor = float(abs(train.mean() - theirs.mean())) if side == "holdout" and len(train) else None
        estimate = Estimate.of(drawn, floor)
        if code == NOBODY and apart[1] <= 0:  # fewer keys to nothing than the real table has are no fault
            estimate = Estimate(0.0, 0.0, drawn.high, floor, drawn.noise)
        status = judge(estimate, Limit(most, f"max {most:g}", "lower", "point"))
        message = f"{np.mean(ours):.1%}, real {np.mean(theirs):.1%}"
        results.append(ColumnResult(name, estimate.value, status, estimate.low, estimate.high, floor, message))
    return results


def _told(found: Links, key: Key) -> dict[str, object]:
    """What a key's rows are, in numbers."""
    ours, real = found.named("synthetic", key), found.named("real", key)
    told = {}
    for name, values in (("synthetic", ours), ("real", real)):
        there = int((values >= 0).sum())
        filled = int((values != NULL).sum())
        told[name] = {
            "rows": len(values),
            "null": len(values) - filled,
            "to nothing": filled - there,
            "share that exists": there / filled if filled else None,
        }
    return dict(told)
