"""Instruction tables from a teacher that fails in every way, in builds that are killed: same rows, nothing paid twice."""

from __future__ import annotations

import json
import sqlite3
import time
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from synthkit.llm.spending import AHEAD
from tests.llm.asking import billed
from tests.llm.standin import TRANSIENT, Standin, name_of
from tests.synth import Project
from tests.test_self_instruct import MODEL, project_of, receipt

CONCURRENCY, KILLS, FAULTS = 32, 6, 0.2
# Its questions come from one grammar, so that thousands of them are like each other; slow answers outlast the time-out.
SPEED = f"""filters: {{near_duplicates: {{threshold: 0.95}}}}
          concurrency: {CONCURRENCY}"""


def model(rows: int, max_usd: str, audits: str = "row_count: {equals: ROWS}", max_tokens: int = 4000) -> str:
    text = MODEL.replace("row_count: {equals: 60}", audits.replace("ROWS", str(rows))).replace("60", str(rows))
    text = text.replace("max_usd: 5", f"max_usd: {max_usd}\n          {SPEED}")
    return text.replace("max_tokens: 4000,", f"max_tokens: {max_tokens}, timeout: 4,")


def rough_server() -> Standin:
    return Standin(latency=0.02, faults=FAULTS, refusals=0.03, cuts=0.03, slow=5)


def kept(project: Project) -> set[str]:
    """The names that the server has for the requests whose answers are kept."""
    with sqlite3.connect(next(project.root.glob(".synth/requests/**/requests.sqlite"))) as db:
        rows = db.execute("SELECT request FROM answers").fetchall()
    bodies = (json.loads(text) for (text,) in rows)
    return {name_of({k: v for k, v in body.items() if k not in ("label", "nonce")}) for body in bodies}


def lost(project: Project) -> int:
    """The number of requests without a kept answer that were noted as sent: an answer to them was lost, if one came."""
    with sqlite3.connect(next(project.root.glob(".synth/requests/**/requests.sqlite"))) as db:
        sql = "SELECT count(DISTINCT key) FROM attempts WHERE key NOT IN (SELECT key FROM answers)"
        return int(db.execute(sql).fetchone()[0])


def lost_usd(project: Project) -> Decimal:
    """USD that attempts without an answer may have cost."""
    with sqlite3.connect(next(project.root.glob(".synth/requests/**/requests.sqlite"))) as db:
        return sum((Decimal(worst) for (worst,) in db.execute("SELECT worst FROM attempts")), Decimal(0))


def build_and_kill(project: Project, server: Standin, attempts: int) -> None:
    """Kill a build when the server has seen so many attempts, and at least one by this build."""
    deadline = time.monotonic() + 120
    while server.at_once:  # by the build that was killed before
        time.sleep(0.01)
    before = server.attempts.total()
    process = project.start("build")
    while process.poll() is None and server.attempts.total() < max(attempts, before + 1):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    assert process.poll() is None, "it was to be killed, and ended before"
    process.kill()
    process.communicate(timeout=30)


def refuse_key(project: Project, server: Standin) -> None:
    right, server.key = server.key, "another"
    assert "ANTHROPIC_API_KEY is not a key of this API" in project.fails("build")
    server.key = right


def undisturbed(root: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, dict[str, int], set[str]]:
    """The table, what was counted on its way, and the requests whose answers are kept."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key")
    with Standin(refusals=0.03, cuts=0.03) as calm:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", calm.url)
        project = project_of(root, text)
        project.ok("build")
        assert set(calm.attempts.values()) == {1}
        return project.parquet("questions")[0].read_bytes(), receipt(project)["teacher"]["counts"], kept(project)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "kills", "max_usd", "max_tokens"),
    [(500, KILLS, "60", 4000), (150, 2, "200", 32_000)],
    ids=["whole", "streamed"],
)
def test_faults_and_kills_change_nothing_and_are_not_paid_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, kills: int, max_usd: str, max_tokens: int
) -> None:
    text = model(rows, max_usd, max_tokens=max_tokens)
    table, counts, calm = undisturbed(tmp_path / "calm", text, monkeypatch)
    with rough_server() as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        project, asked = project_of(tmp_path / "rough", text), {}
        for number, moment in enumerate(sorted(Random(4).sample(range(1, len(calm)), kills))):
            build_and_kill(project, server, moment)
            assert all(server.attempts[name] == count for name, count in asked.items()), "asked though it was kept"
            asked = {name: server.attempts[name] for name in kept(project)}
            if number == kills // 2:
                refuse_key(project, server)
        project.ok("build")
        assert all(server.attempts[name] == count for name, count in asked.items()), "asked though it was kept"
        assert project.parquet("questions")[0].read_bytes() == table
        assert receipt(project)["teacher"]["counts"] == counts  # the same requests were decided on, and taken
        # Requests that are out when the table is full may be sent or not, by chance, so the kept ones may be others by
        # a few; and what a build was sent just before it was killed need not be asked again. It is noted as lost then.
        assert len(kept(project) ^ calm) <= AHEAD
        assert len(set(server.delivered) - kept(project)) <= lost(project)
        # What was on its way to a process that is killed is lost, and nothing else is delivered twice.
        assert sum(n - 1 for n in server.delivered.values()) <= kills * CONCURRENCY
        paid = Decimal(receipt(project)["teacher"]["usd"])
        assert paid <= billed(server.billed) <= paid + lost_usd(project)
        assert billed(server.billed) <= Decimal(max_usd)
        if rows >= 500:
            assert set(server.kinds) == {"ok", *TRANSIENT}
        failed = 1 - server.kinds["ok"] / server.kinds.total()
        assert 0.1 < failed < 0.3


@pytest.mark.slow
def test_the_limit_holds_through_faults_and_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key")
    with rough_server() as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        project = project_of(tmp_path / "desk", model(2000, "5", audits="row_count: {min: 1}"))
        for moment in (25, 60):
            build_and_kill(project, server, moment)
        project.ok("build")
        told = receipt(project)["teacher"]
        assert told["stopped"].startswith("max_usd: ")
        assert 0 < Decimal(told["usd"]) < billed(server.billed) <= 5
        assert told["counts"]["accepted"] < 2000
