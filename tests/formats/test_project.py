"""Columns with a written form through the command line: learnt as what they are, published as they are written."""

from __future__ import annotations

import datetime as dt
import random
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.synth import Project

MODELS = """
    version: 1
    sources:
      - name: air
        tables:
          - name: strikes
            path: data/strikes.csv
            columns:
              - {name: day, format: "%-m/%-d/%Y 0:00:00"}
              - {name: paid, format: "%Y%m%d"}
            constraints: ["day <= paid", "day >= 1990-01-01"]
    models:
      - name: synthetic_strikes
        source: "{{ source('air', 'strikes') }}"
        generator: circuit
        conditions: {size: {small: 50%, large: 50%}}
        audits:
          - ks: {columns: [day, paid], severity: warn}
          - correlation: {severity: warn}
          - expression: {sql: "day like '%/% 0:00:00'", where: "day like '%/19%'"}
          - ks: {name: nineties, columns: [paid], where: "day like '%/199_ %'", severity: warn}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    rng = random.Random(5)
    lines = ["day,paid,size"]
    for _ in range(900):
        day = dt.date(1990, 1, 1) + dt.timedelta(int(rng.betavariate(2, 1) * 9_000))
        paid = day + dt.timedelta(rng.randint(0, 40))
        lines.append(f"{day.month}/{day.day}/{day.year} 0:00:00,{paid:%Y%m%d},{rng.choice(['small', 'large'])}")
    text = "\n".join(lines) + "\n"
    return Project(tmp_path).write(
        {"synth_project.yml": "name: air\n", "models/air.yml": MODELS, "data/strikes.csv": text}
    )


def test_dates_in_text_and_in_integers_are_dates(project: Project) -> None:
    project.ok("build")
    (file,) = (project.root / "warehouse").glob("*/synthetic_strikes/*.parquet")
    table = pq.read_table(file)
    assert [str(table.schema.field(c).type) for c in ("day", "paid")] == ["string", "int64"]
    days = [dt.datetime.strptime(d, "%m/%d/%Y %H:%M:%S").date() for d in table["day"].to_pylist()]
    assert all(re.fullmatch(r"[1-9]\d?/[1-9]\d?/\d{4} 0:00:00", d) for d in table["day"].to_pylist())
    paid = [dt.datetime.strptime(str(p), "%Y%m%d").date() for p in table["paid"].to_pylist()]
    assert all(dt.date(1990, 1, 1) <= d <= p for d, p in zip(days, paid, strict=True))
    together = np.corrcoef([d.toordinal() for d in days], [d.toordinal() for d in paid])[0, 1]
    assert together > 0.9  # among days at random it is 0
    assert table["size"].to_pylist().count("small") == 450
    audits = project.results()["synthetic_strikes"]["audits"]
    ks = next(a for a in audits if a["name"] == "ks")
    assert {c["column"] for c in ks["columns"]} == {"day", "paid"}
    assert all(a["status"] != "error" for a in audits), audits


def test_a_form_is_checked_where_it_stands(project: Project) -> None:
    wrong = MODELS.replace("%Y%m%d", "%Y%k%d").replace(
        "size: {small", "day: {31/12: 50%, 12/31/1999 0:00:00: 50%}, size: {small"
    )
    project.write({"models/air.yml": wrong})
    said = project.fails("compile", code=2)
    assert "'%k' is no part of a date or time" in said
    assert re.search(r"models/air\.yml:9:\d+", said), said


def test_a_condition_may_be_in_the_written_form_or_in_the_typed_one(project: Project) -> None:
    for value in ("6/30/2010 0:00:00", "2010-06-30"):
        wanted = MODELS.replace("{size: {small: 50%, large: 50%}}", f'{{day: "{value}"}}')
        project.write({"models/air.yml": re.sub(r"        audits:\n(          .*\n)+", "        audits: []\n", wanted)})
        project.ok("build")
        assert "900" in project.ok("query", "select count(*) from synthetic_strikes where day = '6/30/2010 0:00:00'")


HOUSES = """
    version: 1
    sources:
      - name: city
        tables: [{name: houses, path: data/houses.csv}]
    models:
      - name: synthetic_houses
        source: "{{ source('city', 'houses') }}"
        generator: circuit
        audits:
          - correlation: {severity: warn}
          - tstr: {target: price, severity: warn}
