"""Builds that are started at the same time on one project: one works, the others wait or say who is at work."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from synthkit.privacy.ledger.ledger import FILE, read_ledger
from synthkit.store.lock import ProjectLock
from tests.crashes import FILES, TABLES
from tests.synth import Project, make_project

TOGETHER = 8


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """A private table, and two that read it."""
    return make_project(tmp_path / "shop", FILES)


def charges(project: Project) -> int:
    return len(read_ledger(project.root / FILE).entries)


def test_a_build_that_waited_knows_what_was_built_meanwhile(shop: Project) -> None:
    lock = ProjectLock(shop.root / "target" / "lock")
    with lock.held():
        waiting = [shop.start("build", "--lock-wait", "200") for _ in range(2)]
        time.sleep(4)  # for longer than a build needs to look at the state of things
    assert [p.wait(timeout=200) for p in waiting] == [0, 0]
    assert charges(shop) == 1
    assert "nothing to do" in shop.ok("plan")


@pytest.mark.slow
def test_eight_builds_at_once_that_wait_train_and_pay_once(shop: Project) -> None:
    started = [shop.start("build", "--lock-wait", "300") for _ in range(TOGETHER)]
    said = [p.communicate(timeout=400)[0] for p in started]
    assert [p.returncode for p in started] == [0] * TOGETHER, said
    assert charges(shop) == 1
    assert sum("waiting for another build: process" in text for text in said) >= 1
    shop.ok("verify")
    shop.ok("ledger", "verify")
    assert {t: len(shop.parquet(t)) for t in TABLES} == {"fake": 1, "by_tier": 1, "seen": 1}
    assert len(shop.query("select * from fake")) == 60


@pytest.mark.slow
def test_eight_builds_at_once_that_do_not_wait_name_who_works(shop: Project) -> None:
    started = {str(p.pid): p for p in (shop.start("build") for _ in range(TOGETHER))}
    said = {pid: p.communicate(timeout=400)[0] for pid, p in started.items()}
    codes = {pid: p.returncode for pid, p in started.items()}
    assert 0 in codes.values(), said
    for pid, code in codes.items():
        if code:
            assert code == 2, said[pid]
            holder = said[pid].partition("another build runs on this project: process ")[2].split(" ")[0]
            assert codes.get(holder) == 0, said[pid]
    assert charges(shop) == 1
    shop.ok("verify")
    assert len(shop.query("select * from fake")) == 60


def test_an_audit_that_waited_judges_what_is_published_then(shop: Project) -> None:
    with ProjectLock(shop.root / "target" / "lock").held():
        first = shop.start("build", "--lock-wait", "200")
        time.sleep(1)
        second = shop.start("audit", "--lock-wait", "200")
        time.sleep(4)
    codes = first.wait(timeout=200), second.wait(timeout=200)
    assert codes[0] == 0
    said = second.communicate()[0]
    # Which of the two the lock goes to is chance: the audit finds three tables, or says that there is none.
    assert codes[1] == 0 or "nothing that is selected is published" in said, said
