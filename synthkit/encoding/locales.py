"""Where made-up personal data is of: ``pii: phone in de_DE``, ``pii: phone by country``.

Faker has providers for some hundred locales, and fills what one of them lacks with what is everybody's, which is the
United States' in the main. What a locale has of its own is found by what a provider reads while it makes values.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

NAMES = ("name", "first_name", "last_name")
ADDRESSES = ("street_address", "street_name", "postcode", "city", "phone_number", "address", "state")
LOCAL = (*NAMES, *ADDRESSES, "company")  # what differs from country to country, and is asked after
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


@cache
def locales() -> frozenset[str]:
    """Those that Faker has."""
    from faker.config import AVAILABLE_LOCALES

    return frozenset(AVAILABLE_LOCALES)


@cache
def borrowed(locale: str, provider: str) -> str | None:
    """What a locale's provider of a method has not of its own, in words; None: nothing.

    A word list, or a form with words in it, that is read while values are made and stands in none of the modules of the
    locale's language is everybody's.
    """
    from faker import Faker

    faker = Faker(locale)
    faker.seed_instance(1)
    owner = next((p for p in faker.get_providers() if hasattr(p, provider)), None)
    if owner is None:
        return f"it has no {provider}"
    seen = _Seen()
    kinds = [p for p in faker.get_providers() if type(p).__module__.startswith("faker.providers.")]
    with seen.watching(kinds):
        try:
            for _ in range(_TRIES):
                getattr(faker, provider)()
        except Exception as error:
            return f"it makes none ({error})"
    language = locale.partition("_")[0]
    asked = _family_of(owner)
    for kind, name in sorted(seen.read, key=lambda r: (r[0].__module__, r[1])):
        if _family_of_class(kind) != asked and _family_of_class(kind) not in ("person", "address"):
            continue
        home = next(c for c in kind.__mro__ if name in vars(c))
        place = home.__module__.split(".")
        # What stands in no language's module is in English.
        own = place[3].partition("_")[0] == language if len(place) > 3 else language == "en"
        if not own and _has_words(vars(home)[name]):
            return f"its {name} are not of it"
    return None


class _Seen:
    def __init__(self) -> None:
        self.read: set[tuple[type, str]] = set()

    def watching(self, providers: Sequence[Any]) -> Any:
        """Within it, what providers read of their classes' data is noted."""
        from contextlib import ExitStack, contextmanager

        @contextmanager
        def watched() -> Any:
            with ExitStack() as stack:
                for provider in providers:
                    before = type(provider)
                    provider.__class__ = _watcher(before, self.read)
                    stack.callback(setattr, provider, "__class__", before)
                yield

        return watched()


def _watcher(kind: type, read: set[tuple[type, str]]) -> type:
    def get(self: Any, name: str) -> Any:
        value = object.__getattribute__(self, name)
        if not name.startswith("_") and isinstance(value, str | list | tuple | Mapping) and hasattr(kind, name):
            read.add((kind, name))
        return value

    return type(kind.__name__, (kind,), {"__getattribute__": get})


def _family_of(provider: Any) -> str:
    return _family_of_class(type(provider))


def _family_of_class(kind: type) -> str:
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
