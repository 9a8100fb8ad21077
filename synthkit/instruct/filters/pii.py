"""Personal data by its form: addresses and numbers that have a pattern, checked by their check digits."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Literal

from pydantic import Field

from synthkit.instruct.filters.base import PASSED, Finding, Plain, StageParams
from synthkit.instruct.items.item import Item

Kind = Literal["email", "phone", "iban", "credit_card", "ssn", "ip"]
ALL: tuple[Kind, ...] = ("email", "phone", "iban", "credit_card", "ssn", "ip")


class PiiParams(StageParams):
    """Which identifiers of people are looked for.

    Addresses at example.com, the IP ranges of documentation and telephone numbers 555-01xx belong to nobody (RFC 2606,
    RFC 5737, RFC 3849, the North American Numbering Plan); they pass unless ``examples`` is set.

    Args:
        kinds: what to look for.
        examples: reject what is reserved for examples, too.
    """

    kinds: tuple[Kind, ...] = Field(default=ALL, min_length=1)
    examples: bool = False


class Pii(Plain):
    """Names, postal addresses, dates of birth and whatever has no fixed form are not found.

    A telephone number needs an international prefix or the grouping of North America; a US social security number its
    dashes. The reason names the kind, not the value.
    """

    def __init__(self, params: PiiParams) -> None:
        self.params = params

    def look(self, item: Item) -> Finding:
        for kind in self.params.kinds:
            if next(found(kind, f"{item.task}\n{item.response}", self.params.examples), None) is not None:
                return Finding(f"it holds {_NAMES[kind]}")
        return PASSED

    # Without a response, it judges what is there.
    look_task = look


def found(kind: Kind, text: str, examples: bool = True) -> Iterator[str]:
    """What of the text is of that kind and passes its checks."""
    pattern, check = _KINDS[kind]
    for match in pattern.finditer(text):
        if check(match[0]) and (examples or not _EXAMPLES[kind](match[0])):
            yield match[0]


def luhn(digits: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812-1, annex B)."""
    total = 0
    for at, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + at % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def iban(text: str) -> bool:
    """The check digits of an IBAN (ISO 13616: modulo 97 of ISO 7064), and a length that some country has."""
    plain = re.sub(r"\s", "", text).upper()
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and luhn(digits)


def _ssn(text: str) -> bool:
    """Areas 000, 666 and 900–999, group 00 and serial 0000 were never given out."""
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _ip(text: str) -> bool:
    """A public address: private and loopback ones say nothing of anybody."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_global or _documented(text)


def _phone(text: str) -> bool:
    return 8 <= len(re.sub(r"\D", "", text)) <= 15


def _documented(text: str) -> bool:
    return any(
        ipaddress.ip_address(text) in ipaddress.ip_network(n)
        for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
    )


def _never(_text: str) -> bool:
    return False


_GROUPED = r"(?:\+1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}"
_KINDS: dict[Kind, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "email": (re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[a-zA-Z]{2,24}\b"), lambda _: True),
    "phone": (re.compile(rf"(?<![\w+])(?:{_GROUPED}|\+[1-9]\d{{0,2}}(?:[ ./-]?\(?\d{{1,4}}\)?){{2,6}})(?!\w)"), _phone),
    "iban": (re.compile(r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,4})?\b"), iban),
    "credit_card": (re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.]\d)(?!\d)"), _card),
    "ssn": (re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"), _ssn),
    "ip": (
        re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4})(?![\w:]|\.\d)"),
        _ip,
    ),
}
_EXAMPLES: dict[Kind, Callable[[str], bool]] = {
    "email": lambda text: bool(
        re.search(r"[@.]example(?:\.(?:com|org|net))?$|\.(?:test|invalid|localhost)$", text.lower())
    ),
    "phone": lambda text: bool(re.search(r"555\D?01\d\d$", text)),
    "iban": _never,
    "credit_card": _never,
    "ssn": _never,
    "ip": _documented,
}
_NAMES: dict[Kind, str] = {
    "email": "an e-mail address",
    "phone": "a telephone number",
    "iban": "an IBAN",
    "credit_card": "a credit card number",
    "ssn": "a US social security number",
    "ip": "a public IP address",
}
