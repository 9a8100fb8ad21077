"""Is the ledger what was written, is it within the budgets, and does it hold what the receipts claim?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from synthkit.building.renames import never_charged, unanswered
from synthkit.building.spending import SLACK
from synthkit.compiler import Manifest
from synthkit.compiler.releases import cache_of
from synthkit.errors import Location
from synthkit.privacy.accounting.cached import composed, composed_epsilon
from synthkit.privacy.guarantee import Account
from synthkit.privacy.ledger.entries import Entry, Ledger, LedgerError, parse_ledger
from synthkit.privacy.ledger.ledger import FILE, read_ledger
from synthkit.project.types import PrivacyRequirement, Requirement
from synthkit.records.parts import ChargeRecord, Promise
from synthkit.store.versions.git import Commit
from synthkit.verify.findings import Finding
from synthkit.verify.receipts import ReceiptFile

RESTORE = f"restore {FILE} from git: what it no longer holds is still spent"


def ledger_of(root: Path) -> tuple[Ledger | None, list[Finding]]:
    """The ledger, and what is wrong with its chain; None where it cannot be trusted."""
    try:
        ledger = read_ledger(root / FILE)
    except LedgerError as error:
        where = error.where or Location(root / FILE, 1, 1)
        return None, [Finding("ledger", "error", error.message, where, error.hint)]
    if ledger.note:
        where = Location(root / FILE, max(1, len(ledger.entries)), 1)
        return ledger, [Finding("ledger", "note", f"the privacy ledger: {ledger.note}", where)]
    return ledger, []


def entries_of(base: Commit) -> tuple[Entry, ...]:
    """The entries that the base has; none where its ledger is broken, which is not this branch's doing."""
    try:
        return parse_ledger(base.read(FILE) or b"", base.root / FILE).entries
    except LedgerError:
        return ()


def only_appended(root: Path, ledger: Ledger, base: Commit, before: Sequence[Entry]) -> Iterator[Finding]:
    """A finding where entries of the base's ledger are gone: a chain does not show that its end is missing."""
    kept = {e.hash for e in ledger.entries}
    lost = [e for e in before if e.hash not in kept]
    if not lost:
        return
    what = f"{len(lost)} {'entry' if len(lost) == 1 else 'entries'} of {base.name}"
    message = f"the privacy ledger lacks {what}: a ledger is only ever appended to"
    hint = f"{RESTORE}; where both branches trained, merge {base.name}: the lines of both stay"
    at = min(lost[0].line, len(ledger.entries) + 1)
    yield Finding("ledger", "error", message, Location(root / FILE, at, 1), hint)


def within_budgets(manifest: Manifest, ledger: Ledger) -> Iterator[Finding]:
    """Findings where more of an account is spent than today's budget allows."""
    for account in manifest.accounts.values():
        if account.epsilon is None:
            continue
        entries = ledger.of(account.name, account.tables)
        parts = account.by_part(entries, lambda e: e.charge.sources)
        spent = max(_spent(manifest, account, part) for part in parts)
        if spent <= account.epsilon * (1 + SLACK):
            continue
        origin = manifest.project.spec.origin
        named = account.name in manifest.project.spec.privacy.budgets
        where = origin.at("privacy", *(("budgets", account.name) if named else ("default_budget",)))
        allowed = f"{account.epsilon:g} (δ = {account.delta:.3g})"
        message = f"over budget: ε = {spent:.4g} of {account.name} is spent, and {allowed} may be"
        hint = "raise the budget, if that may be answered for; what is published stays spent"
        yield Finding("budget", "error", message, where, hint)


def _spent(manifest: Manifest, account: Account, entries: Sequence[Entry]) -> float:
    """ε of all entries; by their sums where these are within the budget, as the accountant takes its time."""
    if not entries:
        return 0.0
    assert account.epsilon is not None
    delta = account.delta if account.delta is not None else max(e.charge.delta for e in entries)
    sums = sum(e.charge.epsilon for e in entries), sum(e.charge.delta for e in entries)
    if sums[0] <= account.epsilon and sums[1] <= delta:
        return sums[0]
    mechanisms = [m for e in entries for m in e.charge.mechanisms]
    return composed_epsilon(cache_of(manifest.project), mechanisms, delta)


def under_one_name(manifest: Manifest, ledger: Ledger) -> Iterator[Finding]:
    """Findings where a table may have been charged under another name, or ``was:`` names one that never was."""
    for question in unanswered(manifest, ledger):
        yield Finding("ledger", "error", question.message, question.where, question.hint)
    for old, where in never_charged(manifest, ledger):
        message = f"was: {old} carries nothing over: the privacy ledger was never charged for it"
        yield Finding("ledger", "warning", message, where, "check its spelling in the ledger (synth ledger)")


