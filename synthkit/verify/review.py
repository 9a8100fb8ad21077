"""All checks of `synth verify` over one project, and what a reviewer is shown besides: the states at base and HEAD."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from synthkit.compiler import Manifest, ModelNode, compile_project
from synthkit.compiler.budgets import account_names, budget_of
from synthkit.errors import Location
from synthkit.memory import uncollected
from synthkit.planning.difference import declared
from synthkit.planning.state import standing
from synthkit.privacy.disclosure import UNTOLD, WITHHELD
from synthkit.privacy.guarantee import listed
from synthkit.privacy.ledger.entries import Entry, Ledger
from synthkit.project.project import PROJECT_FILE, Project
from synthkit.records.parts import Made
from synthkit.records.receipt import Receipt
from synthkit.store.journal import FILE as JOURNAL
from synthkit.store.readers import drawn_apart, other_trainings
from synthkit.store.targets import target_of
from synthkit.store.unclaimed import REMOVAL, orphans
from synthkit.store.versions.git import Commit
from synthkit.store.warehouse import Warehouse
from synthkit.verify import consistent, contract, fits, spending
from synthkit.verify.findings import Finding, Level, order
from synthkit.verify.footers import Footers
from synthkit.verify.limits import TURNS, LimitChange, limit_changes
from synthkit.verify.receipts import ReceiptFile, receipts_of, source_columns
from synthkit.verify.recount import row_counts
from synthkit.verify.signatures import signed, signers_of
from synthkit.verify.verdicts import passes_audits, place_of

if TYPE_CHECKING:
    from synthkit.planning.compare import Difference


@dataclass(frozen=True)
class Spent:
    """One training that was charged since the base. ``budget`` is its account's; None where none is known."""

    model: str
    account: str
    epsilon: float
    delta: float
    budget: float | None = None


@dataclass(frozen=True)
class Review:
    """What was found.

    Args:
        findings: the worst first; their files are relative to the project.
        after, before: receipts at HEAD and at the base, by model; ``before`` is None without a base.
        spent: trainings in the ledger that the base does not have.
        columns: of each table, those that are new, gone or of another type since the base.
        limits: what audits demand otherwise than at the base, loosened demands first.
        values: of tables with other rows, how far these moved; those whose files of then and now are at hand.
        unseen: of each table, the columns that no audit looks at.
    """

    project: str
    target: str
    models: int
    findings: tuple[Finding, ...]
    after: Mapping[str, Receipt]
    before: Mapping[str, Receipt] | None = None
    base: str | None = None
    spent: tuple[Spent, ...] = ()
    columns: Mapping[str, tuple[contract.ColumnChange, ...]] = field(default_factory=dict)
    limits: tuple[LimitChange, ...] = ()
    values: Mapping[str, Difference] = field(default_factory=dict)
    unseen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: Mapping[str, Location] = field(default_factory=dict)

    def of(self, level: str) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.level == level)

    @property
    def failed(self) -> bool:
        return bool(self.of("error"))


@uncollected()
def review(
    project: Project,
    *,
    base: Commit | None = None,
    full: bool = False,
    allow_breaking: bool = False,
    require_signature: bool = False,
) -> Review:
    """Check every model of the project at HEAD.

    Args:
        base: the commit to compare with: columns that readers lose, ledger entries that are gone, audits before.
        full: hash the Parquet files.
        allow_breaking: what breaks readers is meant, and only warns.
        require_signature: each receipt must be signed by an allowed signer, with ``base`` by one of its list.

    Raises:
        ConfigurationError: the project has faults.
    """
    receipts = receipts_of(project)
    manifest = compile_project(project, source_columns(receipts.values()))
    before = None if base is None else receipts_at(project, base)
    checks = Checks(manifest, receipts, before, base, full, allow_breaking, require_signature)
    found = sorted((f.below(project.root) for f in checks.run()), key=order)
    return Review(
        project=project.spec.name,
        target=project.target_name,
        models=len(manifest.models),
        findings=tuple(dict.fromkeys(found)),
        after={f.model: f.receipt for f in receipts.values() if f.receipt is not None},
        before=before,
        base=None if base is None else base.name,
        spent=() if base is None else _since(project, checks.ledger, checks.base_entries),
        columns=checks.columns,
        limits=tuple(sorted(checks.limits, key=lambda c: (TURNS.index(c.turn), c.model))),
        unseen=_unseen(manifest, receipts),
        places={m.name: _relative(m.spec.origin.at("name"), project) for m in manifest.models.values()},
    )


def receipts_at(project: Project, commit: Commit) -> dict[str, Receipt]:
    """Receipts of the project's target at a commit; none where its warehouse lies outside the repository."""
    folder = project.warehouse_dir
    if target_of(project).unversioned() is not None:
        return {}
    inside = folder.is_relative_to(project.root)
    return commit.receipts(folder.relative_to(project.root).as_posix()) if inside else {}


