"""The fault report: each fault with its place, its line, a caret under the value, and the fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthkit.errors import Fault, Location, SynthError
from synthkit.report.faults import render_error, render_faults, render_warning

YAML = """\
models:
  - name: customers
    generator: sdv.gausian_copula
    tags: ["überaus lang", {x: y}]
\tdescription: 漢字 and tabel
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "models" / "a.yml"
    path.parent.mkdir()
    path.write_text(YAML, "utf-8")
    return path


def marked(report: str) -> str:
    """The text that stands above the carets of a report's only snippet."""
    lines = report.splitlines()
    at = next(i for i, line in enumerate(lines) if "^" in line)
    above, carets = lines[at - 1], lines[at]
    return above[carets.index("^") : carets.rindex("^") + 1]


def test_the_whole_report(file: Path) -> None:
    faults = [
        Fault(
            "there is no generator 'sdv.gausian_copula'",
            Location(file, 3, 16),
            "sdv.gausian_copula",
            "did you mean it?",
        ),
        Fault("the file is odd", Location(file.parent / "b.yml"), hint="look at it"),
        Fault("no file at all"),
    ]
    assert render_faults(faults, base=file.parent.parent) == (
        "models/a.yml:3:16: error: there is no generator 'sdv.gausian_copula'\n"
        "  3 |     generator: sdv.gausian_copula\n"
        "    |                ^^^^^^^^^^^^^^^^^^\n"
        "  fix: did you mean it?\n"
        "\n"
        "models/b.yml: error: the file is odd\n"
        "  fix: look at it\n"
        "\n"
        "error: no file at all\n"
        "\n"
        "3 faults in 2 files; nothing was run"
    )


@pytest.mark.parametrize(
    ("line", "column", "value", "wanted"),
    [
        (3, 16, "sdv.gausian_copula", "sdv.gausian_copula"),
        (3, 16, None, "sdv.gausian_copula"),
        (3, 5, None, "generator"),
        (4, 12, None, '"überaus lang"'),
        (4, 28, None, "{"),
        (4, 29, None, "x"),
        (2, 11, "something else", "customers"),
    ],
)
def test_carets_stand_under_what_is_meant(file: Path, line: int, column: int, value: str | None, wanted: str) -> None:
    report = render_faults([Fault("wrong", Location(file, line, column), value)])
    assert marked(report) == wanted


def test_wide_characters_and_tabs_do_not_shift_the_carets(file: Path) -> None:
    from rich.cells import cell_len

    report = render_faults([Fault("wrong", Location(file, 5, 22), "tabel")])
    above, carets = report.splitlines()[1:3]
    assert "\t" not in above
    before = above[: above.index("tabel")]
    assert cell_len(before) == carets.index("^")
    assert carets.count("^") == 5


def test_a_long_line_is_cut_around_the_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("x" * 500 + " wrong " + "y" * 500)
    report = render_faults([Fault("wrong", Location(path, 1, 502), "wrong")])
    assert marked(report) == "wrong"
    assert max(map(len, report.splitlines()[1:])) < 140


@pytest.mark.parametrize("where", [(99, 1), (3, 400)])
def test_a_place_that_is_not_in_the_file_is_no_crash(file: Path, where: tuple[int, int]) -> None:
    assert "wrong" in render_faults([Fault("wrong", Location(file, *where))])


def test_a_file_that_cannot_be_read_has_no_snippet(tmp_path: Path) -> None:
    path = tmp_path / "latin.yml"
    path.write_bytes(b"gr\xf6\xdfe: 1\n")
    for each in (path, tmp_path / "gone.yml"):
        report = render_faults([Fault("wrong", Location(each, 1, 1))], base=tmp_path)
        assert report == f"{each.name}:1:1: error: wrong\n\n1 fault in 1 file; nothing was run"


def test_colour_only_when_asked(file: Path) -> None:
    fault = Fault("wrong", Location(file, 3, 16), hint="mend it")
    assert "\x1b[" not in render_faults([fault])
    assert "\x1b[31merror\x1b[0m" in render_faults([fault], color=True)


def test_a_fault_without_a_file_is_counted_without_files() -> None:
    assert render_faults([Fault("wrong")]).endswith("1 fault; nothing was run")


def test_warnings_and_single_errors(file: Path) -> None:
    assert "a.yml:2:11: warning: odd" in render_warning(Fault("odd", Location(file, 2, 11)))
    assert render_error(SynthError("broken", hint="mend it")) == "error: broken\n  fix: mend it"
