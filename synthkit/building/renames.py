"""A source table under a new name is the same people: what the ledger was charged under the old one is still spent.

The ledger knows tables by name. Where it has entries of a table that is declared no more, and a table that trains
under ε was first charged after these (or never), the one may be the other's new name. Nothing but the project's authors
can tell, so they are asked: ``was: old.name`` on the table carries the spending over, ``was: []`` says that it was
nothing before. Until then the table is not trained, and `synth verify` does not pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from synthkit.compiler import Manifest
from synthkit.errors import BuildError, Location, nearest
from synthkit.planning.plan import Action
from synthkit.privacy.guarantee import listed
from synthkit.privacy.ledger.entries import Entry, Ledger
from synthkit.privacy.ledger.ledger import FILE, read_ledger


@dataclass(frozen=True)
class Question:
    """A table, and what it may have been called: tables of the ledger that nothing declares.

    Args:
        source: its id.
        gone: by name (``group.table``), how often each was charged.
    """

    source: str
    gone: dict[str, int]
    where: Location

    @property
    def message(self) -> str:
        name = self.source.removeprefix("source:")
        parts = [f"{n} ({c} training{'' if c == 1 else 's'})" for n, c in self.gone.items()]
        return (
            f"the privacy ledger was charged for {listed(parts)}, which no source table declares any more, and "
            f"{name} is new since: if they are of the same people, that is spent of {name}"
        )

    @property
    def hint(self) -> str:
        name = self.source.rpartition(".")[2]
        old = nearest(self.source.removeprefix("source:"), self.gone) or next(iter(self.gone))
        return (
            f"write was: {old} on the source table {name}, which carries it over; or was: [] if it is of other people"
        )


def unanswered(manifest: Manifest, ledger: Ledger) -> tuple[Question, ...]:
    """The tables that train under ε of which nothing says whether they are new."""
    gone = _undeclared(manifest, ledger)
    if not gone:
        return ()
    found = []
    for id_ in sorted({m.source.id for m in manifest.models.values() if m.budget is not None and m.source is not None}):
        spec, name = manifest.sources[id_].spec, id_.removeprefix("source:")
        if spec.was is not None:
            continue
        first = min((e.line for e in ledger.entries if name in e.charge.sources), default=None)
        before = {g: len(of) for g, of in gone.items() if first is None or of[-1].line < first}
        if before:
            found.append(Question(id_, before, spec.origin.at("name")))
    return tuple(found)


def refuse_unanswered(manifest: Manifest, actions: Iterable[Action]) -> None:
    """Raises BuildError where an action would train on such a table under ε, LedgerError where the chain is broken."""
    trained = [manifest.models[a.model] for a in actions if a.kind == "train"]
    sources = {m.source.id for m in trained if m.budget is not None and m.source is not None}
    if not sources:
        return
    for question in unanswered(manifest, read_ledger(manifest.project.root / FILE)):
        if question.source in sources:
            raise BuildError(question.message, question.where, question.hint)


def never_charged(manifest: Manifest, ledger: Ledger) -> tuple[tuple[str, Location], ...]:
    """Names after ``was:`` that the ledger has no entry of, each with its place: perhaps they are misspelt."""
    charged = {s for e in ledger.entries for s in e.charge.sources}
    return tuple(
        (old, node.spec.origin.at("was", index))
        for node in manifest.sources.values()
        for index, old in enumerate(node.spec.was or ())
        if old not in charged
    )


def _undeclared(manifest: Manifest, ledger: Ledger) -> dict[str, list[Entry]]:
    """Entries by table of the ledger that belong to no account of today."""
    known = {s for a in manifest.accounts.values() for s in a.tables} | set(manifest.accounts)
    found: dict[str, list[Entry]] = {}
    for entry in ledger.entries:
        if entry.charge.account not in known and known.isdisjoint(entry.charge.sources):
            for source in entry.charge.sources:
                found.setdefault(source, []).append(entry)
    return found
