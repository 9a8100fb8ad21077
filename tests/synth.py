"""Make small projects in a folder, and run `synth` on them as a user does: through the command line."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.forking import Forks, Started

SYNTH = (sys.executable, "-m", "synthkit")
FOR_PYTHON = ("PYTHON", "LANG", "LC_", "OMP_")  # variables that are read before synth is
FORKS = Forks()
OTHER_HASHES = {"PYTHONHASHSEED": "1"}  # sets in another order than in the forks, or than with "2"

COPULA_PROJECT = {
    "synth_project.yml": "name: shop\nseed: 7\n",
    "models/sources.yml": """
        version: 1
        sources:
          - name: crm
            tables:
              - name: customers
                path: data/customers.csv
                primary_key: customer_id
    """,
    "models/customers.yml": """
        version: 1
        models:
          - name: fake_customers
            description: Stand-in for crm.customers
            source: "{{ source('crm', 'customers') }}"
            generator: sdv.gaussian_copula
            size: 300
            audits:
              - row_count: {equals: 300}
              - unique: {columns: [customer_id]}
          - name: by_tier
            generator: {name: sql, query: "select tier, count(*) as n from {{ ref('fake_customers') }} group by tier order by tier"}
            audits:
              - not_null: {columns: [tier]}
    """,
}

SQL_PROJECT = {
    "synth_project.yml": "name: shop\nseed: 7\n",
    "models/sources.yml": COPULA_PROJECT["models/sources.yml"],
    "models/customers.yml": """
        version: 1
        models:
          - name: customers
            generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
            audits:
              - not_null: {columns: [tier]}
          - name: by_tier
            generator: {name: sql, query: "select tier, count(*) as n from {{ ref('customers') }} group by tier order by tier"}
            audits: []
    """,
}


@dataclass(frozen=True)
class Project:
    """A project on disk, and a way to type `synth` in it."""

    root: Path

    def write(self, files: Mapping[str, str | bytes]) -> Project:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(text, bytes):
                path.write_bytes(text)
            else:
                path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return self

    def synth(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run `synth` in the project, its output captured (so: as in a pipe).

        It is a fork of a process that has the imports behind it, or a new Python where ``env`` speaks to Python.
        """
        environment = {**os.environ, **(env or {})}
        if not any(name.startswith(FOR_PYTHON) for name in env or {}):
            return FORKS.run(arguments, self.root, environment)
        command = [*SYNTH, *arguments]
        return subprocess.run(
            command, cwd=self.root, capture_output=True, text=True, env=environment, timeout=300, check=False
        )

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> Started | subprocess.Popen[str]:
        """Start `synth` in the project, its output and errors in one; a fork or a new Python as in :meth:`synth`."""
        environment = {**os.environ, **(env or {})}
        if not any(name.startswith(FOR_PYTHON) for name in env or {}):
            return FORKS.start(arguments, self.root, environment)
        return subprocess.Popen(
            [*SYNTH, *arguments],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_hears_ctrl_c,
        )

    def ok(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Run `synth`, which must exit 0, and return what it printed."""
        done = self.synth(*arguments, env=env)
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def fails(self, *arguments: str, code: int = 1) -> str:
        """Run `synth`, which must exit ``code`` without a bare traceback; returns all that it printed."""
        done = self.synth(*arguments)
        text = done.stdout + done.stderr
        assert done.returncode == code, f"exit {done.returncode}\n{text}"
        assert "Traceback (most recent call last)" not in text, text
        return text

    def results(self) -> dict[str, Any]:
        data = json.loads((self.root / "target" / "run_results.json").read_text("utf-8"))
        return {r["model"]: r for r in data["results"]}

    def query(self, sql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.ok("query", sql, "--format", "json"))
        return rows

    def parquet(self, model: str, target: str = "dev") -> list[Path]:
        return sorted((self.root / "warehouse" / target / model).glob("*.parquet"))


def run_synth(folder: Path | str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `synth` in any folder, whatever comes of it."""
    return FORKS.run(arguments, Path(folder), os.environ)


def copied(built: Project, root: Path) -> Project:
    """A project as it was built elsewhere: its times and hard links, too (DVC's cache holds the published files)."""
    links: dict[int, str] = {}

    def copy(source: str, target: str) -> str:
        found = os.lstat(source)
        if found.st_nlink > 1 and found.st_ino in links:
            os.link(links[found.st_ino], target)
            return target
        links[found.st_ino] = target
        return str(shutil.copy2(source, target, follow_symlinks=False))

    shutil.copytree(built.root, root, symlinks=True, copy_function=copy)
    return Project(root)


def _hears_ctrl_c() -> None:
    """Of a suite that a shell runs in the background, every process would ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def customers(rows: int = 400, seed: int = 1) -> list[dict[str, Any]]:
    """Customers with a key, numbers that go together, a category, a date, nulls and a target."""
    rng = random.Random(seed)
    table = []
    for i in range(rows):
        age = rng.randint(18, 90)
        spend = round(max(0.0, rng.gauss(age * 1.5, 20)), 2)
        table.append(
            {
                "customer_id": f"C-{i:05d}",
                "age": age,
                "spend": spend,
                "tier": rng.choices(["basic", "plus", "pro"], [6, 3, 1])[0],
                "joined": f"20{rng.randint(10, 25)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
                "visits": "" if rng.random() < 0.1 else rng.randint(0, 30),
                "churned": "yes" if rng.random() < 0.15 + 0.3 * (spend < 50) else "no",
            }
        )
    return table


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]], columns: Iterable[str] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns or rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def make_project(root: Path, files: Mapping[str, str | bytes] = SQL_PROJECT) -> Project:
    """A project over data/customers.csv."""
    root.mkdir(parents=True, exist_ok=True)
    write_csv(root / "data" / "customers.csv", customers())
    return Project(root).write(files)
