"""Personal data made up by Faker: ``pii: email`` and any other of its providers by name."""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from synthkit.encoding.locales import ALIASES, USUAL, Pii
from synthkit.errors import BuildError
from synthkit.extras import installed
from synthkit.project.partition import WHOLE, Partition

if TYPE_CHECKING:
    from faker import Faker

# Providers that most tables need, so that checking a name does not load Faker.
COMMON = frozenset(
    [
        "address",
        "building_number",
        "city",
        "company",
        "country",
        "credit_card_number",
        "date_of_birth",
        "email",
        "first_name",
        "iban",
        "ipv4",
        "job",
        "last_name",
        "license_plate",
        "name",
        "phone_number",
        "postcode",
        "sentence",
        "ssn",
        "state",
        "street_address",
        "street_name",
        "text",
        "url",
        "user_name",
        "uuid4",
        "word",
    ]
)
UNUSABLE = {"uuid1", "uuid7", "xml"}  # made from the clock and the machine; needs another package
NOW = dt.datetime(2025, 1, 1)  # what Faker takes for now
TRIES = 40
TRIES_OF_PARTITIONS = 4  # most values are another partition's, so looking on for one costs more than a number


def known_pii(name: str) -> bool:
    """Whether ``pii: name`` can be filled: an alias of ours, or a provider of Faker that makes one value.

    Where Faker is not installed, nothing can be filled, and a name may be one of its: whoever trains is told.
    """
    kind = Pii.of(name).kind
    return kind in ALIASES or kind in COMMON or not installed("faker") or kind in provider_names()


@cache
def provider_names() -> frozenset[str]:
    """Names of Faker's methods that need no argument and return one value (a second on first use)."""
    found = set()
    for provider in faker_of(0).get_providers():
        for name in dir(provider):
            method = getattr(provider, name)
            if not name.startswith("_") and inspect.ismethod(method) and _makes_one_value(method):
                found.add(name)
    return frozenset(found - UNUSABLE)


def _makes_one_value(method: Callable[..., Any]) -> bool:
    signature = inspect.signature(method)
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    if any(p.default is p.empty and p.kind not in optional for p in signature.parameters.values()):
        return False
    kind = signature.return_annotation
    parts = get_args(kind) if get_origin(kind) is Union else (kind,)
    scalars = (str, bool, int, float, Decimal, dt.date, dt.datetime, dt.time)
    return any(part in scalars for part in parts) and not any(part in (tuple, list, dict) for part in parts)


def faker_of(seed: int, locale: str = USUAL) -> Faker:
    from faker import Faker

    made = Faker(locale)
    made.seed_instance(seed)
    return made


def faker_values(pii: str, count: int, seed: int, used: set[str] | None, partition: Partition = WHOLE) -> list[Any]:
    """``count`` values of a provider; with ``used`` (extended here) they all differ, also from those in it.

    Args:
        partition: of the table; with ``used``, values differ from those of the other partitions, too.
    """
    said = Pii.of(pii)
    if said.column is not None:
        raise BuildError(
            f"pii: {pii} of a column that belongs to a key: its rows have one value, whatever their country",
            hint=f"say a locale, as in pii: {said.kind} in de_DE",
        )
    make = getattr(faker_of(seed, said.locale or USUAL), said.provider)
    with stopped_clock():
        values = [make() for _ in range(count)]
        return values if used is None else [unlike(value, make, used, partition) for value in values]


def unlike(value: Any, make: Callable[[], Any], used: set[str], partition: Partition) -> Any:
    """The value, or another one where it is in ``used`` already, or may be another partition's."""

    def free(value: Any) -> bool:
        return str(value) not in used and partition.owns(str(value))

    for _ in range(TRIES if partition.whole else TRIES_OF_PARTITIONS):
        if free(value):
            break
        value = make()
    number = len(used)
    base = value
    while not free(value):
        value = _numbered(base, number)
        number += 1
    used.add(str(value))
    return value


def _numbered(value: Any, number: int) -> Any:
    """A value made another: ``ann@x.org`` becomes ``ann.17@x.org``, a number or a date a later one."""
    if isinstance(value, int | float | Decimal):
        return value + number
    if isinstance(value, dt.date):
        return value - dt.timedelta(days=number)
    head, at, tail = str(value).partition("@")
    return f"{head}.{number}{at}{tail}" if at else f"{value} {number}"


class _Unchanged(type):
    """So that true dates count as instances of the stand-ins below."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])


class _Date(dt.date, metaclass=_Unchanged):
    @classmethod
    def today(cls) -> dt.date:  # type: ignore[override]
        return NOW.date()


class _Datetime(dt.datetime, metaclass=_Unchanged):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
        return NOW.replace(tzinfo=tz)


@contextmanager
def stopped_clock() -> Iterator[None]:
    """Faker counts ages and "this year" from the clock; the same build must give the same rows next year."""
    module: Any = importlib.import_module("faker.providers.date_time")
    before = (module.datetime, module.dtdate)
    module.datetime, module.dtdate = _Datetime, _Date
    try:
        yield
    finally:
        module.datetime, module.dtdate = before
