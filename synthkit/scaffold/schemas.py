"""JSON Schemas, for editors and for those who read the result files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCHEMAS = ("project", "models", "packages", "run_results", "receipt")


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of that name, with the generators and audits that are installed.

    Args:
        name: ``project`` (synth_project.yml), ``models`` (models/*.yml), ``packages`` (packages.yml), ``run_results``
            or ``receipt``.
    """
    from synthkit.audits import registry as audits
    from synthkit.generators import registry as generators
    from synthkit.project import runners
    from synthkit.project.jsonschema import Known, models_schema, packages_schema, project_schema
    from synthkit.store.valueschema import receipt_schema, run_results_schema

    if name == "run_results":
        return run_results_schema()
    if name == "receipt":
        return receipt_schema()
    if name == "packages":
        return packages_schema()
    known_generators = {n: Known(generators.get(n).params, generators.get(n).summary) for n in generators.names()}
    known_audits = {n: Known(audits.get(n).params, audits.get(n).summary) for n in audits.names()}
    if name == "models":
        return models_schema(known_generators, known_audits)
    known_runners = {n: Known(runners.runner_of(n).options, runners.runner_of(n).summary) for n in runners.names()}
    return project_schema(known_generators, known_audits, known_runners)


def write_schema(name: str, folder: Path) -> Path:
    """Write one of them into a folder, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.schema.json"
    path.write_text(json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path
