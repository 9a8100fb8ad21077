"""Bars in notebooks: through a kernel, as a notebook runs its cells; and nothing where there is none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import synthkit
from synthkit.events import ignore
from synthkit.report import notebook
from synthkit.report.notebook import Bar, Bars, in_notebook, listening
from tests.synth import SQL_PROJECT, make_project

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

CELLS = [
    "import synthkit, pyarrow as pa",
    "run = synthkit.build('.')",
    "run = synthkit.build('.', listener=lambda event: None)",
    "pets = pa.table({'kind': ['cat', 'dog'] * 40, 'legs': [4, 4, 3, 4] * 20})\n"
    "pet = synthkit.fit(pets, generator={'name': 'circuit', 'states': 2, 'min_steps': 5, 'refinements': 0})",
    "rows = pet.draw(50)",
    "synthkit.probe(pets, name='pets')",
    "from synthkit.report.notebook import watching\n"
    "try:\n    with watching('a fit', None):\n        raise KeyboardInterrupt\nexcept KeyboardInterrupt:\n    pass",
]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    """What stands below each cell when a kernel has run them all."""
    project = make_project(tmp_path_factory.mktemp("notebook") / "shop", SQL_PROJECT)
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    client = nbclient.NotebookClient(made, timeout=120, resources={"metadata": {"path": str(project.root)}})
    client.execute()
    return [cell.outputs for cell in made.cells]


def text_of(output: Any) -> str:
    return str(output["data"]["text/plain"])


def test_a_build_is_one_output_that_ends_as_what_came_of_it(outputs: list[list[Any]]) -> None:
    [shown] = [o for o in outputs[1] if "text/html" in o.get("data", {})]
    lines = text_of(shown).splitlines()
    assert re.fullmatch(r"2 ok in [\d.]+ s", lines[0])
    assert re.fullmatch(r"customers: ok, \d+ rows", lines[1])
    assert re.fullmatch(r"by_tier: ok, \d rows", lines[2])
    assert "<progress" not in shown["data"]["text/html"]  # nothing is at work any more
    assert not [o for o in outputs[1] if o["output_type"] == "error"]


def test_who_listens_is_shown_nothing_else(outputs: list[list[Any]]) -> None:
    assert outputs[2] == []


def test_fit_and_draw_show_a_bar_that_ends_as_a_line(outputs: list[list[Any]]) -> None:
    [fitted], [drawn] = outputs[3], outputs[4]
    assert re.fullmatch(r"circuit learnt 80 rows: [\d.]+ s", text_of(fitted))
    assert re.fullmatch(r"50 rows drawn by circuit: [\d.]+ s", text_of(drawn))


def test_what_is_stopped_says_so(outputs: list[list[Any]]) -> None:
    [shown] = outputs[6]
    assert re.fullmatch(r"a fit: stopped after [\d.]+ s", text_of(shown))


def test_a_probe_is_a_card(outputs: list[list[Any]]) -> None:
    [card] = outputs[5]
    assert "what happens to it" in card["data"]["text/html"]


def test_nothing_is_shown_where_no_kernel_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert not in_notebook()
    assert listening(None) is ignore
    project = make_project(tmp_path / "shop", SQL_PROJECT)
    assert synthkit.build(project.root).status == "pass"
    assert capsys.readouterr() == ("", "")


def test_names_and_notes_are_no_markup() -> None:
    bars = Bars("<b>", {"x": Bar("<script>", 1, 4, "<i>")}, ["<u>"])
    assert not re.search(r"<(b|script|i|u)>", bars.html())
    assert '<progress value="1" max="4" aria-label="&lt;script&gt;">' in bars.html()
    assert bars.text() == "<b>\n<script>: 25% <i>\n<u>"


def test_a_bar_without_a_name_goes_by_the_title() -> None:
    bars = Bars("a fit", {"": Bar("", 1, 4, "1/4 steps")})
    assert bars.text() == "a fit\n25% 1/4 steps"
    assert 'aria-label="a fit"' in bars.html()


def test_what_only_moves_on_is_drawn_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Display:
        def update(self, bars: Bars) -> None:
            shown.append(bars.text())

    now = [100.0]
    monkeypatch.setattr(notebook.time, "monotonic", lambda: now[0])
    bars = Bars("t", {"x": Bar("x", 0, 100)}, _shown=Display())
    for done in range(100):
        bars.bars["x"].done = done
        now[0] += 0.01
        bars.draw()
    assert 4 <= len(shown) <= 6
    bars.draw(now=True)
    assert shown[-1] == "t\nx: 99% "
