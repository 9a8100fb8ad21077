"""Which published tables were made from other rows than are published upstream of them, by the receipts alone.

A receipt names the sample hash of each table that its rows were made from, ephemeral ones on the way included, and the
trainings in the ledger that these descend from. A rollback, a build of one table alone, or a merge can leave a table
above with other rows than those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from synthkit.digests import digest
from synthkit.records.receipt import Receipt

Receipts = Mapping[str, Receipt]


def made_from_other_rows(receipts: Receipts) -> dict[str, tuple[str, ...]]:
    """Table → the published tables whose rows of today it was not made from; or those that it reads which are so.

    Args:
        receipts: of all published tables, by name.
    """
    direct: dict[str, set[str]] = {name: set(u) for name, u in other_trainings(receipts).items()}
    reads = {name: dict(_reads(receipt)) for name, receipt in receipts.items()}
    for name, upstream in reads.items():
        for other, sample in upstream.items():
            if other in receipts and receipts[other].fingerprints.sample != sample:
                direct.setdefault(name, set()).add(other)
    found = dict(direct)
    while True:  # down the graph, a level at a time
        more = {
            name: hit
            for name, upstream in reads.items()
            if name not in found and (hit := {o for o in upstream if o in found})
        }
        if not more:
            return {name: tuple(sorted(upstream)) for name, upstream in sorted(found.items())}
        found |= more


def other_trainings(receipts: Receipts) -> dict[str, list[str]]:
    """Table → the tables that it reads and that another training drew now, under the same hash (with secure noise)."""
    found = {}
    for name, receipt in receipts.items():
        own = _trainings(receipt)
        hit = []
        for other, sample in _reads(receipt):
            upstream = receipts.get(other)
            if upstream is not None and upstream.fingerprints.sample == sample and not _trainings(upstream) <= own:
                hit.append(other)
        if hit:
            found[name] = sorted(set(hit))
    return found


def drawn_apart(receipts: Receipts) -> dict[str, tuple[str, ...]]:
    """Family → its published tables, where these were not drawn together: keys of one may name nothing in another.

    A merge of two branches can leave them so, or a receipt that was brought back alone.
    """
    drawings: dict[str, dict[str, list[str]]] = {}
    for name, receipt in receipts.items():
        if receipt.family is not None:
            inputs = {k: v for k, v in receipt.inputs.sample.items() if k != "member"}
            drawing = digest({"train": receipt.fingerprints.train, **inputs})
            drawings.setdefault(receipt.family.name, {}).setdefault(drawing, []).append(name)
    return {
        family: tuple(sorted(name for names in found.values() for name in names))
        for family, found in sorted(drawings.items())
        if len(found) > 1
    }


def with_families(receipts: Receipts, names: Iterable[str]) -> list[str]:
    """The tables, and those that they are published together with."""
    found = dict.fromkeys(names)
    for name in list(found):
        receipt = receipts.get(name)
        if receipt is not None and receipt.family is not None:
            found |= dict.fromkeys(n for n in receipt.family.members if n in receipts)
    return list(found)


def told(other: Mapping[str, tuple[str, ...]], changed: str) -> str:
    """The tables below one, for people: ``by_tier, busy (through by_tier)``."""
    parts, reached, more = [], {changed}, True
    while more:
        more = False
        for name, upstream in other.items():
            if name not in reached and reached & set(upstream):
                reached.add(name)
                more = True
                parts.append(name if changed in upstream else f"{name} (through {', '.join(upstream)})")
    return ", ".join(parts)


def _trainings(receipt: Receipt) -> set[str]:
    return {entry for promise in receipt.guarantees or () for entry in promise.entries}


def _reads(receipt: Receipt) -> Iterator[tuple[str, str]]:
    """Each model that the rows were made from, ephemeral ones and what these read too, with its sample hash then."""
    for inputs in (receipt.inputs, *(state.inputs for state in receipt.ephemeral.values())):
        for node, sample in inputs.sources.items():
            if node.startswith("model:"):
                yield node.removeprefix("model:"), sample
