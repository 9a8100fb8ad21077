"""Declared inequalities through the command line: held in every row, said when the real rows break them."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import re
from pathlib import Path

import pytest

from tests.synth import Project, write_csv

SOURCE = """
    version: 1
    sources:
      - name: hr
        tables:
          - name: jobs
            path: data/jobs.csv
            primary_key: job_id
            constraints: ["started <= ended", min_salary < salary]
    models:
      - name: fake_jobs
        source: "{{ source('hr', 'jobs') }}"
        generator: sdv.gaussian_copula
        size: 900
        conditions: {grade: {a: 50%, b: 30%, c: 20%}}
        constraints: [started >= 2015-01-01, base <= code]
        audits:
          - row_count: {equals: 900}
          - unique: {columns: [job_id]}
          - expression: {sql: "coalesce(started <= ended, true) and min_salary < salary and base <= code"}
      - name: second_hand
        source: "{{ ref('fake_jobs') }}"
        generator: sdv.gaussian_copula
        size: 200
        audits:
          - expression: {sql: "coalesce(started <= ended, true) and min_salary < salary and base <= code"}
"""


def jobs(rows: int = 400, broken: int = 0) -> list[dict[str, object]]:
    """Jobs whose end is after their start or not known yet, and whose pay is above the least; the first few break it."""
    rng = random.Random(4)
    table: list[dict[str, object]] = []
    for i in range(rows):
        start = dt.date(2015, 1, 1) + dt.timedelta(rng.randint(0, 2000))
        least = round(rng.uniform(1000, 4000), 2)
        table.append(
            {
                "job_id": f"J-{i:04d}",
                "started": start,
                "ended": "" if rng.random() < 0.2 else start + dt.timedelta(int(rng.expovariate(1 / 300))),
                "min_salary": least + (9000 if i < broken else 0),
                "salary": round(least + rng.expovariate(1 / 500) + 0.01, 2),
                "grade": rng.choice("abc"),
                "base": 100,
                "code": rng.choice([100, 200, 300]),
            }
        )
    return table


def project(root: Path, models: str = SOURCE, broken: int = 0) -> Project:
    write_csv(root / "data" / "jobs.csv", jobs(broken=broken))
    return Project(root).write({"synth_project.yml": "name: hr\nseed: 3\n", "models/jobs.yml": models})


def digest(project: Project, model: str) -> str:
    return hashlib.sha256(project.parquet(model)[0].read_bytes()).hexdigest()


@pytest.mark.slow
def test_rules_hold_in_every_row_beside_exact_conditions(tmp_path: Path) -> None:
    one = project(tmp_path / "one")
    one.ok("build")
    counts = one.query(
        "select grade, count(*) as n, count(*) filter (where ended is null) as open from fake_jobs group by 1 order by 1"
    )
    assert [(c["grade"], c["n"]) for c in counts] == [("a", 450), ("b", 270), ("c", 180)]
    assert all(0 < c["open"] < c["n"] for c in counts)  # missing ends are rows like others
    assert one.query("select count(*) as n from second_hand")[0]["n"] == 200
    two = project(tmp_path / "two")
    two.ok("build", "--threads", "2")
    assert (digest(two, "fake_jobs"), digest(two, "second_hand")) == (
        digest(one, "fake_jobs"),
        digest(one, "second_hand"),
    )


@pytest.mark.slow
def test_another_rule_only_draws_again(tmp_path: Path) -> None:
    shop = project(tmp_path / "shop")
    shop.ok("build", "--select", "fake_jobs")
    shop.write({"models/jobs.yml": SOURCE.replace("[started >= 2015-01-01,", "[salary >= 1500,")})
    assert "break 'salary >= 1500'" in shop.fails("build", "--select", "fake_jobs")
    shop.write({"models/jobs.yml": SOURCE.replace("[started >= 2015-01-01,", "[salary >= 1000,")})
    plan = shop.ok("plan", "--select", "fake_jobs")
    assert "the trained model is cached" in plan
    assert "constraints" in plan
    shop.ok("build", "--select", "fake_jobs")
    result = shop.results()["fake_jobs"]
    assert (result["action"], result["status"]) == ("sample", "pass")


def test_real_rows_that_break_a_rule_stop_the_build_before_training(tmp_path: Path) -> None:
    shop = project(tmp_path / "shop", broken=7)
    said = shop.fails("build", "--select", "fake_jobs")
    result = shop.results()["fake_jobs"]
    assert result["status"] == "error"
    assert "train" not in result["seconds"]
    assert not list((shop.root / "target").rglob("complete.json"))
    found = re.search(r"(\d+) of 3\d\d break 'min_salary < salary' \((\S+)\)", result["message"])
    assert found, result["message"]
    assert 1 <= int(found[1]) <= 7  # those that are not held out
    assert found[2] == "models/jobs.yml:8:43"
    assert "mend the rule" in said


def test_a_rule_on_a_column_that_turns_out_to_be_a_key_stops_the_build_before_training(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    models = SOURCE.replace("base <= code", "desk_id > 0")
    shop = project(root, models.replace(" and base <= code", ""))
    write_csv(root / "data" / "jobs.csv", [{**row, "desk_id": i + 1} for i, row in enumerate(jobs())])
    assert "'desk_id' looks like a key and is made up" in shop.fails("build", "--select", "fake_jobs")
    assert not list((root / "target").rglob("complete.json"))
