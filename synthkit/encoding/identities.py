"""Who stands in a row: its made-up name, e-mail, address and telephone number are of one person, of one country.

Each row has an identity of its own, drawn from the seed and the row's number, so that columns agree whatever is asked
for in which order: the e-mail address is that of the name, and all are of the locale that the row's country says.
Columns that are alone in their table and say no locale are made as ever (:mod:`.faker`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

from synthkit.encoding.faker import TRIES, faker_of, stopped_clock, unlike
from synthkit.encoding.locales import NAMES, OF_A_NAME, USUAL, Pii, lacking, locale_of
from synthkit.encoding.portion import ALL, Portion
from synthkit.encoding.values import array_of
from synthkit.errors import BuildError

if TYPE_CHECKING:
    import pyarrow as pa
    from faker import Faker

    from synthkit.encoding.rules import FillRule

_TOKEN = re.compile(r"\{\{(\w+)\}\}")
_FIRST = ("first_name", "first_name_male", "first_name_female")
_LAST = ("last_name", "last_name_male", "last_name_female")

IDENTITY_VERSION = 1  # raise it when the same seed gives other people


class Identities:
    """The columns of a table that are of one person, each row's at once.

    Args:
        rules: of the columns.
        schema: of the whole rows.
    """

    def __init__(self, rules: Sequence[FillRule], schema: pa.Schema, seed: int, portion: Portion = ALL) -> None:
        # Names first: where one must be another, what is made of it follows.
        self.rules = sorted(rules, key=lambda r: not _is_name(r))
        self.schema, self.seed, self.portion = schema, seed, portion
        self.names = [rule.column.name for rule in rules]
        self._said = {rule.column.name: Pii.of(rule.column.pii or "") for rule in rules}
        self._used: dict[str, set[str]] = {rule.column.name: set() for rule in rules}
        self._fakers: dict[str, Faker] = {}
        for name, said in self._said.items():
            if said.column is not None and said.column not in schema.names:
                raise BuildError(f"column {name!r} is made up by {said.column!r}, and the table has no such column")

    def apply(self, columns: dict[str, Any], start: int, rows: int) -> None:
        """Fill the columns of rows ``start`` to ``start + rows``; those that say a country are there already."""
        places = {s.column: columns[s.column].to_pylist() for s in self._said.values() if s.column is not None}
        values: dict[str, list[Any]] = {name: [] for name in self.names}
        with stopped_clock():
            for offset in range(rows):
                row = _Row(f"{self.seed}:identity:{start + offset}", self._faker)
                self._settle(row, places, offset)
                for rule in self.rules:
                    values[rule.column.name].append(self._value(rule, row, places, offset))
        for name in self.names:
            columns[name] = array_of(values[name], self.schema.field(name).type, name)

    def _settle(self, row: _Row, places: Mapping[str, Sequence[Any]], offset: int) -> None:
        """Take another person where a column of names that are all different has this one's already."""
        different = [rule for rule in self.rules if rule.unique and _is_name(rule)]
        for _ in range(TRIES if different else 0):
            if all(self._is_free(rule, self._made(rule, row, places, offset)) for rule in different):
                return
            row.become_another()

    def _is_free(self, rule: FillRule, value: Any) -> bool:
        text = str(value)
        return value is None or (text not in self._used[rule.column.name] and self.portion.partition.owns(text))

    def _made(self, rule: FillRule, row: _Row, places: Mapping[str, Sequence[Any]], offset: int, again: int = 0) -> Any:
        """The row's value; ``again``: another one."""
        name = rule.column.name
        said = self._said[name]
        locale = said.locale or USUAL if said.column is None else locale_of(places[said.column][offset])
        if locale is None or (said.column is not None and lacking(locale, said.provider) is not None):
            return None  # Faker has nothing of that country
        if rule.nulls > 0 and row.share(name) < rule.nulls:
            return None
        return row.of(said.provider, locale, again)

    def _value(self, rule: FillRule, row: _Row, places: Mapping[str, Sequence[Any]], offset: int) -> Any:
        made = self._made(rule, row, places, offset)
        if made is None or not rule.unique:
            return made
        tries = count(1)
        partition = self.portion.partition
        return unlike(
            made, lambda: self._made(rule, row, places, offset, next(tries)), self._used[rule.column.name], partition
        )

    def _faker(self, locale: str) -> Faker:
        if locale not in self._fakers:
            self._fakers[locale] = faker_of(0, locale)
        return self._fakers[locale]


