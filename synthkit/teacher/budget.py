"""The limit in money, held before a request is sent.

Two sums decide. The *plan*: what the answers taken so far cost, and the worst case of every prompt that is out. It
depends on the prompts and their answers alone, so a build and its replay stop at the same prompt. The *risk*: the plan
and the worst case of every attempt whose answer was lost, which may have been billed all the same. It decides only
about prompts that are really sent. Money spent is never above the risk, and nothing is sent that would take the risk
above the limit.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Verdict = Literal["go", "wait", "stop"]


@dataclass
class Budget:
    """Holds ``max_usd`` and ``request_limit``; None is no limit. Safe for several threads.

    Attributes:
        spent: USD of the answers taken.
        uncertain: USD that lost attempts may have cost.
        stopped: why no further prompt goes out, with figures.
        requests: number of different prompts let through.
    """

    max_usd: Decimal | None = None
    request_limit: int | None = None
    spent: Decimal = Decimal(0)
    uncertain: Decimal = Decimal(0)
    stopped: str | None = None
    requests: int = 0
    _out: dict[str, Decimal] = field(default_factory=dict)
    _out_sum: Decimal = Decimal(0)
    _taken: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, key: str, worst: Decimal, kept: bool) -> Verdict:
        """Whether the prompt ``key`` may go out, now ("go"), perhaps when answers that are out are taken ("wait"), or
        not at all ("stop").

        Args:
            worst: USD that it can cost at most.
            kept: its answer is in the store: nothing is sent.
        """
        with self._lock:
            if key in self._out or key in self._taken:
                return "go"
            if self.request_limit is not None and self.requests >= self.request_limit:
                self.stopped = f"request limit: {self.requests} of {self.request_limit} requests made"
                return "stop"
            planned = self.spent + self._out_sum + worst
            if self.max_usd is not None:
                if planned > self.max_usd:
                    if self._out:
                        return "wait"
                    self.stopped = self._reason(worst)
                    return "stop"
                if not kept and planned + self.uncertain > self.max_usd:
                    self.stopped = self._reason(worst)
                    return "stop"
            self.requests += 1
            self._out[key] = worst
            self._out_sum += worst
            return "go"

    def take(self, key: str, cost: Decimal) -> bool:
        """The answer to ``key`` is used; False when it had been before, and costs nothing now."""
        with self._lock:
            if key in self._taken:
                return False
            self._taken.add(key)
            self._out_sum -= self._out.pop(key)
            self.spent += cost
            return True

    def lose(self, worst: Decimal, again: bool = True) -> bool:
        """An attempt may have been billed in vain; whether there is money for another, if one is wanted ``again``."""
        with self._lock:
            self.uncertain += worst
            if self.max_usd is None or self.spent + self._out_sum + self.uncertain <= self.max_usd:
                return True
            if again:
                self.stopped = self._reason(worst)
            return False

    def abandon(self, key: str, risk: Decimal) -> None:
        """The prompt ``key`` was given up; ``risk``: USD that it did or may cost all the same."""
        with self._lock:
            if key in self._out:
                self._out_sum -= self._out.pop(key)
                self.uncertain += risk

    def _reason(self, worst: Decimal) -> str:
        lost = f" and up to {usd(self.uncertain)} for lost answers" if self.uncertain else ""
        return (
            f"max_usd: {usd(self.spent)} spent{lost} of {usd(self.max_usd or Decimal(0))}; "
            f"the next request can cost up to {usd(worst)}"
        )


def usd(amount: Decimal) -> str:
    """Money for people: cents, or as many places as a small sum needs."""
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:,.4f}"
