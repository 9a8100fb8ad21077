"""The step between a table and what is learnt of it that keeps rules (a :class:`synthkit.encoding.view.Step`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.kept.arrow import batch_of, columns_of
from synthkit.encoding.kept.calendar import Calendar
from synthkit.encoding.kept.combined import Combined
from synthkit.encoding.kept.computed import Computed
from synthkit.encoding.kept.dependents import Dependents
from synthkit.encoding.kept.events import Event, mend_event
from synthkit.encoding.kept.gaps import Gap
from synthkit.encoding.kept.matched import Matched
from synthkit.encoding.kept.mending import mend
from synthkit.encoding.kept.near import Near
from synthkit.encoding.kept.together import Counts, Together
from synthkit.files import Json
from synthkit.project.types import Conditions
from synthkit.rules.coding import codes_differ, whole
from synthkit.rules.language import Rule, parse_rule, violations
from synthkit.rules.sets import Combination
from synthkit.schema import Schema

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Part = Computed | Dependents | Matched | Calendar | Combined | Gap | Together | Near | Event
_PARTS: Mapping[str, Callable[[Json], Part]] = {
    Computed.KIND: Computed.from_json,
    Dependents.KIND: Dependents.from_json,
    Matched.KIND: Matched.from_json,
    Calendar.KIND: Calendar.from_json,
    Combined.KIND: Combined.from_json,
    Gap.KIND: Gap.from_json,
    Together.KIND: Together.from_json,
    Near.KIND: Near.from_json,
    Event.KIND: Event.from_json,
}


@dataclass(frozen=True)
class KeptRules:
    """Args:
    order: the columns' order in the table.
    parts: what is left out and put back, each after what it is computed from.
    mended: rules that drawn rows are held against at last, as text.
    kept: all rules that are kept, as text.
    found: those of them that nobody declared.
    """

    order: tuple[str, ...]
    parts: tuple[Part, ...]
    mended: tuple[str, ...]
    kept: tuple[str, ...]
    found: tuple[str, ...]

    KIND = "rules"

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(parse_rule(text) for text in self.mended)

    @property
    def fixed(self) -> frozenset[str]:
        """Columns that follow from others."""
        return frozenset(n for part in self.parts if isinstance(part, Computed | Dependents) for n in part.outputs)

    @property
    def computed(self) -> Mapping[str, str]:
        """Column → the rule that computes it."""
        found: dict[str, str] = {}
        for part in self.parts:
            if isinstance(part, Computed):
                found |= dict.fromkeys(part.outputs, part.text)
            elif isinstance(part, Dependents):
                found |= {name: f"{', '.join(part.inputs)} -> {name}" for name in part.outputs}
        return found

    def names(self, column: str) -> bool:
        """Whether a rule that is kept names the column."""
        return any(column in rule.columns for rule in self._every)

    @cached_property
    def _every(self) -> tuple[Rule, ...]:
        return tuple(parse_rule(text) for text in self.kept)

    def schema(self, outer: Schema) -> Schema:
        """What is learnt of a table of this schema."""
        for part in reversed(self.parts):
            outer = part.schema(outer)
        return outer

    @property
    def inner(self) -> Mapping[str, str]:
        return {}

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows as they are learnt."""
        for part in reversed(self.parts):
            rows = part.learn(rows)
        return rows

    def restore(self, rows: pa.RecordBatch, rng: np.random.Generator) -> pa.RecordBatch:
        """Drawn rows as the table has them; ``rng`` chooses whose values rows take that break a rule."""
        columns = columns_of(rows)
        self._named(columns)
        for part in self.parts:
            part.restore(columns)
        blocks = [p.outputs for p in self.parts if isinstance(p, Combined | Together | Matched | Calendar)]
        blocks += [(*p.inputs, *p.outputs) for p in self.parts if isinstance(p, Near)]
        for part in self.parts:
            if isinstance(part, Event):
                mend_event(part, columns, self.fixed, blocks, rng)
        if any(isinstance(part, Event) for part in self.parts):
            self._derive(columns)
        if self.rules and rows.num_rows:
            links = [(*p.inputs, *p.outputs) for p in self.parts]
            mend(columns, self.rules, self._derive, links, self.fixed, rng, blocks)
        return batch_of(columns, self.order)

    def adapt(self, columns: dict[str, Any], changed: frozenset[str], before: Mapping[str, Any]) -> Any:
        """Compute anew what follows from columns that changed, those columns themselves left alone.

        Args:
            before: the columns as they were.

        Returns which rows break a rule then: booleans, shape (rows,).
        """
        import numpy as np
        import pyarrow as pa

        for part in self.parts:
            if isinstance(part, Calendar | Matched) and part.outputs[0] in changed:
                columns |= {n: c for n, c in _of_first(part, columns).items() if n not in changed}
            elif changed & set(part.outputs):
                continue
            elif isinstance(part, Computed | Dependents):
                here = dict(columns)
                part.restore(here)
                columns |= {n: here[n] for n in part.outputs}
            elif isinstance(part, Gap) and part.low in changed:  # as far above as it was
                here = {n: whole(before[n]) for n in (part.low, part.high)}
                gaps = part.learn(pa.record_batch(list(here.values()), names=list(here)))
                columns[part.high] = gaps.column(part.high)
                part.restore(columns)
        rows = pa.table({n: c for n, c in columns.items() if n in self.order})
        wrong = [violations(rule, rows) for rule in self.rules if changed & set(rule.columns)]
        for part in self.parts:
            if isinstance(part, Dependents | Matched) and changed & set(part.outputs):
                here = _of_first(part, columns) if isinstance(part, Matched) else dict(columns)
                if isinstance(part, Dependents):
                    part.restore(here)
                wrong += [codes_differ(here[n], columns[n]) for n in part.outputs if n in here]
            if isinstance(part, Combined | Together) and changed & set(part.outputs):
                wrong.append(Combination(part.outputs).violations(rows, part.table))
        return np.any([np.zeros(rows.num_rows, dtype=bool), *wrong], axis=0)

    def settled(self, counts: Callable[[str], Counts]) -> KeptRules:
        """The step for rows of a model that was trained under a budget.

        Args:
            counts: of a learnt column, what the training released.
        """
        if not any(isinstance(part, Together) for part in self.parts):
            return self
        parts = tuple(p.settled(counts(p.name)) if isinstance(p, Together) else p for p in self.parts)
        return replace(self, parts=parts)

    def conditions(self, wanted: Conditions) -> Conditions:
        """Conditions stay: on a column that is not learnt as it is, rows are drawn until they are met."""
        return wanted

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.KIND,
            "order": list(self.order),
            "parts": [{**part.to_json(), "kind": part.KIND} for part in self.parts],
            "mended": list(self.mended),
            "kept": list(self.kept),
            "found": list(self.found),
        }

    @staticmethod
    def from_json(data: Json) -> KeptRules:
        parts = tuple(_PARTS[part["kind"]](part) for part in data["parts"])
        order, mended, kept, found = (tuple(data[key]) for key in ("order", "mended", "kept", "found"))
        return KeptRules(order, parts, mended, kept, found)

    def _named(self, columns: dict[str, Any]) -> None:
        """Move what is the name of something else to a name that there is, before anything is computed from it."""
        for part in self.parts:
            if isinstance(part, Dependents) and part.both and columns.keys() >= {*part.inputs}:
                part.restore(columns)

    def _derive(self, columns: dict[str, Any]) -> None:
        for part in self.parts:
            if isinstance(part, Computed | Dependents):
                part.restore(columns)


def _of_first(part: Calendar | Matched, columns: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a date, or goes with a number, as these are now."""
    here = dict(columns)
    if isinstance(part, Matched):
        Dependents(part.known, 1).restore(here)
        return {n: here[n] for n in part.outputs[1:]}
    for one in part.formulas:
        one.restore(here)
    return {n: here[n] for one in part.formulas for n in one.outputs}