"""


def test_areas_are_learnt_as_numbers_and_published_as_numbers_and_ranges(tmp_path: Path) -> None:
    rng = random.Random(9)
    lines = ["area,price,rooms"]
    for i in range(1_200):
        area = rng.lognormvariate(7, 0.4)
        text = f"{area:.0f} - {area * 1.2:.0f}" if i % 25 == 0 else f"{area:.0f}"
        lines.append(
            f"{'34.46Sq. Meter' if i == 500 else text},{area * 50 + rng.gauss(0, 4_000):.0f},{rng.randint(1, 5)}"
        )
    data = "\n".join(lines) + "\n"
    project = Project(tmp_path).write(
        {"synth_project.yml": "name: city\n", "models/city.yml": HOUSES, "data/houses.csv": data}
    )
    said = project.ok("build")
    assert "'area' is read as numbers written 1234 | 1234 - 1234" in said, said
    table = pq.read_table(project.parquet("synthetic_houses")[0])
    areas = table["area"].to_pylist()
    assert all(re.fullmatch(r"[0-9]+( - [0-9]+)?", a) for a in areas)
    ranges = [[int(n) for n in a.split(" - ")] for a in areas if "-" in a]
    assert 0.02 < len(ranges) / len(areas) < 0.07  # of real ones 0.04; of 1,200 draws its standard error is 0.006
    assert all(0.15 < (high - low) / (high + low) * 2 < 0.22 for low, high in ranges)  # of real ones 0.18
    middles = [sum(map(int, a.split(" - "))) / len(a.split(" - ")) for a in areas]
    assert np.corrcoef(middles, table["price"].to_pylist())[0, 1] > 0.8  # of real ones 0.98
    audits = {a["name"]: a for a in project.results()["synthetic_houses"]["audits"]}
    assert "area" in str(audits["correlation"]["columns"])
    assert audits["tstr"]["status"] != "error"


PRIVATE = """
    version: 1
    sources:
      - name: air
        tables:
          - name: strikes
            path: data/strikes.csv
            row_count: 900
            columns:
              - {name: day, format: "%-m/%-d/%Y 0:00:00", bounds: ["1990-01-01", "2015-12-31"], nullable: false}
              - {name: paid, format: "%Y%m%d", bounds: ["1990-01-01", "2016-12-31"]}
              - {name: size, type: categorical, values: [small, large]}
    models:
      - name: synthetic_strikes
        source: "{{ source('air', 'strikes') }}"
        generator: independent
        epsilon: 2
        size: 300
        audits:
          - not_null: {columns: [day]}
          - accepted_values: {column: size, values: [small, large]}
"""


def test_under_epsilon_declared_forms_are_learnt_within_declared_bounds(project: Project) -> None:
    lines = (project.root / "data/strikes.csv").read_text().splitlines()
    odd = ["unknown,20010101,small", "13/45/2001 0:00:00,20010101,large", "1/1/2001 0:00:00,20011399,small"]
    project.write({"models/air.yml": PRIVATE, "data/strikes.csv": "\n".join([*lines, *odd]) + "\n"})
    project.ok("build")
    table = pq.read_table(project.parquet("synthetic_strikes")[0])
    assert [str(table.schema.field(c).type) for c in ("day", "paid")] == ["string", "int64"]
    for name, form in (("day", "%m/%d/%Y %H:%M:%S"), ("paid", "%Y%m%d")):
        days = [dt.datetime.strptime(str(v), form) for v in table[name].to_pylist() if v is not None]
        assert all(dt.datetime(1990, 1, 1) <= d <= dt.datetime(2016, 12, 31) for d in days)
    assert "dates written %-m/%-d/%Y 0:00:00" in project.ok("show", "synthetic_strikes")
    project.ok("verify")
