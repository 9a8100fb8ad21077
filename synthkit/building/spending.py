"""What a build spends of its accounts' privacy: known before a row is read, refused when it is too much, then charged.

A *training run* is charged, not a train hash. With secure noise a second training on the same rows is a second
release, whatever became of the first; so an interrupted or failed training stays charged, and so does a model whose
cache was lost. Free are a trained model that is still cached (its rows are post-processing) and, where
``insecure_seed`` makes the noise repeat, a training that was charged before: it gives the same model again.

An account that no budget is declared for is recorded, never refused.

What is spent is the composition of all entries as mechanisms. Its theorem lets each release depend on what came before,
but takes the *parameters* of the later ones as fixed: where ε is chosen by looking at earlier tables, what holds for
certain is the sum of the entries' ε, and for Gaussian noise or zCDP the same figure as here (privacy filters: Rogers,
Roth, Ullman & Vadhan 2016, https://arxiv.org/abs/1605.08294; Feldman & Zrnic 2021, https://arxiv.org/abs/2008.11193).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from synthkit.building.runrecord import now
from synthkit.compiler import Manifest, ModelNode
from synthkit.compiler.releases import cache_of, release_of
from synthkit.compiler.trainings import charges, learnt_from
from synthkit.errors import BuildError
from synthkit.planning.plan import Action
from synthkit.privacy.accounting.cached import composed_epsilon, fitting_epsilon
from synthkit.privacy.accounting.mechanisms import Mechanism
from synthkit.privacy.guarantee import Account
from synthkit.privacy.hashkey import hash_key, keyed
from synthkit.privacy.ledger.entries import Charge, Entry, Ledger, with_all
from synthkit.privacy.ledger.ledger import FILE, open_ledger, read_ledger

SLACK = 1e-9  # relative, of ε: a float's error, and far below what is printed


class OverBudgetError(BuildError):
    """A build would spend more of an account than its budget allows."""


@dataclass(frozen=True)
class Cost:
    """What training one model will spend: ``after`` is ε of its account, at the account's δ, once it is charged too."""

    model: str
    epsilon: float
    delta: float
    after: float


@dataclass(frozen=True)
class Balance:
    """One account; every figure is ε at the account's ``delta``.

    Args:
        sources: its tables, as ``group.table``.
        budget: None where none is declared.
        spent: all its entries in the ledger, composed; of a population in parts, those about the part of which most is.
        entries: how many these are.
        costs: the trainings of a build, in the order of its plan.
        fits: the largest ε of one more release after ``spent`` alone; None without a budget, or where it was not asked.
    """

    account: str
    sources: tuple[str, ...]
    budget: float | None
    delta: float
    spent: float
    entries: int
    costs: tuple[Cost, ...] = ()
    fits: float | None = None

    @property
    def after(self) -> float:
        """What is spent after the build."""
        return self.costs[-1].after if self.costs else self.spent

    @property
    def left(self) -> float | None:
        """The budget less what is spent after the build, at least 0. As ε does not simply add up, more may fit."""
        return None if self.budget is None else max(0.0, self.budget - self.after)

    @property
    def over(self) -> bool:
        return self.budget is not None and self.after > self.budget * (1 + SLACK)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"after": self.after, "left": self.left, "over": self.over}


def balances(manifest: Manifest, actions: Iterable[Action]) -> tuple[Balance, ...]:
    """The accounts that a plan spends of, before and after it. Reads the ledger; the accountant only where it must.

    Raises:
        LedgerError: the ledger's chain is broken.
        SynthError: a generator refuses the budget.
    """
    trained = [
        (a, m) for a in actions if a.kind == "train" for m in (manifest.models[a.model],) if charges(manifest, m)
    ]
    if not trained:
        return ()
    ledger = read_ledger(manifest.project.root / FILE)
    charged = [m for a, m in trained if repeated(manifest, m, a.fingerprint.train, ledger) is None]
    found = []
    for account in manifest.accounts.values():
        models = [m for m in charged if m.source is not None and m.source.id in account.sources]
        if models:
            found.append(_balance(manifest, account, ledger, models))
    return tuple(found)


def statements(manifest: Manifest, ledger: Ledger) -> tuple[Balance, ...]:
    """Every account that has a budget or entries, with what would fit; accounts of the ledger alone included."""
    found = []
    for account in manifest.accounts.values():
        if account.epsilon is not None or ledger.of(account.name, account.tables):
            found.append(_balance(manifest, account, ledger, (), ask=True))
    known = {s for a in manifest.accounts.values() for s in a.tables} | set(manifest.accounts)
    gone: dict[str, list[Entry]] = {}
    for entry in ledger.entries:
        if entry.charge.account not in known and known.isdisjoint(entry.charge.sources):
            gone.setdefault(entry.charge.account, []).append(entry)
    for name, entries in gone.items():
        sources = tuple(sorted({f"source:{s}" for e in entries for s in e.charge.sources}))
        account = Account(name, sources, None, max(e.charge.delta for e in entries))
        found.append(_balance(manifest, account, ledger, ()))
    return tuple(found)


