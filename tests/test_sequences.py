"""A table whose rows are sequences, from YAML to published rows: they follow one another as the real ones do."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

import synthkit
from tests.conftest import Project, copied
from tests.generators.family.planted import PLANTED

CARS = next(p for p in PLANTED if p.name == "cars")
MODELS = """
version: 1
sources:
  - name: garage
    tables:
      - name: services
        path: data/services.csv
        primary_key: no
        entity: who
        order_by: day
models:
  - name: drawn
    source: "{{ source('garage', 'services') }}"
    generator: {name: conditional, trees: 5}
    size: 700
    audits: [{sequence: {max: 0.5}}]
"""


def garage(root: Path) -> Project:
    rows = CARS.frame()
    rows = rows[rows.who.isin(rows.who.unique()[:120])]
    rows.insert(0, "no", [f"N{7 * i:06d}" for i in range(len(rows))])
    project = Project(root).write({"synth_project.yml": "name: p\n", "models/m.yml": MODELS})
    (root / "data").mkdir()
    rows.sample(frac=1, random_state=0).to_csv(root / "data" / "services.csv", index=False)
    return project


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = garage(tmp_path_factory.mktemp("garage") / "p")
    project.ok("build")
    return project


def drawn_rows(project: Project) -> pd.DataFrame:
    table = synthkit.open(project.root).table("drawn").to_arrow()
    assert pa.types.is_date(table.schema.field("day").type)
    frame = table.to_pandas()
    return frame.assign(**{c: pd.to_datetime(frame[c]) for c in ("day", "built")})


def test_rows_of_an_entity_lie_together_in_their_order_under_keys_of_their_own(built: Project) -> None:
    rows = drawn_rows(built)
    assert len(rows) == 700
    assert rows.no.is_unique
    assert rows.no.str.fullmatch(r"N\d{6}").all()
    assert rows.who.str.fullmatch(r"C-\d{4}").all()
    assert (rows.who != rows.who.shift()).sum() == rows.who.nunique()
    for name in ("odometer", "visit", "constants", "no day twice"):
        assert CARS.holds[name](rows), name


def test_another_size_draws_again_and_trains_nothing(built: Project, tmp_path: Path) -> None:
    project = copied(built, tmp_path / "p")
    path = project.root / "models" / "m.yml"
    path.write_text(path.read_text("utf-8").replace("size: 700", "size: 210"), "utf-8")
    assert "size; the trained model is cached" in project.ok("build")
    rows = drawn_rows(project)
    assert len(rows) == 210
    assert CARS.holds["visit"](rows)


def test_conditions_on_rows_that_follow_one_another_are_a_fault(tmp_path: Path) -> None:
    project = garage(tmp_path / "p")
    path = project.root / "models" / "m.yml"
    path.write_text(path.read_text("utf-8") + "    conditions: {state: new}\n", "utf-8")
    text = project.fails("compile", code=2)
    assert "models/m.yml:16:" in text
    assert "those of one 'who' follow one another in 'drawn'" in text


@pytest.mark.slow
def test_sdv_par_is_given_whose_rows_they_are(tmp_path: Path) -> None:
    project = garage(tmp_path / "p")
    path = project.root / "models" / "m.yml"
    text = path.read_text("utf-8").replace("{name: conditional, trees: 5}", "{name: sdv.par, epochs: 2}")
    path.write_text(text.replace("[{sequence: {max: 0.5}}]", "[]"), "utf-8")
    project.ok("build")
    rows = drawn_rows(project)
    assert len(rows) == 700
    assert rows.no.is_unique
    assert rows.who.str.fullmatch(r"C-\d{4}").all()
    assert 5 < rows.who.nunique() < 700
    assert CARS.holds["constants"](rows)
    assert (rows.groupby("who").day.diff().dropna() >= pd.Timedelta(0)).all()
