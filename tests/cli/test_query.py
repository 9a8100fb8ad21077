"""`synth query` and `synth show` print whatever is in a table without harm."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import termios

import pytest

from synthkit.cli.query import print_table
from tests.synth import SYNTH, Project, make_project


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that is built once for all tests that only read."""
    project = make_project(tmp_path_factory.mktemp("built") / "shop")
    project.ok("build")
    return project


def printed(
    capsys: pytest.CaptureFixture[str], columns: dict[str, list[object]], style: str = "table", limit: int = 200
) -> str:
    import pyarrow as pa

    print_table(pa.table(columns), style, limit)
    return capsys.readouterr().out


def test_numbers_stand_to_the_right_and_text_to_the_left(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, {"tier": ["basic", "x"], "n": [5, 12_345], "share": [0.5, None]})
    assert text.splitlines() == [
        "tier       n  share",
        "basic      5    0.5",
        "x      12345",
    ]


def test_markup_control_characters_and_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.cells import cell_len

    text = printed(capsys, {"[bold]a": ["[red]x", "two\nlines", "\x1b[31mred\x07", "漢字"], "b": ["1", "2", "3", "4"]})
    lines = text.splitlines()
    assert lines[0].startswith("[bold]a")
    assert lines[1].startswith("[red]x")
    assert lines[2].startswith("two\\nlines")
    assert "\x1b" not in text
    assert "\x07" not in text
    assert len({cell_len(line[: line.rindex("  ")]) for line in lines}) == 1  # column b is aligned
    assert len(lines) == 5


def test_long_cells_and_many_columns_are_cut_and_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, {"long": ["x" * 500]})
    assert max(map(len, text.splitlines())) == 48
    assert text.splitlines()[1].endswith("x…")
    text = printed(capsys, {f"column_{i:02d}": ["y" * 30] for i in range(12)})
    assert text.splitlines()[-1] == "… 5 more columns (--format csv)"  # seven of 32 fit into 240
    assert len(text.splitlines()[0].split()) == 7


def test_rows_beyond_the_limit_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, {"n": list(range(1_500))}, limit=3)
    assert (
        text.splitlines()[1:] == ["0", "1", "2", "… 1,497 more rows (--limit, or --format csv)"] or text.split() == []
    )
    assert [line.strip() for line in text.splitlines()[1:4]] == ["0", "1", "2"]


def test_no_rows_and_no_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, {"a": []}) == "a\n"
    assert printed(capsys, {}, "json") == "[]\n"
    assert printed(capsys, {"a": []}, "csv") == "a\n"


def test_csv_quotes_what_needs_it(capsys: pytest.CaptureFixture[str]) -> None:
    import csv

    cells = ['say "hi"', "a,b", "two\nlines", "", "größe"]
    text = printed(capsys, {'odd "name"': cells, "n": [1, None, 3, 4, 5]}, "csv")
    rows = list(csv.reader(text.splitlines(keepends=True)))
    assert rows[0] == ['odd "name"', "n"]
    assert [r[0] for r in rows[1:]] == cells
    assert [r[1] for r in rows[1:]] == ["1", "", "3", "4", "5"]


def test_formulas_are_said_and_csv_safe_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    import csv

    import pyarrow as pa

    formulas = ["=1+1", "+1", "-1", "@sum(a1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]
    texts = [*formulas, "a=1", "", "5"]
    table = pa.table({"@name": texts, "n": [-1.5] * len(texts)})
    for style, header, cells in (
        ("csv", "@name", texts),
        ("csv-safe", "'@name", [*(f"'{f}" for f in formulas), "a=1", "", "5"]),
    ):
        print_table(table, style, 200)
        done = capsys.readouterr()
        rows = list(csv.reader(io.StringIO(done.out, newline="")))
        assert rows[0] == [header, "n"]
        assert rows[1:] == [[c, "-1.5"] for c in cells]  # numbers are no formulas
        said = "note: 9 cells begin with = + - @ or a tab: formulas to a spreadsheet (--format csv-safe)\n"
        assert done.err == (said if style == "csv" else "")


def test_json_holds_numbers_and_is_json(built: Project) -> None:
    sql = "select 1.50::decimal(9,2) as d, sum(x) as s, 'nan'::double as n, {'a': [1.25::decimal(5,2)]} as o, date '2026-01-02' as t from range(5) r(x)"

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    rows = json.loads(built.ok("query", sql, "--format", "json"), parse_constant=refuse)
    assert rows == [{"d": 1.5, "s": 10, "n": None, "o": {"a": [1.25]}, "t": "2026-01-02"}]


def test_sql_from_a_file(built: Project) -> None:
    (built.root / "q.sql").write_text("-- how many\nselect count(*) as n from by_tier")
    assert built.ok("query", "--file", "q.sql").split() == ["n", "3"]
    assert "pass the SQL, or --file" in built.fails("query", "select 1", "--file", "q.sql", code=2)


def test_wrong_sql_is_explained(built: Project) -> None:
    assert "the query does not work" in built.fails("query", "selec 1", code=2)
    assert "published:" in built.fails("query", "select * from nowhere", code=2)


def test_before_any_build(shop: Project) -> None:
    assert "synth build" in shop.fails("query", "select 1", code=2)
    assert "synth build" in shop.fails("show", "customers", code=2)


def test_on_a_terminal_a_query_is_a_table_no_wider_than_it(built: Project) -> None:
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (24, 40))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [*SYNTH, "query", "select * from customers limit 2"],
        cwd=built.root,
        stdout=child,
        stderr=child,
        env=environment,
    )
    os.close(child)
    output = b""
    while True:
        try:
            chunk = os.read(parent, 4096)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        output += chunk
    os.close(parent)
    assert process.wait(timeout=60) == 0
    lines = output.decode().replace("\r\n", "\n").splitlines()
    assert lines[0].split()[0] == "customer_id"
    assert "," not in lines[0]
    assert max(map(len, lines)) <= 40
    assert "more columns" in lines[-1]


def test_show_tells_what_a_table_is_worth(shop: Project) -> None:
    path = shop.root / "models" / "customers.yml"
    path.write_text(
        path.read_text().replace(
            "- name: by_tier",
            "- name: by_tier\n    description: Customers per tier\n    columns: [{name: n, description: How many}]",
        )
    )
    shop.ok("build")
    lines = shop.ok("show", "by_tier").splitlines()
    assert lines[0] == "Customers per tier"
    facts = {line[:12].strip(): line[12:] for line in lines[1:8]}
    assert facts["rows"] == "3"
    assert facts["made by"].startswith("sql from crm.customers")
    assert facts["privacy"] == "none: the table contains real rows"
    assert any(line.split() == ["n", "BIGINT", "How", "many"] for line in lines)
    assert [line.split()[0] for line in lines[-3:]] == ["basic", "plus", "pro"]
    assert len(shop.ok("show", "by_tier", "--limit", "1").splitlines()) == len(lines) - 2
    receipt = json.loads(shop.ok("show", "by_tier", "--format", "json"))
    assert receipt["rows"] == 3
