"""Where made-up personal data is of: ``pii: phone in de_DE``, ``pii: phone by country``.

Faker has providers for some hundred locales, and fills what one of them lacks with what is everybody's, which is the
United States' in the main. What a locale has of its own is found by what a provider reads while it makes values.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
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
NAMES = ("name", "first_name", "last_name")
OF_A_NAME = (*NAMES, "email", "user_name")
ADDRESSES = ("street_address", "street_name", "postcode", "city", "phone_number", "address", "state")
NUMBERS = ("ssn", "iban", "license_plate")  # that an authority or a bank gives out
LOCAL = (*NAMES, *ADDRESSES, "company", *NUMBERS)  # what differs from country to country, and is asked after
USUAL = "en_US"
# The locale of a country of which there are several, or whose only one is of a language that few there write.
CHOSEN = {
    "BE": "nl_BE",
    "CA": "en_CA",
    "CH": "de_CH",
    "CY": "el_CY",
    "IN": "en_IN",
    "IL": "he_IL",
    "DK": "da_DK",
    "NG": "en_NG",
    "PH": "en_PH",
    "TH": "th_TH",
    "ES": "es_ES",
    "ZA": "zu_ZA",
}
_SAID = re.compile(r"(?P<kind>\w+)(?: in (?P<locale>\w+)| by (?P<column>\S.*))?")
_TRIES = 30  # values that are made to see what a provider reads


@dataclass(frozen=True)
class Pii:
    """``pii:`` of a column, taken apart.

    Args:
        kind: as it is written.
        locale: of all rows; None: the usual one, or that of each row's country.
        column: that has the country of a row.
    """

    kind: str
    locale: str | None = None
    column: str | None = None

    @classmethod
    def of(cls, text: str) -> Pii:
        """
        >>> Pii.of("phone"), Pii.of("phone in de_DE"), Pii.of("phone by country")
        (Pii(kind='phone', locale=None, column=None), Pii(kind='phone', locale='de_DE', column=None), \
Pii(kind='phone', locale=None, column='country'))
        """
        found = _SAID.fullmatch(text.strip())
        return cls(text) if found is None else cls(found["kind"], found["locale"], found["column"])

    @property
    def provider(self) -> str:
        """Faker's name of the kind."""
        return ALIASES.get(self.kind, self.kind)


@cache
def locales() -> frozenset[str]:
    """Those that Faker has."""
    from faker.config import AVAILABLE_LOCALES

    return frozenset(AVAILABLE_LOCALES)


def lacking(locale: str, provider: str) -> str | None:
    """Why what would be made of a locale is another country's, in words; None: it is not, or is of no country.

    E-mail addresses and user names are made of a name; a first name is one of a whole name, which may have its own.
    """
    asked = [p for p in (provider, "name" if provider in OF_A_NAME else None) if p in LOCAL]
    found = [borrowed(locale, p) for p in dict.fromkeys(asked)]
    return None if not found or None in found else found[0]


@cache
def borrowed(locale: str, provider: str) -> str | None:
    """What a locale's provider of a method has not of its own, in words; None: nothing.

    A word list, or a form with words in it, that is read while values are made and stands in none of the modules of the
    locale's language is everybody's.
    """
    faker = _faker_of(locale)
    owner = next((p for p in faker.get_providers() if hasattr(p, provider)), None)
    if owner is None:
        return f"it has no {provider}"
    if provider in NUMBERS:
        return _given_out_elsewhere(locale, provider, type(owner))
    faker.seed_instance(1)
    kinds = [p for p in faker.get_providers() if type(p).__module__.startswith("faker.providers.")]
    with _watched(kinds) as read:
        try:
            for _ in range(_TRIES):
                getattr(faker, provider)()
        except Exception as error:
            return f"it makes none ({error})"
    language = locale.partition("_")[0]
    asked = (_family_of(type(owner)), "person", "address")
    for kind, name in sorted(read, key=lambda r: (r[0].__module__, r[1])):
        if _family_of(kind) not in asked:
            continue
        home = next(c for c in kind.__mro__ if name in vars(c))
        place = home.__module__.split(".")
        # What stands in no language's module is in English.
        own = place[3].partition("_")[0] == language if len(place) > 3 else language == "en"
        if not own and _has_words(vars(home)[name]):
            return f"its {name} are not of it"
    return None


@lru_cache(maxsize=4)  # one takes longer to make than all that is asked of it
def _faker_of(locale: str) -> Faker:
    from faker import Faker

    return Faker(locale)


def _given_out_elsewhere(locale: str, provider: str, owner: type) -> str | None:
    """Whose numbers a provider makes where they are not those of the locale's country, which words cannot tell."""
    # Who has no social security numbers of its own inherits the American ones; what others are made of is the class's.
    home = next(c for c in owner.__mro__ if provider in vars(c)) if provider == "ssn" else owner
    of = "".join(home.__module__.split(".")[3:4]) or USUAL
    country = locale.partition("_")[2]
    return None if country and of.partition("_")[2] == country else f"it would be that of {of}"


@contextmanager
def _watched(providers: Sequence[Any]) -> Iterator[set[tuple[type, str]]]:
    """What these providers read of their classes' data, by class and name, while it lasts."""
    read: set[tuple[type, str]] = set()
    with ExitStack() as stack:
        for provider in providers:
            before = type(provider)
            provider.__class__ = _watcher(before, read)
            stack.callback(setattr, provider, "__class__", before)
        yield read


def _watcher(kind: type, read: set[tuple[type, str]]) -> type:
    def get(self: Any, name: str) -> Any:
        value = object.__getattribute__(self, name)
        if not name.startswith("_") and isinstance(value, str | list | tuple | Mapping) and hasattr(kind, name):
            read.add((kind, name))
        return value

    return type(kind.__name__, (kind,), {"__getattribute__": get})


def _family_of(kind: type) -> str:
    place = kind.__module__.split(".")
    return place[2] if len(place) > 2 else ""


def _has_words(value: Any) -> bool:
    """Whether data has words in it, and not only digits, marks and references to other providers."""
    if isinstance(value, str):
        return any(c.isalpha() for c in re.sub(r"\{\{.*?\}\}", "", value))
    return isinstance(value, Iterable) and any(_has_words(one) for one in value)


@cache
def countries() -> Mapping[str, str]:
    """Country, by two or three letters or by its English name, in lower case → its locale."""
    module = importlib.import_module("faker.providers.date_time")
    found: dict[str, str] = {}
    for country in module.Provider.countries:
        code = country.alpha_2_code
        several = sorted(name for name in locales() if name.endswith(f"_{code}"))
        same = f"{code.lower()}_{code}"
        locale = CHOSEN.get(code) or (same if same in several else next(iter(several), None))
        if locale in locales():
            for text in (code, country.alpha_3_code, country.name):
                found[text.lower()] = str(locale)
    others = {"uk": "gb", "usa": "us", "united states of america": "us", "great britain": "gb", "england": "gb"}
    return {**found, **{name: found[code] for name, code in others.items() if code in found}}


def locale_of(country: Any) -> str | None:
    """The locale of a value of a column of countries; None where there is none."""
    return None if country is None else countries().get(str(country).strip().lower())
