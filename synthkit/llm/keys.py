"""Whose key goes where: each address of an API has a key of its own.

A project's YAML may name any address. The key of a provider (``ANTHROPIC_API_KEY``, ``OPENAI_API_KEY``) goes to the
provider's own, and to the one that the environment itself names (``ANTHROPIC_BASE_URL``, ``OPENAI_BASE_URL``); another
host gets the key that was set for that host, and none besides. A server of OpenAI's API needs none, as most on one's
own machine do.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from synthkit.errors import SynthError

# One way to read it, for every parser of addresses: no user, no backslash, no empty part of a name.
_URL = re.compile(
    r"((?i:https?))://([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[^\s\\@]*)?"
)


@dataclass(frozen=True)
class Api:
    """An API of a provider, and where the environment says more of it.

    Args:
        own: the provider's address.
        key: the variable with the key that goes there.
        address: the variable that names another address for that key.
        headers: the variable with headers that go with it.
        keyless: other servers of this API need no key.
    """

    own: str
    key: str
    address: str
    headers: str
    keyless: bool = False


ANTHROPIC = Api("https://api.anthropic.com", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_CUSTOM_HEADERS")
OPENAI = Api("https://api.openai.com/v1", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", keyless=True)


def address(base_url: str | None, api: Api = ANTHROPIC) -> str | None:
    """Where the API is: as the project says, else the environment; None is the provider's own."""
    return base_url or os.environ.get(api.address) or None


def api_key(base_url: str | None = None, api: Api = ANTHROPIC) -> str:
    """The key that goes to ``base_url``, from the environment; "" where none is needed.

    Raises:
        SynthError: there is none, what is set can be no key, or ``base_url`` is no address.
    """
    variable = variable_of(base_url, api)
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()):  # who sends it would quote it in its error
        hint = "set it again, to the key alone and in one line"
        raise SynthError(f"the teacher cannot be asked: {variable} has characters that no key has", hint=hint)
    if key or (api.keyless and _origin(address(base_url, api) or api.own) != _origin(api.own)):
        return key
    if variable == api.key:
        hint = f"put {api.key}=<your key> in the environment"
        raise SynthError(f"the teacher cannot be asked: {api.key} is not set", hint=hint)
    raise SynthError(
        f"the teacher cannot be asked: teacher.base_url names {base_url}, which is not sent {api.key}",
        hint=f"if that host may have a key, put it in {variable}; or name the address by {api.address} instead",
    )


def variable_of(base_url: str | None, api: Api) -> str:
    """The environment variable with the key that goes to ``base_url``."""
    return api.key if is_trusted(base_url, api) else key_variable(base_url or "", api)


def is_trusted(base_url: str | None, api: Api = ANTHROPIC) -> bool:
    """Whether the environment, and not the project alone, says that the key goes there."""
    if not base_url:
        return True
    return _origin(base_url) in {_origin(u) for u in (api.own, os.environ.get(api.address, "")) if u}


def key_variable(base_url: str, api: Api = ANTHROPIC) -> str:
    """The variable with the key of a host; no two hosts share one.

    >>> key_variable("http://127.0.0.1:8000/v1"), key_variable("https://my-gateway.example")
    ('ANTHROPIC_API_KEY_127_0_0_1', 'ANTHROPIC_API_KEY_MY__2DGATEWAY_EXAMPLE')
    """
    _, host, _ = _origin(base_url)
    return f"{api.key}_" + "".join(
        c.upper() if c.isalnum() else "_" if c == "." else f"__{ord(c):02X}" for c in host.strip("[]")
    )


def foreign_headers(base_url: str | None, api: Api = ANTHROPIC) -> Sequence[str]:
    """Headers that the SDK would take from the environment, and that are not for this host."""
    lines = () if is_trusted(base_url, api) else os.environ.get(api.headers, "").split("\n")
    return [line.partition(":")[0].strip() for line in lines if ":" in line]


def host_of(url: str) -> str:
    """Host and port of an address, as it is written to people.

    >>> host_of("http://LOCALHOST:8000/v1"), host_of("https://api.openai.com/v1")
    ('localhost:8000', 'api.openai.com')
    """
    scheme, host, port = _origin(url)
    return host if port == {"http": ":80", "https": ":443"}[scheme] else host + port


def is_loopback(url: str) -> bool:
    """Whether an address is of this machine alone. What listens there may pass on what it gets.

    >>> [is_loopback(u) for u in ("http://localhost:1/v1", "http://127.3.2.1", "http://[::1]:8", "http://10.0.0.1")]
    [True, True, True, False]
    """
    _, host, _ = _origin(url)
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def is_encrypted(url: str) -> bool:
    return _origin(url)[0] == "https"


def _origin(base_url: str) -> tuple[str, str, str]:
    """Scheme, host and port in lower case. Raises SynthError."""
    found = _URL.fullmatch(base_url.strip())
    if found is None:
        raise SynthError(
            f"teacher.base_url: {base_url!r} is no address", hint="write https://HOST or https://HOST/PATH"
        )
    scheme, host, port = found[1].lower(), found[2].lower(), found[3]
    return scheme, host, port or {"http": ":80", "https": ":443"}[scheme]
