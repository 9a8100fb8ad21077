"""``synth ledger``: what was spent of whose privacy, what is left, and whether the ledger is what was written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synthkit.cli.common import compiled, project_dir_option, project_options

if TYPE_CHECKING:
    from synthkit.building.spending import Balance
    from synthkit.privacy.guarantee import Account
    from synthkit.privacy.ledger.entries import Entry, Ledger


@click.group("ledger", invoke_without_command=True)
@project_options
@click.option("--format", "style", type=click.Choice(["table", "json"]), default="table")
@click.pass_context
def command(
    ctx: click.Context, project_dir: Path | None, target: str | None, variables: str | None, style: str
) -> None:
    """Show, for each source or population, its budget, what is spent and left, and the entries."""
    if ctx.invoked_subcommand is not None:
        return
    from synthkit.building.spending import statements
    from synthkit.privacy.guarantee import rounded_up
    from synthkit.privacy.ledger.ledger import FILE, read_ledger

    manifest = compiled(project_dir, target, variables, reads="either")
    ledger = read_ledger(manifest.project.root / FILE)
    found = statements(manifest, ledger)
    if style == "json":
        click.echo(json.dumps(_json(found, ledger, manifest.accounts), indent=2, ensure_ascii=False))
        return
    if ledger.note:
        click.echo(f"note: {ledger.note}", err=True)
    if not found:
        click.echo(f"nothing is spent ({FILE}), and no budget is declared (privacy: budgets: in synth_project.yml)")
        return
    rows = [("", "budget", "spent", "left", "fits", "δ", "entries"), *map(_row, found)]
    _aligned(rows, right=(1, 2, 3, 4, 5, 6))
    for balance in found:
        entries = ledger.of(balance.account, balance.sources)
        if entries:
            click.echo(f"\n{balance.account}")
            _aligned([_entry_row(e) for e in entries], right=(1, 2), indent="  ")
            best = _best_guess(balance, entries, manifest.accounts)
            if best is not None:
                says = "whoever sees all that was released and knows all else guesses right at most"
                click.echo(f"  {says} {rounded_up(best)} of the time whether one unit is in it (a coin: 50 %)")
    if any(e.charge.insecure_seed is not None for e in ledger.entries):
        click.echo("\ninsecure noise: whoever knows the seed can take the noise off again; such entries protect nobody")


@command.command("verify")
@project_dir_option
def verify(project_dir: Path | None) -> None:
    """Check the chain of the ledger, and that the entries of all published tables are in it. Exits 1 if not."""
    from synthkit.cli.common import load
    from synthkit.privacy.ledger.ledger import FILE, read_ledger

    project = load(project_dir)
    ledger = read_ledger(project.root / FILE)
    if ledger.note:
        click.echo(f"note: {ledger.note}")
    missing = _missing(project, ledger)
    for place, entry in missing:
        click.echo(f"error: {place} names the entry {entry[:12]}…, which is not in {FILE}", err=True)
    if missing:
        click.echo(f"  fix: restore {FILE} from git: entries at its end were removed", err=True)
        raise SystemExit(1)
    count = len(ledger.entries)
    click.echo(f"{FILE}: {count} {'entry' if count == 1 else 'entries'}, the chain holds, head {ledger.head[:12]}")


def _missing(project: Any, ledger: Ledger) -> list[tuple[str, str]]:
    """Published tables, in any target, whose entry the ledger does not hold: a chain does not show a missing end."""
    from dataclasses import replace

    from synthkit.store.warehouse import Warehouse

    known = {e.hash for e in ledger.entries}
    found = []
    for name, target in project.spec.targets.items():
        view = replace(project, target_name=name, target=target)
        for model, receipt in Warehouse(view.warehouse_dir, view.database_path).all_published().items():
            charged = receipt.privacy
            if charged is not None and charged.entry not in known:
                found.append((f"the receipt of {model} ({name})", charged.entry))
    return found


def _row(b: Balance) -> tuple[str, ...]:
    budget = "none" if b.budget is None else f"{b.budget:g}"
    left = "–" if b.left is None else f"{b.left:.4g}"
    fits = "–" if b.fits is None else f"{b.fits:.4g}"
    return (b.account, budget, f"{b.spent:.4g}", left, fits, f"{b.delta:.3g}", str(b.entries))


def _entry_row(entry: Any) -> tuple[str, ...]:
    c = entry.charge
    insecure = "" if c.insecure_seed is None else f"insecure noise, seed {c.insecure_seed}"
    unit = "one row" if c.privacy_unit is None else f"{c.max_rows_per_unit} rows per {c.privacy_unit}"
    spent = (f"ε = {c.epsilon:g}", f"δ = {c.delta:.3g}")
    return (c.time[:19].replace("T", " "), *spent, c.model, unit, c.run_id, insecure)


def _best_guess(balance: Balance, entries: Sequence[Entry], accounts: Mapping[str, Account]) -> float | None:
    """How often an attacker on all entries together is right at most; None where nothing is promised."""
    from synthkit.privacy.accounting import bounds
    from synthkit.privacy.guarantee import Account

    if not entries or not math.isfinite(balance.spent) or any(e.charge.insecure_seed is not None for e in entries):
        return None
    account = accounts.get(balance.account, Account(balance.account, ()))  # one that is gone has no parts
    parts = account.by_part(entries, lambda e: e.charge.sources)
    released = [[m for e in part for m in e.charge.mechanisms] for part in parts]
    return max(bounds.of_training(part, balance.spent, balance.delta).accuracy for part in released)


def _aligned(rows: list[tuple[str, ...]], right: tuple[int, ...], indent: str = "") -> None:
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        click.echo(indent + "  ".join(cells).rstrip())


def _json(found: tuple[Balance, ...], ledger: Ledger, accounts: Mapping[str, Account]) -> dict[str, Any]:
    spent = []
    for balance in found:
        own = ledger.of(balance.account, balance.sources)
        entries = [e.to_json() | {"line": e.line} for e in own]
        kept = {k: v for k, v in balance.to_json().items() if k not in ("costs", "entries", "after", "over")}
        spent.append(kept | {"attacker": {"max_accuracy": _best_guess(balance, own, accounts)}, "entries": entries})
    return {"accounts": spent, "head": ledger.head, "note": ledger.note}
