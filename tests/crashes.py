"""A project whose builds are killed, and what must hold after each kill: shared by the test and the benchmark.

The project lies in a git and DVC repository. It has a private model, whose trainings are charged to the ledger, and two
SQL models downstream of it, a table and a view. Each kill is made while another seed is being built, so that there is
everything to do: charge, train, draw, audit, publish, pointer, DuckDB file.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from dvc.repo import Repo

import synthkit
from synthkit.files import sha256_file
from synthkit.privacy.ledger.ledger import FILE, read_ledger
from synthkit.records.audit import PASSING
from tests.killing import Ended, Killer
from tests.private import DECLARED
from tests.synth import FORKS, Project, make_project

MODELS = """
    version: 1
    models:
      - name: fake
        source: "{{{{ source('crm', 'customers') }}}}"
        generator: independent
        seed: {turn}
        epsilon: 1
        delta: 1e-5
        size: 60
        audits:
          - row_count: {{equals: 60}}
          - accepted_range: {{column: age, min: 18, max: 90}}
      - name: by_tier
        generator: {{name: sql, query: "select tier, count(*) as n, {turn} as turn from {{{{ ref('fake') }}}} group by tier order by tier"}}
        audits:
          - not_null: {{columns: [tier]}}
      - name: seen
        materialized: view
        generator: {{name: sql, query: "select tier, n, turn from {{{{ ref('by_tier') }}}} where n > 0"}}
        audits:
          - not_null: {{columns: [tier]}}
