"""What can be looked at without building, from Python: reviews, unit tests, sources' age, the machine, the ledger."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.api.project import Names, compiled, load, several
from synthkit.errors import SynthError
from synthkit.extras import TRAIN, absent

if TYPE_CHECKING:
    from synthkit.building.spending import Balance
    from synthkit.building.unittests import Outcome
    from synthkit.compiler import Manifest
    from synthkit.planning.compare import Difference
    from synthkit.planning.plan import Plan
    from synthkit.privacy.guarantee import Account
    from synthkit.privacy.ledger.entries import Entry, Ledger
    from synthkit.project.project import Project
    from synthkit.sources.freshness import Freshness
    from synthkit.verify.review import Review


def verify(
    project: str | Path = ".",
    *,
    base: str | None = None,
    full: bool = False,
    allow_breaking: bool = False,
    require_signature: bool = False,
    values: bool = False,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
) -> Review:
    """Is what is committed what the YAML says, and may it be merged? Reads no source and runs nothing.

    Args:
        project: its folder; or the address of tables, of which rows and receipts alone are checked.
        base: a commit or branch to compare with: columns that readers lose, ledger entries that are gone.
        full: hash the Parquet files; else their sizes decide.
        allow_breaking: columns that readers lose are meant, and only warn.
        require_signature: each receipt must be signed by an allowed signer.
        values: also say how far the values of tables moved since ``base``, of those whose files of then and now are
            on this machine.

    Returns:
        ``.findings``, each with kind, level, message, place and fix; ``.failed`` where one is an error.

    Raises:
        ConfigurationError: the project has faults.
        SynthError: git does not know ``base``.
    """
    from synthkit.project.addresses import address_of
    from synthkit.store.versions.git import commit_at, merge_base
    from synthkit.verify.review import review

    address = address_of(project)
    if address is not None:
        return _of_tables(address, full, base or vars or target or require_signature or allow_breaking)
    loaded = load(project, target=target, vars=vars)
    commit = None if not base else merge_base(commit_at(loaded.root, base))
    found = review(loaded, base=commit, full=full, allow_breaking=allow_breaking, require_signature=require_signature)
    return replace(found, values=_values(loaded, found)) if values else found


def _values(project: Project, found: Review) -> dict[str, Difference]:
    """How far values moved, of the tables with other rows than at the base whose files of both are here."""
    from synthkit.planning.compare import compare
    from synthkit.store.published import Versions
    from synthkit.store.targets import target_of

    moved = {n: (r, found.after[n]) for n, r in (found.before or {}).items() if n in found.after}
    target, differences = target_of(project), {}
    try:
        kept = Versions.by_git(target)
    except SynthError:
        return {}  # no versions are kept here
    lacking = [error for extra in (TRAIN, "dvc") if (error := absent("comparing values", extra))]
    for name, (old, new) in moved.items():
        if old.sha256 == new.sha256:
            continue
        if lacking:
            differences[name] = compare(old, new, None, f"{lacking[0].message}: {lacking[0].hint}")
            continue
        then, now = kept.at_hand(old), target.file(new) if target.published(name) is not None else kept.at_hand(new)
        if then is not None and now is not None:
            differences[name] = compare(old, new, (then, now))
    return differences


def _of_tables(address: str, full: bool, more: object) -> Review:
    from synthkit.project.addresses import without_password
    from synthkit.store.reader import tables_at
    from synthkit.verify.tables import review_tables

    if more:
        raise SynthError("without the project there is nothing to compare with", hint="give full (--full) alone")
    return review_tables(tables_at(address), without_password(address), full=full)


def test(
    project: str | Path | Manifest = ".",
    *,
    select: Names = (),
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
) -> tuple[Outcome, ...]:
    """Run the unit tests: given rows → expected rows. Reads no data.

    Args:
        select: names of unit tests, or of what they test; ``*`` stands for any text.

    Returns:
        one outcome for each, with ``.passed`` and ``.differences``.

    Raises:
        SynthError: no unit test matches.
    """
    from synthkit.building.unittests import run_unit_tests

    tests = compiled(project, target=target, vars=vars).unit_tests
    patterns = several(select)
    if patterns:
        chosen = [t for t in tests if any(fnmatch(n, s) for s in patterns for n in (t.name, t.subject.split()[-1]))]
        if not chosen:
            names = ", ".join(t.name for t in tests) or "none"
            raise SynthError(f"no unit test matches {' '.join(patterns)}", hint=f"there are: {names}")
        tests = tuple(chosen)
    return tuple(run_unit_tests(tests))


def freshness(
    project: str | Path | Manifest = ".", *, target: str | None = None, vars: Mapping[str, object] | None = None
) -> dict[str, Freshness]:
    """How old the sources are that declare ``freshness:``, by the clock (or SYNTH_NOW): source id → what was found."""
    from synthkit.building.freshness import fresh_sources
    from synthkit.building.runrecord import clock

    return fresh_sources(compiled(project, target=target, vars=vars), clock())


@dataclass(frozen=True)
class Costs:
    """What a plan would spend: of privacy, account by account, and of what a teacher asks for.

    Args:
        estimates: of each model that asks a teacher, in sentences; rows that are kept from earlier builds cost nothing.
    """

    manifest: Manifest
    balances: tuple[Balance, ...]
    estimates: Mapping[str, tuple[str, ...]]

    def refuse_over_budget(self) -> None:
        """Raises OverBudgetError where an account's budget does not suffice."""
        from synthkit.building.spending import refuse_over_budget

        refuse_over_budget(self.manifest, self.balances)


