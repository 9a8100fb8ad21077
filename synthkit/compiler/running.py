"""Check the options of the runner that the target names."""

from __future__ import annotations

from pydantic import ValidationError

from synthkit.compiler.draft import Draft
from synthkit.errors import SynthError
from synthkit.project.faults import parameter_faults
from synthkit.project.runners import runner_of


def check_runner(draft: Draft) -> None:
    """Options that the runner does not take, or not so; its package, where that does not load."""
    project = draft.project
    spec, origin, path = project.runner, project.spec.origin, ("targets", project.target_name, "runner")
    try:
        options = runner_of(spec.name).options
    except SynthError as error:
        draft.fault(error.message, origin.at(*path), spec.name, error.hint)
        return
    try:
        options.model_validate(spec.options)
    except ValidationError as error:
        draft.faults.extend(parameter_faults(error, options, origin, path, f"runner {spec.name}"))
