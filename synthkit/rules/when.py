"""What follows from a value: ``when status = 'open' then closed_at is null else closed_at is not null``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, cast

from synthkit.rules.coding import missing, one_batch, whole
from synthkit.rules.comparing import satisfied
from synthkit.rules.inequality import Inequality, Operator, parse_constant
from synthkit.rules.tokens import Reader, written
from synthkit.sql.quoting import literal

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.rules.coding import Mask

Value = str | Decimal | bool | dt.date
Test = Literal["null", "not null", "in", "not in", "<", "<=", ">", ">="]
_HOW = "write a test such as status = 'open', status in ('open', 'late'), closed_at is null or age >= 18"
_NULL: tuple[Test, ...] = ("null", "not null")


@dataclass(frozen=True)
class Condition:
    """One test of a column; ``values`` holds what it is compared with, one value for ``<`` and its like."""

    column: str
    test: Test
    values: tuple[Value, ...] = ()

    def __str__(self) -> str:
        name = written(self.column)
        if self.test in _NULL:
            return f"{name} is {self.test}"
        texts = [_text(v) for v in self.values]
        if self.test in ("in", "not in"):
            if len(texts) == 1:
                return f"{name} {'=' if self.test == 'in' else '!='} {texts[0]}"
            return f"{name} {self.test} ({', '.join(texts)})"
        return f"{name} {self.test} {texts[0]}"

    def passes(self, table: pa.Table | pa.RecordBatch) -> Mask:
        """In which rows it holds; a missing value passes ``is null`` and ``not in`` alone. Raises ValueError."""
        import numpy as np
        import pyarrow.compute as pc

        column = whole(table.column(self.column))
        absent = missing(column)
        if self.test in _NULL:
            return absent if self.test == "null" else ~absent
        if self.test in ("in", "not in"):
            among = np.zeros(len(column), dtype=bool)
            for value in self.values:
                same = pc.fill_null(pc.equal(column, _typed(value, column.type)), False)
                among |= same.to_numpy(zero_copy_only=False)
            return among if self.test == "in" else ~among
        value = self.values[0]
        constant = value if isinstance(value, Decimal | dt.date) else parse_constant(str(value))
        if constant is None:
            raise ValueError(f"{value!r} is neither a number nor a date")
        rule = Inequality(self.column, cast("Operator", self.test), constant)
        return satisfied(rule, one_batch(table.select([self.column]))) & ~absent


@dataclass(frozen=True)
class When:
    """``when`` all of ``conditions`` hold, ``then`` holds; where one does not, ``otherwise`` does, if it is given."""

    conditions: tuple[Condition, ...]
    then: Condition
    otherwise: Condition | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        told = (*self.conditions, self.then, *(() if self.otherwise is None else (self.otherwise,)))
        return tuple(dict.fromkeys(c.column for c in told))

    def __str__(self) -> str:
        text = f"when {' and '.join(map(str, self.conditions))} then {self.then}"
        return text if self.otherwise is None else f"{text} else {self.otherwise}"

    def violations(self, table: pa.Table | pa.RecordBatch) -> Mask:
        """Which rows break it. Raises ValueError where a value is none of its column's type."""
        import numpy as np

        holds = np.all([c.passes(table) for c in self.conditions], axis=0)
        broken = holds & ~self.then.passes(table)
        if self.otherwise is not None:
            broken |= ~holds & ~self.otherwise.passes(table)
        return np.asarray(broken, dtype=bool)


def read_when(reader: Reader) -> When:
    """What follows the word ``when``. Raises RuleError."""
    conditions = [_condition(reader)]
    while reader.skip("and"):
        conditions.append(_condition(reader))
    reader.expect("then", "write when … then …")
    then = _condition(reader)
    return When(tuple(conditions), then, _condition(reader) if reader.skip("else") else None)


def _condition(reader: Reader) -> Condition:
    name = reader.name(_HOW)
    if reader.skip("is"):
        test: Test = "not null" if reader.skip("not") else "null"
        reader.expect("null", _HOW)
        return Condition(name, test)
    negated = reader.skip("not")
    if reader.skip("in"):
        reader.expect("(", _HOW)
        values = [_value(reader)]
        while reader.skip(","):
            values.append(_value(reader))
        reader.expect(")", "close the bracket")
        return Condition(name, "not in" if negated else "in", tuple(values))
    for sign in ("=", "!=", "<>"):
        if reader.skip(sign):
            return Condition(name, "in" if sign == "=" else "not in", (_value(reader),))
    for sign in ("<=", ">=", "<", ">"):
        if reader.skip(sign):
            return Condition(name, cast("Test", sign), (_value(reader),))
    raise reader.wrong("a test is expected", _HOW)


def _value(reader: Reader) -> Value:
    minus = reader.skip("-")
    token = reader.take()
    if token.kind == "number":
        number = Decimal(token.text.replace("_", ""))
        return -number if minus else number
    if token.kind == "quoted" and not minus:
        return token.text
    if token.kind == "moment" and not minus:
        found = parse_constant(token.text)
        if isinstance(found, dt.date):
            return found
    if token.says("true") or token.says("false"):
        return token.says("true")
    raise reader.wrong("a value is expected", "write a number, a 'text' in single quotes, an ISO date, true or false")


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, dt.date):
        return value.isoformat()
    return literal(value)


def _typed(value: Value, kind: pa.DataType) -> pa.Scalar:
    """A value as Arrow compares it with a column. Raises ValueError."""
    import pyarrow as pa
    import pyarrow.types as t

    try:
        if t.is_string(kind) or t.is_large_string(kind):
            return pa.scalar(str(value) if isinstance(value, str) else _text(value), kind)
        if t.is_boolean(kind) and isinstance(value, Decimal):
            return pa.scalar(bool(value), kind)
        if t.is_floating(kind):
            return pa.scalar(float(cast("Any", value)), kind)
        if t.is_integer(kind):
            return pa.scalar(float(cast("Any", value)), pa.float64()).cast(kind)
        if t.is_date(kind) or t.is_timestamp(kind):
            return pa.scalar(str(value) if isinstance(value, str) else value.isoformat()).cast(kind)  # type: ignore[union-attr]
        return pa.scalar(value).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError, ValueError, AttributeError):
        raise ValueError(f"{_text(value)} is no {kind}") from None
