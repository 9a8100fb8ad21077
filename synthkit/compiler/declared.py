"""What is declared of the rows, with the place where it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from synthkit.encoding.kept.private import private_plan
from synthkit.privacy.knowledge import learnt_columns
from synthkit.rules.across.bound import Across
from synthkit.rules.inequality import Inequality
from synthkit.rules.language import Rule
from synthkit.schema import Schema


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


@dataclass(frozen=True)
class FamilyRule:
    """A declared rule across the tables of a family, and its location."""

    rule: Across
    location: str


def learnt_under(declared: Schema, rules: Iterable[DeclaredRule]) -> Schema:
    """The columns that a model under a budget learns, and pays for: not those that rules compute."""
    columns = learnt_columns(declared)
    return private_plan(columns, [declared_rule.rule for declared_rule in rules]).learnt(columns)
