"""Which addresses are served, by which extra, and what is wrong with one that is not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from synthkit.extras import absent
from synthkit.project.addresses import scheme_of

SCHEMES = {"s3": "s3", "gs": "gcs", "az": "azure"}  # scheme → the extra that brings its client
_OTHERS = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfs": "az", "abfss": "az", "azure": "az", "wasb": "az", "adl": "az"}
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,221}")


@dataclass(frozen=True)
class Address:
    """Where objects lie: ``s3://bucket/prefix``. ``prefix`` has no slash at its ends, and may be empty."""

    scheme: str
    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")


def refused(text: str) -> tuple[str, str] | None:
    """Why an address cannot be used, and what to write or install; None where it can."""
    scheme = scheme_of(text) or ""
    other = _OTHERS.get(scheme)
    if other is not None:
        return f"{scheme}:// is not read here", f"write {other}://{text.partition('://')[2]}"
    if scheme not in SCHEMES:
        return f"nothing here reads or writes {scheme}://", f"there are {', '.join(f'{s}://' for s in SCHEMES)}"
    there = parsed(text)
    if "@" in there.bucket:
        return "an address holds no credentials", "give them as the cloud's own tools take them (docs/storage.md)"
    if not _BUCKET.fullmatch(there.bucket):
        return f"{there.bucket!r} is no name of a bucket", f"write {scheme}://bucket/prefix"
    if there.prefix and any(p in ("", ".", "..") for p in there.prefix.split("/")):
        return "the address has an empty part, or . or ..", f"write {scheme}://bucket/prefix"
    lacking = absent(f"{scheme}://", SCHEMES[scheme], "obstore")
    return None if lacking is None else (lacking.message, lacking.hint or "")


def parsed(text: str) -> Address:
    """The parts of an address that :func:`refused` does not refuse."""
    bucket, _, prefix = text.partition("://")[2].partition("/")
    return Address(scheme_of(text) or "", bucket, prefix.strip("/"))
