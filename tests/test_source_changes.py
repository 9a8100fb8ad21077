"""A source that somebody writes to while a build reads it: what is published is what its hash says, or nothing is."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from synthkit.building.build import build
from synthkit.compiler import compile_project
from synthkit.planning.plan import Plan, make_plan
from synthkit.project.project import load_project
from synthkit.results import RunResults
from synthkit.sources import ingest
from tests.in_process import InProcess
from tests.private import DECLARED
from tests.synth import Project, customers, make_project

OLD, NEW = b"basic", b"other"  # of one length, so that the file keeps its size
FILES = {
    "synth_project.yml": "name: shop\nseed: 7\nconnections: {lite: {type: sqlite, path: data/shop.sqlite}}\n",
    "models/sources.yml": DECLARED.replace(", values: [basic, plus, pro]", ', values: [basic, plus, pro, "other"]'),
    "models/all.yml": """
        version: 1
        models:
          - name: copied
            source: "{{ source('crm', 'customers') }}"
            generator: {name: sql, query: "select * from {{ source('crm', 'customers') }}"}
            audits: [column_shapes: {severity: warn}]
          - name: learnt
            source: "{{ source('crm', 'customers') }}"
            generator: independent
            epsilon: 1
            size: 50
            audits: []
    """,
}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return make_project(tmp_path / "shop", FILES)


def built(shop: Project, planned: Callable[[], None], after: Callable[[], None] = lambda: None) -> RunResults:
    """A build; ``planned`` is called between its plan and its work."""
    manifest = compile_project(load_project(shop.root))

    def make() -> Plan:
        plan = make_plan(manifest)
        planned()
        return plan

    return build(manifest, make, executor=InProcess(after))


def rewritten(shop: Project, once: bool = True) -> Callable[[], None]:
    """Writes other rows of the same size over the source, and puts its time back."""
    file = shop.root / "data" / "customers.csv"
    done: list[bool] = []

    def write() -> None:
        if once and done:
            return
        done.append(True)
        stat = file.stat()
        data = file.read_bytes()
        file.write_bytes(data.replace(OLD, NEW) if OLD in data else data.replace(NEW, OLD))
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert file.stat().st_size == stat.st_size

    return write


def nothing() -> None:
    """Nobody writes."""


def stepped(monkeypatch: pytest.MonkeyPatch, before: Callable[[], None], within: Callable[[], None]) -> None:
    """Have the reader call ``before`` it opens a source, and once that is open, before the rows are read."""
    real = ingest.opened

    @contextmanager
    def opened(*arguments: Any, **given: Any) -> Iterator[Any]:
        before()
        with real(*arguments, **given) as source:
            within()
            yield source

    monkeypatch.setattr(ingest, "opened", opened)


def refused(shop: Project, run: RunResults) -> None:
    """No table, no rows kept, nothing charged."""
    for result in run.results:
        assert (result.status, result.published) == ("error", False)
        assert "'customers' changed while it was read: run the build again" in result.message
    splits = shop.root / "target" / "cache" / "splits" / "crm.customers"
    assert not splits.exists() or list(splits.iterdir()) == []
    assert not (shop.root / "privacy" / "ledger.jsonl").exists()
    assert not shop.parquet("copied")


def tiers(shop: Project) -> set[str]:
    return {r["tier"] for r in shop.query("select distinct tier from copied")}


def now(shop: Project) -> set[str]:
    return {line.split(",")[3] for line in (shop.root / "data" / "customers.csv").read_text().splitlines()[1:]}


def test_between_the_plan_and_the_reading(shop: Project) -> None:
    refused(shop, built(shop, rewritten(shop)))
    again = built(shop, nothing)
    assert {r.status for r in again.results} == {"pass"}
    assert tiers(shop) == now(shop)
    assert len((shop.root / "privacy" / "ledger.jsonl").read_text().splitlines()) == 1
    assert {r.status for r in built(shop, nothing).results} == {"reused"}


@pytest.mark.parametrize("moment", ["before", "within"])
def test_in_the_middle_of_the_reading(shop: Project, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        write = rewritten(shop)
        stepped(patch, *(write if moment == m else nothing for m in ("before", "within")))
        run = built(shop, nothing)
    refused(shop, run)


def test_changed_and_changed_back(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are the old ones when they are hashed again, but the rows that were read are not."""
    with monkeypatch.context() as patch:
        write = rewritten(shop, once=False)
        real = ingest.opened

        @contextmanager
        def opened(*arguments: Any, **given: Any) -> Iterator[Any]:
            write()
            with real(*arguments, **given) as source:
                yield source
            write()

        patch.setattr(ingest, "opened", opened)
        run = built(shop, nothing)
    refused(shop, run)


