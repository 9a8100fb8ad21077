"""What is asked of a place that keeps objects by key: an object store's bucket, or a folder of this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Object:
    """What a listing says of an object. ``key`` counts from the address; ``tag`` changes with the content."""

    key: str
    size: int
    tag: str | None
    modified: datetime


class Objects(Protocol):
    """Objects, each written whole or not at all. Every method raises BuildError where what is asked cannot be done."""

    def url(self, key: str) -> str:
        """What people call an object."""

    def get(self, key: str) -> bytes | None:
        """The bytes of a small object; None where there is none."""

    def head(self, key: str) -> Object | None: ...

    def list(self, folder: str) -> Iterator[Object]:
        """The objects below a folder, in the order of their keys."""

    def first(self, folder: str) -> Object | None:
        """The object below a folder whose key comes first."""

    def put(self, key: str, data: bytes) -> None:
        """Write a small object, over another one of that key."""

    def upload(self, key: str, file: Path) -> None:
        """Write a file. The object appears when all of it is there."""

    def create(self, key: str, data: bytes) -> bool:
        """Write an object where there is none. Of several writers one is told True."""

    def creates_twice(self, key: str, data: bytes) -> bool:
        """Whether an object is written under the condition that there is none, though there is one."""

    def download(self, key: str, to: Path) -> None:
        """Write an object into a file. Raises BuildError also where there is none."""

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; one that is gone already is none too many."""
