"""Names in the YAML of what installed packages register in a group of entry points; nothing of it is loaded here."""

from __future__ import annotations

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from synthkit.plugins import entries


def registered(group: str, what: str, *own: str) -> AfterValidator:
    """A validator of names of the group.

    Args:
        what: a name is of, in words.
        own: names that are known besides, without a look at what is installed.
    """

    def known(name: str) -> str:
        if name not in own and name not in entries(group):
            names = sorted({*own, *entries(group)})
            message = f"there is no such {what}"
            raise PydanticCustomError("enum", message, {"options": names, "expected": ", ".join(names)})
        return name

    return AfterValidator(known)
