"""`synth debug` finds what a build would stumble over, and changes nothing."""

from __future__ import annotations

from pathlib import Path

from tests.synth import Project, run_synth


def files(root: Path) -> set[str]:
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if "target" not in p.parts}


def test_it_leaves_nothing_behind(shop: Project) -> None:
    before = files(shop.root)
    shop.ok("debug")
    assert files(shop.root) == before


def test_every_target_is_looked_at(shop: Project) -> None:
    shop.write(
        {"synth_project.yml": "name: shop\ntargets: {dev: {}, prod: {warehouse: out/prod}}\n", "out": "in the way"}
    )
    text = shop.fails("debug")
    assert "ok     target dev" in text
    assert "WRONG  target prod" in text
    assert "is a file where a folder should be" in text
    assert "1 thing to put right" in text


def test_faults_of_the_project_do_not_hide_the_rest(shop: Project) -> None:
    shop.write({"models/bad.yml": "modles: []\n"})
    text = shop.fails("debug")
    assert "WRONG  project: 1 fault in the project: synth compile lists them" in text
    assert "ok     source crm.customers: 7 columns" in text


def test_outside_a_project_versions_are_still_told(tmp_path: Path) -> None:
    done = run_synth(tmp_path, "debug")
    assert done.returncode == 1
    assert "ok     duckdb: 2." in done.stdout
    assert "ok     device: auto is" in done.stdout
    assert "WRONG  project: there is no synth_project.yml" in done.stdout


def test_a_build_that_runs_is_named(shop: Project) -> None:
    from synthkit.store.lock import ProjectLock

    with ProjectLock(shop.root / "target" / "lock").held():
        assert "ok     lock: held by" in shop.ok("debug")
    assert "ok     lock: free" in shop.ok("debug")


def test_clean_waits_for_no_build_of_any_target(shop: Project) -> None:
    from synthkit.store.lock import ProjectLock

    shop.ok("build")
    with ProjectLock(shop.root / "target" / "targets" / "prod" / "lock").held():
        assert "lock" in shop.fails("clean", code=2)
    assert (shop.root / "target" / "run_results.json").exists()
    shop.ok("clean")
    assert [p.name for p in (shop.root / "target").iterdir()] == ["lock"]
    assert "nothing to clean" not in shop.ok("clean", "--dry-run")


def test_clean_follows_no_link(shop: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("keep")
    (shop.root / "target").symlink_to(elsewhere)
    shop.ok("clean", "--dry-run")
    assert (shop.root / "target").is_symlink()
    shop.ok("clean")
    assert not (shop.root / "target").exists()
    assert (elsewhere / "precious").read_text() == "keep"
