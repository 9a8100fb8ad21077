"""``synth ledger``: what was spent of whose privacy, what is left, and whether the ledger is what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synthkit.cli.common import compiled, place, project_dir_option, project_options

if TYPE_CHECKING:
    from synthkit.building.spending import Balance

FILE = "privacy/ledger.jsonl"


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
    from synthkit.api.checks import ledger
    from synthkit.privacy.guarantee import rounded_up

    spent = ledger(compiled(project_dir, target, variables, reads="either"))
    if style == "json":
        click.echo(json.dumps(spent.to_json(), indent=2, ensure_ascii=False))
        return
    if spent.ledger.note:
        click.echo(f"note: {spent.ledger.note}", err=True)
    if not spent.accounts:
        click.echo(f"nothing is spent ({FILE}), and no budget is declared (privacy: budgets: in synth_project.yml)")
        return
    rows = [("", "budget", "spent", "left", "fits", "δ", "entries"), *(_row(a.balance) for a in spent.accounts)]
    _aligned(rows, right=(1, 2, 3, 4, 5, 6))
    for account in spent.accounts:
        if account.entries:
            click.echo(f"\n{account.balance.account}")
            _aligned([_entry_row(e) for e in account.entries], right=(1, 2), indent="  ")
            if account.accuracy is not None:
                best = rounded_up(account.accuracy)
                says = "whoever sees all that was released and knows all else guesses right at most"
                click.echo(f"  {says} {best} of the time whether one unit is in it (a coin: 50 %)")
    if any(e.charge.insecure_seed is not None for e in spent.ledger.entries):
        click.echo("\ninsecure noise: whoever knows the seed can take the noise off again; such entries protect nobody")


@command.command("verify")
@project_dir_option
def verify(project_dir: Path | None) -> None:
    """Check the chain of the ledger, and that the entries of all published tables are in it. Exits 1 if not."""
    from synthkit.api.checks import ledger_lacks

    ledger, missing = ledger_lacks(place(project_dir))
    if ledger.note:
        click.echo(f"note: {ledger.note}")
    for table, entry in missing:
        click.echo(f"error: {table} names the entry {entry[:12]}…, which is not in {FILE}", err=True)
    if missing:
        click.echo(f"  fix: restore {FILE} from git: entries at its end were removed", err=True)
        raise SystemExit(1)
    count = len(ledger.entries)
    click.echo(f"{FILE}: {count} {'entry' if count == 1 else 'entries'}, the chain holds, head {ledger.head[:12]}")


def _row(b: Balance) -> tuple[str, ...]:
    budget = "none" if b.budget is None else f"{b.budget:g}"
    left = "–" if b.left is None else f"{b.left:.4g}"
    fits = "–" if b.fits is None else f"{b.fits:.4g}"
    return (b.account, budget, f"{b.spent:.4g}", left, fits, f"{b.delta:.3g}", str(b.entries))


def _entry_row(entry: Any) -> tuple[str, ...]:
    c = entry.charge
    insecure = "" if c.insecure_seed is None else f"insecure noise, seed {c.insecure_seed}"
    spent = (f"ε = {c.epsilon:g}", f"δ = {c.delta:.3g}")
    return (c.time[:19].replace("T", " "), *spent, c.model, c.unit, c.run_id, insecure)


def _aligned(rows: list[tuple[str, ...]], right: tuple[int, ...], indent: str = "") -> None:
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        click.echo(indent + "  ".join(cells).rstrip())
