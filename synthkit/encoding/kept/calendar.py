"""A date of many days and what is said of it (its month, its weekday, its hour) are learnt together.

A generator has some hundred cells for a date, each of many days. Were the weekday left out and computed, all that it
has to do with other columns would be lost in these cells. So it is learnt, and a drawn date moves to the nearest day of
which all is true that was drawn; where there is none, of which most is. Then everything is computed from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.kept.computed import Computed, computed
from synthkit.encoding.kept.nearest import in_order_of_surprise, nearest_agreeing
from synthkit.files import Json
from synthkit.rules.coding import codes_of, codes_together, text_of, whole
from synthkit.rules.evaluate import DAY, kind_of_type, numbers_of, times_of
from synthkit.rules.expression import Call, Name
from synthkit.rules.formula import Formula
from synthkit.schema import Schema

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from synthkit.rules.coding import Codes, Floats

# Function → microseconds of one of it, and how many there are, of those that do not say which day it is.
OF_THE_CLOCK: Mapping[str, tuple[int, int]] = {
    "hour": (3_600_000_000, 24),
    "minute": (60_000_000, 60),
    "second": (1_000_000, 60),
}
# Those of few values; what else says which day it is (date, day_of_year) is computed from the day that is drawn.
OF_THE_DAY = frozenset({"year", "quarter", "month", "week", "day", "weekday", "month_name", "day_name"})
MOST_DAYS = 400_000  # a thousand years: of a longer span the nearest day is not looked for


@dataclass(frozen=True)
class Calendar:
    """``month = month(day)``, ``weekday = weekday(day)``, … of one date or moment.

    Args:
        moment: the column of dates or moments.
        formulas: how each of the others is computed, what must agree first coming first.
    """

    moment: str
    formulas: tuple[Computed, ...]

    KIND = "calendar"

    @property
    def inputs(self) -> tuple[str, ...]:
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.moment, *(name for part in self.formulas for name in part.outputs))

    @cached_property
    def functions(self) -> Mapping[str, Computed]:
        """By function; the same one twice counts once."""
        return {function_of(part.rule): part for part in self.formulas}

    def schema(self, outer: Schema) -> Schema:
        return outer

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        return rows

    def restore(self, columns: dict[str, Any]) -> None:
        import numpy as np
        import pyarrow.types as t

        kind = columns[self.moment].type
        drawn = numbers_of(columns[self.moment])
        there = np.isfinite(drawn)
        if there.any():
            days, clock = (drawn, None) if t.is_date(kind) else _apart(drawn)
            days = days.copy()
            days[there] = self._days(days[there], columns, there)
            moved = days if clock is None else days * DAY + self._clock(clock, columns)
            columns[self.moment] = times_of(moved, ~there, kind)
        for part in self.formulas:
            part.restore(columns)

    def _days(self, days: Floats, columns: Mapping[str, pa.Array], there: np.ndarray[Any, Any]) -> Floats:
        """The nearest days of which is true what was drawn."""
        import numpy as np
        import pyarrow as pa

        first, last = days.min(), days.max()
        asked = [part for function, part in self.functions.items() if function in OF_THE_DAY]
        if not asked or last - first > MOST_DAYS:
            return days
        every = np.arange(first, last + 1)
        calendar = pa.table({self.moment: pa.array(every.astype("int32")).cast(pa.date32())})
        known, drawn = [], []
        for part in asked:
            column = columns[part.rule.target]
            said = text_of(part.rule.computed(calendar, column.type))
            one, other = codes_together(said, text_of(whole(column).filter(pa.array(there))))
            known.append(one)
            drawn.append(other)
        found: Floats = every[nearest_agreeing(every, days, known, drawn)]
        return found

    def _clock(self, clock: Floats, columns: Mapping[str, pa.Array]) -> Floats:
        """The time of day in microseconds, with the hours, minutes and seconds that were drawn."""
        import numpy as np

        for function, (unit, most) in OF_THE_CLOCK.items():
            part = self.functions.get(function)
            if part is None:
                continue
            wanted = numbers_of(columns[part.rule.target])
            have = clock // unit % most
            usable = np.isfinite(wanted) & (wanted >= 0) & (wanted < most)
            clock = np.where(usable, clock + (np.nan_to_num(wanted) - have) * unit, clock)
        return clock

    def to_json(self) -> dict[str, Any]:
        return {"moment": self.moment, "formulas": [part.to_json() for part in self.formulas]}

    @staticmethod
    def from_json(data: Json) -> Calendar:
        return Calendar(data["moment"], tuple(Computed.from_json(part) for part in data["formulas"]))


def calendar(rows: pa.Table, moment: str, rules: tuple[Formula, ...]) -> Calendar:
    """How rules of one date or moment that hold in all rows are kept."""
    codes: list[Codes] = [codes_of(rows.column(rule.target)) for rule in rules]
    order = in_order_of_surprise(numbers_of(rows.column(moment)), codes)
    return Calendar(moment, tuple(computed(rules[i], rows) for i in order))


def function_of(rule: Formula) -> str:
    """The function of a column alone that a formula is, of one that says something of a date; else nothing."""
    call = rule.expression
    if not isinstance(call, Call) or len(call.arguments) != 1 or not isinstance(call.arguments[0], Name):
        return ""
    return call.function if call.function in OF_THE_DAY or call.function in OF_THE_CLOCK else ""


def says_when(rule: Formula, rows: pa.Table) -> bool:
    """Whether a formula says something of a date or moment alone."""
    return function_of(rule) != "" and kind_of_type(rows.schema.field(rule.inputs[0]).type) in ("date", "moment")


def _apart(moments: Floats) -> tuple[Floats, Floats]:
    """Days since 1970, and microseconds of the day."""
    import numpy as np

    days = np.floor(moments / DAY)
    return days, moments - days * DAY
