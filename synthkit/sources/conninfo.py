"""What a connection string of PostgreSQL says, as libpq reads it, without libpq: who only compiles has no driver.

Both of its forms: ``postgresql://user@host:5432/database?options`` and ``host=… dbname=…`` (its manual, 34.1.1).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

SCHEMES = ("postgresql://", "postgres://")
_ADDRESS = re.compile(
    r"(?:(?P<user>[^:@/]*)(?::(?P<password>[^@/]*))?@)?(?P<where>[^@/?]*)(?:/(?P<name>[^@/?]*))?(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_WORD = re.compile(
    r"\s*([^\s=]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*)?)(?:\s+|$)", re.DOTALL
)


def parsed(text: str) -> dict[str, str]:
    """Keyword → value of what is said and not empty. Raises ValueError, which does not repeat the text: it may hold a
    password.

    >>> parsed("postgresql://me:a%20b@db.example.org/shop?sslmode=require")["password"]
    'a b'
    >>> parsed("host=/tmp dbname='my shop'")["dbname"]
    'my shop'
    """
    for scheme in SCHEMES:
        if text.startswith(scheme):
            return {k: v for k, v in _uri(text.removeprefix(scheme)).items() if v}
    return {k: v for k, v in _words(text).items() if v}


def _uri(text: str) -> dict[str, str]:
    found = _ADDRESS.fullmatch(text)
    if found is None:  # libpq takes some of these, and looks for a host that is the rest of a password
        raise ValueError("a / or @ that is not in % notation")
    where, name, query = found["where"], found["name"], found["query"]
    said = {"user": found["user"] or "", "password": found["password"] or "", "dbname": name or ""}
    hosts, ports = zip(*(_host(one) for one in where.split(",")), strict=True)
    said |= {"host": ",".join(hosts), "port": ",".join(ports) if any(ports) else ""}
    for pair in query.split("&") if query else ():
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError("an option without a value")
        said["sslmode" if (key, value) == ("ssl", "true") else key] = "require" if key == "ssl" else value
    return {unquote(k): unquote(v) for k, v in said.items()}


def _host(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise ValueError("an address in brackets that does not end")
        return host, port.removeprefix(":")
    host, _, port = text.partition(":")
    return host, port


def _words(text: str) -> dict[str, str]:
    said, at = {}, 0
    while text[at:].strip():
        found = _WORD.match(text, at)
        if found is None:
            raise ValueError("no keyword=value")
        said[found[1]] = re.sub(r"\\(.)", r"\1", found[2] if found[2] is not None else found[3] or "", flags=re.DOTALL)
        at = found.end()
    return said
