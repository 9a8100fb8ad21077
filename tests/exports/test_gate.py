"""What is exported passed the gate, is whole, and appears whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synthkit.exports.excel import sheet_names
from synthkit.exports.folder import MARK
from tests.exports.conftest import exported
from tests.families import MEMBERS, FamilyProject, copy_of
from tests.packages import installed
from tests.synth import Project, copied


def test_other_bytes_than_the_receipt_says_are_refused(kinds: Project, tmp_path: Path) -> None:
    project = copied(kinds, tmp_path / "shop")
    (file,) = project.parquet("kinds")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1  # as long as before: whoever looks at sizes sees nothing
    file.unlink()
    file.write_bytes(data)
    told = project.fails("export", "kinds", "--to", "csv", "--out", "fresh", code=2)
    assert "kinds" in told
    assert "receipt" in told
    assert not (project.root / "fresh").exists()


def test_a_receipt_that_contradicts_itself_is_refused(kinds: Project, tmp_path: Path) -> None:
    project = copied(kinds, tmp_path / "shop")
    path = project.root / "warehouse/dev/kinds.receipt.json"
    said = json.loads(path.read_text("utf-8"))
    said["fingerprints"]["sample"] = "0" * 64
    path.write_text(json.dumps(said, indent=2), "utf-8")
    told = project.fails("export", "kinds", "--to", "csv", "--out", "fresh", code=2)
    assert "contradicts itself, so it is not exported" in told
    assert not (project.root / "fresh").exists()


def test_a_table_of_a_family_brings_the_family(family: FamilyProject) -> None:
    told = family.synth("export", "synthetic_orders", "--to", "csv", "--out", "out/one")
    assert told.returncode == 0
    assert "a family is exported whole, with its keys" in told.stderr
    assert {p.stem for p in (family.root / "out/one").glob("*.csv")} == {*MEMBERS}
    whole = exported(family, "synthetic_shop", "--to", "csv", "--out", "out/whole")
    every = exported(family, "--to", "csv", "--out", "out/every")
    for name in MEMBERS:
        one = (family.root / f"out/one/{name}.csv").read_bytes()
        assert (whole / f"{name}.csv").read_bytes() == (every / f"{name}.csv").read_bytes() == one
    assert {p.stem for p in every.glob("*.csv")} == {*MEMBERS, "spending"}


def test_a_family_of_which_one_table_is_other_is_exported_not_at_all(family: FamilyProject, tmp_path: Path) -> None:
    project = copy_of(family, tmp_path / "family")
    (file,) = project.parquet("synthetic_shop_lines")
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(data)
    project.fails("export", "synthetic_orders", "--to", "csv", "--out", "fresh", code=2)
    assert not (project.root / "fresh").exists()


def test_an_export_replaces_an_export_and_nothing_else(kinds: Project) -> None:
    folder = exported(kinds, "kinds", "--to", "jsonl", "--out", "out/again")
    assert {p.name for p in folder.iterdir()} == {"kinds.jsonl", "README.md", MARK}
    exported(kinds, "kinds", "--to", "csv", "--out", "out/again")
    assert {p.name for p in folder.iterdir()} == {"kinds.csv", "README.md", MARK}
    mark = json.loads((folder / MARK).read_text("utf-8"))
    assert (mark["format"], mark["tables"]["kinds"]["rows"], sorted(mark["files"])) == ("csv", 5, ["README.md", "kinds.csv"])  # fmt: skip
    (folder / "notes.txt").write_text("mine", "utf-8")
    assert "holds other things since: notes.txt" in kinds.fails(
        "export", "kinds", "--to", "csv", "--out", "out/again", code=2
    )
    assert "other things" in kinds.fails("export", "kinds", "--to", "csv", "--out", "models", code=2)
    assert "is a file" in kinds.fails("export", "kinds", "--to", "csv", "--out", "synth_project.yml", code=2)
    assert (folder / "notes.txt").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("kinds", "--to", "cvs", "--out", "x"), "did you mean 'csv'"),
        (("kind", "--to", "csv", "--out", "x"), "did you mean 'kinds'"),
        (("kinds", "--to", "csv"), "--out"),
        (("kinds", "--to", "excel", "--out", "x"), ".xlsx"),
        (("kinds", "--to", "csv", "--out", "x", "--system", "y"), "instruction tables"),
        ((), "--to"),
    ],
)
def test_what_cannot_be_is_said_with_the_fix(kinds: Project, words: tuple[str, ...], message: str) -> None:
    assert message in kinds.fails("export", *words, code=2)
    assert not (kinds.root / "x").exists()


def test_a_full_sheet_leaves_no_file(kinds: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openpyxl")
    from synthkit.api import export_to
    from synthkit.errors import SynthError
    from synthkit.exports import excel

    monkeypatch.setattr(excel, "ROWS", 5)
    with pytest.raises(SynthError, match="'kinds' has 5 rows, and a sheet of Excel has at most 5 rows"):
        export_to(kinds.root / "big.xlsx", "excel", "kinds", kinds.root)
    assert not list(kinds.root.glob("*big*"))


def test_names_of_sheets_fit_and_differ() -> None:
    tables = ["t" * 31, "t" * 32, "T" * 33, "About", "a"]
    found = sheet_names(tables)
    assert len({name.casefold() for name in found.values()} | {"about"}) == 6
    assert max(map(len, found.values())) <= 31


def test_a_format_of_somebody_else(kinds: Project, tmp_path: Path) -> None:
    code = (
        "from synthkit.exports.contract import Exporter\n"
        "def write(package, folder):\n"
        "    for table in package.tables:\n"
        "        rows = sum(batch.num_rows for batch in table.batches(2))\n"
        "        (folder / f'{table.name}.txt').write_text(f'{rows} {table.statement}')\n"
        "LINES = Exporter('lines', write)\n"
    )
    (tmp_path / "their_lines.py").write_text(code, "utf-8")
    found = installed(tmp_path / "packages", "lines", "synthkit.exports", "lines = their_lines:LINES")
    found = {**found, "PYTHONPATH": f"{tmp_path}{':' + found['PYTHONPATH'] if found.get('PYTHONPATH') else ''}"}
    kinds.ok("export", "kinds", "--to", "lines", "--out", "out/lines", env=found)
    assert (kinds.root / "out/lines/kinds.txt").read_text() == "5 synthetic rows, no formal privacy guarantee"


def test_without_its_yaml_it_says_what_the_receipts_do(kinds: Project, tmp_path: Path) -> None:
    project = copied(kinds, tmp_path / "shop")
    (project.root / "models/kinds.yml").write_text("models: [\n", "utf-8")
    told = project.synth("export", "kinds", "--to", "csv", "--out", "fresh")
    assert told.returncode == 0, told.stderr
    assert "those of the receipts" in told.stderr
    assert "decisions about people" in (project.root / "fresh/README.md").read_text("utf-8")
