"""Tables that are published together: at every instant, and after a kill at any, all are old or all are new."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.errors import BuildError
from synthkit.files import sha256_file
from synthkit.records.receipt import Receipt
from synthkit.store import journal
from synthkit.store.database import rebuild
from synthkit.store.parquet import write_parquet
from synthkit.store.published import recover
from synthkit.store.reader import Reader
from synthkit.store.target import PassingAudit, Publication, TableInfo
from synthkit.store.warehouse import Warehouse
from tests.killing import Steps
from tests.receipts import audited
from tests.store.test_warehouse import AUDIT

MEMBERS = ("customers", "orders", "lines")
FAMILY = {"name": "shop", "members": list(MEMBERS)}


def warehouse_in(folder: Path) -> Warehouse:
    return Warehouse(folder / "warehouse" / "dev", folder / "warehouse" / "dev.duckdb")


def publications(scratch: Path, turn: int, members: tuple[str, ...] = MEMBERS) -> list[Publication]:
    """A family whose tables all say the turn that they are of; each turn has another number of rows."""
    found = []
    for name in members:
        staged, rows = scratch / f"{name}{turn}.parquet", 3 + turn % 7
        table = pa.table({"n": pa.array([turn] * rows, pa.int64())})
        hashes = write_parquet(table.to_batches(), table.schema, staged, {}).hashes
        said = audited(model=name, rows=rows, run_id=f"r{turn}", audits=[AUDIT], family=FAMILY)
        found.append(Publication(name, staged, PassingAudit.of([AUDIT]), said, hashes))
    return found


def turns(warehouse: Warehouse) -> set[int]:
    """The turns of the rows that somebody reads who opens all tables at once."""
    reader = Reader(warehouse)
    tables = reader.all()
    assert tuple(sorted(tables)) == tuple(sorted(MEMBERS)), tables
    found = set()
    for table in tables.values():
        assert sha256_file(table.path) == table.receipt.sha256
        (one,) = {row["n"] for row in pq.read_table(table.path).to_pylist()}
        found.add(one)
    everywhere = " union ".join(f"select n from {name}" for name in MEMBERS)
    assert {row["n"] for row in reader.query(everywhere).to_pylist()} == found
    return found


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return warehouse_in(tmp_path)


def test_all_appear_with_receipts_that_follow_the_old_ones(warehouse: Warehouse, tmp_path: Path) -> None:
    before = warehouse.publish_all(publications(tmp_path, 1))
    hashes = {name: sha256_file(warehouse.receipt_path(name)) for name in MEMBERS}
    after = warehouse.publish_all(publications(tmp_path, 2))
    assert turns(warehouse) == {2}
    assert {name: receipt.previous for name, receipt in after.items()} == hashes
    assert warehouse.all_published() == after != before
    for name in MEMBERS:
        assert json.loads(warehouse.receipt_path(name).read_text("utf-8")) == after[name].to_json()
        assert [p.name for p in (warehouse.directory / name).iterdir()] == [Path(after[name].file).name]
    assert not (warehouse.directory / journal.FILE).exists()


def test_without_each_ones_proof_none_is_published(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.publish_all(publications(tmp_path, 1))
    good, bad, _ = publications(tmp_path, 2)
    unproved = Publication(bad.name, bad.data, [AUDIT], bad.table)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        warehouse.publish_all([good, unproved])
    bad.data.write_bytes(bad.data.read_bytes()[:-1] + b"x")
    with pytest.raises(BuildError, match="is not what was staged for 'orders'"):
        warehouse.publish_all([good, bad])
    assert turns(warehouse) == {1}


def test_where_one_cannot_be_written_all_are_as_they_were(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.publish_all(publications(tmp_path, 1))
    (*rest, last) = publications(tmp_path, 2)
    folder = warehouse.directory / "more"
    folder.write_text("in the way")
    elsewhere = Publication("more", last.data, last.audit, last.table.having(model="more"), last.hashes)
    with pytest.raises(BuildError, match="cannot write"):
        warehouse.publish_all([*rest, elsewhere])
    assert turns(warehouse) == {1}


def left_half_way(warehouse: Warehouse, scratch: Path, turn: int) -> dict[str, Receipt]:
    """What a process leaves that is killed when it has replaced one receipt of three."""
    written, settle = [], journal.write_text_atomic

    def once(path: Path, text: str) -> None:
        if written:
            raise BuildError("killed")
        written.append(path)
        settle(path, text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "write_text_atomic", once)
        return warehouse.publish_all(publications(scratch, turn))


def test_the_next_process_ends_what_was_begun(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.publish_all(publications(tmp_path, 1))
    new = left_half_way(warehouse, tmp_path, 2)
    assert (warehouse.directory / journal.FILE).exists()
    assert turns(warehouse) == {2}
    recover(warehouse)
    assert turns(warehouse) == {2}
    assert not (warehouse.directory / journal.FILE).exists()
    assert {n: json.loads(warehouse.receipt_path(n).read_text("utf-8"))["sha256"] for n in MEMBERS} == {
        n: r.sha256 for n, r in new.items()
    }


def test_one_table_alone_may_follow_at_once(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.publish_all(publications(tmp_path, 1))
    left_half_way(warehouse, tmp_path, 2)
    (alone,) = publications(tmp_path, 3, ("orders",))
    warehouse.publish(alone.name, alone.data, alone.audit, alone.table, hashes=alone.hashes)
    found = {name: receipt.run_id for name, receipt in warehouse.all_published().items()}
    assert found == {"customers": "r2", "lines": "r2", "orders": "r3"}
    left_half_way(warehouse, tmp_path, 4)
    warehouse.remove("orders")
    assert list(warehouse.all_published()) == ["customers", "lines"]


def test_receipts_that_came_from_elsewhere_are_believed(warehouse: Warehouse, tmp_path: Path) -> None:
    """After a kill somebody pulls other receipts: what was being published replaces them no more."""
    warehouse.publish_all(publications(tmp_path, 1))
    left_half_way(warehouse, tmp_path, 2)
    pulled = warehouse.receipt_path("lines")
    pulled.write_text(pulled.read_text("utf-8").replace('"r1"', '"r9"'), "utf-8")
    seen = warehouse.receipt("lines")
    assert seen is not None
    assert seen.run_id == "r9"
    recover(warehouse)
    assert not (warehouse.directory / journal.FILE).exists()
    assert warehouse.receipt("lines") == seen


@pytest.mark.parametrize("content", ["", "{", "[]", '{"receipts": {"orders": "x"}}'])
def test_a_journal_that_is_none_says_nothing(warehouse: Warehouse, tmp_path: Path, content: str) -> None:
    warehouse.publish_all(publications(tmp_path, 1))
    (warehouse.directory / journal.FILE).write_text(content, "utf-8")
    assert turns(warehouse) == {1}
    warehouse.publish_all(publications(tmp_path, 2))
    assert turns(warehouse) == {2}


@pytest.mark.slow
def test_readers_never_meet_a_new_table_beside_an_old_one(warehouse: Warehouse, tmp_path: Path) -> None:
    """By synthkit, and by DuckDB alone, where one member is a view; two threads publish, as those of a build do."""
    infos = {name: TableInfo(name, "view" if name == "lines" else "table") for name in MEMBERS}
    warehouse.publish_all(publications(tmp_path, 0))
    rebuild(warehouse, infos, [])
    ended = threading.Event()

    def by_synthkit() -> int:
        reads = 0
        while not ended.is_set():
            found = {receipt.run_id for receipt in warehouse.all_published().values()}
            assert len(found) == 1, found
            reads += 1
        return reads

    def by_duckdb() -> int:
        reads = 0
        while not ended.is_set():
            with closing(duckdb.connect(str(warehouse.database), read_only=True)) as connection:
                everywhere = " union ".join(f"select n from {name}" for name in MEMBERS)
                found = connection.execute(everywhere).fetchall()
            assert len(found) == 1, found
            reads += 1
        return reads

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(by_synthkit), pool.submit(by_duckdb)]
        try:
            for turn in range(1, 31):
                warehouse.publish_all(publications(tmp_path, turn))
                if turn % 2:
                    rebuild(warehouse, infos, [])
        finally:
            ended.set()
        assert all(reader.result(60) > 5 for reader in readers)
    assert turns(warehouse) == {30}


@pytest.mark.slow
def test_a_publication_killed_at_any_file_operation_is_all_or_nothing() -> None:
    done = subprocess.run([sys.executable, "-m", __name__], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert len(found) > 30  # placing three files, one journal, three receipts, and what is flushed in between
    assert found == sorted(found)  # old before one operation, new from it on
    assert set(found) == {0, 1}


def _killed(folder: Path) -> Iterator[int]:
    """Kill a publication at its first file operation, at its second, …; 1 for each that left the new tables."""
    step = 0
    while True:
        step += 1
        warehouse = warehouse_in(folder / str(step))
        scratch = folder / f"scratch{step}"
        scratch.mkdir()
        warehouse.publish_all(publications(scratch, 1))
        new = publications(scratch, 2)
        child = os.fork()
        if child == 0:
            Steps(warehouse.directory, step).watch(folder / "log")
            warehouse.publish_all(new)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            assert turns(warehouse) == {2}
            return
        (left,) = turns(warehouse)
        recover(warehouse)
        assert {r.run_id for r in warehouse.all_published().values()} == {f"r{left}"}
        assert not list(warehouse.directory.rglob(".*"))
        warehouse.publish_all(publications(scratch, 3))
        assert turns(warehouse) == {3}
        yield left - 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(list(_killed(Path(place)))))
