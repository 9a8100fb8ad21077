"""The build of a family is killed at file operations all the way: whoever reads finds tables of one publication."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import pytest

import synthkit
from synthkit.files import sha256_file
from tests.families import JOINS, MEMBERS, FamilyProject, family_project
from tests.killing import Killer

PUBLISHING = ("journal.py", "warehouse.py", "target.py", "published.py", "pointer.py", "publish.py", "family.py")
KILLS = 14


def sizes(project: FamilyProject) -> tuple[int, int]:
    """How many customers synthkit's readers see, and DuckDB's; that tables join in both, and files are their receipts'."""
    reader = synthkit.open(project.root)
    tables = reader.all()
    assert {*MEMBERS} <= tables.keys()
    assert len({tables[name].receipt.run_id for name in MEMBERS}) == 1
    for name in MEMBERS:
        assert sha256_file(tables[name].path) == tables[name].receipt.sha256
    (joins,) = reader.query(JOINS).to_pylist()
    assert set(joins.values()) == {0}
    with duckdb.connect(str(project.root / "warehouse/dev.duckdb"), read_only=True) as connection:
        assert set(connection.execute(JOINS).fetchall()[0]) == {0}
        ((shown,),) = connection.execute("select count(*) from synthetic_shop_customers").fetchall()
    return tables["synthetic_shop_customers"].rows, shown


@pytest.mark.slow
def test_readers_find_all_tables_of_one_publication(tmp_path: Path) -> None:
    project = family_project(tmp_path / "shop")
    project.edit("    generator: test.entities\n", "    generator: test.entities\n    size: 20\n")
    killer = Killer(project.root, project.variables)
    killer.ok("build")
    project.edit("size: 20\n", "size: 21\n")
    whole = killer.synth("build")
    assert whole.code == 0, whole.text
    publishing = [n for n in whole.distinct if any(f" {file}" in whole.steps[n - 1] for file in PUBLISHING)]
    assert len(publishing) > KILLS
    journal = [n for n, step in enumerate(whole.steps, 1) if "journal.py" in step]
    wanted = {*publishing[:: max(1, len(publishing) // (KILLS - 6))], *journal[:: max(1, len(journal) // 6)]}
    size, seen = 21, Counter[str]()
    for step in sorted(wanted):
        project.edit(f"size: {size}\n", f"size: {size + 1}\n")
        size += 1
        done = killer.synth("build", step=step)
        read, shown = sizes(project)
        assert {read, shown} <= {size - 1, size}
        seen["killed" if done.killed else "ended", "new" if read == size else "old"] += 1  # type: ignore[index]
        killer.ok("build")
        assert sizes(project) == (size, size)
        left = [p for p in (project.root / "warehouse").rglob(".*") if p.name not in (".database-state", ".gitignore")]
        assert not left
        for name in MEMBERS:
            assert len(project.parquet(name)) == 1
    assert seen["killed", "old"] > 2  # type: ignore[index]
    assert seen["killed", "new"] > 2  # type: ignore[index]
