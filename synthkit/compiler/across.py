"""Bind the rules of a group across its tables: each step is a key, each column is there, and values compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from synthkit.compiler.declared import FamilyRule
from synthkit.compiler.draft import Draft
from synthkit.compiler.foreignkeys import kind_of
from synthkit.errors import Location, did_you_mean
from synthkit.project.ownership import keys_of
from synthkit.project.types import ForeignKeySpec, Relation, SourceSpec, SourceTableSpec
from synthkit.rules.across.bound import Across, Compared, Copied, Hop, RolledUp
from synthkit.rules.across.language import Sum, Walk, parse_across
from synthkit.rules.expression import Expression, Kind, Name, kind_in, names_in
from synthkit.rules.tokens import RuleError
from synthkit.schema import NUMERIC, TEMPORAL, Column
from synthkit.sources.types import provisional_type


def bind_across(draft: Draft) -> None:
    """Rules of the groups; each family has those whose tables are all among its own."""
    for source in draft.project.sources:
        found: list[FamilyRule] = []
        for index, text in enumerate(source.rules):
            where = source.origin.at("rules", index)
            try:
                rule = _Binder(draft, source).bind(parse_across(text))
                _check_alone(rule, [f.rule for f in found])
            except RuleError as error:
                draft.fault(f"rule {text!r}: {error.message}", where, text, error.hint)
                continue
            found.append(FamilyRule(rule, _shown(draft, source, where)))
        for name, family in draft.families.items():
            if family.spec.group == source.name:
                own = tuple(f for f in found if set(f.rule.tables) <= family.members.keys())
                draft.family_rules[name] = own
                _check_kept(draft, name, own)


def bind_rule(draft: Draft, group: str, text: str) -> Across:
    """A rule across the tables of a group that is demanded, not kept. Raises RuleError as it is no such rule."""
    source = next(s for s in draft.project.sources if s.name == group)
    return _Binder(draft, source).bind(parse_across(text))


def _shown(draft: Draft, source: SourceSpec, where: Location) -> str:
    file, root = source.origin.file, draft.project.root
    shown = file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
    return f"{shown}:{where.line}:{where.column}"


def _check_alone(rule: Across, others: list[Across]) -> None:
    """A column is computed by one rule."""
    if isinstance(rule, Compared):
        return
    for other in others:
        if not isinstance(other, Compared) and (other.table, other.column) == (rule.table, rule.column):
            raise RuleError(f"{rule.table}.{rule.column} is computed by '{other}' already", 0, "keep one of the two")


def _check_kept(draft: Draft, family: str, rules: tuple[FamilyRule, ...]) -> None:
    """A public table is published as it is: nothing of it is computed."""
    kept = draft.families[family].kept
    for found in rules:
        if found.rule.table in kept:
            message = f"rule '{found.rule}': {found.rule.table!r} is public, and published as it is"
            draft.fault(message, draft.families[family].spec.origin.at("source"), hint="drop the rule, or public: true")


@dataclass(frozen=True)
class _Binder:
    draft: Draft
    source: SourceSpec

    @property
    def tables(self) -> Mapping[str, SourceTableSpec]:
        return {t.name: t for t in self.source.tables}

    def bind(self, rule: Walk | Sum) -> Across:
        self._table(rule.table)
        return self._walk(rule) if isinstance(rule, Walk) else self._sum(rule)

    def _walk(self, rule: Walk) -> Across:
        hops = tuple(self._hops(rule.table, rule.steps))
        end = hops[-1].table
        one, other = self._column(rule.table, rule.column), self._column(end, rule.other)
        if one is not None and other is not None:
            if kind_of(one) != kind_of(other) and not (_in_time(one) and _in_time(other)):
                said = f"{rule.table}.{rule.column} is {one.sql_type}, and {end}.{rule.other} {other.sql_type}"
                raise RuleError(said, 0, "compare columns of one kind, or declare the same type on both")
            if rule.sign != "=" and not (_ordered(one) and _ordered(other)):
                raise RuleError(
                    f"{rule.table}.{rule.column} has no order", 0, "compare numbers, dates or times, or write ="
                )
        if rule.sign == "=":
            if rule.column in hops[0].columns:
                hint = "write the key that is determined on the left"
                raise RuleError(f"{rule.column!r} is the key that the way begins with", 0, hint)
            return Copied(rule.text, rule.table, rule.column, hops, rule.other)
        return Compared(rule.text, rule.table, rule.column, rule.sign, hops, rule.other)

    def _sum(self, rule: Sum) -> Across:
        child = self._table(rule.child)
        ways = [k for k in keys_of(child) if k.references == rule.table]
        if len(ways) > 1:
            ways = [k for k in ways if k.owner] or ways
        if len(ways) != 1:
            many = "no key" if not ways else "several keys"
            hint = f"declare it under foreign_keys: of {rule.child}"
            raise RuleError(
                f"{rule.child!r} has {many} to {rule.table!r}", 0, hint if not ways else "mark one as owner"
            )
        hop = Hop(ways[0].names, rule.table, self._table(rule.table).primary_key)
        target = self._column(rule.table, rule.column)
        kinds: dict[str, Kind] = {}
        for name in () if rule.expression is None else names_in(rule.expression):
            column = self._column(rule.child, name)
            if column is not None:
                kinds[name] = _kind(column)
        given: Kind | None = "number"
        if rule.expression is not None:
            given = self._given(rule, rule.expression, kinds) if len(kinds) == len(names_in(rule.expression)) else None
        if target is not None and given is not None:
            own = provisional_type(target.sql_type)
            if own not in NUMERIC if given == "number" else _kind(target) != given:
                said = f"{rule.table}.{rule.column} is {target.sql_type}, no {given}"
                raise RuleError(said, 0, f"roll up into a {given}")
        return RolledUp(
            rule.text, rule.table, rule.column, rule.function, rule.child, hop, rule.expression, rule.decimals
        )

    def _given(self, rule: Sum, expression: Expression, kinds: Mapping[str, Kind]) -> Kind:
        """What is rolled up: numbers, or of the least and the greatest a column of days or moments."""
        try:
            given = kind_in(expression, dict(kinds))
        except ValueError as error:
            raise RuleError(str(error), 0, "roll up numbers") from None
        picked = rule.function in ("min", "max") and isinstance(expression, Name) and rule.decimals is None
        if given != "number" and not (picked and given in ("date", "moment")):
            raise RuleError(f"{rule.function} is of numbers, and this gives a {given}", 0, "roll up numbers")
        return given

    def _hops(self, table: str, steps: tuple[str, ...]) -> Iterator[Hop]:
        for step in steps:
            key = self._key(self._table(table), step)
            yield Hop(key.names, key.references, self._table(key.references).primary_key)
            table = key.references

    def _key(self, table: SourceTableSpec, step: str) -> ForeignKeySpec:
        """The key by its column, or, of several columns, by the table that it alone leads to."""
        found = [k for k in keys_of(table) if step in k.names and len(k.names) == 1]
        found = found or [k for k in keys_of(table) if k.references == step]
        if len(found) == 1:
            return found[0]
        known = [k.names[0] if len(k.names) == 1 else k.references for k in keys_of(table)]
        many = f"{step!r} is no foreign key of {table.name!r}" if not found else f"several keys lead to {step!r}"
        raise RuleError(many, 0, did_you_mean(step, known, "a key"))

    def _table(self, name: str) -> SourceTableSpec:
        if name not in self.tables:
            hint = did_you_mean(name, self.tables, "a table")
            raise RuleError(f"{self.source.name!r} has no table {name!r}", 0, hint)
        return self.tables[name]

    def _column(self, table: str, name: str) -> Column | None:
        schema = self.draft.schema_of(Relation(table, self.source.name))
        if schema is None:
            return None
        if name not in schema.by_name:
            hint = did_you_mean(name, schema.names, "a column")
            raise RuleError(f"{table!r} has no column {name!r}", 0, hint)
        return schema.by_name[name]


def _in_time(column: Column) -> bool:
    return provisional_type(column.sql_type) in ("date", "datetime")


def _ordered(column: Column) -> bool:
    return column.format is None and provisional_type(column.sql_type) in NUMERIC | TEMPORAL


def _kind(column: Column) -> Kind:
    kind = provisional_type(column.sql_type)
    if kind in NUMERIC or kind == "boolean":
        return "number"
    return "date" if kind == "date" else "moment" if kind == "datetime" else "text"
