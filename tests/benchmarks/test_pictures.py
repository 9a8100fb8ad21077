"""The pictures of README are drawn from today's figures."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from benchmarks import pictures

LARGEST = 150_000  # bytes: a page of README loads it


def test_the_drawings_are_of_todays_figures() -> None:
    assert list(pictures.differing()) == [], "run: python -m benchmarks pictures --write"


def test_every_generator_beside_its_peer_is_in_the_chart() -> None:
    found = pictures.measured(pictures.RESULTS.read_text("utf-8"))
    assert [m.name for m in found if m.ours and m.seconds is not None] == ["circuit", "tvae", "ctgan"]
    assert found[-1].name == pictures.FLOOR
    assert len(found) == 7


def test_drawings_are_svg_and_the_page_is_small() -> None:
    for drawn in pictures.drawings().values():
        assert ElementTree.fromstring(drawn).tag.endswith("svg")
    page = Path(pictures.FOLDER / "table.png").read_bytes()
    assert page.startswith(b"\x89PNG")
    assert len(page) < LARGEST
