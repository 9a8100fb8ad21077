"""A column that is computed from others is not learnt, where it is missing just where it cannot be computed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.kept.arrow import types_of, unpacked
from synthkit.encoding.kept.precision import Precision, precision_of
from synthkit.encoding.kept.private import PrivatePlan, flag_of
from synthkit.files import Json
from synthkit.rules.coding import missing
from synthkit.rules.evaluate import numbers_of
from synthkit.rules.formula import Formula
from synthkit.rules.language import parse_rule
from synthkit.schema import Column, Schema

if TYPE_CHECKING:
    import pyarrow as pa

MOST_PLACES = 6
SOME_ROWS = 20_000


@dataclass(frozen=True)
class Computed:
    """``target = …`` of one column.

    Args:
        text: the rule.
        kind: the target's Arrow type, packed.
        dropped: whether it is not learnt at all; else it is learnt for where it is missing, and computed elsewhere.
        precision: how a float target is written.
        flagged: whether all that is learnt of it is where it is missing.
    """

    text: str
    kind: str
    dropped: bool
    precision: Precision
    flagged: bool = False

    KIND = "computed"

    @cached_property
    def rule(self) -> Formula:
        found = parse_rule(self.text)
        assert isinstance(found, Formula)
        return found

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.rule.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.rule.target,)

    def schema(self, outer: Schema) -> Schema:
        from dataclasses import replace

        if self.flagged:
            return replace(outer, columns=tuple(flag_of(c) if c.name in self.outputs else c for c in outer.columns))
        return outer.select([n for n in outer.names if n not in self.outputs]) if self.dropped else outer

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        import pyarrow as pa

        if self.flagged:
            index = rows.schema.get_field_index(self.rule.target)
            return rows.set_column(index, self.rule.target, pa.array(missing(rows.column(index))))
        return rows.select([n for n in rows.schema.names if n not in self.outputs]) if self.dropped else rows

    def restore(self, columns: dict[str, Any]) -> None:
        """Compute the target into the drawn columns."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.types as t

        target = self.rule.target
        kind = unpacked(self.kind).schema.field(0).type
        values = self.rule.computed(pa.table({n: columns[n] for n in self.inputs}), kind)
        if self.precision != Precision() and t.is_floating(kind):
            written = self.precision.applied(numbers_of(values))
            values = pc.if_else(pc.is_null(values), values, pa.array(written).cast(kind))
        if self.flagged:
            drawn = columns[target]
            absent = drawn if t.is_boolean(drawn.type) else pc.is_null(drawn)  # computed anew: it is there as itself
            values = pc.if_else(absent, pa.scalar(None, kind), values)
        elif not self.dropped:
            drawn = columns[target]
            keep = pc.or_(pc.is_null(drawn), pc.is_null(values))
            values = pc.if_else(keep, drawn, values)
        columns[target] = values

    def to_json(self) -> dict[str, Any]:
        rest = {"dropped": self.dropped, "precision": vars(self.precision), "flagged": self.flagged}
        return {"text": self.text, "type": self.kind, **rest}

    @staticmethod
    def from_json(data: Json) -> Computed:
        return Computed(data["text"], data["type"], data["dropped"], Precision(**data["precision"]), data["flagged"])


def computed(rule: Formula, rows: pa.Table) -> Computed:
    """How a rule that holds in all rows is kept."""
    import numpy as np
    import pyarrow.types as t

    defined = rule.defined(rows)
    given = ~missing(rows.column(rule.target))
    kind = rows.schema.field(rule.target).type
    precision = Precision()
    if t.is_floating(kind):
        some = rows.slice(0, SOME_ROWS)
        real, values = numbers_of(some.column(rule.target)), numbers_of(rule.computed(some, kind))
        precision = precision_of(real, values, places_of(rows, rule.target))
    dropped = bool(np.array_equal(defined, given))
    return Computed(str(rule), types_of(rows.schema, [rule.target]), dropped, precision)


def computed_declared(rule: Formula, types: pa.Table, column: Column, plan: PrivatePlan) -> Computed:
    """The same from what is declared alone."""
    places = column.decimals if column.type == "float" else None
    kind = types_of(types.schema, [rule.target])
    dropped, flagged = rule.target in plan.dropped, rule.target in plan.flagged
    return Computed(str(rule), kind, dropped, Precision(places=places), flagged)


def places_of(rows: pa.Table, target: str) -> int | None:
    """Places after the point that a float column has; None where it has more than are meant."""
    import numpy as np
    import pyarrow.types as t

    if not t.is_floating(rows.schema.field(target).type):
        return None
    values = numbers_of(rows.column(target))
    values = values[np.isfinite(values)][:SOME_ROWS]
    for places in range(MOST_PLACES + 1):
        scaled = values * 10.0**places
        if np.all(np.abs(scaled - np.rint(scaled)) <= 1e-6 + 1e-12 * np.abs(scaled)):
            return places
    return None
