"""The same rows give the same bytes, however they arrive."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.errors import BuildError
from synthkit.files import digests
from synthkit.store import parquet
from synthkit.store.parquet import read_metadata, write_parquet

TABLE = pa.table({"n": pa.array(range(1000)), "s": pa.array([f"v{i % 7}" for i in range(1000)])})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=12))
def test_bytes_do_not_depend_on_the_batches(tmp_path_factory: pytest.TempPathFactory, sizes: list[int]) -> None:
    folder = tmp_path_factory.mktemp("parquet")

    def batches() -> list[pa.RecordBatch]:
        found, start = [], 0
        for size in sizes:
            found += TABLE.slice(start, size).to_batches()
            start += size
        return [*found, *TABLE.slice(start).to_batches()]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROW_GROUP", 256)
        written = write_parquet(batches(), TABLE.schema, folder / "a.parquet", {"b": "2", "a": "1"})
        write_parquet(TABLE.to_batches(), TABLE.schema, folder / "b.parquet", {"a": "1", "b": "2"})
    assert written == (1000, digests(folder / "a.parquet"))
    assert (folder / "a.parquet").read_bytes() == (folder / "b.parquet").read_bytes()
    assert pq.read_table(folder / "a.parquet").replace_schema_metadata(None).equals(TABLE)


def test_the_stamp_can_be_read(tmp_path: Path) -> None:
    write_parquet(TABLE.to_batches(), TABLE.schema, tmp_path / "a.parquet", {"synthkit.epsilon": "1.0"})
    assert read_metadata(tmp_path / "a.parquet") == {"synthkit.epsilon": "1.0"}


def test_a_failure_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(TABLE.to_batches(), TABLE.schema, path, {})
    before = path.read_bytes()

    def breaking() -> object:
        yield TABLE.to_batches()[0]
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_parquet(breaking(), TABLE.schema, path, {})  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]
    with pytest.raises(BuildError):
        write_parquet(TABLE.to_batches(), TABLE.schema, tmp_path / "a.parquet" / "b.parquet", {})
