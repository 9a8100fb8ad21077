"""What rows really descend from: the trainings in the ledger that they were drawn from, and what these come to.

The compiler derives a guarantee from the declarations, as if everything were built from them at once. Rows may be made
otherwise: a table that is not rebuilt stands for an older training, and a join of it with a newer one reveals both. So
each table keeps the ledger's entries that it descends from beside its rows, and its guarantee is composed of those.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from synthkit.compiler import Manifest, ModelNode
from synthkit.compiler.releases import cache_of
from synthkit.errors import BuildError
from synthkit.privacy.accounting.cached import composed
from synthkit.privacy.guarantee import Guarantee
from synthkit.privacy.ledger.entries import Entry
from synthkit.privacy.ledger.ledger import FILE, read_ledger
from synthkit.store.staging import StagedRows


@dataclass
class _Descent:
    """How rows descend from one account."""

    sources: set[str] = field(default_factory=set)
    entries: set[str] = field(default_factory=set)
    unprotected: tuple[str, ...] = ()

    def add_way(self, way: tuple[str, ...]) -> None:
        if way and (not self.unprotected or len(way) < len(self.unprotected)):
            self.unprotected = way


def guarantees_of(
    manifest: Manifest, model: ModelNode, charged: Mapping[str, Any] | None, upstream: Callable[[str], StagedRows]
) -> tuple[Guarantee, ...]:
    """The guarantees of rows that are about to be made.

    Args:
        charged: what the ledger was charged for the model that draws them; None for other rows.
        upstream: the rows of another model, as they are read.

    Raises:
        BuildError: the ledger lacks an entry that upstream rows name, or the rows would reveal more than the model's
            ``privacy: max_epsilon`` allows.
    """
    found: dict[str, _Descent] = {}
    if charged is not None and model.source is not None:
        own = found.setdefault(manifest.account_of(model.source.id).name, _Descent())
        own.sources.add(model.source.id)
        own.entries.add(charged["entry"])
    else:
        reads = model.sql_relations if model.generator.kind == "query" else (model.source,)
        for relation in reads:
            if relation is None:
                continue
            if relation.source is not None:
                real = found.setdefault(manifest.account_of(relation.id).name, _Descent())
                real.sources.add(relation.id)
                real.add_way((relation.id,))
            else:
                _inherit(manifest, relation.id, upstream(relation.name), found)
    entries = _entries(manifest, {hash_ for d in found.values() for hash_ in d.entries})
    guarantees = tuple(_composed(manifest, name, d, entries) for name, d in sorted(found.items()))
    _check(model, guarantees)
    return guarantees


def _inherit(manifest: Manifest, node: str, rows: StagedRows, found: dict[str, _Descent]) -> None:
    """What the rows of another model descend from, under today's accounts."""
    if rows.guarantees is None:  # published before this was kept: nothing is known, so nothing is promised
        for static in manifest.model(node).guarantees:
            unknown = found.setdefault(static.account, _Descent())
            unknown.sources |= set(static.sources)
            unknown.add_way((node, static.sources[0]))
        return
    for kept in rows.guarantees:
        known = {a.name for a in manifest.accounts.values() if a.known & set(kept["sources"])}
        for name in known or {kept["account"]}:
            descent = found.setdefault(name, _Descent())
            descent.sources |= set(kept["sources"])
            descent.entries |= set(kept.get("entries", ()))
            descent.add_way((node, *kept["unprotected"]) if kept["unprotected"] else ())


def _entries(manifest: Manifest, hashes: set[str]) -> dict[str, Entry]:
    if not hashes:
        return {}
    found = {e.hash: e for e in read_ledger(manifest.project.root / FILE).entries if e.hash in hashes}
    missing = sorted(hashes - found.keys())
    if missing:
        message = f"the rows descend from the training {missing[0][:12]}…, which is not in {FILE}"
        raise BuildError(message, hint="restore the ledger from git: without it nothing is known of the guarantee")
    return found


def _composed(manifest: Manifest, account: str, descent: _Descent, entries: Mapping[str, Entry]) -> Guarantee:
    charges = [entries[h].charge for h in sorted(descent.entries)]
    way = descent.unprotected
    if not way and any(c.insecure_seed is not None for c in charges):  # the noise of one of them can be taken off again
        way = tuple(sorted(descent.sources))[:1]
    epsilon, delta = math.inf, 0.0
    if not way:
        known = manifest.accounts.get(account)
        mechanisms = [m for c in charges for m in c.mechanisms]
        pairs = [(c.epsilon, c.delta) for c in charges]
        at = None if known is None else known.delta
        epsilon, delta = composed(cache_of(manifest.project), pairs, mechanisms, at)
    return Guarantee(
        account,
        tuple(sorted(descent.sources)),
        epsilon,
        delta,
        tuple(sorted({c.model for c in charges})),
        way,
        tuple(sorted(descent.entries)),
    )


def _check(model: ModelNode, guarantees: tuple[Guarantee, ...]) -> None:
    requirement = model.spec.privacy
    if requirement is None or isinstance(requirement, str):
        return
    limit = requirement.max_epsilon
    for g in guarantees:
        if g.epsilon <= limit:
            continue
        parts = "real rows, or what was learnt from them without epsilon or with repeatable noise (insecure_seed)"
        if not g.unprotected:
            parts = f"{len(g.entries)} trainings that add up to ε = {g.epsilon:.4g}"
        raise BuildError(
            f"{model.name!r} may reveal at most ε = {limit:g} of {g.account}, but as built it descends from {parts}",
            hint=f"some of what it reads was built before: synth build --select +{model.name}",
        )
