"""Rules that hold in most rows: whether they do is an event, a column of its own that is learnt beside the others.

Where the event is drawn, the rule is made to hold: a target is computed, and other rows take the values of drawn rows
in which it holds. Where it is not, rows in which it holds by accident take the values of rows in which it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.kept.arrow import types_of, unpacked
from synthkit.encoding.kept.computed import places_of
from synthkit.encoding.kept.mending import with_blocks
from synthkit.files import Json
from synthkit.rules.coding import missing
from synthkit.rules.formula import Formula
from synthkit.rules.language import parse_rule
from synthkit.rules.mostly import Mostly
from synthkit.schema import Column, Schema

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from synthkit.rules.coding import Mask


@dataclass(frozen=True)
class Event:
    """One such rule.

    Args:
        text: the rule.
        kind: Arrow type of a computed column, packed; None where none is computed.
        places: after the point, that a computed float has.
    """

    text: str
    kind: str | None = None
    places: int | None = None

    KIND = "event"

    @cached_property
    def rule(self) -> Mostly:
        found = parse_rule(self.text)
        assert isinstance(found, Mostly)
        return found

    @property
    def name(self) -> str:
        """Of the learnt column."""
        return str(self.rule.rule)

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.rule.rule.inputs if isinstance(self.rule.rule, Formula) else self.rule.columns

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.rule.rule.target,) if isinstance(self.rule.rule, Formula) else ()

    def schema(self, outer: Schema) -> Schema:
        if not set(self.rule.columns) <= set(outer.names):
            return outer
        return replace(outer, columns=(*outer.columns, Column(self.name, "boolean", "BOOLEAN", nullable=False)))

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        import pyarrow as pa

        names = rows.schema.names
        event = pa.array(self.rule.holds(rows.select([n for n in names if n in self.rule.columns])))
        return pa.record_batch([*rows.columns, event], names=[*names, self.name])

    def restore(self, columns: dict[str, Any]) -> None:
        """Compute the target where the rule is to hold. The event stays, until :func:`mend_event`."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.types as t

        rule = self.rule.rule
        if not isinstance(rule, Formula) or self.name not in columns:
            return
        assert self.kind is not None
        kind = unpacked(self.kind).schema.field(0).type
        values = rule.computed(pa.table({n: columns[n] for n in rule.inputs}), kind)
        if self.places is not None and t.is_floating(kind):
            values = pc.round(values, self.places)
        drawn = columns[rule.target]
        given = pa.array(~missing(drawn) & ~missing(values))
        columns[rule.target] = pc.if_else(pc.and_(columns[self.name], given), values, drawn)

    def to_json(self) -> dict[str, Any]:
        return {"text": self.text, "type": self.kind, "places": self.places}

    @staticmethod
    def from_json(data: Json) -> Event:
        return Event(data["text"], data["type"], data["places"])


def event_of(rule: Mostly, rows: pa.Table) -> Event:
    """How a rule that holds in most rows is kept."""
    inner = rule.rule
    if not isinstance(inner, Formula):
        return Event(str(rule))
    return Event(str(rule), types_of(rows.schema, [inner.target]), places_of(rows, inner.target))


def mend_event(
    event: Event,
    columns: dict[str, Any],
    fixed: frozenset[str],
    blocks: Sequence[tuple[str, ...]],
    rng: np.random.Generator,
) -> None:
    """Make the rule hold where its event was drawn, and nowhere else; the event's column goes.

    Args:
        fixed: columns that follow from others: they do not take other rows' values.
        blocks: columns that change together.
    """
    import numpy as np
    import pyarrow as pa

    wanted = np.asarray(columns.pop(event.name).to_numpy(zero_copy_only=False), dtype=bool)
    own = [n for n in with_blocks(event.rule.columns, blocks) if n not in fixed]
    if not own:
        return
    for side in (True, False):
        holds = _holds(event, columns)
        mine = wanted == side
        wrong, right = np.flatnonzero(mine & (holds != side)), np.flatnonzero(mine & (holds == side))
        if len(wrong) and len(right):
            place = np.arange(len(wanted))
            place[wrong] = rng.choice(right, len(wrong))
            for name in own:
                columns[name] = columns[name].take(pa.array(place))


def _holds(event: Event, columns: dict[str, Any]) -> Mask:
    import pyarrow as pa

    return event.rule.holds(pa.table({n: columns[n] for n in event.rule.columns}))
