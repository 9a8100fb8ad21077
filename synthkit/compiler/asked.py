"""What a family asks of its tables beside their sizes: conditions on any of them, and how many rows belong to a row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from synthkit.compiler.draft import Draft, FamilyDraft, ModelDraft
from synthkit.errors import Location, did_you_mean
from synthkit.generators.base import Trained
from synthkit.generators.exact.conditions import check_counts
from synthkit.generators.tables import Key
from synthkit.project.counts import ANY, Between, apart, counted, read_range
from synthkit.project.types import MemberSpec
from synthkit.rules.across.bound import Across, Compared, RolledUp

_Said = tuple[str, Location, object, str]  # message, where, value, how to fix it


def check_asked(draft: Draft) -> None:
    """What cannot be drawn is refused: of keys, of what rules decide, numbers of rows that contradict each other."""
    for name, family in draft.families.items():
        rules = [found.rule for found in draft.family_rules.get(name, ())]
        for table, member in family.members.items():
            if (model := draft.models.get(member)) is None or table in family.kept:
                continue
            for message, where, value, hint in _Asked(draft, family, rules, table, model).faults():
                draft.fault(message, where, value, hint)


@dataclass(frozen=True)
class _Asked:
    draft: Draft
    family: FamilyDraft
    rules: list[Across]
    table: str
    model: ModelDraft

    def faults(self) -> Iterator[_Said]:
        yield from self._owned()
        columns = () if self.model.schema is None else self.model.schema.by_name
        about, counts = apart(self.model.spec.conditions, columns)
        for column in about:
            yield from self._column(column)
        yield from self._counts(counts, columns)
        yield from self._generator(bool(counts))

    def _at(self, *path: str | int, key: bool = False) -> Location:
        return self.model.spec.origin.at("conditions", *path, key=key)

    @property
    def _owner(self) -> Key | None:
        return _owner_of(self.family, self.table)

    def _entry(self) -> MemberSpec | None:
        return next((e for e in self.family.spec.tables or () if e.table == self.table), None)

    # -- how many rows belong to a row ---------------------------------------------------------------

    def _owned(self) -> Iterator[_Said]:
        entry, owner = self._entry(), self._owner
        if entry is None or not (entry.at_least or entry.at_most is not None):
            return
        said = "at_least" if entry.at_least else "at_most"
        if owner is None:
            hint = f"say at the source which key leads to its owner (owner: true), or drop {said}"
            message = f"{self.table!r} belongs to no other table, so there is nothing that it is {said} so many of"
            yield message, entry.origin.at(said), getattr(entry, said), hint
            return
        least = entry.at_least or 0
        most, why, hint = self._most(owner, entry)
        if most is not None and least > most:
            message = f"each row of {owner.references!r} is to have {least} rows of {self.table!r}, and {why}"
            yield message, entry.origin.at("at_least"), least, hint

    def _most(self, owner: Key, entry: MemberSpec | None) -> tuple[int | None, str, str]:
        """The most rows that can belong to a row, why, and what to do where that is too few."""
        found: list[tuple[int, str, str]] = []
        if entry is not None and entry.at_most is not None:
            found.append((entry.at_most, f"at most {entry.at_most}", "make at_most larger, or at_least smaller"))
        if owner.max_per_parent is not None:
            told = f"at most {owner.max_per_parent} (max_per_parent of its source)"
            found.append((owner.max_per_parent, told, "ask for fewer, or make max_per_parent larger"))
        primary = () if self.model.schema is None else self.model.schema.primary_key
        if primary and set(primary) <= set(owner.columns):
            told = "its primary key is the key of its owner, which so has one at most"
            found.append((1, told, "ask for one, or mend primary_key"))
        return min(found, default=(None, "", ""), key=lambda f: f[0] or 0)

    def _counts(self, counts: Mapping[str, object], columns: Collection[str]) -> Iterator[_Said]:
        for child, wanted in counts.items():
            key = f"count({child})"
            name = next(n for n in self.model.spec.conditions if n not in columns and counted(n) == child)
            owner = _owner_of(self.family, child)
            if owner is None or owner.references != self.table or child not in self.family.members:
                mine = [k.table for k in self.family.keys if k.owner and k.references == self.table]
                hint = did_you_mean(child, mine, "a table whose rows belong to it")
                yield f"no rows of {child!r} belong to rows of {self.table!r}", self._at(name, key=True), key, hint
                continue
            if self._owner is not None:
                message = f"how many rows of {child!r} each has is asked of a table that belongs to none"
                hint = f"ask of {self._owner.references!r}, or give {child!r} at_least: and at_most:"
                yield message, self._at(name, key=True), key, hint
                continue
            problems = check_counts(child, wanted)
            for path, message, hint in problems:
                yield message, self._at(name, *path[1:]), None, hint
            if not problems:
                yield from self._ranges(child, owner, name, wanted)

    def _ranges(self, child: str, owner: Key, name: str, wanted: object) -> Iterator[_Said]:
        """Numbers of rows that at_least and the keys allow."""
        other = self.draft.models.get(self.family.members[child])
        if other is None:
            return
        there = _Asked(self.draft, self.family, self.rules, child, other)
        entry = there._entry()
        most, why, _ = there._most(owner, entry)
        allowed = Between(0 if entry is None else entry.at_least or 0, most)
        if allowed == ANY:
            return
        for value in wanted if isinstance(wanted, Mapping) else [wanted]:
            if read_range(value) & allowed is None:
                path = (name, value) if isinstance(wanted, Mapping) else (name,)
                told = why or f"at least {allowed.least}"
                message = f"no row of {self.table!r} can have {read_range(value)} rows of {child!r}: {told}"
                yield message, self._at(*path), value, "drop the one or the other"

    # -- conditions on columns -----------------------------------------------------------------------

    def _column(self, column: str) -> Iterator[_Said]:
        schema = self.model.schema
        if schema is None or column not in schema.by_name:
            return
        keys = {c for k in self.family.keys if k.table == self.table for c in k.columns}
        where = self._at(column, key=True)
        if column in keys or column in schema.primary_key:
            message = f"{column!r} of {self.table!r} is a key, which tells drawn rows apart or names one"
            yield message, where, column, "write conditions on a column that is no key"
            return
        if self._owner is not None and column == schema.order_by:
            message = f"the rows of {self.table!r} follow one another by {column!r}, so no value of it can be asked for"
            yield message, where, column, "write conditions on another column"
            return
        for rule in self.rules:
            if (rule.table, rule.column) != (self.table, column):
                continue
            how = "is moved" if isinstance(rule, Compared) else "is computed"
            hint = "write conditions on a column that no rule across tables gives its values, or drop the rule"
            if isinstance(rule, RolledUp) and rule.function == "count":
                hint = f"write count({rule.child}) in its place"
            yield f"{column!r} of {self.table!r} {how} by the rule '{rule}'", where, column, hint
            return

    def _generator(self, counts: bool) -> Iterator[_Said]:
        """Something of other tables than the root, or of how many rows belong to a row, is not for every generator."""
        generator, entry = self.model.generator, self._entry()
        related = generator.related if isinstance(generator, Trained) else None
        if generator is None or related is None or related.sample_asked is not None:
            return
        message = f"generator {generator.name!r} takes conditions on columns of {self.family.root!r} alone"
        hint = "drop it, or choose conditional"
        if counts or (self.table != self.family.root and self.model.spec.conditions):
            yield message, self._at(key=True), None, hint
        for key in ("at_least", "at_most"):
            if entry is not None and getattr(entry, key) is not None:
                yield message, entry.origin.at(key, key=True), None, hint


def _owner_of(family: FamilyDraft, table: str) -> Key | None:
    return next((k for k in family.keys if k.table == table and k.owner), None)
