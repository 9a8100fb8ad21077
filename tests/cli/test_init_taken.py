"""What `synth init` says of each column: dates, codes, numbers of rows, and what somebody may want to predict."""

from __future__ import annotations

import datetime as dt
import random
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.synth import Project


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What init prints of a file, and the YAML that it writes."""
    rng, folder = random.Random(3), tmp_path_factory.mktemp("taken")
    lines = ["size,record,sold,zip,contact,opened,weight,grade"]
    for i in range(600):
        day = dt.date(2001, 1, 1) + dt.timedelta(rng.randint(0, 5_000))
        area, size = rng.choice([10, 94, 606]) * 100, rng.gauss(50, 10)
        opened = "n/a" if i % 40 == 0 else f"{rng.randint(1, 12)}:{rng.randint(10, 59)} PM"
        cells = [f"{size:.1f}", i + 1, f"{day:%d.%m.%Y}", f"{area + rng.randint(0, 30):05d}", f"u{i}@x.org", opened]
        lines.append(",".join(map(str, [*cells, f"{size * 2 + rng.gauss(0, 4):.1f}", rng.choice("ABC")])))
    (folder / "shop.csv").write_text("\n".join(lines) + "\n")
    return Project(folder).ok("init", "p", "--from", "shop.csv"), (folder / "p/models/shop.yml").read_text()


@pytest.mark.parametrize(
    "line",
    [
        r"record +(key|id) .*",
        r"sold +date +DATE; .* learnt, published as DATE \(format: %d\.%m\.%Y keeps how it is written\)",
        r"zip +codes \{9+\}\{9+\} .* parts that people share are learnt, the rest made up in the form",
        r"contact +e-mail addresses \{user\}@\{domain\} .* what people share of it is learnt; user made up, never a real one",
        r"opened +time %-I:%M %p +97\.5% of values, not 'n/a'; .*",
        r"size +float +DOUBLE; .* learnt",
    ],
)
def test_each_column_with_its_evidence(told: tuple[str, str], line: str) -> None:
    assert re.search(rf"^ *{line}$", told[0], re.MULTILINE), told[0]


def test_a_target_that_no_name_tells_is_a_candidate_with_a_reason(told: tuple[str, str]) -> None:
    printed, written = told
    assert "a target may be grade (the last column, of 3 values)" in printed
    assert re.search(r"# - tstr: \{target: grade, .*\}  # the last column, of 3 values", written), written


def test_a_number_that_another_explains_is_a_candidate(tmp_path: Path) -> None:
    rng = random.Random(5)
    rows = [(a := rng.gauss(0, 1), a + rng.gauss(0, 0.5), rng.gauss(0, 1)) for _ in range(600)]
    text = "a,b,c\n" + "".join(f"{a:.2f},{b:.2f},{c:.2f}\n" for a, b, c in rows)
    (tmp_path / "plain.csv").write_text(text)
    said = Project(tmp_path).ok("init", "p", "--from", "plain.csv")
    assert re.search(r"a target may be [ab] \(a number of which [ab] explains \d\d%\)", said)


MODELS = """
    version: 1
    sources:
      - name: shop
        tables:
          - {name: csv, path: data/sales.csvCOLUMNS}
          - {name: parquet, path: data/sales.parquet}
    models:
      - {name: of_csv, source: "{{ source('shop', 'csv') }}", generator: {name: circuit, min_steps: 5, refinements: 0}, audits: []}
      - {name: of_parquet, source: "{{ source('shop', 'parquet') }}", generator: {name: circuit, min_steps: 5, refinements: 0}, audits: []}
"""


def test_dates_of_a_file_of_text_are_published_as_dates_or_as_they_are_written(tmp_path: Path) -> None:
    rng = random.Random(6)
    days = [f"{dt.date(2001, 1, 1) + dt.timedelta(rng.randint(0, 900)):%d.%m.%Y}" for _ in range(300)]
    project = Project(tmp_path).write(
        {"synth_project.yml": "name: shop\n", "models/m.yml": MODELS.replace("COLUMNS", "")}
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data/sales.csv").write_text("day,n\n" + "".join(f"{d},{i % 7}\n" for i, d in enumerate(days)))
    pq.write_table(pa.table({"day": days, "n": [i % 7 for i in range(300)]}), tmp_path / "data/sales.parquet")
    project.ok("build")
    assert pq.read_table(project.parquet("of_csv")[0])["day"].type == pa.date32()
    texts = pq.read_table(project.parquet("of_parquet")[0])["day"].to_pylist()
    assert all(dt.datetime.strptime(t, "%d.%m.%Y") for t in texts)
    assert "dates written %d.%m.%Y" in project.ok("show", "of_parquet")
    said = MODELS.replace("COLUMNS", ', columns: [{name: day, format: "%d.%m.%Y"}]')
    project.write({"models/m.yml": said}).ok("build", "--select", "of_csv")
    written = pq.read_table(project.parquet("of_csv")[0])["day"].to_pylist()
    assert all(re.fullmatch(r"\d\d\.\d\d\.200\d", t) for t in written)
