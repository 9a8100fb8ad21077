"""Personal data made up by Faker: ``pii: email`` and any other of its providers by name."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faker import Faker

ALIASES = {
    "phone": "phone_number",
    "mobile": "phone_number",
    "street": "street_address",
    "zip": "postcode",
    "zipcode": "postcode",
    "postal_code": "postcode",
    "birthday": "date_of_birth",
    "birth_date": "date_of_birth",
    "credit_card": "credit_card_number",
    "ip": "ipv4",
    "username": "user_name",
    "full_name": "name",
}
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
TRIES = 40


def known_pii(name: str) -> bool:
    """Whether ``pii: name`` can be filled: an alias of ours, or a provider of Faker that makes one value."""
    return name in ALIASES or name in COMMON or name in provider_names()


@cache
def provider_names() -> frozenset[str]:
    """Names of Faker's methods that return a value (a second on first use: Faker loads its providers)."""
    found = _faker(0)
    skipped = {"seed", "seed_instance", "seed_locale", "add_provider", "unique", "optional", "items", "factories"}
    return frozenset(n for n in dir(found) if not n.startswith("_") and n not in skipped)


def _faker(seed: int) -> Faker:
    from faker import Faker

    made = Faker("en_US")
    made.seed_instance(seed)
    return made


def faker_values(pii: str, count: int, seed: int, used: set[str] | None) -> list[Any]:
    """``count`` values of a provider; with ``used`` (extended here) they all differ, also from those in it."""
    make = getattr(_faker(seed), ALIASES.get(pii, pii))
    values = []
    for _ in range(count):
        value = make()
        if used is not None:
            for _ in range(TRIES):
                if str(value) not in used:
                    break
                value = make()
            if str(value) in used:
                value = _numbered(str(value), len(used))
            used.add(str(value))
        values.append(value)
    return values


def _numbered(value: str, number: int) -> str:
    """A value made unique: ``ann@x.org`` becomes ``ann.17@x.org``."""
    head, at, tail = value.partition("@")
    return f"{head}.{number}{at}{tail}" if at else f"{value} {number}"
