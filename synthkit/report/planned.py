"""A plan as JSON lines, as a build tells of itself: an object for each action, each budget, and the whole."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from synthkit.report.console import JsonConsole

if TYPE_CHECKING:
    from synthkit.building.spending import Balance
    from synthkit.planning.plan import Plan
    from synthkit.stats.expected import Forecast


def tell_plan(
    plan: Plan, *, quiet: bool, balances: Iterable[Balance] = (), forecast: Forecast | None = None, verb: str = "build"
) -> None:
    """Write to standard output what a verb would do: events ``Note``, ``ActionPlanned``, ``BudgetPlanned``,
    ``PlanFinished``. With ``quiet`` warnings alone."""
    found = tuple(balances)
    spends = {c.model: {"account": b.account, "epsilon": c.epsilon, "delta": c.delta} for b in found for c in b.costs}
    with JsonConsole(sys.stdout, quiet) as console:
        for warning in (*plan.warnings, *(() if forecast is None else forecast.warnings)):
            console.warn(warning)
        if quiet:
            return
        for name in plan.disabled:
            console.left_out(name, "it is disabled")
        for index, action in enumerate(plan.actions, 1):
            own = None if forecast is None else forecast.of(action.model)
            more = {
                "spends": spends.get(action.model),
                "estimate": None if own is None else own.to_json(),
                "index": index,
                "total": len(plan.actions),
            }
            console.write("ActionPlanned", action.to_json() | more)
        for balance in found:
            console.write("BudgetPlanned", balance.to_json())
        console.write(
            "PlanFinished",
            {
                "verb": verb,
                "models": len(plan.actions),
                "work": len(plan.work),
                "actions": dict(sorted(Counter(a.kind for a in plan.actions).items())),
                "over_budget": [b.account for b in found if b.over],
                "estimates": None if forecast is None else forecast.to_json(),
            },
        )
