"""`synth gc`: what nothing needs goes; what is published, kept by the rule, or of today's project stays."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import synthkit
from synthkit.store.lock import ProjectLock
from synthkit.store.staging import HANDED_OUT, SHORT
from tests.store.versions.test_versions import build, commit, committed, receipt, rows_of, run, tables
from tests.synth import SQL_PROJECT, Project, make_project
from tests.test_private_build import DECLARED

__all__ = ["committed", "tables"]  # fixtures

PRIVATE = """
    version: 1
    models:
      - name: fake
        source: "{{{{ source('crm', 'customers') }}}}"
        generator: independent
        seed: {seed}
        epsilon: 1
        delta: 1e-5
        size: 30
        audits: [{{row_count: {{equals: {expected}}}}}]
      - name: second
        source: "{{{{ ref('fake') }}}}"
        generator: sdv.gaussian_copula
        size: 10
        audits: []
"""


def cached(project: Project) -> set[str]:
    return {p.parent.name + p.name for p in (project.root / ".dvc/cache/files/md5").glob("*/*")}


@pytest.mark.slow
def test_old_versions_go_by_the_rule(tables: Project) -> None:
    md5s = [receipt(tables)["md5"]]
    run(tables.root, "git", "tag", "v1")
    for rows in (20, 21):
        build(tables, rows)
        md5s.append(receipt(tables)["md5"])
        commit(tables, str(rows))
    build(tables, 50)  # published, and not committed
    now = receipt(tables)["md5"]
    assert "nothing to remove" in tables.ok("gc")
    assert "old versions" in tables.ok("gc", "--keep", "1", "--dry-run")
    assert "nothing to remove" in tables.ok("gc", "--keep", "1", "--older-than", "30d")
    assert cached(tables) == {*md5s, now}
    assert "removed" in tables.ok("gc", "--keep", "1")
    assert cached(tables) == {md5s[0], md5s[2], now}  # of a tag, the last one, what is published
    assert rows_of(tables) == 50
    assert rows_of(tables, "--version", "v1") == 30
    assert "dvc pull failed" in tables.fails("query", "--version", "HEAD~1", "select 1", code=2)


@pytest.mark.slow
def test_what_no_commit_names_goes(tables: Project) -> None:
    first = receipt(tables)["md5"]
    build(tables, 20)
    never = receipt(tables)["md5"]
    build(tables, 21)
    assert cached(tables) == {first, never, receipt(tables)["md5"]}
    assert "nothing to remove" in tables.ok("gc", "--older-than", "1h")
    tables.ok("gc")
    assert cached(tables) == {first, receipt(tables)["md5"]}
    tables.ok("rollback", "numbers", "HEAD")
    assert rows_of(tables) == 30


def test_a_shared_cache_is_left_alone(tables: Project, tmp_path: Path) -> None:
    build(tables, 20)
    (tables.root / ".dvc/cache").rename(tmp_path / "shared")
    (tables.root / ".dvc/config.local").write_text(f"[cache]\n    dir = {tmp_path / 'shared'}\n", "utf-8")
    before = sorted((tmp_path / "shared").rglob("*"))
    allowed = {"SYNTH_OUTSIDE": str(tmp_path / "shared")}
    assert "outside this repository" in tables.ok("gc", "--keep", "1", env=allowed)
    assert sorted((tmp_path / "shared").rglob("*")) == before


@pytest.mark.slow
def test_caches_of_today_stay_and_others_go(tmp_path: Path) -> None:
    files = {**SQL_PROJECT, "models/sources.yml": DECLARED, "synth_project.yml": "name: shop\nholdout: 0\n"}
    shop = make_project(tmp_path / "shop", {**files, "models/customers.yml": PRIVATE.format(seed=1, expected=30)})
    shop.ok("build")
    cache = shop.root / "target" / "cache"
    first = {p.name for p in (cache / "models").iterdir()}
    shop.write({"models/customers.yml": PRIVATE.format(seed=2, expected=30)})
    shop.ok("build")
    second = {p.name for p in (cache / "models").iterdir()} - first
    shop.write({"models/customers.yml": PRIVATE.format(seed=3, expected=31)})
    shop.fails("build")  # what it staged and trained waits for a looser audit
    waiting = {p.name for p in (cache / "models").iterdir()} - first - second
    (cache / "checkpoints").mkdir(exist_ok=True)
    for name in ("0" * 32, next(iter(waiting))):
        (cache / "checkpoints" / f"{name}.safetensors").write_bytes(b"x" * 10)
    for name in ("0" * 32, next(iter(waiting))):
        (cache / "surveys" / f"{name}-0123abcd").mkdir(parents=True)
    dead = cache / "models" / ".tmp-abc"
    dead.mkdir()
    (shop.root / "warehouse" / "dev" / ".tmp-999999999-fake.receipt.json").write_text("{}", "utf-8")
    text = shop.ok("gc", "--dry-run")
    assert {p.name for p in (cache / "models").iterdir()} == first | second | waiting | {".tmp-abc"}
    for kind in (
        "trained models",
        "checkpoints",
        "surveys of columns",
        "split sources",
        "stale temporaries",
        "would remove",
    ):
        assert kind in text, text
    assert shop.ok("gc").replace("removed", "would remove") == text
    assert {p.name for p in (cache / "models").iterdir()} == second | waiting
    for kept in ("checkpoints", "surveys"):
        assert list((cache / kept).iterdir()) == []  # of a training that ended, and of none
    assert not list((shop.root / "warehouse" / "dev").glob(".tmp-*"))
    shop.write({"models/customers.yml": PRIVATE.format(seed=3, expected=30)})
    shop.ok("build")
    assert shop.results()["fake"]["action"] == "audit"
    assert len((shop.root / "privacy/ledger.jsonl").read_text("utf-8").splitlines()) == 3  # nothing is trained again
    shop.ok("gc")
    plan = json.loads(shop.ok("plan", "--output", "json"))
    assert {a["action"] for a in plan["actions"]} == {"reuse"}


def test_it_refuses_while_a_build_runs(shop: Project) -> None:
    with ProjectLock(shop.root / "target" / "targets" / "prod" / "lock").held():
        assert f"process {os.getpid()}" in shop.fails("gc", code=2)


def test_an_age_is_written_in_days(shop: Project) -> None:
    assert "write 12h, 30d or 8w" in shop.fails("gc", "--older-than", "soon", code=2)


def test_without_the_sources_caches_stay(built_shop: Project) -> None:
    kept = built_shop.root / "target" / "cache" / "models" / ("0" * 32)
    kept.mkdir(parents=True)
    (kept / "complete.json").write_text("{}", "utf-8")
    source = built_shop.root / "data" / "customers.csv"
    source.rename(source.with_suffix(".gone"))
    done = built_shop.synth("gc")
    assert kept.exists(), done.stdout
    source.with_suffix(".gone").rename(source)
    assert "versions are off" in built_shop.ok("gc")
    assert not kept.exists()


def test_what_late_copies_of_jobs_left_goes_and_what_is_to_be_drawn_stays(built_shop: Project) -> None:
    sample = json.loads((built_shop.root / "warehouse/dev/by_tier.receipt.json").read_text("utf-8"))["fingerprints"][
        "sample"
    ]
    late = built_shop.root / "target/cache/partitions" / sample[:SHORT] / "00003-of-00020-ab.parquet"
    handed = [built_shop.root / HANDED_OUT / name / "0.json" for name in ("old", "new")]
    for path in (late, *handed):
        path.parent.mkdir(parents=True)
        path.write_text("{}", "utf-8")
    for path in (handed[0], handed[0].parent):
        os.utime(path, (0, 0))
    said = built_shop.ok("gc")
    assert "partitions" in said
    assert "jobs that were handed out" in said
    assert [p.exists() for p in (late, *handed)] == [False, False, True]
    built_shop.write({"models/customers.yml": SQL_PROJECT["models/customers.yml"].replace("count(*)", "count(*) + 1")})
    (action,) = [a for a in synthkit.plan(built_shop.root).actions if a.model == "by_tier"]
    to_draw = late.parent.with_name(action.fingerprint.sample[:SHORT])
    to_draw.mkdir()
    built_shop.ok("gc")
    assert to_draw.exists()
