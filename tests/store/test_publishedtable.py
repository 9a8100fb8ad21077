"""A published table in notebooks and frames: a card, Arrow's stream, polars, pandas, DuckDB."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import synthkit
from synthkit import api
from synthkit.errors import SynthError
from synthkit.store.publishedtable import PublishedTable
from tests.receipts import receipt

TABLE = pa.table(
    {
        "n": pa.array([2**53 + 1, None, *range(98)], pa.int64()),
        "whole": pa.array(range(100), pa.int32()),
        "yes": pa.array([True, None] * 50),
        "share": pa.array([0.5, None] * 50),
        "words": pa.array(["<script>alert(1)</script>", None] * 50),
        "day": pa.array([0] * 100, pa.date32()),
    }
)


@pytest.fixture
def table(tmp_path: Path) -> PublishedTable:
    path = tmp_path / "m.parquet"
    pq.write_table(TABLE.replace_schema_metadata({"synthkit.model": "m"}), path, row_group_size=30)
    columns = [{"name": f.name, "type": "X"} for f in TABLE.schema]
    said = receipt().having(rows=100, columns=columns, description="A <b>table</b>", usage={"intended": ["load tests"]})
    said = said.having(
        audits=[{"name": "ks", "status": "pass", "value": 0.1, "ci": [0.05, 0.2], "threshold": "max 0.3"}]
    )
    return PublishedTable("m", path, said)


def test_whoever_takes_arrow_takes_the_table_as_it_is(table: PublishedTable) -> None:
    assert pa.table(table).equals(TABLE)
    assert pl.DataFrame(table).equals(pl.from_arrow(TABLE))
    assert table.to_polars().equals(pl.from_arrow(TABLE))
    with duckdb.connect() as connection:
        connection.register("published", table)
        assert connection.execute("select count(*), max(n) from published").fetchall() == [(100, 2**53 + 1)]
    assert pa.RecordBatchReader.from_stream(table).schema.metadata is None


def test_the_stream_holds_one_batch_at_a_time(table: PublishedTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthkit.store.publishedtable.BATCH", 7)
    sizes = [batch.num_rows for batch in pa.RecordBatchReader.from_stream(table)]
    assert sum(sizes) == 100
    assert max(sizes) == 7


def test_nullable_columns_keep_their_types_with_and_without_nulls(table: PublishedTable) -> None:
    frame = table.to_pandas(nullable=True)
    assert {c: str(t) for c, t in frame.dtypes.items()} == {
        "n": "Int64",
        "whole": "Int32",
        "yes": "boolean",
        "share": "Float64",
        "words": "string",
        "day": "object",
    }
    assert frame["n"][0] == 2**53 + 1
    assert frame["share"][1] is pd.NA
    assert str(table.to_pandas()["whole"].dtype) == "int32"


class _Read(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_card_says_what_it_is_worth_and_holds_no_markup_of_rows(table: PublishedTable) -> None:
    read = _Read()
    read.feed(table._repr_html_())
    text = read.text
    assert text[:2] == ["m", "A <b>table</b>"]
    for name, value in (("rows", "100"), ("intended", "load tests"), ("made by", None), ("privacy", None)):
        assert name in text
        assert value is None or text[text.index(name) + 1] == value
    assert text[text.index("ks") :][:4] == ["ks", "pass", "0.1 [0.05, 0.2]", "max 0.3"]
    assert "The first 10 of 100 rows" in text
    assert text.count("<script>alert(1)</script>") == 5
    assert not {"script", "b"} & set(read.tags)
    assert read.tags.count("caption") == read.tags.count("table")


def test_a_table_that_was_withdrawn_says_so_in_every_form(table: PublishedTable) -> None:
    table.path.unlink()
    for call in (table.to_arrow, table.to_pandas, table.to_polars, table._repr_html_, table.__arrow_c_stream__):
        with pytest.raises(SynthError, match="published anew or withdrawn"):
            call()


def test_it_is_what_open_gives() -> None:
    assert api.PublishedTable is synthkit.PublishedTable is PublishedTable
