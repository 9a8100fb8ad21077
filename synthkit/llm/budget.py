"""The limit in money, held before a request is sent.

Two sums decide. The *plan*: what the answers taken so far cost, and the worst case of every prompt that is out. It
depends on the prompts and their answers alone, so a build and its replay ask for the same prompts. The *risk*: what was
paid or may be: for the answers taken, for those that are there and not taken yet, the worst case of every prompt that
is sent and unanswered, and of every attempt whose answer was lost, which may have been billed all the same. It decides
when a prompt that is out is really sent. Money spent is never above the risk, and nothing is sent that would take the
risk above the limit.
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
    _due: dict[str, Decimal] = field(default_factory=dict)  # what each prompt that is out and sent did or may cost
    _due_sum: Decimal = Decimal(0)
    _taken: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, key: str, worst: Decimal) -> Verdict:
        """Whether the prompt ``key`` may go out, now ("go"), perhaps when answers that are out are taken ("wait"), or
        not at all ("stop"). ``worst``: USD that it can cost at most."""
        with self._lock:
            if key in self._out or key in self._taken:
                return "go"
            if self.request_limit is not None and self.requests >= self.request_limit:
                self.stopped = f"request limit: {self.requests} of {self.request_limit} requests made"
                return "stop"
            if self.max_usd is not None and self.spent + self._out_sum + worst > self.max_usd:
                if self._out:
                    return "wait"
                self.stopped = self._reason(worst)
                return "stop"
            self.requests += 1
            self._out[key] = worst
            self._out_sum += worst
            return "go"

    def send(self, key: str, worst: Decimal) -> bool:
        """Whether there is money to send the prompt ``key``, which is out; if so, it is set aside."""
        with self._lock:
            if self.max_usd is not None and self._risk + worst > self.max_usd:
                return False
            self._set_due(key, worst)
            return True

    def settle(self, key: str, cost: Decimal) -> None:
        """The answer to ``key``, which is out, is there, and cost so much."""
        with self._lock:
            if key in self._out:
                self._set_due(key, cost)

    def withdraw(self, key: str) -> None:
        """The prompt ``key`` is out and not under way any more; what it lost is told by :meth:`lose`."""
        with self._lock:
            self._set_due(key, Decimal(0))

    def take(self, key: str, cost: Decimal) -> bool:
        """The answer to ``key`` is used; False when it had been before, and costs nothing now."""
        with self._lock:
            if key in self._taken:
                return False
            self._taken.add(key)
            self._out_sum -= self._out.pop(key)
            self._set_due(key, Decimal(0))
            self.spent += cost
            return True

    def lose(self, worst: Decimal) -> bool:
        """An attempt may have been billed in vain; whether there is money for another one now."""
        with self._lock:
            self.uncertain += worst
            return self.max_usd is None or self._risk <= self.max_usd

    def stop(self, worst: Decimal) -> None:
        """Nothing is under way, and there is no money for the next prompt, which can cost ``worst`` USD."""
        with self._lock:
            self.stopped = self._reason(worst)

    def abandon(self, key: str, risk: Decimal) -> None:
        """The prompt ``key`` was given up; ``risk``: USD that it did or may cost all the same."""
        with self._lock:
            if key in self._out:
                self._out_sum -= self._out.pop(key)
                self._set_due(key, Decimal(0))
                self.uncertain += risk

    @property
    def _risk(self) -> Decimal:
        return self.spent + self._due_sum + self.uncertain

    def _set_due(self, key: str, amount: Decimal) -> None:
        self._due_sum += amount - self._due.pop(key, Decimal(0))
        if amount:
            self._due[key] = amount

    def _reason(self, worst: Decimal) -> str:
        lost = f" and up to {usd(self.uncertain)} for lost answers" if self.uncertain else ""
        return (
            f"max_usd: {usd(self.spent)} spent{lost} of {usd(self.max_usd or Decimal(0))}; "
            f"the next request can cost up to {usd(worst)}"
        )


def usd(amount: Decimal) -> str:
    """Money for people: cents, or as many places as a small sum needs."""
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:,.4f}"
