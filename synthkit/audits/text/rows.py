"""Texts of a table, as the audits of instruction tables read them."""

from __future__ import annotations

from typing import Any, TypeVar

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import AuditParams, ColumnName
from synthkit.errors import SynthError
from synthkit.instruct.items.item import Item

T = TypeVar("T")


class TextParams(AuditParams):
    """Which columns hold the texts.

    Args:
        instruction: the column of the instructions.
        response: that of the responses.
        input: that of what an instruction is about, if there is one.
    """

    instruction: ColumnName = "instruction"
    response: ColumnName = "response"
    input: ColumnName | None = None


def items(context: AuditContext, side: Side, params: TextParams, topic: str | None = None) -> list[Item]:
    """The rows of a side as items, in their order; none where there is no such side.

    Raises SynthError where the side lacks one of the columns, as a table of seeds may be named otherwise.
    """
    if context.side(side) is None:
        return []
    names = {"instruction": params.instruction, "response": params.response, "input": params.input, "topic": topic}
    wanted = {role: column for role, column in names.items() if column is not None}
    require(context, side, *wanted.values())
    rows = context.arrow(side, tuple(dict.fromkeys(wanted.values()))).to_pylist()
    return [Item.of({role: row[column] for role, column in wanted.items()}) for row in rows]


def require(context: AuditContext, side: Side, *columns: str) -> None:
    """Raises SynthError where the side lacks a column."""
    table = context.side(side)
    missing = [] if table is None else [c for c in columns if c not in table.schema.names]
    if missing:
        whose = "the audited table" if side == "synthetic" else f"the real rows ({side})"
        raise SynthError(
            f"{whose} has no column {missing[0]!r}", hint="name the columns of the texts: instruction:, response:, …"
        )


def sampled(values: list[T], most: int, rng: Any) -> list[T]:
    """At most so many of the values, drawn without replacement, in their order."""
    if len(values) <= most:
        return values
    return [values[i] for i in sorted(rng.choice(len(values), most, replace=False).tolist())]
