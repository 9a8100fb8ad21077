"""Can a classifier tell synthetic rows from real ones when it sees what they hang on?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditResult, audit
from synthkit.audits.family import name_of
from synthkit.audits.gate import Default, Estimate
from synthkit.audits.measures.estimators import Dealt, learn, make_model
from synthkit.audits.measures.statistics import Z, auc, auc_by_entity
from synthkit.audits.relations.columns import Named, aggregates, beside, joined, recognisable
from synthkit.audits.rows.entities import count
from synthkit.audits.rows.links import SHOWN_SIDE, Links, World, links, no_family, world_of
from synthkit.audits.verdict import CombinedParams, Part, unmeasured, verdict
from synthkit.generators.tables import Key

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

SIDES: tuple[Side, ...] = ("synthetic", "train", "holdout")
DEFAULT: Default = {"max": 0.65}
FEWEST = 50  # entities a side below which nothing can be told
FOLDS = 3
REPEATS = 3  # of the division into folds, for few entities
FEW = 2_000  # rows a side up to which one division moves the value about as much as the rows do
TREES = 80
CERTAIN = 0.01  # less of an AUC than this is no reason to name a column
ADVICE = "more training rows, or another generator of families"


class JoinedDetectionParams(CombinedParams):
    """Parameters of ``joined_detection``, beside the gate's.

    Args:
        max: or ``max_auc``; 0.5 is a coin. Default: 0.65.
        max_rows: rows of each side; entities are taken whole.
    """

    max: float | None = Field(default=None, ge=0.5, le=1, validation_alias=AliasChoices("max_auc", "max"))
    max_rows: int = Field(default=10_000, ge=FEWEST)


@audit(
    "joined_detection",
    JoinedDetectionParams,
    family="fidelity",
    needs=("train", "holdout"),
    between=SHARE,
    stands_on=("child",),
    version=3,
    apart="detection of joined rows",
)
def joined_detection(context: AuditContext, params: JoinedDetectionParams) -> AuditResult:
    """Can a classifier tell rows joined with what they hang on, or parents with their children, from real ones? AUC

    Two views, each told by gradient boosting (as ``detection`` does for the table alone): the rows with the columns of
    all their ancestors, by every key; and, for a key to an owner, its parents with how many children they have and
    what these are (mean, spread, least and greatest of numbers, shares of categories). The value is the largest AUC.
    As many entities of both sides, at most ``max_rows`` rows, are divided into folds whole, so that no model is asked
    about an entity that it has seen rows of. Interval: Obuchowski's for clustered rows (Biometrics 53, 1997), as if
    one model had given all scores, with the variance between three divisions added where rows are few. Floor: real
    training rows in the synthetic ones' place. Named are the columns by which the AUC is lost when they are dealt out
    anew. Left out are the columns of looked-up tables so small that a classifier knows each of their rows
    (:func:`.columns.recognisable`).
    """
    if (none := no_family(context)) is not None:
        return none
    found = links(context)
    if not found.rows("holdout", found.family.table):
        return AuditResult(None, "skipped", message="there are no held-out rows")
    views = [_Rows(found)] + [_Parents(found, k) for k in found.family.keys_of(found.family.table) if k.owner]
    parts = [_told(found, view, params) for view in views]
    if left_out := _left_out(found, found.family.table):
        parts = [replace(p, message="; ".join(filter(None, [p.message, _said(left_out)]))) for p in parts]
    return verdict(
        parts, params, DEFAULT, symbol="AUC", advice=ADVICE, noun="view", floor_is="real against real", tell=True
    )


@dataclass(frozen=True)
class _Rows:
    """Rows of the table with the columns of all their ancestors."""

    found: Links
    name = "rows with what they hang on"

    def __call__(self, side: Side) -> tuple[Named, Array]:
        table, world = self.found.family.table, world_of(side)
        part = self.found.part(side, table)
        whole = self.found.once(("joined", world), lambda: _joined(self.found, world, table))
        return Named(whole.names, whole.values[part], whole.coded), self.found.units(world, table)[part]


@dataclass(frozen=True)
class _Parents:
    """Parents of an owner's key with aggregates of their children."""

    found: Links
    key: Key

    @property
    def name(self) -> str:
        return f"parents with their children ({name_of(self.key)})"

    def __call__(self, side: Side) -> tuple[Named, Array]:
        return parents_with_children(self.found, self.key, side)


def parents_with_children(found: Links, key: Key, side: Side) -> tuple[Named, Array]:
    """Parents' columns, and those of their own ancestors, with aggregates of their children; and their entities."""
    world = world_of(side)

    def make() -> Named:
        total = sum(found.rows(s, key.references) for s in found.sides(world, key.references))
        below = aggregates(found, world, key.table, found.named(world, key), total)
        return beside([_joined(found, world, key.references), below])

    whole = found.once(("parents", world, key), make)
    part = found.part(side, key.references)
    return Named(whole.names, whole.values[part], whole.coded), found.units(world, key.references)[part]


def _said(tables: Sequence[str]) -> str:
    return f"without {', '.join(tables)}, whose few rows any other ones in their place would be told by"


def _joined(found: Links, world: World, table: str) -> Named:
    return joined(found, world, table, coded=True, without=partial(recognisable, found))


