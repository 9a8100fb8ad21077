"""What private trainings release, and what several of them come to: by the mechanisms that their generators declare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from synthkit.errors import SynthError
from synthkit.extras import AbsentError
from synthkit.generators.base import Budget, Generator, Trained
from synthkit.generators.tables import Shape
from synthkit.privacy.accounting.cached import composed, remembered
from synthkit.privacy.accounting.mechanisms import Mechanism, mechanism_from_json
from synthkit.schema import Schema

if TYPE_CHECKING:
    from synthkit.compiler.draft import Draft
    from synthkit.compiler.manifest import Manifest, ModelNode
    from synthkit.project.project import Project


def cache_of(project: Project) -> Path:
    """Where results of the accountant are kept."""
    return project.target_dir / "cache" / "accountant"


def release_of(manifest: Manifest, model: ModelNode) -> tuple[Mechanism, ...]:
    """What training the model releases, as its generator declares it. Raises SynthError with the generator's reason."""
    assert model.budget is not None
    assert model.learnt is not None
    family = manifest.families.get(model.family or "")
    if family is None:
        return released(cache_of(manifest.project), model.generator, model.params, model.budget, model.learnt)
    assert family.shape is not None
    return released_together(cache_of(manifest.project), family.generator, family.params, model.budget, family.shape)


def released(
    folder: Path, generator: Generator, params: BaseModel, budget: Budget, schema: Schema
) -> tuple[Mechanism, ...]:
    """What training ``generator`` under ``budget`` will release. Raises SynthError with the generator's reason."""
    assert isinstance(generator, Trained)
    assert generator.mechanisms is not None, "check_epsilon refuses a generator that honours no epsilon"
    declare, said = generator.mechanisms, {"schema": schema.to_json()}
    return _declared(folder, generator, params, budget, said, lambda: declare(params, budget, schema))


def released_together(
    folder: Path, generator: Generator, params: BaseModel, budget: Budget, shape: Shape
) -> tuple[Mechanism, ...]:
    """What training ``generator`` on tables that hang together will release. Raises SynthError as :func:`released`."""
    assert isinstance(generator, Trained)
    related = generator.related
    assert related is not None, "check_families refuses a generator that learns one table alone"
    declare = related.mechanisms
    assert declare is not None, "check_families refuses a generator that honours no epsilon of them"
    said: dict[str, Any] = {
        "schemas": [[name, schema.to_json()] for name, schema in shape.schemas.items()],
        "keys": [asdict(key) for key in shape.keys],
        "first": shape.first,
        "kept": sorted(shape.kept),
    }
    return _declared(folder, generator, params, budget, said, lambda: declare(params, budget, shape))


def _declared(
    folder: Path,
    generator: Trained,
    params: BaseModel,
    budget: Budget,
    said: Mapping[str, Any],
    declare: Callable[[], Sequence[Mechanism]],
) -> tuple[Mechanism, ...]:
    """What ``declare`` gives of the tables that are ``said`` in JSON, or gave before."""
    key = {
        "generator": [generator.name, generator.version],
        "params": params.model_dump(mode="json"),
        "budget": asdict(budget) | {"insecure_seed": None},
        **said,
    }
    found = remembered(folder, key, lambda: [m.to_json() for m in declare()])
    return tuple(mechanism_from_json(m) for m in found)


def compose(draft: Draft, names: Sequence[str], delta: float | None) -> tuple[float, float]:
    """(ε, δ) of the releases of these models together: at ``delta``, their account's, where several compose."""
    models = [draft.models[n] for n in names]
    pairs = [(m.budget.epsilon, m.budget.delta) for m in models if m.budget is not None]
    folder = cache_of(draft.project)
    mechanisms: list[Mechanism] = []
    for m in models if len(models) > 1 else ():
        if m.generator is None or not m.generator.supports_epsilon or m.params is None or not (m.budget and m.learnt):
            return composed(folder, pairs, (), delta)
        try:
            if m.family is None:
                mechanisms += released(folder, m.generator, m.params, m.budget, m.learnt)
            elif (shape := draft.shapes.get(m.family)) is not None:
                mechanisms += released_together(folder, m.generator, m.params, m.budget, shape)
            else:
                return composed(folder, pairs, (), delta)
        except AbsentError:
            raise
        except SynthError:
            return composed(folder, pairs, (), delta)  # the plan says why; the sums hold whatever the mechanisms are
    return composed(folder, pairs, mechanisms, delta)
