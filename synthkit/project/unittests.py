"""The frozen specs of ``unit_tests:``: given rows and the rows that must come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import model_validator

from synthkit.project.spec import Relation, Row, Spec


class GivenSpec(Spec):
    """Rows that stand in for a table in a unit test.

    Args:
        input: a ``ref()`` or ``source()``, or ``this``: the table that a custom audit judges.
        rows: of that table, each column → value; a column that is left out is null.
        types: column → SQL type, where neither the rows nor the table that they stand in for say it.
    """

    input: Relation | Literal["this"]
    rows: tuple[Row, ...]
    types: Mapping[str, str] = {}


class ExpectSpec(Spec):
    """The rows that a query must give, in any order; columns that are not named are not compared.

    Args:
        rows: each column → value.
    """

    rows: tuple[Row, ...]


class UnitTestSpec(Spec):
    """``given`` rows → ``expect`` rows, for an SQL model, a custom audit, or a query that calls macros.

    Args:
        name: of the test.
        model: the SQL model that is tested; or
        audit: the custom audit that is tested; or
        query: a SELECT that is tested, for macros.
        params: of the custom audit.
        given: rows that stand in for the tables that are read.
        expect: rows that must come out.
        description: for people.
        tags: words of your own.
        meta: anything else, for people.
    """

    name: str
    model: str | None = None
    audit: str | None = None
    query: str | None = None
    params: Mapping[str, Any] = {}
    given: tuple[GivenSpec, ...] = ()
    expect: ExpectSpec
    description: str | None = None
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = {}

    @model_validator(mode="after")
    def _one(self) -> UnitTestSpec:
        if sum(k is not None for k in (self.model, self.audit, self.query)) != 1:
            raise ValueError("give one of model, audit and query: what is tested")
        return self