def refuse_over_budget(manifest: Manifest, found: Sequence[Balance], ledger: Ledger | None = None) -> None:
    """Raises OverBudgetError, with what is left and what would fit. ``ledger``: where it has been read already."""
    over = [b for b in found if b.over]
    if not over:
        return
    folder = cache_of(manifest.project)
    lines, hints = [], []
    ledger = read_ledger(manifest.project.root / FILE) if ledger is None else ledger
    for b in over:
        assert b.budget is not None
        costs = ", ".join(f"{c.model} (ε = {c.epsilon:g})" for c in b.costs)
        lines.append(
            f"{b.account} may spend ε = {b.budget:g} at δ = {b.delta:.3g}, {b.spent:.4g} is spent, "
            f"and training {costs} would make it {b.after:.4g}"
        )
        before = _of(ledger.of(b.account, b.sources))
        room = _room(folder, _by_part(manifest.accounts[b.account], before), b.budget, b.delta)
        room_text = f"one more training of up to ε = {_down(room)}" if room > 0 else "nothing more"
        hints.append(f"{max(0.0, b.budget - b.spent):.4g} of {b.account} is left, and {room_text} fits")
    message = f"over budget: {'; '.join(lines)}"
    raise OverBudgetError(message, hint=f"{'; '.join(hints)}. Lower epsilon, build less, or raise the budget")


def charge(manifest: Manifest, model: ModelNode, train: str, run_id: str) -> Entry:
    """Charge one training run, on disk when this returns. The entry of an earlier run where the noise repeats.

    Raises:
        OverBudgetError: it does not fit. Other processes' charges count too.
        BuildError: the generator would spend more than the model's ε, or the ledger cannot be written or trusted.
    """
    from synthkit.privacy.accounting import accountant

    budget, source = model.budget, model.source
    assert budget is not None
    assert source is not None
    project, account = manifest.project, manifest.account_of(source.id)
    mechanisms = release_of(manifest, model)
    own = accountant.epsilon(mechanisms, budget.delta)
    if own > budget.epsilon * (1 + SLACK):
        name = model.generator.name
        message = (
            f"generator {name!r} would spend ε = {own:.6g} at δ = {budget.delta:.3g}, more than {budget.epsilon:g}"
        )
        raise BuildError(message, hint="it is wrong about its noise: update its package, or choose another generator")
    root = project.root
    with open_ledger(root / FILE) as writer:
        before = repeated(manifest, model, train, writer.ledger)
        if before is not None:
            return before
        balance = _balance(manifest, account, writer.ledger, [model])
        refuse_over_budget(manifest, [balance], writer.ledger)
        spec = manifest.sources[source.id].spec
        return writer.append(
            Charge(
                time=now(),
                run_id=run_id,
                model=model.name,
                sources=learnt_from(manifest, model),
                account=account.name,
                privacy_unit=spec.privacy_unit if model.family is None else with_all(spec.name),
                max_rows_per_unit=budget.max_rows_per_unit,
                mechanisms=mechanisms,
                epsilon=budget.epsilon,
                delta=budget.delta,
                train=keyed(train, hash_key(root)),
                insecure_seed=budget.insecure_seed,
            )
        )


def repeated(manifest: Manifest, model: ModelNode, train: str, ledger: Ledger) -> Entry | None:
    """The entry of a training that drew the very same noise for the very same inputs: releasing it again is free."""
    seed = None if model.budget is None else model.budget.insecure_seed
    same = [e for e in ledger.entries if e.charge.model == model.name and e.charge.insecure_seed == seed]
    if seed is None or not same:
        return None
    key = keyed(train, hash_key(manifest.project.root))
    return next((e for e in same if e.charge.train == key), None)


def _balance(
    manifest: Manifest, account: Account, ledger: Ledger, models: Sequence[ModelNode], *, ask: bool = False
) -> Balance:
    folder, delta = cache_of(manifest.project), account.delta
    tables = account.tables
    entries = ledger.of(account.name, tables)
    if delta is None:
        delta = max((e.charge.delta for e in entries), default=1e-5)
    releases = _of(entries)
    spent = _spent(folder, _by_part(account, releases), delta)
    costs: list[Cost] = []
    for model in models:
        assert model.budget is not None
        assert model.source is not None
        epsilon = model.budget.epsilon
        if not releases and len(models) == 1 and model.budget.delta <= delta:
            after = epsilon  # one release alone: what it is calibrated to, without the accountant
        else:
            releases.append((learnt_from(manifest, model), release_of(manifest, model)))
            after = _spent(folder, _by_part(account, releases), delta)
        costs.append(Cost(model.name, epsilon, model.budget.delta, after))
    fits = None
    if ask and account.epsilon is not None:
        fits = _room(folder, _by_part(account, releases), account.epsilon, delta)
    return Balance(account.name, tables, account.epsilon, delta, spent, len(entries), tuple(costs), fits)


_Release = tuple[tuple[str, ...], tuple[Mechanism, ...]]  # of a training: the tables it is about, and its mechanisms


def _of(entries: Iterable[Entry]) -> list[_Release]:
    return [(e.charge.sources, e.charge.mechanisms) for e in entries]


def _by_part(account: Account, releases: Sequence[_Release]) -> list[list[Mechanism]]:
    return [[m for _, part in group for m in part] for group in account.by_part(releases, lambda r: r[0])]


def _spent(folder: Path, parts: Sequence[Sequence[Mechanism]], delta: float) -> float:
    """ε of the part of which most was spent."""
    return max(composed_epsilon(folder, p, delta) if p else 0.0 for p in parts)


def _room(folder: Path, parts: Sequence[Sequence[Mechanism]], budget: float, delta: float) -> float:
    """ε of one more release that fits, whatever part it is about."""
    return min(fitting_epsilon(folder, p, budget, delta) if p else budget for p in parts)


def _down(value: float) -> str:
    """Three decimals, rounded down: what is said to fit must fit."""
    return f"{int(value * 1000) / 1000:g}"