def _is_name(rule: FillRule) -> bool:
    return Pii.of(rule.column.pii or "").provider in NAMES


class _Row:
    """One row's person."""

    def __init__(self, key: str, faker: Callable[[str], Faker]) -> None:
        self._key, self._faker = key, faker
        self._named: dict[str, tuple[str, str, str]] = {}

    def of(self, kind: str, locale: str, again: int = 0) -> Any:
        """The person's value of a kind; ``again``: the next one, where the first stands elsewhere. A name stays."""
        if kind in OF_A_NAME:
            if locale not in self._named:
                self._named[locale] = _person(self._seeded("person", locale))
            return self._of_name(kind, locale, *self._named[locale], more=f"{again + 1}" if again else "")
        return getattr(self._seeded(f"{kind}:{again}", locale), kind)()

    def become_another(self) -> None:
        self._key += "+"
        self._named.clear()

    def share(self, name: str) -> float:
        return _number(f"{self._key}:{name}:null") / 2**32

    def _of_name(self, kind: str, locale: str, first: str, last: str, whole: str, more: str = "") -> str:
        if kind == "email":
            faker = self._seeded("domain", locale)
            user = _ascii(first, last, ".") or faker.user_name()
            return f"{user}{more}@{faker.safe_domain_name()}"
        if kind == "user_name":
            return (_ascii(first[:1], last, "") or str(self._seeded("user", locale).user_name())) + more
        return {"name": whole, "first_name": first, "last_name": last}[kind]

    def _seeded(self, purpose: str, locale: str) -> Faker:
        faker = self._faker(locale)
        faker.seed_instance(_number(f"{self._key}:{purpose}"))
        return faker


def _number(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")


def _person(faker: Faker) -> tuple[str, str, str]:
    """First name, last name, and both as the locale writes them together: of forms without titles."""
    provider = next(p for p in faker.get_providers() if hasattr(p, "first_name"))
    form = str(faker.random_element(_forms(tuple(getattr(provider, "formats", ())))))
    said = {token: str(getattr(faker, token)()) for token in _TOKEN.findall(form)}
    first = next(value for token, value in said.items() if token in _FIRST)
    last = next(value for token, value in said.items() if token in _LAST)
    return first, last, _TOKEN.sub(lambda found: said[found[1]], form)


@cache
def _forms(every: tuple[str, ...]) -> Sequence[str]:
    """Of a locale's forms of a name those without titles and second names."""
    return sorted(f for f in every if _plain(f)) or ["{{first_name}} {{last_name}}"]


def _plain(form: str) -> bool:
    """Whether a form of a name is one first name and one last name, and nothing else."""
    tokens = _TOKEN.findall(form)
    return len(tokens) == 2 and sum(t in _FIRST for t in tokens) == 1 == sum(t in _LAST for t in tokens)


def _ascii(first: str, last: str, between: str) -> str:
    """Both as they stand in an address; "" where the script has no letters of it."""
    parts = (unicodedata.normalize("NFKD", p.lower().replace("ß", "ss").replace("ø", "o")) for p in (first, last))
    found = [re.sub(r"[^a-z0-9]", "", p.encode("ascii", "ignore").decode()) for p in parts]
    return between.join(found) if all(found) else ""


def agreeing(kinds: Iterable[str]) -> bool:
    """Whether columns of these ``pii:`` are made as one person's."""
    return bool(_of_persons({str(number): Pii.of(kind) for number, kind in enumerate(kinds)}))


def together(rules: Sequence[FillRule], apart: Collection[str]) -> list[FillRule]:
    """The rules whose columns are made as one person's.

    Args:
        apart: columns that are made otherwise, as those of a key are.
    """
    faker = [r for r in rules if r.kind == "faker" and r.column.name not in apart]
    chosen = _of_persons({r.column.name: Pii.of(r.column.pii or "") for r in faker})
    return [r for r in faker if r.column.name in chosen]


def _of_persons(said: Mapping[str, Pii]) -> set[str]:
    named = {n for n, s in said.items() if s.provider in OF_A_NAME}
    somewhere = {n for n, s in said.items() if s.locale is not None or s.column is not None}
    return (named if len(named) > 1 else set()) | somewhere
