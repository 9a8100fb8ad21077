"""The rules that a file's rows show are written to be struck out, and what is left of them is kept."""

from __future__ import annotations

import json
import random
from pathlib import Path

import yaml

from tests.synth import Project, run_synth, write_csv

WANTED = {"total = net + tax", "zip -> city", "ordered <= delivered"}


def described(folder: Path) -> tuple[Project, str]:
    dice = random.Random(5)
    rows = []
    for number in range(600):
        net, tax, day, zip_ = dice.randrange(5_000), dice.randrange(900), dice.randrange(1, 20), dice.randrange(12)
        month = dice.randint(1, 12)
        rows.append(
            {
                "order_id": number,
                "net": net,
                "tax": tax,
                "total": net + tax,
                "zip": f"Z{zip_:03}",
                "city": f"town {zip_ % 5}",
                "ordered": f"{day}/{month}/2024",
                "delivered": f"{day + dice.randrange(8)}/{month}/2024",
                "email": f"{number}@example.org",
            }
        )
    write_csv(folder / "orders.csv", rows)
    done = run_synth(folder, "init", "shop", "--from", "orders.csv")
    assert done.returncode == 0, done.stderr
    return Project(folder / "shop"), done.stdout


def test_rules_are_written_and_printed(tmp_path: Path) -> None:
    project, text = described(tmp_path)
    written = yaml.safe_load((project.root / "models" / "orders.yml").read_text())
    rules = written["sources"][0]["tables"][0]["rules"]
    assert set(rules) >= WANTED
    assert not [rule for rule in rules if "email" in rule or "order_id" in rule]
    assert f"{len(rules)} rules between columns hold in every row" in text
    assert all(rule in text for rule in rules)


def test_what_is_struck_out_is_not_kept(tmp_path: Path) -> None:
    project, _ = described(tmp_path)
    path = project.root / "models" / "orders.yml"
    lines = [line for line in path.read_text().splitlines() if "total = net + tax" not in line]
    path.write_text("\n".join(lines) + "\n")
    project.ok("build")
    receipt = json.loads((project.root / "warehouse/dev/synthetic_orders.receipt.json").read_text())
    how = {origin["name"]: origin["how"] for origin in receipt["column_origins"]}
    assert (how["total"], how["city"]) == ("learnt", "computed")
    broken = "select count(*) > 0 as broken from synthetic_orders where total != net + tax"
    assert project.query(broken) == [{"broken": True}]


def test_a_file_without_rules_has_none(tmp_path: Path) -> None:
    dice = random.Random(1)
    write_csv(tmp_path / "dice.csv", [{"a": dice.randrange(90), "b": dice.randrange(90)} for _ in range(400)])
    done = run_synth(tmp_path, "init", "p", "--from", "dice.csv")
    assert "no rules between columns were recognised" in done.stdout
    assert "rules:" not in (tmp_path / "p" / "models" / "dice.yml").read_text()
