"""The version before the last: kept when the next is published, found again for the same rows."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.schema import Column, Schema
from synthkit.store.previous import PreviousVersions
from synthkit.store.target import PassingAudit
from synthkit.store.warehouse import Warehouse
from tests.receipts import audited


@pytest.fixture
def versions(tmp_path: Path) -> PreviousVersions:
    warehouse = Warehouse(tmp_path / "warehouse", tmp_path / "dev.duckdb")
    return PreviousVersions(tmp_path / "previous", warehouse)


def staged(directory: Path, *values: int) -> Path:
    path = directory / f"{'_'.join(map(str, values))}.parquet"
    pq.write_table(pa.table({"a": list(values)}), path)
    return path


def publish(versions: PreviousVersions, rows: Path) -> None:
    versions.keep("t", rows)
    schema = Schema((Column("a", "integer", "BIGINT"),)).to_json()
    table = audited(schema=schema, rows=pq.read_table(rows).num_rows)
    versions.warehouse.publish("t", rows, PassingAudit.of([]), table)


def before(versions: PreviousVersions, rows: Path) -> list[int] | None:
    found = versions.before("t", rows)
    return None if found is None else pq.read_table(found.path)["a"].to_pylist()


def test_each_is_held_against_the_one_before(versions: PreviousVersions, tmp_path: Path) -> None:
    one, two, three = (staged(tmp_path, n) for n in (1, 2, 3))
    assert before(versions, one) is None
    publish(versions, one)
    assert before(versions, one) is None  # the published version has none before it
    assert before(versions, two) == [1]
    publish(versions, two)
    assert before(versions, two) == [1]  # judged again: the warehouse has two alone
    publish(versions, two)  # the same bytes, published again
    assert before(versions, two) == [1]
    publish(versions, three)
    receipt = versions.warehouse.published("t")
    assert receipt is not None
    assert before(versions, versions.warehouse.file(receipt)) == [2]
    assert before(versions, two) == [3]  # rows of an old version, about to be published again


def test_a_kill_leaves_no_wrong_version(versions: PreviousVersions, tmp_path: Path) -> None:
    one, two, three = (staged(tmp_path, n) for n in (1, 2, 3))
    for rows in (one, two):
        publish(versions, rows)
    versions.keep("t", three)  # and killed before three was published
    assert before(versions, two) is None
    assert before(versions, three) == [2]
    (tmp_path / "previous/t/data.parquet").write_bytes(b"cut")
    publish(versions, three)
    (tmp_path / "previous/t/data.parquet").write_bytes(b"cut")
    assert before(versions, three) is None
