"""Whose key goes where: each address of an API has a key of its own.

A project's YAML may name any address. The key of ``ANTHROPIC_API_KEY`` goes to the provider's own, and to the one that
the environment itself names (``ANTHROPIC_BASE_URL``); another host gets the key that was set for that host, and none
besides.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from synthkit.errors import SynthError

if TYPE_CHECKING:
    from anthropic import Omit

KEY = "ANTHROPIC_API_KEY"
ADDRESS = "ANTHROPIC_BASE_URL"
OWN = "https://api.anthropic.com"
# One way to read it, for every parser of addresses: no user, no backslash, no empty part of a name.
_URL = re.compile(
    r"((?i:https?))://([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[^\s\\@]*)?"
)


def address(base_url: str | None) -> str | None:
    """Where the API is: as the project says, else the environment; None is the provider's own."""
    return base_url or os.environ.get(ADDRESS) or None


def api_key(base_url: str | None = None) -> str:
    """The key that goes to ``base_url``, from the environment.

    Raises:
        SynthError: there is none, or ``base_url`` is no address.
    """
    variable = KEY if is_trusted(base_url) else key_variable(base_url or "")
    key = os.environ.get(variable, "").strip()
    if key:
        return key
    if variable == KEY:
        hint = f"put {KEY}=<your key> in the environment"
        raise SynthError(f"the teacher cannot be asked: {KEY} is not set", hint=hint)
    raise SynthError(
        f"the teacher cannot be asked: teacher.base_url names {base_url}, which is not sent {KEY}",
        hint=f"if that host may have a key, put it in {variable}; or name the address by {ADDRESS} instead",
    )


def is_trusted(base_url: str | None) -> bool:
    """Whether the environment, and not the project alone, says that the key goes there."""
    if not base_url:
        return True
    return _origin(base_url) in {_origin(u) for u in (OWN, os.environ.get(ADDRESS, "")) if u}


def key_variable(base_url: str) -> str:
    """The variable with the key of a host; no two hosts share one.

    >>> key_variable("http://127.0.0.1:8000/v1"), key_variable("https://my-gateway.example")
    ('ANTHROPIC_API_KEY_127_0_0_1', 'ANTHROPIC_API_KEY_MY__2DGATEWAY_EXAMPLE')
    """
    _, host, _ = _origin(base_url)
    return f"{KEY}_" + "".join(
        c.upper() if c.isalnum() else "_" if c == "." else f"__{ord(c):02X}" for c in host.strip("[]")
    )


def foreign_headers(base_url: str | None) -> Mapping[str, Omit]:
    """Headers that the SDK would take from the environment, taken out where they are not for this host."""
    from anthropic import Omit

    lines = () if is_trusted(base_url) else os.environ.get("ANTHROPIC_CUSTOM_HEADERS", "").split("\n")
    return {line.partition(":")[0].strip(): Omit() for line in lines if ":" in line}


def _origin(base_url: str) -> tuple[str, str, str]:
    """Scheme, host and port in lower case. Raises SynthError."""
    found = _URL.fullmatch(base_url.strip())
    if found is None:
        raise SynthError(
            f"teacher.base_url: {base_url!r} is no address", hint="write https://HOST or https://HOST/PATH"
        )
    scheme, host, port = found[1].lower(), found[2].lower(), found[3]
    return scheme, host, port or {"http": ":80", "https": ":443"}[scheme]
