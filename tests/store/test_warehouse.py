"""Publication: only through a passing audit, whole or not at all; readers of the DuckDB file never see a gap."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from synthkit.errors import BuildError, SynthError
from synthkit.records.audit import AuditRecord
from synthkit.records.history import RunEntry
from synthkit.records.receipt import AuditedTable, Receipt
from synthkit.store.database import rebuild
from synthkit.store.parquet import write_parquet
from synthkit.store.published import recover
from synthkit.store.reader import Reader
from synthkit.store.target import PassingAudit, TableInfo
from synthkit.store.warehouse import Warehouse
from tests.receipts import audited

AUDIT = AuditRecord(name="ks", value=0.1, ci=(0.0, 0.2), threshold="max 0.2", severity="error", status="pass")


def receipt(name: str, rows: int) -> AuditedTable:
    return audited(
        model=name,
        rows=rows,
        fingerprints={"train": "t", "sample": f"s{rows}", "audit": "a"},
        description='It\'s "quoted", größer',
        column_descriptions={"n": "the number's"},
        audits=[AUDIT],
    )


def publish(warehouse: Warehouse, folder: Path, rows: int, name: str = "m") -> Receipt:
    staged = folder / f"staged{rows}.parquet"
    table = pa.table({"n": pa.array(range(rows), pa.int64())})
    write_parquet(table.to_batches(), table.schema, staged, {})
    return warehouse.publish(name, staged, PassingAudit.of([AUDIT]), receipt(name, rows))


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse" / "dev", tmp_path / "warehouse" / "dev.duckdb")


@pytest.mark.parametrize("status", ["fail", "error"])
def test_an_audit_that_did_not_pass_is_no_proof(status: str) -> None:
    failed = AUDIT.having(status=status)
    with pytest.raises(ValueError, match="ks"):
        PassingAudit.of([AUDIT, failed])
    with pytest.raises(ValueError, match="ks"):
        PassingAudit((failed,))


@pytest.mark.parametrize("status", [None, "anything"])
def test_a_verdict_that_is_none_is_no_record(status: str | None) -> None:
    with pytest.raises(ValueError, match="status"):
        AuditRecord.from_json({"name": "ks", "status": status})


def test_publishing_asks_for_the_proof(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        warehouse.publish("m", tmp_path / "x.parquet", [AUDIT], receipt("m", 1))  # type: ignore[arg-type]


def test_publish_replaces_and_keeps_one_file(warehouse: Warehouse, tmp_path: Path) -> None:
    for rows in (3, 5):
        written = publish(warehouse, tmp_path, rows)
        assert warehouse.published("m") == written
        assert [p.name for p in (warehouse.directory / "m").iterdir()] == [Path(written.file).name]
    found = warehouse.rows("m")
    assert found is not None
    assert found.table.rows == 5
    warehouse.remove("m")
    assert warehouse.published("m") is None


def test_rows_that_were_changed_after_they_were_staged_are_not_published(warehouse: Warehouse, tmp_path: Path) -> None:
    old = publish(warehouse, tmp_path, 3)
    staged = tmp_path / "staged.parquet"
    table = pa.table({"n": pa.array(range(5), pa.int64())})
    hashes = write_parquet(table.to_batches(), table.schema, staged, {}).hashes
    written = staged.read_bytes()
    staged.write_bytes(written[:-1] + b"x")
    passing = PassingAudit.of([AUDIT])
    with pytest.raises(BuildError, match="is not what was staged for 'm'"):
        warehouse.publish("m", staged, passing, receipt("m", 5), hashes=hashes)
    assert warehouse.published("m") == old
    staged.write_bytes(written)
    new = warehouse.publish("m", staged, passing, receipt("m", 5), hashes=hashes)
    assert (new.sha256, new.md5) == hashes


def test_a_receipt_cannot_lead_out_of_the_warehouse(warehouse: Warehouse, tmp_path: Path) -> None:
    publish(warehouse, tmp_path, 3)
    path = warehouse.receipt_path("m")
    (tmp_path / "secret.parquet").write_bytes(b"x")
    forged = path.read_text().replace(warehouse.published("m").file, "../../secret.parquet")  # type: ignore[union-attr]
    path.write_text(forged)
    with pytest.raises(BuildError, match="outside"):
        warehouse.published("m")
    with pytest.raises(BuildError, match="outside"):
        Reader(warehouse).query("select * from m")


def test_a_torn_file_is_not_published(warehouse: Warehouse, tmp_path: Path) -> None:
    written = publish(warehouse, tmp_path, 300)
    file = warehouse.file(written)
    file.write_bytes(file.read_bytes()[:-10])
    assert warehouse.published("m") is None


def test_the_database_has_tables_comments_and_meta(warehouse: Warehouse, tmp_path: Path) -> None:
    publish(warehouse, tmp_path, 4)
    publish(warehouse, tmp_path, 2, "seen")
    infos = {
        "m": TableInfo("m", "table", 'It\'s "quoted", größer', {"n": "the number's"}),
        "seen": TableInfo("seen", "view"),
    }
    assert rebuild(warehouse, infos, [RunEntry(run_id="r1", status="pass")]) is True
    assert rebuild(warehouse, infos, [RunEntry(run_id="r1", status="pass")]) is False  # nothing changed
    with duckdb.connect(str(warehouse.database), read_only=True) as connection:
        assert connection.execute("select count(*) from m").fetchall() == [(4,)]
        assert connection.execute("select count(*) from seen").fetchall() == [(2,)]
        comments = connection.execute("select comment from duckdb_tables() where table_name = 'm'").fetchall()
        assert comments == [('It\'s "quoted", größer',)]
        columns = connection.execute("select comment from duckdb_columns() where table_name = 'm'").fetchall()
        assert columns == [("the number's",)]
        assert connection.execute("select name, rows from synth_meta.tables order by 1").fetchall() == [
            ("m", 4),
            ("seen", 2),
        ]
        assert connection.execute("select status, ci_high from synth_meta.audits").fetchall() == [("pass", 0.2)] * 2
        assert connection.execute("select run_id from synth_meta.runs").fetchall() == [("r1",)]
        (statement,) = connection.execute("select distinct statement from synth_meta.privacy").fetchall()[0]
        assert "no formal privacy guarantee" in statement


def test_readers_see_published_tables_and_nothing_else(warehouse: Warehouse, tmp_path: Path) -> None:
    publish(warehouse, tmp_path, 4)
    reader = Reader(warehouse)
    table = reader.table("m")
    assert table.to_arrow().num_rows == table.to_pandas().shape[0] == len(table.to_duckdb().fetchall()) == 4
    assert table.epsilon is None
    assert table.audits()[0]["name"] == "ks"
    assert reader.query("select max(n) as top from m").to_pylist() == [{"top": 3}]  # without a DuckDB file as well
    assert reader.query("select name from synth_meta.tables").num_rows == 1
    with pytest.raises(SynthError, match="no table 'mm'"):
        reader.table("mm")
    for sql in ("select * from read_csv('/etc/passwd')", "create table x as select 1", "attach '/tmp/x.db'"):
        with pytest.raises(SynthError):
            reader.query(sql)


def test_a_receipt_that_a_killed_publish_was_writing_is_no_table(warehouse: Warehouse, tmp_path: Path) -> None:
    publish(warehouse, tmp_path, 4)
    (warehouse.directory / ".tmp-999999999-n.receipt.json").write_bytes(warehouse.receipt_path("m").read_bytes())
    assert Reader(warehouse).tables() == ["m"]
    recover(warehouse)
    assert not list(warehouse.directory.glob(".tmp-*"))


def test_a_query_that_a_publish_comes_into_reads_the_new_table(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(warehouse, tmp_path, 4)
    reader, connect, times = Reader(warehouse), Reader._connect, []

    def interrupted(self: Reader, receipts: dict[str, Receipt]) -> duckdb.DuckDBPyConnection:
        connection = connect(self, receipts)
        times.append(1)
        if len(times) == 1:  # after the files were looked up, and before they are read
            publish(warehouse, tmp_path, 6)
        return connection

    monkeypatch.setattr(Reader, "_connect", interrupted)
    assert reader.query("select count(*) as n from m").to_pylist() == [{"n": 6}]
    assert len(times) == 2
    with pytest.raises(SynthError, match="does not exist"):
        reader.query("select * from nowhere")
    assert len(times) == 3


READER = """
import sys, time, duckdb
end, reads = time.time() + float(sys.argv[2]), 0
while time.time() < end:
    with duckdb.connect(sys.argv[1], read_only=True) as c:
        rows = c.execute("select count(*), max(n) from m").fetchall()[0]
        assert rows[0] == rows[1] + 1, rows
        reads += 1
print(reads)
"""


@pytest.mark.slow
def test_readers_of_the_duckdb_file_never_meet_a_gap(warehouse: Warehouse, tmp_path: Path) -> None:
    publish(warehouse, tmp_path, 10)
    rebuild(warehouse, {}, [])
    command = [sys.executable, "-c", READER, str(warehouse.database), "8"]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for rows in range(11, 31):
        publish(warehouse, tmp_path, rows)
        assert rebuild(warehouse, {}, [RunEntry(run_id=str(rows))])
    for reader in readers:
        out, err = reader.communicate(timeout=60)
        assert reader.returncode == 0, err
        assert int(out) > 5
