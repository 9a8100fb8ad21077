"""What was consumed costs at declared prices. Prices of today hold for what is past, too, so that runs compare."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from synthkit.project.prices import PricesSpec
from synthkit.records.consumption import Consumption, ConsumptionEntry

HOUR = 3600.0


@dataclass(frozen=True)
class Cost:
    """USD.

    Args:
        machines: at the declared prices; None where none is declared.
        teachers: what they were paid.
        unpriced: what was used and has no price, by the key of that price, while others have one.
    """

    machines: float | None
    teachers: Decimal = Decimal(0)
    unpriced: tuple[str, ...] = ()

    @property
    def total(self) -> float | None:
        """Of both; None where machines have no price and no teacher was paid."""
        if self.machines is None:
            return float(self.teachers) if self.teachers else None
        return self.machines + float(self.teachers)


def cost_of(consumed: Iterable[Consumption], prices: PricesSpec, paid: Decimal = Decimal(0)) -> Cost:
    """Of what was used: core, GPU and GiB hours, each by its price.

    >>> cost_of([Consumption(phase="train", machine="a", core_seconds=7200)], PricesSpec(cpu_hour=0.05)).total
    0.1
    """
    used = {"cpu_hour": 0.0, "gpu_hour": 0.0, "gib_hour": 0.0}
    for one in consumed:
        used["cpu_hour"] += one.core_seconds / HOUR
        used["gpu_hour"] += one.gpu_seconds / HOUR
        used["gib_hour"] += one.memory_seconds / HOUR
    declared = {key: price for key in used if (price := getattr(prices, key)) is not None}
    if not declared:
        return Cost(None, paid)
    lacking = tuple(k for k, hours in used.items() if k not in declared and hours and k == "gpu_hour")
    return Cost(sum(used[key] * price for key, price in declared.items()), paid, lacking)


def cost_of_entry(entry: ConsumptionEntry, prices: PricesSpec) -> Cost:
    return cost_of(entry.consumed, prices, Decimal(entry.paid))


def added(costs: Iterable[Cost]) -> Cost:
    """Of several. What one part has no price for, the sum has none for."""
    found = list(costs)
    machines = [c.machines for c in found if c.machines is not None]
    return Cost(
        sum(machines) if machines else None,
        sum((c.teachers for c in found), Decimal(0)),
        tuple(dict.fromkeys(key for c in found for key in c.unpriced)),
    )