def as_composed(manifest: Manifest, receipt: ReceiptFile, ledger: Ledger) -> Iterator[Finding]:
    """Findings where a guarantee in a receipt is not what the trainings that it names come to."""
    known = {e.hash: e for e in ledger.entries}
    names = {a.name for a in manifest.accounts.values()}
    for g in receipt.said.guarantees or ():
        entries = [known[h] for h in g.entries if h in known]
        if len(entries) != len(g.entries):
            continue  # :func:`in_ledger` says so
        wrong = _miscomposed(manifest, g, entries)
        if g.account not in names | {e.charge.account for e in entries}:
            wrong = "account"
        if wrong is not None:
            message = f"the receipt of {receipt.model!r} claims another {wrong} of {g.account} than the trainings"
            message += f" in {FILE} and the declared accounts give"
            hint = f"it was changed by hand, or accounts were renamed: synth build --select +{receipt.model}"
            yield Finding("ledger", "error", message, receipt.at("guarantees", wrong), hint, receipt.model)


def _names_model(manifest: Manifest, node: str) -> bool:
    return node.startswith("model:") and node.removeprefix("model:") in manifest.models


def _miscomposed(manifest: Manifest, g: Promise, entries: Sequence[Entry]) -> str | None:
    """Which field of a guarantee its entries contradict."""
    charges = [e.charge for e in entries]
    if sorted({c.model for c in charges}) != list(g.releases):
        return "releases"
    if not all(node in manifest.sources or _names_model(manifest, node) for node in g.unprotected):
        return "unprotected"
    if g.unprotected:
        return next((key for key in ("epsilon", "delta") if getattr(g, key) is not None), None)
    epsilon, delta = g.epsilon, g.delta
    if not charges or epsilon is None or delta is None:
        return "epsilon"
    pairs = [(c.epsilon, c.delta) for c in charges]
    mechanisms = [m for c in charges for m in c.mechanisms]
    allowed = [
        (sum(e for e, _ in pairs), sum(d for _, d in pairs)),
        composed(cache_of(manifest.project), pairs, mechanisms, delta),
    ]
    near = any(math.isclose(epsilon, e, rel_tol=1e-6) and math.isclose(delta, d, rel_tol=1e-6) for e, d in allowed)
    return None if near else "epsilon"


def in_ledger(receipt: ReceiptFile, ledger: Ledger) -> Iterator[Finding]:
    """Findings where a receipt claims a training that the ledger does not hold, or holds otherwise."""
    known = {e.hash: e for e in ledger.entries}
    name = receipt.model
    claimed: list[tuple[str, tuple[str, ...]]] = []
    privacy = receipt.said.privacy
    if privacy is not None:
        claimed.append((privacy.entry, ("privacy", "entry")))
    for promise in receipt.said.guarantees or ():
        claimed += [(h, ("guarantees", "entries")) for h in promise.entries]
    for entry in dict.fromkeys(h for h, _ in claimed):
        if entry not in known:
            where = receipt.at(*next(keys for h, keys in claimed if h == entry))
            message = f"{name!r} descends from the training {entry[:12]}…, which is not in {FILE}"
            yield Finding("ledger", "error", message, where, RESTORE, name)
    if privacy is not None and privacy.entry in known:
        yield from _as_charged(receipt, privacy, known[privacy.entry])


def _as_charged(receipt: ReceiptFile, privacy: ChargeRecord, entry: Entry) -> Iterator[Finding]:
    c, said = entry.charge, receipt.said
    truth = {**entry.charged().to_json(), "epsilon": c.epsilon, "delta": c.delta}
    claims = {**privacy.to_json(), "epsilon": said.epsilon, "delta": said.delta}
    wrong = [key for key, value in truth.items() if claims.get(key) != value]
    if wrong:
        keys = (wrong[0],) if wrong[0] in ("epsilon", "delta") else ("privacy", wrong[0])
        message = (
            f"the receipt of {receipt.model!r} claims another {', '.join(wrong)} than {FILE}:{entry.line} was charged"
        )
        hint = f"it was changed by hand: restore it from git, or synth build --select {receipt.model}"
        yield Finding("ledger", "error", message, receipt.at(*keys), hint, receipt.model)


def within_requirements(manifest: Manifest, receipts: Mapping[str, ReceiptFile]) -> Iterator[Finding]:
    """Findings where published rows reveal more than ``privacy:`` of their model, or of an exposure, allows today.

    The compiler has checked the declarations; rows may descend from older trainings than these.
    """
    demands: list[tuple[str, str, Requirement, Location]] = []
    for model in manifest.models.values():
        if model.spec.privacy is not None:
            demands.append((model.name, repr(model.name), model.spec.privacy, model.spec.origin.at("privacy")))
    for exposure in manifest.exposures.values():
        for relation in exposure.depends_on:
            if exposure.privacy is not None and relation.source is None:
                where = exposure.origin.at("privacy")
                demands.append((relation.name, f"exposure {exposure.name!r}", exposure.privacy, where))
    for table, who, requirement, where in demands:
        receipt = receipts.get(table)
        if receipt is None or not isinstance(requirement, PrivacyRequirement):
            continue
        for g in receipt.said.guarantees or ():
            epsilon, limit = g.epsilon, requirement.max_epsilon
            if epsilon is None or epsilon > limit:
                shown = "real rows without a bound" if epsilon is None else f"ε = {epsilon:.4g}"
                message = f"{who} allows ε = {limit:g} of {g.account}, but as built {table!r} reveals {shown}"
                yield Finding("budget", "error", message, where, f"synth build --select +{table}", table)
