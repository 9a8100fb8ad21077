"""What is declared of the rows, with the place where it is."""

from __future__ import annotations

from dataclasses import dataclass

from synthkit.rules.inequality import Inequality
from synthkit.rules.language import Rule


@dataclass(frozen=True)
class Constraint:
    """A declared inequality and its location, a file of the project with line and column."""

    rule: Inequality
    location: str


@dataclass(frozen=True)
class DeclaredRule:
    """A declared rule of any other kind, and its location."""

    rule: Rule
    location: str
