"""What is other about a family under a budget: nothing of its real rows decides anything but through the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.runners import trained
from synthkit.runners.jobs import FamilyJob

if TYPE_CHECKING:
    from synthkit.generators.base import Trained
    from synthkit.generators.exact.members import MemberPlan
    from synthkit.generators.tables import Shape
    from synthkit.schema import Table
    from synthkit.sources.split import Split


def plan_of(job: FamilyJob, name: str, split: Split, file: Path, cached: MemberPlan | None) -> tuple[MemberPlan, Table]:
    """How a table is learnt, and its rows as they are read.

    Args:
        cached: how it was, where it has been.
    """
    from synthkit.generators.exact.declared_members import plan_declared_member
    from synthkit.generators.exact.members import KeyColumns, reading

    table = split.bounded
    assert table is not None, "it was read for a training under a budget"
    if cached is not None:
        return cached, reading(cached, table, file)
    keys = KeyColumns.in_table(name, table.schema, job.keys)
    return plan_declared_member(table, keys, file, declared=job.members[name].rules)


def check_charge(generator: Trained, params: Any, job: FamilyJob, shape: Shape) -> None:
    """What the tables' training will release is what was charged for it. Raises BuildError where it is not."""
    related, budget = generator.related, job.budget
    assert related is not None
    assert related.mechanisms is not None
    assert budget is not None
    mechanisms = related.mechanisms
    trained.check_charge(job.family, job.charge, lambda: mechanisms(params, budget, shape), sources="sources")


def settled_plans(generator: Trained, model: Any, plans: Mapping[str, MemberPlan]) -> dict[str, MemberPlan]:
    """The plans for rows of a model that was trained: which values go together is known by what was released."""
    from synthkit.encoding.kept.together import Counts
    from synthkit.generators.exact.ruled import settled

    related = generator.related
    assert related is not None

    def counts(table: str, column: str) -> Counts:
        if related.counts is None:
            raise BuildError(
                f"the generator {generator.name!r} releases no counts, by which rules of {table!r} are kept",
                hint="drop the rules between columns, or choose another generator",
            )
        return Counts(*related.counts(model, table, column))

    return {
        name: replace(plan, columns=settled(plan.columns, lambda column, name=name: counts(name, column)))  # type: ignore[misc]
        for name, plan in plans.items()
    }