def _left_out(found: Links, table: str) -> list[str]:
    """The tables that rows of this one look up, and whose rows would be told one by one."""
    keys = [k for t in (table, *_up(found, table)) for k in found.family.keys_of(t)]
    return sorted({k.references for k in keys if recognisable(found, k)})


def _up(found: Links, table: str) -> tuple[str, ...]:
    """All tables that keys of this one lead to."""
    seen: list[str] = []
    ahead = [table]
    while ahead:
        for key in found.family.keys_of(ahead.pop()):
            if key.references not in seen and not recognisable(found, key):
                seen.append(key.references)
                ahead.append(key.references)
    return tuple(seen)


def _told(found: Links, view: _Rows | _Parents, params: JoinedDetectionParams) -> Part:
    sides = {side: view(side) for side in SIDES}
    names = sides["train"][0].names
    if not names:
        return unmeasured(view.name, "there are no columns to compare")
    few = {side: count(units) for side, (_, units) in sides.items() if count(units) < FEWEST}
    if few:
        shown = " and ".join(f"{n} {SHOWN_SIDE[side]}" for side, n in few.items())
        return unmeasured(view.name, f"{shown} entities (at least {FEWEST} are needed)")
    rng = found.context.rng("joined_detection", view.name)
    coded = list(sides["train"][0].coded)
    told = _Told(_some(sides["synthetic"], sides["holdout"], params.max_rows, rng), coded, rng, repeats=None)
    floor = _Told(_some(sides["train"], sides["holdout"], params.max_rows, rng), coded, rng, repeats=1)
    blame = told.blame(names, rng)
    named = [name for name, lost in blame if lost >= CERTAIN]
    message = f"told by {', '.join(repr(n) for n in named[:3])} above all" if named else ""
    details = {"rows": told.rows, "AUC lost without": dict(blame[:20])}
    return Part(view.name, Estimate(told.value, told.low, told.high, floor.value), message, details)


_Pair = tuple[tuple["Array", "Array"], tuple["Array", "Array"]]  # rows and entities of either side


def _some(ours: tuple[Named, Array], theirs: tuple[Named, Array], most: int, rng: Any) -> _Pair:
    """Rows of as many entities of both sides, at most about ``most`` rows of each."""
    import numpy as np

    sides = [(named.values, np.unique(units, return_inverse=True)[1]) for named, units in (ours, theirs)]
    entities = min(int(units.max()) + 1 for _, units in sides)
    widest = max(len(units) / (int(units.max()) + 1) for _, units in sides)
    entities = max(FEWEST, min(entities, int(most / widest)))
    taken = []
    for values, units in sides:
        chosen = rng.permutation(int(units.max()) + 1)[:entities]
        rows = np.flatnonzero(np.isin(units, chosen))
        taken.append((values[rows], units[rows]))
    return taken[0], taken[1]


class _Told:
    """What boosting makes of two sides' rows, each scored by models that have seen no row of its entity."""

    def __init__(self, sides: _Pair, coded: Sequence[bool], rng: Any, repeats: int | None):
        import numpy as np

        (ours, our_units), (theirs, their_units) = sides
        self.rows = {"synthetic": len(ours), "real": len(theirs)}
        self._values, self._side = np.concatenate([ours, theirs]), np.repeat([1, 0], [len(ours), len(theirs)])
        self._units = np.concatenate([our_units, their_units])
        self._coded = list(coded)
        times = repeats or (REPEATS if max(len(ours), len(theirs)) <= FEW else 1)
        found = np.array([self._divided(rng) for _ in range(times)])
        self.value = float(found[:, 0].mean())
        between = float(found[:, 0].var(ddof=1)) / times * Z**2 if times > 1 else 0.0
        low, high = (
            math.sqrt(float((half**2).mean()) + between)
            for half in (found[:, 0] - found[:, 1], found[:, 2] - found[:, 0])
        )
        self.low, self.high = max(0.0, self.value - low), min(1.0, self.value + high)

    def _divided(self, rng: Any) -> tuple[float, float, float]:
        import numpy as np

        fold = np.empty(len(self._side), dtype=int)
        for side in (0, 1):
            here = self._side == side
            units = self._units[here]
            fold[here] = (rng.permutation(int(units.max()) + 1) % FOLDS)[units]
        scores = np.empty(len(fold))
        for one in range(FOLDS):
            test = fold == one
            params = {"max_iter": TREES, "early_stopping": False, "min_samples_leaf": 10}
            name, seed = "HistGradientBoostingClassifier", int(rng.integers(2**31))
            self._model = learn(
                make_model(name, params, "classification", self._coded, seed), self._values[~test], self._side[~test]
            )
            self._test = test
            scores[test] = self._model.predict_proba(self._values[test])[:, 1]
        ours = self._side == 1
        return auc_by_entity(scores[ours], scores[~ours], self._units[ours], self._units[~ours])

    def blame(self, names: Sequence[str], rng: Any) -> list[tuple[str, float]]:
        """Each column with the AUC that is lost when it is dealt out anew, on the rows of one fold, the most first."""
        if self.low <= 0.5:
            return []
        side = self._side[self._test]
        asked = Dealt(self._model, self._values[self._test])

        def told(scores: Array) -> float:
            return auc(scores[side == 1], scores[side == 0])

        whole = told(asked.scores())
        found = [(n, whole - told(asked.scores(i, rng.permutation(len(side))))) for i, n in enumerate(names)]
        return sorted(found, key=lambda pair: -pair[1])
