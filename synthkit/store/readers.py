"""Which published tables were made from other rows than are published upstream of them, by the receipts alone.

A receipt names the sample hash of each table that its rows were made from, ephemeral ones on the way included, and the
trainings in the ledger that these descend from. A rollback, a build of one table alone, or a merge can leave a table
above with other rows than those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Receipts = Mapping[str, Mapping[str, Any]]


def made_from_other_rows(receipts: Receipts) -> dict[str, tuple[str, ...]]:
    """Table → the published tables whose rows of today it was not made from; or those that it reads which are so.

    Args:
        receipts: of all published tables, by name.
    """
    direct: dict[str, set[str]] = {name: set(u) for name, u in other_trainings(receipts).items()}
    reads = {name: dict(_reads(receipt)) for name, receipt in receipts.items()}
    for name, upstream in reads.items():
        for other, sample in upstream.items():
            if other in receipts and _sample(receipts[other]) not in (None, sample):
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
        own = {e for g in receipt.get("guarantees") or () for e in g.get("entries") or ()}
        hit = []
        for other, sample in _reads(receipt):
            upstream = receipts.get(other)
            if upstream is None or _sample(upstream) != sample:
                continue
            entries = {e for g in upstream.get("guarantees") or () for e in g.get("entries") or ()}
            if not entries <= own:
                hit.append(other)
        if hit:
            found[name] = sorted(set(hit))
    return found


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


def _reads(receipt: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each model that the rows were made from, ephemeral ones and what these read too, with its sample hash then."""
    states = [receipt, *_mapping(receipt.get("ephemeral")).values()]
    for state in states:
        train = _mapping(_mapping(state.get("inputs")).get("train"))
        for node, sample in _mapping(train.get("sources")).items():
            if str(node).startswith("model:"):
                yield str(node).removeprefix("model:"), str(sample)


def _sample(receipt: Mapping[str, Any]) -> str | None:
    found = _mapping(receipt.get("fingerprints")).get("sample")
    return None if found is None else str(found)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