def costs(manifest: Manifest, plan: Plan) -> Costs:
    """What the trainings and requests of a plan would spend. Reads the ledger, and no row.

    Raises:
        LedgerError: the ledger's chain is broken.
    """
    from synthkit.building.spending import balances
    from synthkit.generators.base import Taught

    estimates = {}
    for action in plan.work:
        model = manifest.models[action.model]
        if isinstance(model.generator, Taught) and action.kind == "ask" and model.size.rows is not None:
            lines = model.generator.estimate(model.params, model.size.rows, manifest.project.root)
            estimates[action.model] = tuple(lines)
    return Costs(manifest, balances(manifest, plan.actions), estimates)


@dataclass(frozen=True)
class Statement:
    """One account: what is spent of its budget, by which entries, and what that tells an attacker.

    Args:
        accuracy: how often whoever sees all that was released and knows all else guesses right at most whether one unit
            is in it, 0.5 to 1; None where nothing is promised.
    """

    balance: Balance
    entries: tuple[Entry, ...]
    accuracy: float | None

    def to_json(self) -> dict[str, Any]:
        found = self.balance.to_json()
        kept = {k: v for k, v in found.items() if k not in ("costs", "entries", "after", "over")}
        entries = [e.to_json() | {"line": e.line} for e in self.entries]
        return kept | {"attacker": {"max_accuracy": self.accuracy}, "entries": entries}


@dataclass(frozen=True)
class Spent:
    """What the ledger says, account by account."""

    accounts: tuple[Statement, ...]
    ledger: Ledger

    def to_json(self) -> dict[str, Any]:
        accounts = [a.to_json() for a in self.accounts]
        return {"accounts": accounts, "head": self.ledger.head, "note": self.ledger.note}


def ledger(
    project: str | Path | Manifest = ".", *, target: str | None = None, vars: Mapping[str, object] | None = None
) -> Spent:
    """For each source or population, its budget, what is spent and left, and the entries.

    Raises:
        LedgerError: the ledger's chain is broken.
    """
    from synthkit.building.spending import statements
    from synthkit.privacy.ledger.ledger import FILE, read_ledger

    manifest = compiled(project, target=target, vars=vars, reads="either")
    kept = read_ledger(manifest.project.root / FILE)
    found = []
    for balance in statements(manifest, kept):
        entries = tuple(kept.of(balance.account, balance.sources))
        found.append(Statement(balance, entries, _best_guess(balance, entries, manifest.accounts)))
    return Spent(tuple(found), kept)


def ledger_lacks(project: str | Path = ".") -> tuple[Ledger, tuple[tuple[str, str], ...]]:
    """The ledger, its chain checked, and the published tables of any target whose entry it does not hold.

    A chain does not show a missing end. Each is (which table, the hash of the entry).

    Raises:
        LedgerError: the chain is broken.
    """

    from synthkit.privacy.ledger.ledger import FILE, read_ledger
    from synthkit.store.targets import target_of

    loaded = load(project)
    kept = read_ledger(loaded.root / FILE)
    known = {e.hash for e in kept.entries}
    found = []
    for name, target in loaded.spec.targets.items():
        view = replace(loaded, target_name=name, target=target)
        for model, receipt in target_of(view).all_published().items():
            charged = receipt.privacy
            if charged is not None and charged.entry not in known:
                found.append((f"the receipt of {model} ({name})", charged.entry))
    return kept, tuple(found)


def _best_guess(balance: Balance, entries: tuple[Entry, ...], accounts: Mapping[str, Account]) -> float | None:
    from synthkit.privacy.accounting import bounds
    from synthkit.privacy.guarantee import Account

    if not entries or not math.isfinite(balance.spent) or any(e.charge.insecure_seed is not None for e in entries):
        return None
    account = accounts.get(balance.account, Account(balance.account, ()))  # one that is gone has no parts
    parts = account.by_part(entries, lambda e: e.charge.sources)
    released = [[m for e in part for m in e.charge.mechanisms] for part in parts]
    return max(bounds.best_guess(part, balance.spent, balance.delta) for part in released)
