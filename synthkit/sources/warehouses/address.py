"""The url of a warehouse: ``snowflake://user:password@account/database/schema?warehouse=wh``, and the like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from synthkit.errors import did_you_mean


@dataclass(frozen=True)
class Address:
    """What a url says.

    Args:
        path: its parts, such as a database and a schema.
        options: those of them that are secret are in ``secret``.
    """

    host: str
    port: int | None
    user: str
    password: str = field(repr=False)
    path: tuple[str, ...]
    options: Mapping[str, str]
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may show."""
        return tuple(filter(None, (self.password, *self.secret.values())))

    @property
    def shown(self) -> str:
        """Host and port, and nothing else."""
        host = "localhost" if self.host in ("127.0.0.1", "::1") else self.host
        return host if self.port is None else f"{host}:{self.port}"

    def schema(self, default: str) -> str:
        """The second name of its path."""
        return self.path[1] if len(self.path) > 1 else default

    def checked(self, option: str, *choices: str) -> None:
        """Raises ValueError where an option is there, and none of the choices."""
        if (said := self.options.get(option, choices[0])) not in choices:
            raise ValueError(f"says {option}={said}: it is {' or '.join(choices)}")


def parsed(
    url: str,
    schemes: Sequence[str],
    options: Sequence[str] = (),
    secret: Sequence[str] = (),
    *,
    needs: Sequence[str] = (),
    most: int = 2,
) -> Address:
    """The parts of a url. Raises ValueError, which does not repeat it: a word of it may be a password.

    A password with a bare ``/``, ``?`` or ``#`` would end up in the host and the names, which are shown: it is refused.

    Args:
        options: names of those that may be there, beside the ``secret`` ones.
        needs: what the host, and then the names of the path, are called that must be there.
        most: parts of its path that there may be.

    >>> found = parsed("trino://ann:s%2Fx@db.example.org:8443/lake/shop?verify=no", ["trino"], ["verify"])
    >>> found.password, found.path, found.shown, dict(found.options)
    ('s/x', ('lake', 'shop'), 'db.example.org:8443', {'verify': 'no'})
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        said = dict(parse_qsl(parts.query, strict_parsing=True) if parts.query else ())
    except ValueError:
        raise ValueError("cannot be parsed") from None
    if "@" in parts.path + parts.query or parts.fragment:
        raise ValueError("cannot be parsed")
    if parts.scheme not in schemes:
        raise ValueError(f"does not begin with {schemes[0]}://")
    unknown = next((key for key in said if key not in options and key not in secret), None)
    if unknown is not None:
        raise ValueError(f"has no option {unknown!r}: {did_you_mean(unknown, [*options, *secret], 'an option')}")
    path = tuple(unquote(part) for part in parts.path.split("/") if part)
    if len(path) > most:
        raise ValueError(f"has more than {most} names after its host")
    there = [parts.hostname or "", *path]
    absent = next((called for i, called in enumerate(needs) if i >= len(there) or not there[i]), None)
    if absent is not None:
        raise ValueError(f"names no {absent}")
    return Address(
        (parts.hostname or "").lower(),
        port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        path,
        {k: v for k, v in said.items() if k not in secret},
        {k: v for k, v in said.items() if k in secret},
    )
