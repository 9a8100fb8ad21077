"""The ledger as a user meets it: what a build charges, what it refuses, and what a kill at each moment leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from synthkit.scaffold.scaffold import GITATTRIBUTES
from tests.private import MODEL, PROJECT, PrivateProject, private_project

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(tmp_path: Path) -> PrivateProject:
    return private_project(tmp_path / "shop")


def mark(project: PrivateProject) -> Path:
    return project.root.parent / "started"


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)


def test_a_training_is_charged_once_and_its_model_reused_for_free(shop: PrivateProject) -> None:
    assert "spends ε = 1 (δ = 1e-05) of crm.customers: 1 of 3 spent then, 2 left" in shop.ok("plan")
    assert not shop.ledger.exists()
    shop.ok("build")
    (entry,) = shop.entries()
    assert (entry["model"], entry["sources"], entry["epsilon"], entry["delta"]) == ("fake", ["crm.customers"], 1, 1e-5)
    assert entry["mechanisms"][0]["mechanism"] == "gaussian"
    assert entry["run_id"] == json.loads((shop.root / "target" / "run_results.json").read_text("utf-8"))["run_id"]
    receipt = json.loads(shop.ok("show", "fake", "--format", "json"))
    assert receipt["privacy"]["entry"] == entry["hash"]
    assert receipt["privacy"]["mechanisms"] == entry["mechanisms"]
    assert receipt["delta"] == 1e-5
    assert shop.results()["fake"]["delta"] == 1e-5

    shop.write({"models/customers.yml": MODEL.replace("size: 50", "size: 60")})  # rows of the cached model
    assert "spends" not in shop.ok("plan")
    shop.ok("build")
    assert shop.results()["fake"]["action"] == "sample"
    assert shop.entries() == [entry]
    assert json.loads(shop.ok("show", "fake", "--format", "json"))["privacy"]["entry"] == entry["hash"]

    shop.ok("build", "--full-refresh")  # new noise is a new release
    first, second = shop.entries()
    assert first == entry
    assert (second["train"], second["hash"] != first["hash"]) == (first["train"], True)

    table = shop.ok("ledger")
    lines = table.splitlines()
    assert lines[0].split() == ["budget", "spent", "left", "fits", "δ", "entries"]
    name, budget, spent, left, fits, delta, entries = lines[1].split()
    assert (name, budget, delta, entries) == ("crm.customers", "3", "1e-05", "2")
    assert float(spent) + float(left) == pytest.approx(3, abs=2e-3)
    assert float(left) < float(fits) < 3  # ε does not add up
    data = json.loads(shop.ok("ledger", "--format", "json"))
    (account,) = data["accounts"]
    assert [e["hash"] for e in account["entries"]] == [first["hash"], second["hash"]]
    assert float(spent) == pytest.approx(account["spent"], abs=1e-3)
    assert data["head"][:12] in shop.ok("ledger", "verify")


def test_over_budget_nothing_is_read_by_plan_or_build(shop: PrivateProject) -> None:
    shop.write({"models/customers.yml": MODEL.replace("epsilon: 1", "epsilon: 4")})
    for verb in ("plan", "build"):
        text = shop.fails(verb)
        assert "over budget: crm.customers may spend ε = 3 at δ = 1e-05, 0 is spent, and training fake (ε = 4)" in text
        assert "3 of crm.customers is left, and one more training of up to ε = " in text
    assert not shop.ledger.exists()
    assert not (shop.root / "target" / "cache" / "splits").exists()
    assert not (shop.root / "target" / "run_results.json").exists()


def test_killed_after_the_charge_it_stays_charged(shop: PrivateProject) -> None:
    build = shop.start("build", env={"DP_MARK": str(mark(shop)), "DP_HANG": "1"})
    wait_for(mark(shop))
    assert len(shop.entries()) == 1  # on disk before the training read a row
    build.send_signal(signal.SIGKILL)
    build.wait(30)
    (entry,) = shop.entries()
    assert shop.parquet("fake") == []
    assert "spends ε = 1" in shop.ok("plan")  # trying again draws new noise, so it costs again
    shop.ok("build")
    again = shop.entries()
    assert (again[0], len(again)) == (entry, 2)


@pytest.mark.parametrize("at", ["write", "fsync"])
def test_killed_while_charging_nothing_was_trained(shop: PrivateProject, at: str) -> None:
    done = shop.synth("build", env={"DP_KILL": at, "DP_MARK": str(mark(shop))})
    assert done.returncode == -signal.SIGKILL
    assert not mark(shop).exists()
    assert list((shop.root / "target" / "cache" / "models").glob("*/complete.json")) == []
    text = shop.ok("ledger", "verify")
    if at == "write":
        assert not shop.ledger.read_bytes().endswith(b"\n")
        assert "line 1 is cut short" in text
        assert "never trained on" in text
    shop.ok("build")
    expected = 1 if at == "write" else 2  # a whole line counts, whether or not it reached the disk before the kill
    assert len(shop.entries()) == expected
    assert "chain holds" in shop.ok("ledger", "verify")


def test_a_broken_chain_is_named_and_trains_nothing(shop: PrivateProject) -> None:
    shop.ok("build")
    whole = shop.ledger.read_bytes()
    shop.ledger.write_bytes(whole.replace(b'"epsilon":1.0', b'"epsilon":0.1'))
    for verb in (("ledger", "verify"), ("ledger",), ("plan", "--full-refresh"), ("build", "--full-refresh")):
        text = shop.fails(*verb)
        assert "ledger.jsonl:1:1" in text
        assert "line 1 of the privacy ledger was changed" in text
        assert "restore the file from git" in text
    shop.ledger.write_bytes(b"")  # a chain does not show that its end is gone; the receipts do
    assert "the receipt of fake (dev) names the entry" in shop.fails("ledger", "verify")
    shop.ledger.write_bytes(whole)
    shop.ok("ledger", "verify")


def test_branches_that_both_train_are_merged_by_git(shop: PrivateProject) -> None:
    def git(*arguments: str) -> None:
        done = subprocess.run(["git", *arguments], cwd=shop.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def build_on(branch: str) -> str:
        git("switch", "-q", "-c", branch, "main")
        shop.ok("build", "--full-refresh")
        git("add", "-f", "privacy/ledger.jsonl")
        git("commit", "-qm", branch)
        return shop.entries()[-1]["hash"]

    git("init", "-q", "-b", "main")
    git("config", "user.name", "t")
    git("config", "user.email", "t@example.org")
    shop.write({".gitignore": "/target/\n/data/\n/warehouse/\n", ".gitattributes": GITATTRIBUTES})
    shop.ok("build")
    git("add", ".")
    git("commit", "-qm", "main")
    first = shop.entries()[0]["hash"]
    charged = [first, build_on("one"), build_on("two")]
    git("merge", "-q", "one", "-m", "both")
    assert {e["hash"] for e in shop.entries()} == set(charged)
    said = shop.ok("ledger", "verify")
    assert "2 branches were merged" in said
    assert "3 entries, the chain holds" in said
    (account,) = json.loads(shop.ok("ledger", "--format", "json"))["accounts"]
    assert len(account["entries"]) == 3  # what both spent is spent
    shop.ok("build", "--full-refresh")
    assert len(shop.entries()[-1]["joins"]) == 1
    assert "merged" not in shop.ok("ledger", "verify")


def test_a_training_that_is_not_what_was_charged_does_not_happen(shop: PrivateProject) -> None:
    done = shop.synth("build", env={"DP_CHEAT": "1", "DP_MARK": str(mark(shop))})
    assert done.returncode == 1
    assert "would not release what was charged for it" in done.stdout + done.stderr
    assert not mark(shop).exists()
    assert len(shop.entries()) == 1  # and stays charged


def test_insecure_noise_repeats_costs_once_and_is_called_what_it_is(shop: PrivateProject) -> None:
    shop.write({"models/customers.yml": MODEL.replace("size: 50", "size: 50\n        insecure_seed: 5")})
    shop.ok("build")
    before = shop.parquet("fake")[0].read_bytes()
    assert "spends" not in shop.ok("plan", "--full-refresh")
    shop.ok("build", "--full-refresh")
    assert shop.parquet("fake")[0].read_bytes() == before
    (entry,) = shop.entries()
    assert entry["insecure_seed"] == 5
    assert "insecure noise, seed 5" in shop.ok("ledger")
    assert json.loads(shop.ok("show", "fake", "--format", "json"))["privacy"]["insecure_seed"] == 5


def test_without_entries_and_budgets_it_says_so(shop: PrivateProject) -> None:
    shop.write({"synth_project.yml": PROJECT.partition("privacy:")[0]})
    assert "nothing is spent" in shop.ok("ledger")
    assert json.loads(shop.ok("ledger", "--format", "json"))["accounts"] == []
    assert "0 entries" in shop.ok("ledger", "verify")


def test_compile_and_the_manifest_show_the_guarantee(shop: PrivateProject) -> None:
    assert "fake reveals at most ε = 1, δ = 1e-05 of crm.customers" in shop.ok("compile")
    manifest = json.loads((shop.root / "target" / "manifest.json").read_text("utf-8"))
    (guarantee,) = manifest["models"]["fake"]["guarantees"]
    assert (guarantee["account"], guarantee["epsilon"], guarantee["releases"]) == ("crm.customers", 1, ["fake"])
    assert manifest["privacy"]["crm.customers"] == {"sources": ["source:crm.customers"], "epsilon": 3, "delta": 1e-5}
