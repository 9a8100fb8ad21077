"""Projects with a private generator: for the command line a package of a third party, in-process a registry."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.packages import installed
from tests.synth import FORKS, Project, write_csv

ROOT = Path(__file__).parent.parent

SOURCES = """
    version: 1
    sources:
      - name: crm
        tables:
          - name: customers
            path: data/customers.csv
            primary_key: customer_id
            row_count: 1000
            columns: &columns
              - {name: customer_id, type: id}
              - {name: tier, type: categorical, nullable: false, values: [basic, plus, pro]}
          - name: orders
            path: data/orders.csv
            primary_key: customer_id
            row_count: 1000
            columns: *columns
"""
# What anyone may know of the customers of tests.synth.
DECLARED = """
    version: 1
    sources:
      - name: crm
        tables:
          - name: customers
            path: data/customers.csv
            primary_key: customer_id
            row_count: 400
            columns:
              - {name: customer_id, type: id}
              - {name: age, type: integer, nullable: false, bounds: [18, 90]}
              - {name: spend, type: float, nullable: false, decimals: 2, bounds: [0, 300]}
              - {name: tier, type: categorical, nullable: false, values: [basic, plus, pro]}
              - {name: joined, type: date, nullable: false, bounds: ["2010-01-01", "2025-12-31"]}
              - {name: visits, type: integer, bounds: [0, 30]}
              - {name: churned, type: categorical, nullable: false, values: ["yes", "no"]}
"""
PROJECT = "name: shop\nseed: 7\nholdout: 0\nprivacy:\n  budgets:\n    crm.customers: {epsilon: 3, delta: 1e-5}\n"
MODEL = """
    version: 1
    models:
      - name: fake
        source: "{{ source('crm', 'customers') }}"
        generator: dp.histogram
        epsilon: 1
        size: 50
        audits: []
"""


@dataclass(frozen=True)
class PrivateProject(Project):
    """A project whose `synth` finds the generator ``dp.histogram``."""

    variables: Mapping[str, str] = field(default_factory=dict)

    def synth(self, *arguments: str, env: Mapping[str, str] | None = None) -> Any:
        return FORKS.run(arguments, self.root, *self._python(env))

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> Any:
        return FORKS.start(arguments, self.root, *self._python(env))

    def _python(self, env: Mapping[str, str] | None) -> tuple[Mapping[str, str], list[str]]:
        environment = {**os.environ, **self.variables, **(env or {})}
        return environment, self.variables["PYTHONPATH"].split(os.pathsep)

    @property
    def ledger(self) -> Path:
        return self.root / "privacy" / "ledger.jsonl"

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ledger.read_text("utf-8").splitlines()]


def customers(rows: int = 1000) -> list[dict[str, Any]]:
    rng = random.Random(3)
    return [{"customer_id": i, "tier": rng.choices(["basic", "plus", "pro"], [6, 3, 1])[0]} for i in range(1, rows + 1)]


def write_private(root: Path, files: Mapping[str, str] | None = None) -> Project:
    """The files of a project over two tables of customers."""
    for name in ("customers", "orders"):
        write_csv(root / "data" / f"{name}.csv", customers())
    standard = {"synth_project.yml": PROJECT, "models/sources.yml": SOURCES, "models/customers.yml": MODEL}
    return Project(root).write({**standard, **(files or {})})


def private_project(root: Path, files: Mapping[str, str] | None = None) -> PrivateProject:
    """The same, and beside it the installed package of the generator."""
    entry = "dp.histogram = tests.dp_histogram:HISTOGRAM"
    write_private(root, files)
    return PrivateProject(root, installed(root.parent / "packages", "dp-histogram", "synthkit.generators", entry))
