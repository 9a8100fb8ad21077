"""``partition_rows``: asked only of what draws a table in parts, each by itself."""

from __future__ import annotations

from synthkit.compiler.draft import Draft
from synthkit.generators.base import Trained
from synthkit.project.types import ModelSpec


def check_partitions(draft: Draft) -> None:
    """Where a table is drawn at once, nobody may take it for one that is drawn in parts."""
    for family in draft.families.values():
        _refuse(draft, family.spec, "the tables of a family are drawn together, by one process")
    for model in draft.models.values():
        if model.generator is None or model.family is not None:
            continue
        name = model.generator.name
        if not isinstance(model.generator, Trained):
            _refuse(draft, model.spec, f"generator {name!r} draws no rows of a trained model")
        elif not model.generator.partitions:
            _refuse(draft, model.spec, f"generator {name!r} draws a table whole, by one process")


def _refuse(draft: Draft, spec: ModelSpec, why: str) -> None:
    if spec.partition_rows is not None:
        where = spec.origin.at("partition_rows")
        draft.fault(why, where, spec.partition_rows, "drop partition_rows, or choose a generator that draws partitions")