def test_half_a_file(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a torn file makes the reader say is not what is wrong."""
    file = shop.root / "data" / "customers.csv"
    whole = file.read_bytes()
    with monkeypatch.context() as patch:
        stepped(patch, lambda: file.write_bytes(whole[: len(whole) // 2 - 7]) and None, nothing)
        run = built(shop, nothing)
    file.write_bytes(whole)
    refused(shop, run)


def test_a_file_that_is_gone(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    file = shop.root / "data" / "customers.csv"
    stepped(monkeypatch, lambda: file.unlink(missing_ok=True), nothing)
    run = built(shop, nothing)
    assert [r.status for r in run.results] == ["error", "error"]
    assert "changed while it was read" in run.results[0].message
    assert not (shop.root / "privacy" / "ledger.jsonl").exists()


def test_after_the_reading(shop: Project) -> None:
    """The rows are at rest: tables, audits and holdout are of those, and so is the hash; the next build sees the change."""
    write, reads = rewritten(shop), iter(range(9))
    before = now(shop)
    # Under ε a source is read as it is declared, by itself: after the second reading nothing more is read.
    run = built(shop, nothing, after=lambda: write() if next(reads) == 1 else None)
    assert {r.status for r in run.results} == {"pass"}
    assert tiers(shop) == before != now(shop)
    plan = make_plan(compile_project(load_project(shop.root)))
    assert {a.model: a.reason for a in plan.actions} == dict.fromkeys(
        ("copied", "learnt"), "changed: rows of source crm.customers"
    )
    built(shop, nothing)
    assert tiers(shop) == now(shop)


def test_a_database_file(shop: Project) -> None:
    path = shop.root / "data" / "shop.sqlite"
    rows = customers(60)

    def write(tier: bytes) -> None:
        with sqlite3.connect(path) as db:
            db.execute("DROP TABLE IF EXISTS customers")
            db.execute(f"CREATE TABLE customers ({', '.join(rows[0])})")
            values = [tuple({**r, "tier": tier.decode()}.values()) for r in rows]
            db.executemany(f"INSERT INTO customers VALUES ({', '.join('?' * 7)})", values)
        db.close()

    write(OLD)
    query = "select * from {{ source('crm', 'customers') }}"
    shop.write(
        {
            "models/sources.yml": "version: 1\nsources: [{name: crm, connection: lite, tables: [{name: customers}]}]\n",
            "models/all.yml": f'models: [{{name: copied, generator: {{name: sql, query: "{query}"}}, audits: []}}]\n',
        }
    )
    run = built(shop, lambda: write(NEW))
    assert [r.status for r in run.results] == ["error"]
    assert "changed while it was read" in run.results[0].message
    assert not shop.parquet("copied")
    built(shop, nothing)
    assert tiers(shop) == {NEW.decode()}


def test_a_split_of_before_is_used_as_it_is(shop: Project) -> None:
    """What was read under a hash stays under it, whatever stands in the file by now."""
    first = now(shop)
    built(shop, nothing)
    shutil.rmtree(shop.root / "warehouse")
    shutil.rmtree(shop.root / "target" / "staging", ignore_errors=True)
    run = built(shop, rewritten(shop))
    assert {r.model: r.status for r in run.results}["copied"] == "pass"
    assert tiers(shop) == first
