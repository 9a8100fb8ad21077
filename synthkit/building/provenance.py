"""What rows really descend from: the trainings in the ledger that they were drawn from, and what these come to.

The compiler derives a guarantee from the declarations, as if everything were built from them at once. Rows may be made
otherwise: a table that is not rebuilt stands for an older training, and a join of it with a newer one reveals both. So
each table keeps the ledger's entries that it descends from beside its rows, and its guarantee is composed of those.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from synthkit.compiler import Manifest, ModelNode
from synthkit.compiler.releases import cache_of
from synthkit.compiler.trainings import learnt_from
from synthkit.errors import BuildError
from synthkit.privacy.accounting.cached import composed
from synthkit.privacy.descent import Descent, Way, read, united
from synthkit.privacy.guarantee import Guarantee
from synthkit.privacy.ledger.entries import Charged, Entry
from synthkit.privacy.ledger.ledger import FILE, read_ledger
from synthkit.store.staging import StagedRows


def guarantees_of(
    manifest: Manifest, model: ModelNode, charged: Charged | None, upstream: Callable[[str], StagedRows]
) -> tuple[Guarantee, ...]:
    """The guarantees of rows that are about to be made.

    Args:
        charged: what the ledger was charged for the model that draws them; None for other rows.
        upstream: the rows of another model, as they are read.

    Raises:
        BuildError: the ledger lacks an entry that upstream rows name, or the rows would reveal more than the model's
            ``privacy: max_epsilon`` allows.
    """

    def account(source: str) -> str:
        return manifest.account_of(source).name

    if charged is not None and model.source is not None:
        nodes = [f"source:{name}" for name in learnt_from(manifest, model)]
        ways: dict[str, list[Way]] = {}
        for node in nodes:
            ways.setdefault(account(node), []).append(Way(frozenset({node}), frozenset({charged.entry})))
        found = Descent({about: united(parts) for about, parts in ways.items()})
    else:
        nodes = _learnt(manifest, model)
        found = read(nodes, lambda node: _made(manifest, node, upstream(node.removeprefix("model:"))), account)
    entries = _entries(manifest, {hash_ for way in found.ways.values() for hash_ in way.releases})
    guarantees = tuple(_composed(manifest, name, way, entries) for name, way in sorted(found.ways.items()))
    _check(model, guarantees)
    return guarantees


def _learnt(manifest: Manifest, model: ModelNode) -> list[str]:
    """What the rows are made from: of a family's table, the rows of all its tables, but of those that are public."""
    family = None if model.family is None else manifest.families[model.family]
    if family is None or (model.source is not None and model.source.name in family.kept):
        return [r.id for r in model.reads]
    return [family.source_of(table) for table in family.members if table not in family.kept]


def _made(manifest: Manifest, node: str, rows: StagedRows) -> Descent:
    """What the rows of another model descend from, under today's accounts."""
    found: dict[str, list[Way]] = {}
    if rows.guarantees is None:  # published before this was kept: nothing is known, so nothing is promised
        for static in manifest.model(node).guarantees:
            unknown = Way(frozenset(static.sources), unprotected=static.sources[:1])
            found.setdefault(static.account, []).append(unknown)
    for kept in rows.guarantees or ():
        way = Way(frozenset(kept.sources), frozenset(kept.entries), kept.unprotected)
        known = {a.name for a in manifest.accounts.values() if a.known & way.sources}
        for name in known or {kept.account}:
            found.setdefault(name, []).append(way)
    return Descent({name: united(ways) for name, ways in found.items()})


def _entries(manifest: Manifest, hashes: set[str]) -> dict[str, Entry]:
    if not hashes:
        return {}
    found = {e.hash: e for e in read_ledger(manifest.project.root / FILE).entries if e.hash in hashes}
    missing = sorted(hashes - found.keys())
    if missing:
        message = f"the rows descend from the training {missing[0][:12]}…, which is not in {FILE}"
        raise BuildError(message, hint="restore the ledger from git: without it nothing is known of the guarantee")
    return found


def _composed(manifest: Manifest, account: str, descent: Way, entries: Mapping[str, Entry]) -> Guarantee:
    charges = [entries[h].charge for h in sorted(descent.releases)]
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
        tuple(sorted(descent.releases)),
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
