"""Numbers in an order that looks random, each once: so parts of a table that share no memory make different texts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

ROUNDS = 4


@dataclass(frozen=True)
class Permutation:
    """A permutation of the numbers below ``size`` that ``key`` decides.

    A Feistel network over twice as many bits as half of a number needs, walked until it gives a number below ``size``
    (Black & Rogaway 2002, "Ciphers with arbitrary finite domains"). It is no secret: four rounds only mix.

    >>> sorted(map(Permutation(100, "codes").at, range(100))) == list(range(100))
    True
    """

    size: int
    key: str

    def at(self, number: int) -> int:
        """What stands at a place, both from 0. Raises ValueError where there is no such place."""
        if not 0 <= number < self.size:
            raise ValueError(f"there is no number {number} below {self.size}")
        bits = self._half
        mask, bytes_ = (1 << bits) - 1, (bits + 7) // 8
        while True:
            left, right = number >> bits, number & mask
            for state in self._rounds:
                mixed = state.copy()
                mixed.update(right.to_bytes(bytes_, "big"))
                left, right = right, left ^ (int.from_bytes(mixed.digest()[:bytes_], "big") & mask)
            number = left << bits | right
            if number < self.size:
                return number

    @cached_property
    def _half(self) -> int:
        return max(1, -(-(self.size - 1).bit_length() // 2))

    @cached_property
    def _rounds(self) -> tuple[hashlib.blake2b, ...]:
        return tuple(hashlib.blake2b(f"{self.key}:{r}:".encode()) for r in range(ROUNDS))
