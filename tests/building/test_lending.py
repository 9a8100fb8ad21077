"""A model that one target has trained is not trained again for another, nor paid for, and each keeps its own copy."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.families import MEMBERS, FamilyProject, copy_of
from tests.private import PROJECT, SOURCES, PrivateProject, private_project
from tests.synth import COPULA_PROJECT, Project, copied, make_project, write_csv

TARGETS = "targets: {dev: {}, prod: {}}\n"
MODEL = """
    version: 1
    models:
      - name: fake
        source: "{{ source('crm', 'customers') }}"
        generator: {name: circuit, states: 2, min_steps: 5, refinements: 0}
        size: 40
        audits: [row_count: {equals: 40}]
"""
FILES = {
    "synth_project.yml": f"name: shop\nseed: 7\n{TARGETS}",
    "models/sources.yml": COPULA_PROJECT["models/sources.yml"],
    "models/customers.yml": MODEL,
}


@pytest.fixture(scope="module")
def built_dev(tmp_path_factory: pytest.TempPathFactory) -> Project:
    shop = make_project(tmp_path_factory.mktemp("lent") / "shop", FILES)
    shop.ok("build")
    return shop


@pytest.fixture
def shop(built_dev: Project, tmp_path: Path) -> Project:
    return copied(built_dev, tmp_path / "shop")


def receipt(shop: Project, target: str = "prod", name: str = "fake") -> dict[str, Any]:
    data: dict[str, Any] = json.loads((shop.root / f"warehouse/{target}/{name}.receipt.json").read_text("utf-8"))
    return data


def prod_scratch(shop: Project) -> Path:
    return shop.root / "target" / "targets" / "prod"


def models(scratch: Path) -> dict[str, bytes]:
    folder = scratch / "cache" / "models"
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_what_dev_has_trained_prod_draws_from(shop: Project) -> None:
    assert "the target 'dev' has trained it" in shop.ok("plan", "-t", "prod")
    text = shop.ok("build", "-t", "prod")
    assert "target 'dev' has trained" in text
    assert receipt(shop)["sha256"] == receipt(shop, "dev")["sha256"]
    assert models(prod_scratch(shop)) == models(shop.root / "target")


def test_what_one_target_removes_the_other_keeps(shop: Project) -> None:
    shop.ok("build", "-t", "prod")
    shop.write({"models/customers.yml": MODEL.replace("size: 40", "size: 40\n        seed: 3")})
    before = models(prod_scratch(shop))
    shop.ok("build")  # dev moves on, and its first model is of no use to it
    shutil.rmtree(shop.root / "warehouse" / "dev")
    shop.ok("gc")
    shutil.rmtree(shop.root / "target" / "cache" / "models")
    assert models(prod_scratch(shop)) == before
    shop.write({"models/customers.yml": MODEL.replace("size: 40", "size: 50").replace("equals: 40", "equals: 50")})
    assert "the trained model is cached" in shop.ok("plan", "-t", "prod")
    shop.ok("build", "-t", "prod")
    assert "the target 'prod' has trained it" in shop.ok("plan")  # and the way back


def test_a_model_that_is_gone_meanwhile_is_trained(shop: Project) -> None:
    marker = next((shop.root / "target/cache/models").rglob("complete.json"))
    marker.unlink()
    assert "has trained" not in shop.ok("build", "-t", "prod")
    assert receipt(shop)["sha256"] == receipt(shop, "dev")["sha256"]


def test_full_refresh_trains(shop: Project) -> None:
    assert "has trained" not in shop.ok("build", "-t", "prod", "--full-refresh")


def test_other_rows_or_another_seed_are_another_model(shop: Project) -> None:
    file = shop.root / "data" / "customers.csv"
    write_csv(file, [{"customer_id": f"C-{i}", "age": i % 70} for i in range(100)])
    assert "has trained" not in shop.ok("plan", "-t", "prod")


def test_a_familys_model_is_lent_too(family_built_once: FamilyProject, tmp_path: Path) -> None:
    shop = copy_of(family_built_once, tmp_path / "shop")
    shop.edit("seed: 11\n", f"seed: 11\n{TARGETS}", "synth_project.yml")
    assert "the target 'dev' has trained it" in shop.ok("plan", "-t", "prod")
    assert "target 'dev' has trained" in shop.ok("build", "-t", "prod")
    for name in MEMBERS:
        assert receipt(shop, "prod", name)["sha256"] == receipt(shop, "dev", name)["sha256"]


@pytest.fixture
def private(tmp_path: Path) -> PrivateProject:
    shop = private_project(tmp_path / "shop", {"synth_project.yml": PROJECT + TARGETS})
    shop.ok("build")
    return shop


def test_a_private_model_is_charged_once_for_both_targets(private: PrivateProject) -> None:
    assert "spends" not in private.ok("plan", "-t", "prod")
    private.ok("build", "-t", "prod")
    assert len(private.entries()) == 1
    dev, prod = receipt(private, "dev"), receipt(private)
    assert prod["privacy"] == dev["privacy"]
    assert prod["sha256"] == dev["sha256"]
    private.ok("verify", "-t", "prod")


@pytest.mark.parametrize("why", ["not in the ledger", "another release", "another training"])
def test_a_private_model_that_was_paid_for_otherwise_is_trained_and_charged(private: PrivateProject, why: str) -> None:
    if why == "another training":
        project = private.root / "synth_project.yml"
        shutil.rmtree(private.root / "target/cache/models")
        project.write_text(project.read_text("utf-8").replace("seed: 7", "seed: 8"), "utf-8")
        private.ok("build")
    paid = len(private.entries())
    marker = next((private.root / "target/cache/models").rglob("complete.json"))
    said = json.loads(marker.read_text("utf-8"))
    if why == "not in the ledger":
        said["charge"]["entry"] = "0" * 64
    elif why == "another training":
        said["charge"]["entry"] = private.entries()[0]["hash"]
    else:
        said["charge"]["mechanisms"][0]["noise_multiplier"] /= 2
    marker.write_text(json.dumps(said), "utf-8")
    assert "has trained it" not in private.ok("plan", "-t", "prod")
    private.ok("build", "-t", "prod")
    assert len(private.entries()) == paid + 1
    assert receipt(private)["privacy"]["entry"] != receipt(private, "dev")["privacy"]["entry"]


def test_what_was_charged_to_another_account_is_charged_to_this_one_too(tmp_path: Path) -> None:
    whose = "population: \"{{ 'people' if target == 'prod' else 'guests' }}\"\n            privacy_unit: customer_id"
    sources = SOURCES.replace("primary_key: customer_id", f"primary_key: customer_id\n            {whose}", 1)
    project = "name: shop\nseed: 7\nholdout: 0\n" + TARGETS
    shop = private_project(tmp_path / "shop", {"synth_project.yml": project, "models/sources.yml": sources})
    shop.ok("build")
    assert "has trained it" not in shop.ok("plan", "-t", "prod")
    shop.ok("build", "-t", "prod")
    assert [e["account"] for e in shop.entries()] == ["guests", "people"]
    assert len({e["train"] for e in shop.entries()}) == 1


@contextmanager
def training(shop: PrivateProject, folder: Path, target: str) -> Iterator[tuple[Any, Path]]:
    """A build that is in the middle of its training until the file that is given is gone."""
    mark, hold = folder / "mark", folder / "hold"
    hold.touch()
    running = shop.start("build", "-t", target, env={"DP_MARK": str(mark), "DP_HOLD": str(hold)})
    try:
        end = time.monotonic() + 60
        while not mark.exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        yield running, hold
    finally:
        hold.unlink(missing_ok=True)


def test_two_targets_that_train_the_same_at_once_train_and_pay_once(tmp_path: Path) -> None:
    shop = private_project(tmp_path / "shop", {"synth_project.yml": PROJECT + TARGETS})
    with training(shop, tmp_path, "dev") as (first, hold):
        second = shop.start("build", "-t", "prod")
        time.sleep(1.5)
        assert len(shop.entries()) == 1  # the second waits
        hold.unlink()
        said = second.communicate(timeout=60)[0]
        first.communicate(timeout=60)
    assert first.returncode == second.returncode == 0, said
    assert "waiting for another build" in said
    assert "target 'dev' has trained" in said
    assert len(shop.entries()) == 1
    assert receipt(shop)["sha256"] == receipt(shop, "dev")["sha256"]


def test_when_the_one_that_trains_is_killed_the_other_trains(tmp_path: Path) -> None:
    shop = private_project(tmp_path / "shop", {"synth_project.yml": PROJECT + TARGETS})
    with training(shop, tmp_path, "dev") as (first, hold):
        second = shop.start("build", "-t", "prod")
        time.sleep(1.0)
        first.kill()
        first.communicate(timeout=60)
        hold.unlink()
        said = second.communicate(timeout=60)[0]
    assert second.returncode == 0, said
    assert len(shop.entries()) == 2  # what the killed one was charged stays charged
    assert receipt(shop)["privacy"]["entry"] == shop.entries()[1]["hash"]


def test_a_build_that_waits_can_be_stopped(tmp_path: Path) -> None:
    shop = private_project(tmp_path / "shop", {"synth_project.yml": PROJECT + TARGETS})
    with training(shop, tmp_path, "dev") as (first, hold):
        second = shop.start("build", "-t", "prod")
        time.sleep(1.5)
        second.send_signal(signal.SIGTERM)
        said = second.communicate(timeout=30)[0]
        assert second.returncode != 0
        assert "stopped while it waited" in said, said
        hold.unlink()
        first.communicate(timeout=60)
    assert len(shop.entries()) == 1
