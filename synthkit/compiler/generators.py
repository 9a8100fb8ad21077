"""Bind each model to a generator: its name, its parameters, its size, its holdout."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from synthkit.compiler.auto import (
    PRIVATE,
    SMALL,
    TOGETHER,
    Declared,
    choose_generator,
    choose_private_family,
    choose_related,
)
from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.compiler.private import source_table
from synthkit.errors import SynthError, did_you_mean
from synthkit.generators import registry
from synthkit.generators.base import Query, Trained
from synthkit.project.faults import parameter_faults
from synthkit.project.holdout import holdout_of
from synthkit.project.size import Size
from synthkit.project.types import AUTO
from synthkit.schema import MADE_UP
from synthkit.sources.ingest import parse_share


def _declared(draft: Draft, model: ModelDraft) -> Declared | None:
    """What the YAML says of a model's real table: its rows, and its columns that are learnt."""
    found = source_table(draft, model)
    table = None if found is None else found[1]
    if table is None or table.row_count is None:
        return None
    learnt = [c for c in table.columns if c.type not in MADE_UP and c.pii is None and (c.name,) != table.primary_key]
    return Declared(table.row_count, len(learnt)) if learnt else None


def _chosen(draft: Draft, model: ModelDraft) -> tuple[str, str]:
    """The generator of a model that names none, and why."""
    if model.family is not None and model.spec.epsilon is not None:
        return choose_private_family(registry.related_private_names())
    if model.family is not None:
        return choose_related(registry.related_names(), "tables that hang together")
    found = source_table(draft, model)
    if (
        found is not None
        and found[1].entity is not None
        and model.spec.epsilon is None
        and TOGETHER in registry.names()
    ):
        return choose_related((TOGETHER,), "rows that follow one another")
    if model.spec.epsilon is None:
        return choose_generator(None, ())
    # Where the two that are taken first honour a budget, what the others do decides nothing, and is not loaded.
    first = registry.private_names((PRIVATE, SMALL))
    private = first if PRIVATE in first else registry.private_names()
    return choose_generator(model.spec.epsilon, private, _declared(draft, model))


def bind_generators(draft: Draft) -> None:
    """Names and parameters of generators, sizes and holdouts."""
    for model in draft.models.values():
        _bind_generator(draft, model)
        _bind_size(draft, model)
        _bind_holdout(draft, model)


def _bind_generator(draft: Draft, model: ModelDraft) -> None:
    spec = model.spec
    name = spec.generator.name if spec.generator is not None else AUTO
    params: dict[str, Any] = dict(spec.generator.params) if spec.generator is not None else {}
    if name == AUTO:
        for key in params:
            here = spec.origin.at("generator", key, key=True)
            hint = "name the generator that the parameter is of, or drop it"
            draft.fault(f"generator auto takes no parameters, so no {key!r}", here, key, hint)
        params = {}
        name, model.generator_reason = _chosen(draft, model)
    where = spec.origin.at("generator", "name") if spec.generator else spec.origin.at()
    try:
        model.generator = registry.get(name)
    except SynthError as error:
        known = registry.names()
        draft.fault(error.message, where, name, error.hint or did_you_mean(name, known, "a generator"))
        model.broken = True
        return
    try:
        model.params = model.generator.params.model_validate(params)
    except ValidationError as error:
        draft.faults.extend(
            parameter_faults(error, model.generator.params, spec.origin, ("generator",), f"generator {name}")
        )
        # A trained model's columns are its source's whatever its parameters, so its audits can still be checked.
        model.broken = not isinstance(model.generator, Trained)
    if not isinstance(model.generator, Query) and spec.source is None:
        draft.fault(
            f"model {spec.name!r} names no source to learn from",
            spec.origin.at(),
            hint="add source: \"{{ source('group', 'table') }}\" or \"{{ ref('another_model') }}\"",
        )
        model.broken = True


def _bind_size(draft: Draft, model: ModelDraft) -> None:
    value = model.spec.size
    if value is None:
        return
    where = model.spec.origin.at("size")
    if model.generator is not None and isinstance(model.generator, Query):
        draft.fault("an SQL model has no size: its query decides", where, value, "use LIMIT in the query")
        return
    try:
        model.size = Size.parse(value)
    except ValueError as error:
        draft.fault(str(error), where, value, "write rows (50000), a factor (2x) or a share (50%) of the source")


def _bind_holdout(draft: Draft, model: ModelDraft) -> None:
    found = source_table(draft, model)
    value, origin = holdout_of(draft.project.spec, None if found is None else found[1], model.spec)
    try:
        model.holdout = parse_share(value)
    except ValueError as error:
        draft.fault(str(error), origin.at("holdout"), value, 'write a share such as "20%" or 0.2; 0 turns it off')
