"""How many items of each topic a table gets, and which topic is asked for next."""

from __future__ import annotations

from collections.abc import Mapping

Topic = str | None


def quotas(rows: int, shares: Mapping[str, float]) -> dict[Topic, int]:
    """Rows per topic by the largest remainder, so that they add up to ``rows``; without topics, all are of none.

    Args:
        shares: by topic, positive, of any sum: 40, 30, 30 and 0.4, 0.3, 0.3 say the same.
    """
    if not shares:
        return {None: rows}
    total = sum(shares.values())
    exact = {topic: rows * share / total for topic, share in shares.items()}
    found: dict[Topic, int] = {topic: int(value) for topic, value in exact.items()}
    left = rows - sum(v for v in found.values())
    for topic in sorted(exact, key=lambda t: (int(exact[t]) - exact[t], t))[:left]:
        found[topic] += 1
    return found


class Balance:
    """Counts what each topic still needs. ``expected`` counts what was asked for and may yet come."""

    def __init__(self, wanted: Mapping[Topic, int]) -> None:
        self.wanted = dict(wanted)
        self.accepted = dict.fromkeys(wanted, 0)
        self.expected: dict[Topic, float] = dict.fromkeys(wanted, 0.0)

    def full(self, topic: Topic) -> bool:
        return self.accepted[topic] >= self.wanted[topic]

    @property
    def done(self) -> bool:
        return all(self.full(topic) for topic in self.wanted)

    def missing(self, topic: Topic) -> float:
        """Rows that are neither here nor expected."""
        return self.wanted[topic] - self.accepted[topic] - self.expected[topic]

    def neediest(self) -> Topic | Missing:
        """The topic that lacks the largest share of its rows; :data:`NOTHING` where enough is on its way."""
        short = [t for t in self.wanted if self.missing(t) > 0]
        if not short:
            return NOTHING
        return max(short, key=lambda t: (self.missing(t) / self.wanted[t], str(t)))


class Missing:
    """The type of :data:`NOTHING`, as None is a topic."""


NOTHING = Missing()
