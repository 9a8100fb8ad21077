"""Whose privacy there is to spend, and what a table may reveal of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthkit.privacy.accounting.mechanisms import mechanism_from_json
from synthkit.privacy.accounting.parallel import Release, by_part
from synthkit.records.parts import Promise
from synthkit.records.receipt import AuditedTable

REAL = "none: the table contains real rows"
REPEATABLE = "its noise is repeatable (insecure_seed), so its epsilon protects nobody"


@dataclass(frozen=True)
class Account:
    """Whose privacy is spent: that of one source table's people, or of a population that several tables share.

    Args:
        sources: ids of its real tables.
        epsilon: its budget; None where none is declared.
        delta: of the budget, else what every ε of it is given at; None where nothing says what it is.
        parts: of the sources that name one, the part of the population (:mod:`.accounting.parallel`).
        formerly: ids of tables that its sources were before (``was:``): what was charged for these was spent of it.
    """

    name: str
    sources: tuple[str, ...]
    epsilon: float | None = None
    delta: float | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    formerly: tuple[str, ...] = ()

    @property
    def known(self) -> frozenset[str]:
        """The ids of its sources, of today and of before."""
        return frozenset((*self.sources, *self.formerly))

    @property
    def tables(self) -> tuple[str, ...]:
        """Its sources as ``group.table``, as the ledger names them, those that they were before included."""
        return tuple(s.removeprefix("source:") for s in (*self.sources, *self.formerly))

    def by_part(
        self, releases: Sequence[Release], tables_of: Callable[[Release], Iterable[str]]
    ) -> tuple[tuple[Release, ...], ...]:
        """The releases about each part; ``tables_of``: the source tables (``group.table``) that one was learnt from.

        A table that is not declared any more names no part: what was learnt from it may be about anybody.
        """
        return by_part(releases, lambda release: [self.parts.get(f"source:{t}") for t in tables_of(release)])


@dataclass(frozen=True)
class Guarantee:
    """What a table may reveal about one account, all the ways by which its rows descend from it composed.

    Args:
        sources: ids of the account's real tables that it descends from.
        epsilon: infinite where real rows, or what a generator learnt without epsilon, reach the table.
        delta: of the composition; 0 where ``epsilon`` is infinite.
        releases: the models that were trained under epsilon and compose here, each counted once however it is reached.
        unprotected: the path of node ids from what this table reads to the source, where ``epsilon`` is infinite.
        entries: of rows that were made, the hashes of their trainings' entries in the ledger.

    >>> Guarantee("crm.customers", ("source:crm.customers",), math.inf, 0.0).to_json()["epsilon"] is None
    True
    """

    account: str
    sources: tuple[str, ...]
    epsilon: float
    delta: float
    releases: tuple[str, ...] = ()
    unprotected: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON has no infinity: ``epsilon`` is null where there is no bound."""
        bounded = self.epsilon != math.inf
        data: dict[str, Any] = dict(vars(self))
        if not bounded:
            data |= {"epsilon": None, "delta": None}
        if not self.entries:
            del data["entries"]
        return data


def listed(names: Sequence[str], most: int = 5) -> str:
    """``a, b and 3 more``."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def promised(table: AuditedTable) -> tuple[float, float] | None:
    """The (ε, δ) that a table promises to everybody whose rows it descends from; None: no formal guarantee.

    Its own training's, where that is all; of a table made from others', what these reveal together; of several groups
    of people, what the group reveals that is protected least.
    """
    if table.contains_real_rows or insecure(table):
        return None
    if table.guarantees is None:  # of a version that did not record them
        return None if table.epsilon is None else (table.epsilon, table.delta or 0.0)
    return together([(g.epsilon, g.delta) for g in table.guarantees])


def together(pairs: Sequence[tuple[float | None, float | None]]) -> tuple[float, float] | None:
    """What is promised to everybody, where these (ε, δ) are to the accounts; None where one of them has no bound."""
    bounded = [(epsilon, delta or 0.0) for epsilon, delta in pairs if epsilon is not None]
    if not bounded or len(bounded) < len(pairs):
        return None
    return max(epsilon for epsilon, _ in bounded), max(delta for _, delta in bounded)


def in_words(table: AuditedTable) -> str:
    """What a published table's receipt says of its privacy, in one sentence."""
    if table.contains_real_rows:
        return REAL
    if insecure(table):
        return f"none: {REPEATABLE}"
    if table.guarantees is None:  # of a version that did not record them
        if table.epsilon is None:
            return "synthetic rows, no formal privacy guarantee"
        return f"({table.epsilon}, {table.delta})-differential privacy"
    return bounds_in_words(table.guarantees)


def bounds_in_words(promises: Sequence[Promise]) -> str:
    """What synthetic rows are promised to reveal at most, in one sentence."""
    bounds = [g for g in promises if g.epsilon is not None]
    if len(bounds) < len(promises) or not bounds:
        return "synthetic rows, no formal privacy guarantee"
    parts = [f"({g.epsilon:.4g}, {g.delta:.3g})-differential privacy for {g.account}" for g in bounds]
    return "; ".join(parts)


def insecure(table: AuditedTable) -> bool:
    """Whether the noise of the table's own training can be repeated: such an ε is none."""
    return table.privacy is not None and table.privacy.insecure_seed is not None


def attacker_in_words(table: AuditedTable) -> str | None:
    """What its guarantees leave to whoever sees a published table, in one sentence; None where they promise nothing.

    By the mechanisms of the table's own training where its rows descend from that alone, else by (ε, δ); both are upper
    bounds (:mod:`.accounting.bounds`).
    """
    from synthkit.privacy.accounting import bounds

    charged, guarantees = table.privacy, table.guarantees or ()
    if not guarantees or table.contains_real_rows or insecure(table):
        return None
    parts = []
    for g in guarantees:
        if g.epsilon is None:
            return None
        alone = charged if charged is not None and list(g.entries) == [charged.entry] else None
        mechanisms = [] if alone is None else [mechanism_from_json(m) for m in alone.mechanisms]
        best = bounds.best_guess(mechanisms, g.epsilon, g.delta or 0.0)
        what = "one unit" if alone is None else f"one {alone.privacy_unit or 'row'}"
        parts.append(f"{rounded_up(best)} of the time whether {what} is in {g.account}")
    return f"whoever sees the table and knows all else guesses right at most {'; '.join(parts)} (a coin: 50 %)"


def rounded_up(share: float) -> str:
    """A share in per cent with one decimal, rounded up: what is said to be the most must be the most.

    >>> rounded_up(0.5871)
    '58.8 %'
    """
    return f"{min(100.0, math.ceil(share * 1000 - 1e-9) / 10):g} %"
