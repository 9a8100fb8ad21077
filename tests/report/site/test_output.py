"""Writing the site: nobody else's files are touched, and nothing of an earlier site stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthkit.errors import SynthError
from synthkit.report.site.output import MARKER, PLOTLY, plotly_script, write_site


def test_files_of_an_earlier_site_go_and_others_stay(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    write_site({"index.html": "a", "tables/old.html": "b"}, folder)
    (folder / "CNAME").write_text("example.org")
    assert write_site({"index.html": "c"}, folder) == 2
    assert not (folder / "tables/old.html").exists()
    assert (folder / "CNAME").exists()
    assert (folder / "index.html").read_text() == "c"


def test_a_folder_of_something_else_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(SynthError, match="did not write"):
        write_site({"index.html": "a"}, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "docs").write_text("")
    with pytest.raises(SynthError, match="is a file"):
        write_site({"index.html": "a"}, tmp_path / "docs")


def test_a_marker_cannot_name_files_outside(tmp_path: Path) -> None:
    folder, precious = tmp_path / "docs", tmp_path / "precious"
    precious.write_text("")
    folder.mkdir()
    (folder / MARKER).write_text("../precious\nindex.html\n")
    write_site({"index.html": "a"}, folder)
    assert precious.exists()


def test_the_plotting_library_comes_along(tmp_path: Path) -> None:
    write_site({}, tmp_path / "docs")
    assert (tmp_path / "docs" / PLOTLY).read_bytes() == plotly_script().read_bytes()
    assert b"plotly.js v" in plotly_script().read_bytes()[:500]
