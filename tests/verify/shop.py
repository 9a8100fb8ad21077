"""A built and committed project with every kind of thing to verify, made once and copied for each test."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from synthkit.cli.main import main
from tests.private import DECLARED
from tests.synth import Project, make_project

FILES = {
    "synth_project.yml": """
        name: shop
        seed: 7
        vars: {adult: 18}
        privacy: {budgets: {crm.customers: {epsilon: 3, delta: 1e-3}}}
    """,
    "models/sources.yml": DECLARED,
    "models/tables.yml": """
        version: 1
        models:
          - name: customers
            source: "{{ source('crm', 'customers') }}"
            generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
            audits:
              - ks: {max: 0.5}
              - not_null: {columns: [tier], severity: warn}
              - row_count: {min: 10}
          - name: adults
            materialized: ephemeral
            generator: {name: sql, query: "select * from {{ ref('customers') }} where age >= {{ var('adult') }}"}
            audits: []
          - name: by_tier
            generator: {name: sql, query: "select tier, count(*) as n, sum(visits) as visits from {{ ref('adults') }} group by tier order by tier"}
            audits:
              - not_null: {columns: [tier]}
          - name: busy
            generator: {name: sql, query: "select tier from {{ ref('by_tier') }} where n > 1"}
            audits: []
          - name: fake
            source: "{{ source('crm', 'customers') }}"
            generator: independent
            epsilon: 1
            size: 60
            audits:
              - ks: {max: 0.9}
              - row_count: {equals: 60}
        exposures:
          - {name: dashboard, owner: {email: team@example.org}, depends_on: ["{{ ref('by_tier') }}"]}
    """,
    ".gitignore": "/target/\n/data/\n*.duckdb\n",
}

# The same with nothing under ε: whose rows no budget protects, their figures are published.
OPEN_FILES = {
    **FILES,
    "synth_project.yml": FILES["synth_project.yml"].split("        privacy:")[0],
    "models/tables.yml": re.sub(
        r"          - name: fake\n.*?(?=        exposures:)", "", FILES["models/tables.yml"], flags=re.S
    ),
}


@dataclass(frozen=True)
class Shop(Project):
    """The project, with ways to change what is committed."""

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=True).stdout

    def replace(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text("utf-8")
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new, 1), "utf-8")

    def tables(self, old: str, new: str) -> None:
        self.replace("models/tables.yml", old, new)

    def receipt(self, model: str) -> Path:
        return self.root / "warehouse" / "dev" / f"{model}.receipt.json"

    def forge(self, model: str, change: Callable[[dict[str, Any]], Any]) -> None:
        path = self.receipt(model)
        data = json.loads(path.read_text("utf-8"))
        change(data)
        path.write_text(json.dumps(data, indent=2, ensure_ascii=False), "utf-8")

    @property
    def ledger(self) -> Path:
        return self.root / "privacy" / "ledger.jsonl"


def build_shop(root: Path, files: Mapping[str, str] = FILES) -> Shop:
    """Build, commit to the branch main, and take away what a checkout elsewhere lacks: the data and the scratch."""
    make_project(root, files).ok("build")
    shop = Shop(root)
    shop.git("init", "--quiet", "--initial-branch", "main")
    shop.git("add", ".")
    shop.git("commit", "--quiet", "-m", "built")
    shutil.move(root / "data", root.parent / "data")
    shutil.rmtree(root / "target")
    return shop


@dataclass(frozen=True)
class Answer:
    code: int
    text: str
    findings: tuple[dict[str, Any], ...]
    last: dict[str, Any]

    @property
    def errors(self) -> list[str]:
        return [f["message"] for f in self.findings if f["level"] == "error"]


def verify(shop: Shop, capsys: pytest.CaptureFixture[str], *arguments: str) -> Answer:
    """`synth verify --log-format json` in this process, as `main` runs it."""
    code, out, err = synth(capsys, "verify", "--project-dir", str(shop.root), "--log-format", "json", *arguments)
    assert code in (0, 1), err
    events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert events, err
    assert events[-1]["event"] == "VerifyFinished"
    assert (code == 1) == events[-1]["failed"] == any(e.get("level") == "error" for e in events)
    return Answer(code, out + err, tuple(events[:-1]), events[-1])


def synth(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    before = sys.argv
    sys.argv = ["synth", *arguments]
    try:
        with pytest.raises(SystemExit) as stopped:
            main()
    finally:
        sys.argv = before
    done = capsys.readouterr()
    return int(stopped.value.code or 0), done.out, done.err
