"""The published row: an item, and where it comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from synthkit.instruct.items.item import Item
from synthkit.schema import Column, LogicalType, Schema

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS: Mapping[str, tuple[str, str]] = {  # name → SQL type, what it is
    "item_id": ("VARCHAR", "SHA-256 of instruction, input and response, the first 16 digits"),
    "instruction": ("VARCHAR", "what is asked"),
    "input": ("VARCHAR", "the text that the instruction is about; empty where there is none"),
    "response": ("VARCHAR", "what a model should answer"),
    "topic": ("VARCHAR", "the topic that was asked for"),
    "teacher": ("VARCHAR", "the model that wrote the item"),
    "request_id": ("VARCHAR", "the kept request that it came in, the first 16 digits of its key"),
    "response_request_id": ("VARCHAR", "the kept request that the response came in; another with responses: separate"),
    "parents": ("VARCHAR", "row numbers of the seeds that the teacher was shown, with commas"),
    "evolution": ("BIGINT", "how many times the item was rewritten into a harder one"),
    "judge_score": ("BIGINT", "the judge's score from 1 to 5; null without a judge"),
    "filters": ("VARCHAR", "the filters that the item passed, with commas"),
}
BATCH = 4096


@dataclass(frozen=True)
class Row:
    """An accepted item with its provenance."""

    item: Item
    teacher: str
    request: str
    parents: Sequence[int]
    evolution: int = 0
    score: int | None = None
    response_request: str | None = None  # where the response came by a request of its own
    filters: Sequence[str] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        item = self.item
        text = "\x1f".join((item.instruction, item.input, item.response))
        return {
            "item_id": hashlib.sha256(text.encode()).hexdigest()[:16],
            "instruction": item.instruction,
            "input": item.input,
            "response": item.response,
            "topic": item.topic,
            "teacher": self.teacher,
            "request_id": self.request[:16],
            "response_request_id": (self.response_request or self.request)[:16],
            "parents": ",".join(map(str, self.parents)),
            "evolution": self.evolution,
            "judge_score": self.score,
            "filters": ",".join(self.filters),
        }


def schema_of(names: Sequence[str] | None) -> Schema:
    """The table's columns: all, or ``names`` of them in that order."""
    columns = []
    for name in names or COLUMNS:
        sql_type, description = COLUMNS[name]
        logical: LogicalType = "integer" if sql_type == "BIGINT" else "categorical" if name == "topic" else "text"
        columns.append(Column(name, logical, sql_type, description=description))
    return Schema(tuple(columns))


def batches(rows: Iterable[Row], schema: Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    kinds = {"VARCHAR": pa.string(), "BIGINT": pa.int64()}
    arrow = pa.schema([(c.name, kinds[c.sql_type]) for c in schema.columns])
    left = iter(rows)
    while some := list(islice(left, BATCH)):
        yield pa.RecordBatch.from_pylist([{n: d[n] for n in schema.names} for d in (r.to_dict() for r in some)], arrow)