"""
FILES = {
    "synth_project.yml": "name: shop\nseed: 7\nholdout: 0\nthreads: 1\n",
    "models/sources.yml": DECLARED,
    "models/customers.yml": MODELS.format(turn=0),
    ".gitignore": "/target/\n/data/\n*.duckdb\n*.views/\n/warehouse/**/*.parquet\n.database-state\n",
}
TABLES = ("fake", "by_tier", "seen")


@dataclass
class Crashes:
    """The project, the process that forks its builds, and what was seen so far."""

    project: Project
    killer: Killer
    turn: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    @cached_property
    def repo(self) -> Repo:
        return Repo(str(self.project.root))

    @property
    def warehouse(self) -> Path:
        return self.project.root / "warehouse" / "dev"

    def receipts(self) -> dict[str, dict[str, Any]]:
        found = {}
        for name in TABLES:
            found[name] = json.loads((self.warehouse / f"{name}.receipt.json").read_text("utf-8"))
        return found

    def entries(self) -> list[Any]:
        return list(read_ledger(self.project.root / FILE).entries)

    def next_turn(self) -> None:
        """Change what is declared, so that the next build trains and publishes everything anew."""
        self.turn += 1
        self.project.write({"models/customers.yml": MODELS.format(turn=self.turn)})

    def build(self, **kill: Any) -> Ended:
        return self.killer.synth("build", **kill)

    def kill(self, **moment: Any) -> str | None:
        """Kill one build, check what it left, recover and check again. Returns what failed, or None.

        Args:
            moment: ``step=`` the number of a file operation, or ``seconds=``.
        """
        self.next_turn()
        before, charged = self.receipts(), self.entries()
        done = self.build(**moment)
        self.counts["killed" if done.killed else "ended before"] += 1
        try:
            if not done.killed:
                assert done.code == 0, done.text
            self.consistent(before)
            left = self.entries()
            self.ledger_goes_on(charged, left, at_most=1)
            trained = self.trained(left)
            self.recover(charged=left, again=len(left) == len(charged) or not trained)
        except Exception as fault:  # the next kill is made all the same
            return f"{moment}: {type(fault).__name__}: {fault}"
        return None

    def consistent(self, before: dict[str, dict[str, Any]]) -> None:
        """Every receipt points at whole, audited rows, the old ones or the new ones, and readers get just these."""
        receipts = self.receipts()
        reader = synthkit.open(self.project.root)
        assert reader.tables() == sorted(TABLES), f"readers see {reader.tables()}"
        for name, receipt in receipts.items():
            file = self.warehouse / receipt["file"]
            assert sha256_file(file) == receipt["sha256"], f"{name}: the file is not the receipt's"
            assert receipt["audits"], f"{name} was published without an audit"
            assert {a["status"] for a in receipt["audits"]} <= PASSING, f"{name} was published with a failing audit"
            rows = pq.read_table(file).to_pylist()
            assert len(rows) == receipt["rows"]
            assert reader.query(f'select * from "{name}"').to_pylist() == rows, f"{name}: synthkit.open reads others"
            state = "new" if receipt["run_id"] != before[name]["run_id"] else "old"
            self.counts[f"{name}: {state} table after the kill"] += 1
        self.database_is_whole()

    def database_is_whole(self) -> None:
        """The DuckDB file, opened by anyone, is of one moment in which all was published."""
        database = self.project.root / "warehouse" / "dev.duckdb"
        with duckdb.connect(str(database), read_only=True) as connection:
            known = dict(connection.execute("select name, rows from synth_meta.tables").fetchall())
            for name in TABLES:
                ((count,),) = connection.execute(f'select count(*) from "{name}"').fetchall()
                assert name == "seen" or count == known[name], f"{name}: DuckDB reads {count} rows"

    def ledger_goes_on(self, before: list[Any], after: list[Any], *, at_most: int) -> None:
        """Nothing that was charged is gone, no run charged one training twice."""
        assert after[: len(before)] == before, "an entry of the ledger is gone or was changed"
        assert len(after) - len(before) <= at_most, f"{len(after) - len(before)} entries for one training"
        runs = [(e.charge.run_id, e.charge.model) for e in after]
        assert len(set(runs)) == len(runs), "one run charged a training twice"
        assert len({e.hash for e in after}) == len(after)

    def trained(self, entries: list[Any]) -> bool:
        """Whether the model of the last entry is in the cache, whole: its noise is drawn, so nothing is drawn again."""
        markers = (self.project.root / "target" / "cache" / "models").glob("[!.]*/complete.json")
        kept = [json.loads(m.read_text("utf-8"))["charge"]["entry"] for m in markers]
        known = {e.hash for e in entries}
        assert set(kept) <= known, "a model was trained that the ledger does not know"
        return bool(entries) and entries[-1].hash in kept

    def recover(self, *, charged: list[Any], again: bool) -> None:
        """A plain build ends what was begun, charging a training again only where it draws new noise."""
        done = self.build()
        assert done.code == 0, f"recovery: exit {done.code}\n{done.text}"
        now = self.entries()
        self.ledger_goes_on(charged, now, at_most=1 if again else 0)
        assert now[-1].hash == self.receipts()["fake"]["privacy"]["entry"], "the table is of another training"
        self.counts["trained and charged again"] += len(now) - len(charged)
        for name, receipt in self.receipts().items():
            files = [p.name for p in (self.warehouse / name).iterdir()]
            assert files == [Path(receipt["file"]).name], f"{name}: left behind {files}"
        turns = {r["turn"] for r in synthkit.open(self.project.root).query("select turn from seen").to_pylist()}
        assert turns == {self.turn}, f"after recovery the view shows {turns}"
        verified = self.killer.synth("verify")
        assert verified.code == 0, f"verify: {verified.text}"
        assert self.repo.status() == {}, f"dvc status: {self.repo.status()}"
        assert not self.leftovers(), f"left behind: {self.leftovers()}"

    def leftovers(self) -> list[str]:
        """Temporaries and staged rows that a finished build has no use for."""
        root = self.project.root
        found = [*(root / "warehouse").rglob(".tmp-*"), *root.glob(".dvc/tmp/**/.tmp-*")]
        return [str(p.relative_to(root)) for p in found]


@contextmanager
def crashes(folder: Path) -> Iterator[Crashes]:
    """The project, built once, with its first versions committed."""
    project = make_project(folder / "shop", FILES)
    for command in (
        ["git", "init", "-q"],
        ["git", "config", "user.email", "t@example.org"],
        ["git", "config", "user.name", "t"],
    ):
        subprocess.run(command, cwd=project.root, check=True, capture_output=True)
    assert FORKS.run(("init", "-q"), project.root, {**os.environ, "DVC_TEST": "1"}, program="dvc").returncode == 0
    killer = Killer(project.root)
    killer.ok("build")
    for command in (["git", "add", "-A"], ["git", "commit", "-qm", "built"]):
        subprocess.run(command, cwd=project.root, check=True, capture_output=True)
    yield Crashes(project, killer)


@dataclass
class Reading:
    """What a reader in another process met: how many queries it made, and the errors."""

    queries: int = 0
    errors: list[str] = field(default_factory=list)


@contextmanager
def reading(root: Path) -> Iterator[Reading]:
    """A process that queries the published tables all the time that the block takes."""
    found = Reading()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crashes", str(root)],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield found
    finally:
        output, _ = process.communicate("stop\n", timeout=60)
        if process.returncode == 0:
            told = json.loads(output)
            found.queries, found.errors = told["queries"], told["errors"]
        else:  # a crash of the interpreter or of DuckDB; what it printed on stderr is to be seen
            found.errors.append(f"the reader ended with code {process.returncode}; it had printed {output!r}")


def _read(root: Path) -> None:
    """Query in turn by synthkit and by a connection of DuckDB's own, until a line comes in."""
    import faulthandler
    import select

    faulthandler.enable()
    found = Reading()
    while not select.select([sys.stdin], [], [], 0)[0]:
        for name in TABLES:
            for how in (_by_synthkit, _by_duckdb):
                try:
                    how(root, name)
                except Exception as error:
                    found.errors.append(f"{how.__name__} {name}: {type(error).__name__}: {error}")
                found.queries += 1
        time.sleep(0.1)
    print(json.dumps(vars(found)))


def _by_synthkit(root: Path, name: str) -> None:
    tiers = synthkit.open(root).query(f'select distinct tier from "{name}"').to_pylist()
    assert {t["tier"] for t in tiers} <= {"basic", "plus", "pro"}
    assert tiers


def _by_duckdb(root: Path, name: str) -> None:
    with duckdb.connect(str(root / "warehouse" / "dev.duckdb"), read_only=True) as connection:
        (found,) = connection.execute(f'select count(*) from "{name}"').fetchall()
        assert found[0] > 0


def random_moments(steps: int, seconds: float, kills: int, seed: int) -> list[dict[str, Any]]:
    """So many kills: at random ones of ``steps`` file operations, a quarter of them after random parts of ``seconds``."""
    rng = random.Random(seed)
    by_step = rng.choices(range(1, steps + 1), k=kills - kills // 4)
    by_time = [{"seconds": rng.uniform(0.02, seconds)} for _ in range(kills - len(by_step))]
    return [*({"step": s} for s in by_step), *by_time]


def run(over: Crashes, moments: list[dict[str, Any]], say: Callable[[str], None] = lambda _text: None) -> list[str]:
    faults = []
    for number, moment in enumerate(moments, 1):
        fault = over.kill(**moment)
        if fault is not None:
            faults.append(fault)
            say(f"{number}: {fault}")
    return faults


if __name__ == "__main__":
    _read(Path(sys.argv[1]))
