"""What a database's catalogue declares of a table beside its keys, as YAML: comments, enumerated values, columns
without nulls, unique columns, and checks as far as they are comparisons or lists.

None of it was read off the rows: a schema is knowledge that a release of rows does not add to. Whether anyone may know
it, who writes ``epsilon`` decides, as of everything declared.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from synthkit.rules.inequality import parse_inequality
from synthkit.rules.sets import Unique
from synthkit.rules.tokens import written
from synthkit.scaffold.looking import Look
from synthkit.scaffold.writing import quoted
from synthkit.schema import TEMPORAL, Column
from synthkit.sources.projection import Dialect
from synthkit.sources.reader import Listed

MOST_VALUES = 100


@dataclass(frozen=True)
class Catalogued:
    """Of one table: its description; of its columns the YAML of more keys; rules; and checks that are no such rule."""

    description: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    constraints: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def before(self) -> list[str]:
        """Lines of the source table that stand before its columns."""
        return [] if self.description is None else [f"        description: {_text(self.description)}"]

    def after(self) -> list[str]:
        """Lines that stand after them."""
        lines = []
        if self.constraints:
            lines.append("        constraints:  # as the database checks them")
            lines += [f"          - {json.dumps(one, ensure_ascii=False)}" for one in self.constraints]
        return lines + [
            f"        # the database checks, and no rule here says: {' '.join(o.split())}" for o in self.others
        ]


NOTHING = Catalogued()


def catalogued(listed: Listed, seen: Look, dialect: Dialect, made_up: Collection[str]) -> Catalogued:
    """What a catalogue says of a table that was looked at.

    Args:
        made_up: columns whose values are no real ones: keys and personal data, of which no rule can hold.
    """
    learnt = {c.name: c for c in seen.schema.columns if c.name not in made_up}
    values = {c.name: list(c.values) for c in listed.columns if c.values is not None}
    constraints: list[str] = []
    others = []
    for check in listed.checks:
        for part in _parts(check, dialect):
            name, allowed = part.among
            if name in learnt and learnt[name].sql_type == "VARCHAR" and allowed is not None:
                values.setdefault(name, allowed)
            elif part.rule is not None and _comparable(part.rule, learnt):
                constraints.append(part.rule)
            elif part.rule is None and allowed is None:
                others.append(part.text)
    columns = {}
    for one in listed.columns:
        said = []
        if one.name in learnt and 0 < len(values.get(one.name, ())) <= MOST_VALUES and learnt[one.name].format is None:
            said.append(f"values: [{', '.join(_text(v) for v in values[one.name])}]")
        if not one.nullable and one.name in learnt:
            said.append("nullable: false")
        if one.comment is not None:
            said.append(f"description: {_text(one.comment)}")
        if said:
            columns[one.name] = ", ".join(said)
    unique = [str(Unique(names)) for names in listed.unique if all(n in learnt and learnt[n].modelled for n in names)]
    return Catalogued(listed.comment, columns, tuple(dict.fromkeys(constraints)), tuple(unique), tuple(others))


def categories(found: Catalogued) -> frozenset[str]:
    """The columns whose values are listed: they are categories, however few rows show them."""
    return frozenset(name for name, said in found.columns.items() if said.startswith("values: "))


def _text(value: str) -> str:
    """A scalar within ``{…}``: what YAML would take for a part of that stands in quotes."""
    plain = quoted(value)
    return json.dumps(value, ensure_ascii=False) if " " in plain and not plain.startswith('"') else plain


@dataclass(frozen=True)
class _Part:
    """A part of a check, all of which hold: its text; a comparison in the language of rules, or (column, values)."""

    text: str
    rule: str | None = None
    among: tuple[str | None, list[str] | None] = (None, None)


def _comparable(rule: str, learnt: Mapping[str, Column]) -> bool:
    """Whether a comparison is one of learnt numbers, dates or times."""
    found = parse_inequality(rule)
    if not all(name in learnt for name in found.columns):
        return False
    return all(learnt[name].continuous or learnt[name].type in TEMPORAL for name in found.columns)


def _parts(check: str, dialect: Dialect) -> Iterator[_Part]:
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(check, dialect=dialect).unnest()
    except (sqlglot.errors.SqlglotError, RecursionError):
        yield _Part(check)
        return
    for part in tree.flatten() if isinstance(tree, exp.And) else [tree]:
        bare = part.unnest()
        if isinstance(bare, exp.And):
            yield from _parts(bare.sql(dialect), dialect)
        elif isinstance(bare, exp.Between):
            yield from (
                _compared(bare.this, op, bare.args[end], bare.sql()) for op, end in ((">=", "low"), ("<=", "high"))
            )
        else:
            yield _listed(bare) or _compared_of(bare)


def _compared_of(part: Any) -> _Part:
    from sqlglot import exp

    operators = {exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}
    operator = operators.get(type(part))
    return _Part(part.sql()) if operator is None else _compared(part.this, operator, part.expression, part.sql())


def _compared(left: Any, operator: str, right: Any, text: str) -> _Part:
    sides = [_side(left), _side(right)]
    if None in sides:
        return _Part(text)
    rule = f"{sides[0]} {operator} {sides[1]}"
    try:
        parse_inequality(rule)
    except ValueError:
        return _Part(text)
    return _Part(text, rule)


def _side(node: Any) -> str | None:
    """A column, a number, or a date, as the language of rules writes it."""
    from sqlglot import exp

    node = _bare(node)
    if isinstance(node, exp.Column):
        return written(str(node.name))
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal):
        return f"-{node.this.name}"
    return str(node.name) if isinstance(node, exp.Literal) else None


def _bare(node: Any) -> Any:
    """Without the casts that a catalogue writes, and parentheses."""
    from sqlglot import exp

    while isinstance(node, exp.Cast | exp.TryCast | exp.Paren):
        node = node.this
    return node


def _listed(part: Any) -> _Part | None:
    """``column IN ('a', 'b')``, or ``column = ANY (ARRAY['a', 'b'])``, as PostgreSQL keeps it."""
    from sqlglot import exp

    if isinstance(part, exp.In):
        column, options = _bare(part.this), part.expressions
    elif isinstance(part, exp.EQ) and isinstance(part.expression, exp.Any):
        array = _bare(part.expression.this)
        column, options = _bare(part.this), array.expressions if isinstance(array, exp.Array) else []
    else:
        return None
    texts = [_bare(option) for option in options]
    if not isinstance(column, exp.Column) or not all(isinstance(t, exp.Literal) and t.is_string for t in texts):
        return None
    return _Part(part.sql(), among=(str(column.name), [str(t.name) for t in texts]))
