"""How many rows are held out: said of a model, else of its source table, else of the project."""

from __future__ import annotations

from synthkit.project.projectfile import ProjectSpec
from synthkit.project.spec import Origin
from synthkit.project.types import ModelSpec, SourceTableSpec


def holdout_of(
    project: ProjectSpec, table: SourceTableSpec | None, model: ModelSpec | None = None
) -> tuple[str | float, Origin]:
    """The share as it is written, and where.

    Args:
        table: the source table whose rows are divided; None where they are another model's.
        model: that learns from them; None for who reads the table alone.
    """
    for spec in (model, table):
        if spec is not None and spec.holdout is not None:
            return spec.holdout, spec.origin
    return project.holdout, project.origin
