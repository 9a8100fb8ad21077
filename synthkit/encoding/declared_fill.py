"""How a private table's unlearnt columns are filled, from what is declared alone: the rows are never looked at.

:mod:`.fill` learns the shape of keys, how often a foreign key repeats, words per text, shares of
nulls. Under a privacy budget each of these would be a release of its own; so here keys count from 1, texts are words
from a list, and nothing is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.fill import ColumnPlan, serialised
from synthkit.encoding.keys import MOST_VALUES, KeyRule, Move
from synthkit.encoding.rules import FillRule
from synthkit.encoding.shapes import Shapes
from synthkit.encoding.values import array_of, plain, whole_numbers
from synthkit.encoding.view import AS_IT_IS, View
from synthkit.errors import BuildError
from synthkit.formats.columns import composed_of
from synthkit.privacy.knowledge import learnt_columns
from synthkit.schema import Column, Schema

if TYPE_CHECKING:
    import pyarrow as pa

WORDS = tuple((words, 1) for words in range(2, 9))  # of a made-up text: two to eight, equally often
_MOST_STEPS = 2**62


def plan_declared(schema: Schema, parquet: Path, read: View = AS_IT_IS) -> ColumnPlan:
    """Which columns are learnt and how the others are filled.

    Args:
        schema: what is declared (:func:`synthkit.privacy.knowledge.declared_schema`).
        parquet: the rows under that schema; of it, only the column types are read.
        read: how they were read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pq.read_schema(parquet)
    rules = {c.name: rule for c in schema.columns if (rule := _rule(c, schema)) is not None}
    return ColumnPlan(
        schema=schema,
        arrow=serialised(pa.schema([arrow.field(c.name) for c in schema.columns])),
        modelled=learnt_columns(schema),
        filled=tuple(rules.values()),
        key=_key(schema, rules, arrow),
        read=read,
    )


def _rule(column: Column, schema: Schema) -> FillRule | None:
    unique = schema.primary_key == (column.name,)
    if column.pii is not None:
        return FillRule(column, "faker", unique=unique)
    if column.type == "id" or (unique and column.type != "text"):
        shapes = Shapes(()) if column.sql_type.startswith("VARCHAR") else None
        return FillRule(column, "key", unique=True, shapes=shapes)
    if column.type == "text" and composed_of(column) is not None and not unique:
        return FillRule(column, "form")
    if column.type == "text":
        return FillRule(column, "text", unique=unique, shapes=Shapes((), WORDS))
    return None


def _key(schema: Schema, rules: dict[str, FillRule], arrow: pa.Schema) -> KeyRule | None:
    """How a primary key of several learnt columns stays unique: by the declared values and bounds."""
    names = schema.primary_key
    if not names or any(rules[n].unique for n in names if n in rules):
        return None
    return moves_of(schema, [n for n in names if n not in rules], arrow)


def moves_of(schema: Schema, names: Sequence[str], arrow: pa.Schema) -> KeyRule:
    """How the primary key is kept unique by what its columns ``names`` are declared to hold."""
    moves = [m for n in names for m in _moves(schema.by_name[n], arrow.field(n).type)]
    moves.sort(key=lambda m: (m.range is not None, _room(m)), reverse=True)
    return KeyRule(schema.primary_key, tuple(moves))


def _room(move: Move) -> int:
    return len(move.values) if move.range is None else (move.range[1] - move.range[0]) // move.range[2] + 1


def _moves(column: Column, kind: pa.DataType) -> list[Move]:
    if column.values is not None and 1 < len(column.values) <= MOST_VALUES:
        return [Move(column.name, None, tuple(plain(v) for v in column.values))]
    if column.bounds is None:
        return []
    ends: Any = None
    try:
        ends = whole_numbers(array_of(list(column.bounds), kind, column.name))
    except BuildError:
        return []
    if ends is None:
        return []
    low, high = (int(v) for v in ends.to_pylist())
    return [Move(column.name, (low, high, 1))] if 0 < high - low < _MOST_STEPS else []
