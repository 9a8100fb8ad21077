"""JSON Schemas, for editors and for those who read the result files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from synthkit.errors import SynthError

# As SchemaStore has them (https://www.schemastore.org): which files an editor takes each for. Where the names of files
# are other tools' too (dbt has a packages.yml, and models in YAML), a comment in the file says which schema is meant.
CATALOG = "https://json.schemastore.org/schema-catalog.json"
ENTRIES = {
    "project": (
        "synthkit project",
        "Synthetic tables of a project: targets, budgets, defaults",
        ("synth_project.yml",),
    ),
    "models": ("synthkit models", "Synthetic tables, the real ones that they are made from, and their audits", ()),
    "packages": ("synthkit packages", "Macros and SQL audits that a project of synthetic tables takes from others", ()),
}

SCHEMAS = ("project", "models", "packages", "run_results", "receipt")


def schema(name: str, url: str | None = None) -> dict[str, Any]:
    """The JSON Schema of that name, with the generators and audits that are installed.

    Args:
        name: ``project`` (synth_project.yml), ``models`` (models/*.yml), ``packages`` (packages.yml), ``run_results``
            or ``receipt``.
        url: where it will lie, with the others: its ``$id`` is below it. Default: it has none.
    """
    found = _schema(name)
    return found if url is None else {"$schema": found["$schema"], "$id": _address(name, url), **found}


def catalog(url: str) -> dict[str, Any]:
    """The catalogue of the schemas of YAML that lie below ``url``, in SchemaStore's form.

    Raises SynthError where that is no https URL.
    """
    listed = [
        {"name": title, "description": text, **({"fileMatch": [*files]} if files else {}), "url": _address(name, url)}
        for name, (title, text, files) in ENTRIES.items()
    ]
    return {"$schema": CATALOG, "version": 1, "schemas": listed}


def _address(name: str, url: str) -> str:
    if not re.fullmatch(r"https://[^\s/?#]+[^\s?#]*", url):
        raise SynthError(f"{url!r} is no URL that schemas can lie below", hint="write https://host/folder")
    return f"{url.rstrip('/')}/{name}.schema.json"


def _schema(name: str) -> dict[str, Any]:
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


def write_schema(name: str, folder: Path, url: str | None = None) -> Path:
    """Write one of them into a folder, and return its path; ``url`` as of :func:`schema`."""
    return _written(folder / f"{name}.schema.json", schema(name, url))


def write_catalog(url: str, folder: Path) -> Path:
    """Write the catalogue beside the schemas, and return its path."""
    return _written(folder / "catalog.json", catalog(url))


def _written(path: Path, value: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path
