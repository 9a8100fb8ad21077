"""Addresses of object stores in the YAML (``s3://bucket/prefix``), told apart from paths.

pathlib makes ``s3:/bucket`` of such an address, a folder of this machine: so nothing is joined with the project's
folder before it was asked here, and a key that only takes a path has the type :data:`LocalPath`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

_PATH = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):/(?!/)")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def scheme_of(text: str | None) -> str | None:
    """``s3`` of ``s3://bucket/prefix``, in small letters; None of a path.

    >>> scheme_of("S3://bucket/prefix"), scheme_of("data/a.csv"), scheme_of(r"C:\\data")
    ('s3', None, None)
    """
    found = _ADDRESS.match(text or "")
    return None if found is None else found.group(1).lower()


def address_of(place: str | Path) -> str | None:
    """The address that stands where a folder may; None of a folder.

    >>> address_of(Path("s3://bucket/prefix")), address_of("."), address_of(Path("warehouse"))
    ('s3://bucket/prefix', None, None)
    """
    text = str(place)
    if isinstance(place, Path) and not place.exists():  # of two slashes a path has one
        text = _PATH.sub(r"\1://", text)
    return text if scheme_of(text) is not None else None


def without_password(address: str) -> str:
    """An address as people may see it.

    >>> without_password("postgresql://ann:secret@host/shop?sslmode=require")
    'postgresql://ann@host/shop'
    """
    return re.sub(r"(://[^:@/?]*):[^@/?]*@", r"\1@", address).partition("?")[0]


def _local(path: str) -> str:
    if scheme_of(path) is not None:
        raise PydanticCustomError("address", "it takes a path of this machine, no address", {"hint": "write a path"})
    return path


LocalPath = Annotated[str, AfterValidator(_local)]
