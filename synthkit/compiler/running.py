"""Check the runner that the target names: its options, and that it has what models ask for."""

from __future__ import annotations

from pydantic import ValidationError

from synthkit.compiler.draft import Draft
from synthkit.errors import SynthError
from synthkit.project.faults import parameter_faults
from synthkit.project.resources import UNASKED, beyond
from synthkit.project.runners import Runner, runner_of
from synthkit.project.spec import Spec


def check_runner(draft: Draft) -> None:
    """Options that the runner does not take, or not so; its package, where that does not load; resources."""
    project = draft.project
    spec, origin, path = project.runner, project.spec.origin, ("targets", project.target_name, "runner")
    try:
        runner = runner_of(spec.name)
    except SynthError as error:
        draft.fault(error.message, origin.at(*path), spec.name, error.hint)
        return
    try:
        options = runner.options.model_validate(spec.options)
    except ValidationError as error:
        draft.faults.extend(parameter_faults(error, runner.options, origin, path, f"runner {spec.name}"))
        return
    _check_resources(draft, runner, options)


def _check_resources(draft: Draft, runner: Runner, options: Spec) -> None:
    """What a model asks for and no machine of the runner has. Who only reads receipts may be on another machine."""
    asking = [model.spec for model in draft.models.values() if model.spec.resources != UNASKED]
    if not asking or draft.recorded is not None:
        return
    most = runner.limits(options)
    for spec in asking:
        for key, how in beyond(spec.resources, most).items():
            message = f"{spec.name!r} asks for {how} (runner: {draft.project.runner.name})"
            hint = "ask for less, or build on a runner that has it: runner: of a target, or --runner"
            draft.fault(message, spec.origin.at("resources", key), getattr(spec.resources, key), hint)