def _unseen(manifest: Manifest, receipts: Mapping[str, ReceiptFile]) -> dict[str, tuple[str, ...]]:
    """Of each table that is published, the columns that no audit looks at.

    Where figures are withheld, an audit that names no columns may have looked at any; the receipt does not tell.
    """
    found = {}
    for name, model in manifest.models.items():
        receipt = None if (file := receipts.get(name)) is None else file.receipt
        if receipt is None or any(a.message in (WITHHELD, UNTOLD) for a in receipt.audits):
            continue
        unseen = tuple(c.name for c in receipt.columns if not receipt.looked_at(c.name))
        if unseen and model.audits:
            found[name] = unseen
    return found


def _relative(where: Location, project: Project) -> Location:
    file = where.file
    return replace(where, file=file.relative_to(project.root)) if file.is_relative_to(project.root) else where


class Checks:
    """All checks of a compiled project.

    Args:
        before: receipts at ``base``, by model.
        full: hash the Parquet files, and count again what their audits counted.
    """

    def __init__(
        self,
        manifest: Manifest,
        receipts: Mapping[str, ReceiptFile],
        before: Mapping[str, Receipt] | None = None,
        base: Commit | None = None,
        full: bool = False,
        allow_breaking: bool = False,
        require_signature: bool = False,
    ) -> None:
        self.manifest, self.receipts, self.before, self.base = manifest, receipts, before, base
        self.full, self.allow_breaking, self.require_signature = full, allow_breaking, require_signature
        self.target = target_of(manifest.project)
        self.whole = {n: r for n, r in receipts.items() if r.fault is None}
        self.footers = Footers(fits.files_of(self.whole.values(), self.target))
        self.states = self._states()
        self.now = fits.fingerprints(manifest, self.states)
        self.ledger: Ledger | None = None
        self.columns: dict[str, tuple[contract.ColumnChange, ...]] = {}
        self.limits: list[LimitChange] = []
        self.base_entries: Sequence[Entry] = ()

    def _states(self) -> dict[str, Made]:
        """What was recorded of each model: its receipt, or of an ephemeral one what the youngest receipt holds."""
        found: dict[str, Made] = {}
        for receipt in sorted((f.said for f in self.whole.values()), key=lambda r: r.published_at):
            for name, state in receipt.ephemeral.items():
                model = self.manifest.models.get(name)
                if model is not None and model.spec.ephemeral:
                    found[name] = state
        return found | {n: f.said for n, f in self.whole.items() if n in self.manifest.models}

    def run(self) -> Iterator[Finding]:
        for model in self.manifest.models.values():
            yield from self._ephemeral(model) if model.spec.ephemeral else self._model(model)
        yield from self._gone()
        yield from self._orphans()
        yield from self._spending()
        yield from self._other_rows()
        yield from self._families()
        yield from self._pending()
        yield from self._signatures()

    def _model(self, model: ModelNode) -> Iterator[Finding]:
        receipt = self.receipts.get(model.name)
        absent = fits.missing(model, receipt)
        if absent is not None:
            yield absent
            return
        assert receipt is not None
        yield from fits.fits_receipt(receipt, self.target, self.footers, full=self.full)
        contradictions = list(consistent.agrees_with_itself(receipt))
        yield from contradictions
        yield from row_counts(receipt)
        now = self.now.get(model.name)
        if now is None:
            yield fits.unread(model)
            return
        stale = fits.fits_yaml(self.manifest, model, receipt.said, now)
        if stale is not None:
            if stale.details or not contradictions:  # else that is why
                yield stale
        else:
            family = None if model.family is None else self.manifest.families[model.family].recorded().to_json()
            yield from consistent.fits_declaration(receipt, model, family)
            yield from passes_audits(model, receipt, declared(self.manifest, model, now))
        yield from self._contract(model, receipt, stale is None)

    def _ephemeral(self, model: ModelNode) -> Iterator[Finding]:
        state, now = self.states.get(model.name), self.now.get(model.name)
        if state is None or now is None:
            return
        stale = fits.fits_yaml(self.manifest, model, state, now)
        if stale is not None:
            yield stale
        elif standing(state, now) != "current":
            message = f"the audits of {model.name!r}, which is ephemeral, are others than when what reads it was built"
            hint = f"synth build --select {model.name}+, and commit the receipts"
            yield Finding("audit", "error", message, model.spec.origin.at("audits"), hint, model.name)

    def _contract(self, model: ModelNode, receipt: ReceiptFile, fresh: bool) -> Iterator[Finding]:
        before = (self.before or {}).get(model.name)
        if before is None or self.base is None:
            return
        after = contract.columns_now(model, receipt.said, fresh)
        changes = contract.column_changes(contract.columns_of(before), after)
        if changes:
            self.columns[model.name] = changes
            name, allow = self.base.name, self.allow_breaking
            broken = list(contract.breaking(self.manifest, model, changes, name, allow=allow))
            yield from broken
            yield from contract.told(model, changes, name, broken=bool(broken), allow=allow)
        if before.required is not None:
            self.limits += limit_changes(model.name, before.required, model.audits, [place_of(b) for b in model.audits])

    def _gone(self) -> Iterator[Finding]:
        """Tables of the base of which nothing is left: all their columns are dropped."""
        for name, receipt in (self.before or {}).items():
            if self.base is None or name in self.manifest.models or name in self.receipts:
                continue
            self.columns[name] = contract.column_changes(contract.columns_of(receipt), {})
            message = (
                f"the table {name!r} of {self.base.name} is not published any more: {len(receipt.columns)} columns"
            )
            where = Location(self.manifest.project.root / PROJECT_FILE, 1, 1)
            level: Level = "note" if self.allow_breaking else "warning"
            yield Finding("contract", level, message, where, "if it is meant: --allow-breaking", name)

    def _orphans(self) -> Iterator[Finding]:
        for name, disabled in orphans(self.receipts, self.manifest.project).items():
            path = self.receipts[name].path
            why = "its model is disabled" if disabled else "no model makes it any more"
            message = f"the table {name!r} is still published, but {why}"
            hint = f"{REMOVAL}; commit that {path.name} is gone"
            yield Finding("receipt", "warning", message, Location(path, 1, 1), hint, name)

    def _other_rows(self) -> Iterator[Finding]:
        """Tables made from another training of the same declarations: their hashes are alike, their rows are not."""
        for name, upstream in other_trainings({n: f.said for n, f in self.whole.items()}).items():
            if name in self.manifest.models:
                message = f"{name!r} was made from other rows of {listed(upstream)} than are published now"
                hint = f"synth build --select {name} --full-refresh, or roll {listed(upstream)} back to those rows"
                yield Finding("fingerprint", "error", message, self.receipts[name].at("guarantees"), hint, name)

    def _families(self) -> Iterator[Finding]:
        """Tables that were published together, and of which a merge or an edit left some that were not."""
        for family, tables in drawn_apart({n: f.said for n, f in self.whole.items()}).items():
            message = f"the tables of {family!r} were not drawn together: keys of {listed(tables)} may name nothing"
            hint = f"synth build --select {family}, or synth rollback one of them to a commit of all"
            yield Finding("fingerprint", "error", message, self.receipts[tables[0]].at("family"), hint, tables[0])

    def _pending(self) -> Iterator[Finding]:
        """What a killed build was publishing is not in the receipts that are checked here."""
        path = self.manifest.project.warehouse_dir / JOURNAL
        if isinstance(self.target, Warehouse) and path.is_file():
            message = "a build was stopped while it published tables together, and their receipts are not all written"
            yield Finding("receipt", "warning", message, Location(path, 1, 1), "synth build ends it")

    def _signatures(self) -> Iterator[Finding]:
        signers, found = signers_of(self.manifest.project.root, self.base)
        yield from found
        for name, receipt in self.whole.items():
            if name in self.manifest.models:
                yield from signed(receipt, signers, required=self.require_signature)

    def _spending(self) -> Iterator[Finding]:
        self.ledger, found = spending.ledger_of(self.manifest.project.root)
        yield from found
        if self.ledger is not None:
            if self.base is not None:
                self.base_entries = spending.entries_of(self.base)
                root = self.manifest.project.root
                yield from spending.only_appended(root, self.ledger, self.base, self.base_entries)
            yield from spending.within_budgets(self.manifest, self.ledger)
            yield from spending.under_one_name(self.manifest, self.ledger)
            for receipt in self.whole.values():
                yield from spending.in_ledger(receipt, self.ledger)
                yield from spending.as_composed(self.manifest, receipt, self.ledger)
        yield from spending.within_requirements(self.manifest, self.whole)


def _since(project: Project, ledger: Ledger | None, before: Sequence[Entry]) -> tuple[Spent, ...]:
    """What was charged since the base."""
    if ledger is None:
        return ()
    known = {e.hash for e in before}
    return spent_by(project, [e for e in ledger.entries if e.hash not in known])


def spent_by(project: Project, entries: Iterable[Entry]) -> tuple[Spent, ...]:
    """Trainings under the accounts and budgets of today: a table may have joined a population since it was charged."""
    accounts = account_names(project)
    found = []
    for charge in (e.charge for e in entries):
        name = next((accounts[s] for s in charge.sources if s in accounts), charge.account)
        declared = budget_of(project, name)
        budget = None if declared is None else declared.epsilon
        found.append(Spent(charge.model, name, charge.epsilon, charge.delta, budget))
    return tuple(found)
