"""A project whose audits are jobs of their own, and what two builds of it must have alike. Shared by the runners' tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from synthkit.building import auditing
from synthkit.building.build import Options, build
from synthkit.compiler import compile_project
from synthkit.planning.plan import make_plan
from synthkit.project.project import load_project
from synthkit.runners.jobs import Executor
from tests.runners.test_elsewhere import receipt
from tests.synth import COPULA_PROJECT, Project, customers, make_project, write_csv

E = TypeVar("E", bound=Executor)
ROWS = 5_000  # from which on audits are spread
_LOGISTIC = "estimator: LogisticRegression, severity: warn"
_GENERATOR = "{name: circuit, states: 2, min_steps: 5, max_steps: 5, refinements: 0}"
FILES = {
    "synth_project.yml": "name: shop\nseed: 7\n",
    "models/sources.yml": COPULA_PROJECT["models/sources.yml"],
    "models/models.yml": f"""
        version: 1
        models:
          - name: many
            source: "{{{{ source('crm', 'customers') }}}}"
            generator: {_GENERATOR}
            size: {ROWS}
            audits:
              - row_count: {{equals: {ROWS}}}
              - tstr: {{target: churned, max: 1, {_LOGISTIC}}}
              - augmentation: {{target: churned, repeats: 2, ratios: [1], {_LOGISTIC}}}
              - membership_inference: {{severity: warn}}
              - membership_inference: {{attack: shadow, shadows: 4, name: by_shadows, severity: warn}}
              - detection: {{severity: warn}}
          - name: refused
            source: "{{{{ source('crm', 'customers') }}}}"
            generator: {_GENERATOR}
            size: {ROWS}
            audits:
              - tstr: {{target: churned, max: 1, metric: nonsense, {_LOGISTIC}}}
    """,
}


def shop(root: Path, target: str = "", rows: int = ROWS) -> Project:
    """The project, with a target ``dev`` that says so and so."""
    head = FILES["synth_project.yml"] + (f"targets: {{dev: {{{target}}}}}\n" if target else "")
    models = FILES["models/models.yml"].replace(str(ROWS), str(rows))
    project = make_project(root, {**FILES, "synth_project.yml": head, "models/models.yml": models})
    write_csv(root / "data/customers.csv", customers(1_200))
    return project


def told(project: Project) -> tuple[list[bytes], list[dict[str, Any]], dict[str, Any]]:
    """The published bytes, their receipts, and what is kept of each audit, times aside."""
    files, receipts = (sorted((project.root / "warehouse").rglob(f"*.{end}")) for end in ("parquet", "receipt.json"))
    found = {name: [{**a, "seconds": 0} for a in result["audits"]] for name, result in project.results().items()}
    assert len(files) == 1
    assert len(found["many"]) == 6
    assert all(a["value"] is not None for a in found["many"])
    return [f.read_bytes() for f in files], [receipt(r) for r in receipts], found


def built(project: Project, *arguments: str, env: Mapping[str, str] | None = None) -> Any:
    """What is :func:`told` of a build, one of whose models an audit refuses; and the reason that was given for it."""
    done = project.synth("build", *arguments, env={"SYNTH_TEST_SECONDS": "1200", **(env or {})})
    return ended(project, done.returncode, done.stdout + done.stderr)


def ended(project: Project, code: int | None, said: str) -> Any:
    assert code == 1, said
    (reason,) = {line.strip() for line in said.splitlines() if "scikit-learn has no metric 'nonsense'" in line}
    return (*told(project), reason)


def in_process(project: Project, executor: Executor, threads: int) -> Any:
    """What is told of a build whose jobs are carried out in this process."""
    manifest = compile_project(load_project(project.root))
    build(manifest, lambda: make_plan(manifest), options=Options(threads=threads), executor=executor)
    return told(project)


def alike(root: Path, executor_of: Callable[[Path], E], monkeypatch: pytest.MonkeyPatch) -> E:
    """Builds of the project with one thread and with two, jobs carried out where it has another path, tell the same.
    Returns what carried out those of the second."""
    monkeypatch.setattr(auditing, "COSTLY", 1)
    found, executors = [], []
    for threads in (1, 2):
        project = shop(root / str(threads) / "shop", rows=500)
        mounted = root / str(threads) / "mounted"
        mounted.symlink_to(project.root)
        executors.append(executor_of(mounted))
        found.append(in_process(project, executors[-1], threads))
    assert found[0] == found[1]
    return executors[1]
