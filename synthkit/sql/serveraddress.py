"""The address of a database server's tables: a URL, and the schema in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

# A password in which a character of these is not in % notation would end up in the host or the name, which are shown.
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][\w+.-]*)://(?:(?P<user>[^:@/?]*)(?::[^@/]*)?@)?(?P<host>[^@/?]*)(?:/(?P<name>[^@/?]*))?"
    r"(?P<more>\?[^@]*)?"
)
_SCHEMA = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,50}")
META = "_synth_meta"  # after the schema's name: that of receipts, rows and what synth_meta is in a DuckDB file


@dataclass(frozen=True)
class ServerAddress:
    """Where tables are published to on a database server.

    Args:
        url: as the server's driver takes it, with the password.
        schema: of the tables.
        shown: for people: without the password.
    """

    url: str = field(repr=False)
    schema: str | None
    shown: str

    @property
    def meta(self) -> str:
        return f"{self.schema}{META}"

    def __str__(self) -> str:
        return f"{self.shown}, schema {self.schema}"


def without(secrets: Iterable[str], message: str) -> str:
    """A message of a server or its driver, in which each secret is ``***``."""
    for secret in filter(None, secrets):
        message = message.replace(secret, "***")
    return message


def server_address(text: str, schema: str | None = None) -> ServerAddress | None:
    """The parts of ``postgresql://user:password@host:port/database?schema=shop``; None of what is no such URL: also of
    one whose password has a bare ``/`` or ``@``.

    Args:
        schema: that of the YAML, which wins.

    >>> address = server_address("postgresql://ann:secret@db.example.org/shop?sslmode=require&schema=fake")
    >>> print(address, "|", address.url.partition("?")[2])
    postgresql://ann@db.example.org/shop, schema fake | sslmode=require
    >>> server_address("postgresql://ann:se/cret@db.example.org/shop")
    """
    found = _URL.fullmatch(text)
    if found is None:
        return None
    options = [o for o in (found["more"] or "?")[1:].split("&") if o]
    named = [o.partition("=")[2] for o in options if o.startswith("schema=")]
    rest = "&".join(o for o in options if not o.startswith("schema="))
    user = found["user"]
    shown = f"{found['scheme']}://{user + '@' if user else ''}{found['host']}"
    shown += f"/{found['name']}" if found["name"] else ""
    url = text.partition("?")[0] + (f"?{rest}" if rest else "")
    return ServerAddress(url, schema or (named[0] if named else None), shown)


def is_schema(name: str) -> bool:
    """Whether a schema may be called so: its name, and that of its ``synth_meta``, are written without quotes.

    >>> is_schema("shop_2"), is_schema("my shop")
    (True, False)
    """
    return _SCHEMA.fullmatch(name) is not None
