"""``synth plan``: what would run, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from synthkit.cli.common import compiled, full_option, log_options, project_options, selection_options

if TYPE_CHECKING:
    from synthkit.api.checks import Costs
    from synthkit.building.spending import Balance, Cost
    from synthkit.planning.plan import Plan
    from synthkit.stats.expected import Forecast

_FORMS = 12  # columns in a written form that are told of each model
_VERB = {
    "train": "train",
    "sample": "sample",
    "query": "query",
    "ask": "ask",
    "audit": "audit",
    "promote": "promote",
    "reuse": "–",
}


@click.command("plan")
@project_options
@selection_options
@full_option
@click.option("--full-refresh", is_flag=True, help="Plan as if nothing had been built.")
@click.option("--seed", type=int, envvar="SYNTH_SEED", help="The project's seed.")
@click.option("--device", envvar="SYNTH_DEVICE", help="auto, cpu, cuda or cuda:N.")
@click.option("--threads", type=click.IntRange(min=1), envvar="SYNTH_THREADS", help="Estimate with so many at once.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json: the plan as one object.")
@log_options
def command(
    project_dir: Path | None,
    target: str | None,
    variables: str | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    state: Path | None,
    full: bool,
    full_refresh: bool,
    seed: int | None,
    device: str | None,
    threads: int | None,
    output: str,
    log_format: str,
    quiet: bool,
) -> None:
    """Say what a build would do, and why. Nothing is run. Exits 1 where a privacy budget would not suffice."""
    from synthkit.api.checks import costs
    from synthkit.api.consumption import estimates
    from synthkit.api.project import plan as make_plan
    from synthkit.report.planned import tell_plan

    manifest = compiled(project_dir, target, variables, full=full, seed=seed, device=device)
    plan = make_plan(manifest, select=select, exclude=exclude, full_refresh=full_refresh, state=state)
    spending, forecast = costs(manifest, plan), estimates(manifest, plan, threads)
    if log_format == "json" and output == "text":
        tell_plan(plan, quiet=quiet, balances=spending.balances, forecast=forecast)
        spending.refuse_over_budget()
        return
    for warning in plan.warnings:
        click.echo(f"warning: {warning}", err=True)
    for warning in forecast.warnings:
        click.echo(f"warning: {warning}", err=True)
    if output == "json":
        budgets = [b.to_json() for b in spending.balances]
        click.echo(
            json.dumps(
                plan.to_json() | {"budgets": budgets, "estimates": forecast.to_json()}, indent=2, ensure_ascii=False
            )
        )
        spending.refuse_over_budget()
        return
    if not quiet:
        _print(plan, spending, forecast)
    spending.refuse_over_budget()


def _print(plan: Plan, spending: Costs, forecast: Forecast) -> None:
    """Lines for people."""
    from synthkit.report.forecast import of_build, of_model

    spent = {c.model: _cost(b, c) for b in spending.balances for c in b.costs}
    width = max([len(a.model) for a in plan.actions], default=0)
    for action in plan.actions:
        privacy = f"  ε = {action.epsilon:g}" if action.epsilon is not None else ""
        verb = "keep" if action.kept and action.kind in ("train", "sample") else _VERB[action.kind]
        click.echo(
            f"{verb:<7}{action.model:<{width}}  {'public' if action.kept else action.generator}  {action.size}{privacy}"
        )
        if action.generator_reason and not action.kept:
            click.echo(f"       {action.generator}: {action.generator_reason}")
        if action.kind != "reuse":
            click.echo(f"       {action.reason}")
            if action.model in spent:
                click.echo(f"       {spent[action.model]}")
            for line in (*of_model(forecast, action.model), *spending.estimates.get(action.model, ())):
                click.echo(f"       {line}")
            for form in action.forms[:_FORMS] if action.kind == "train" else ():
                click.echo(f"       {form}")
            if action.kind == "train" and len(action.forms) > _FORMS:
                click.echo(f"       … and {len(action.forms) - _FORMS} more columns in a written form")
            for line in action.details[:8]:
                click.echo(f"         {line}")
            if len(action.details) > 8:
                click.echo(f"         … and {len(action.details) - 8} more changes")
    for name in plan.disabled:
        click.echo(f"left out: {name} is disabled")
    count = len(plan.work)
    click.echo(f"{count} of {len(plan.actions)} models to build" if count else "nothing to do")
    for line in of_build(forecast) if count else ():
        click.echo(line)


def _cost(balance: Balance, cost: Cost) -> str:
    spends = f"spends ε = {cost.epsilon:g} (δ = {cost.delta:.3g}) of {balance.account}"
    if balance.budget is None:
        return f"{spends}, which has no budget: {cost.after:.4g} spent in all"
    left = max(0.0, balance.budget - cost.after)
    return f"{spends}: {cost.after:.4g} of {balance.budget:g} spent then, {left:.4g} left"
