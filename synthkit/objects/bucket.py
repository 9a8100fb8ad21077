"""Objects below an address: read, listed, written whole, and written only by the first of several writers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from synthkit.errors import BuildError, SynthError, shortened
from synthkit.objects.address import Address, parsed, refused
from synthkit.objects.client import client_of, patience
from synthkit.objects.objects import Object

T = TypeVar("T")
PART = 8 * 1024 * 1024  # bytes of one part of an upload, and of what is held of a download
AT_ONCE = 4  # parts in flight


class Bucket:
    """The objects below an address.

    Every method raises BuildError, with the server's reason, where the server does not do what is asked in the time
    that it is given, however often it is asked.
    """

    def __init__(self, address: str) -> None:
        fault = refused(address)
        if fault is not None:
            raise SynthError(f"{address}: {fault[0]}", hint=fault[1])
        self.address: Address = parsed(address)

    def __str__(self) -> str:
        return str(self.address)

    @cached_property
    def _client(self) -> Any:
        return client_of(self.address)

    def _path(self, key: str) -> str:
        return f"{self.address.prefix}/{key}" if self.address.prefix else key

    def url(self, key: str) -> str:
        return f"{self.address}/{key}"

    def get(self, key: str) -> bytes | None:
        """The bytes of a small object; None where there is none."""
        import obstore

        with self._explained("read", key):
            try:
                return self._again(lambda: bytes(obstore.get(self._client, self._path(key)).bytes()))
            except FileNotFoundError:
                return None

    def head(self, key: str) -> Object | None:
        import obstore

        with self._explained("read", key):
            try:
                return self._object(obstore.head(self._client, self._path(key)))
            except FileNotFoundError:
                return None

    def list(self, folder: str) -> Iterator[Object]:
        """The objects below a folder, in the order of their keys, a page of the server at a time."""
        with self._explained("list", folder):
            for page in self._pages(self._path(folder) or None):
                yield from map(self._object, page)

    def _pages(self, prefix: str | None) -> Iterator[Sequence[Any]]:
        """A listing that breaks off goes on after the last page that came whole."""
        import obstore
        from obstore.exceptions import BaseError

        stream: Any = None
        last: str | None = None

        def ask() -> Sequence[Any]:
            nonlocal stream
            if stream is None:
                stream = iter(obstore.list(self._client, prefix, offset=last, chunk_size=1_000))
            try:
                return next(stream, ())
            except BaseError:
                stream = None
                raise

        while page := self._again(ask):
            yield page
            last = str(page[-1]["path"])

    def first(self, folder: str) -> Object | None:
        """The object below a folder whose key comes first. One request."""
        return next(self.list(folder), None)

    def put(self, key: str, data: bytes) -> None:
        """Write a small object, over another one of that key."""
        import obstore

        with self._explained("write", key):
            self._again(lambda: obstore.put(self._client, self._path(key), data, use_multipart=False))

    def upload(self, key: str, file: Path) -> None:
        """Write a file, in parts where it is large. The object appears when all of it is there.

        Raises:
            BuildError: also where the server has another number of bytes than the file.
        """
        import obstore

        with self._explained("write", key):
            self._again(
                lambda: obstore.put(self._client, self._path(key), file, chunk_size=PART, max_concurrency=AT_ONCE)
            )
        found, size = self.head(key), file.stat().st_size
        if found is None or found.size != size:
            has = "nothing" if found is None else f"{found.size:,} bytes"
            raise BuildError(f"{self.url(key)} was not taken whole: {size:,} bytes were sent, the server has {has}")

    def create(self, key: str, data: bytes) -> bool:
        """Write an object where there is none. Of several writers one is told True, whatever answers are lost.

        A server may have done what it did not answer to, or answered that there is one to a repeated request of our
        own: so what lies there is looked at. ``data`` must be this writer's alone.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

        with self._explained("write", key):
            until = time.monotonic() + patience()
            while time.monotonic() < until:
                try:
                    obstore.put(self._client, self._path(key), data, mode="create", use_multipart=False)
                    return True
                except (AlreadyExistsError, PreconditionError):
                    lost: Exception | None = None
                except BaseError as error:
                    if _for_good(error):
                        raise
                    lost = error
                found = self.get(key)
                if found is not None:
                    return found == data
                if lost is not None and time.monotonic() > until:
                    raise lost
                time.sleep(0.05)
        raise BuildError(
            f"{self.url(key)} is said to be there, and is not", hint="is the server an S3 of its own kind?"
        )

    def creates_twice(self, key: str, data: bytes) -> bool:
        """Whether the server takes a write of an object under the condition that there is none, though there is one."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self._explained("write", key):
            try:
                self._again(
                    lambda: obstore.put(self._client, self._path(key), data, mode="create", use_multipart=False)
                )
            except (AlreadyExistsError, PreconditionError):
                return False
        return True

    def download(self, key: str, to: Path) -> None:
        """Write an object into a file, a part at a time. Raises BuildError also where there is none."""
        import obstore

        def once() -> None:
            with to.open("wb") as file:
                for chunk in obstore.get(self._client, self._path(key)).stream(min_chunk_size=PART):
                    file.write(chunk)

        with self._explained("read", key):
            self._again(once)

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; one that is gone already is none too many."""
        import obstore

        with self._explained("remove", keys[0] if keys else ""):
            for key in keys:
                try:
                    self._again(lambda key=key: obstore.delete(self._client, self._path(key)))  # type: ignore[misc]
                except FileNotFoundError:
                    continue

    def _object(self, meta: Any) -> Object:
        key = str(meta["path"])
        key = key.removeprefix(f"{self.address.prefix}/") if self.address.prefix else key
        return Object(key, int(meta["size"]), meta["e_tag"], meta["last_modified"])

    def _again(self, ask: Callable[[], T]) -> T:
        """Ask once more what may be asked twice: obstore repeats a request, but no answer that broke off in between."""
        from obstore.exceptions import BaseError

        until = time.monotonic() + patience()
        while True:
            try:
                return ask()
            except BaseError as error:
                if time.monotonic() > until or _for_good(error):
                    raise
            time.sleep(0.05)

    @contextmanager
    def _explained(self, verb: str, key: str) -> Iterator[None]:
        """Turn what obstore says about an object into a BuildError."""
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        url = self.url(key) if key else str(self.address)
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            hint = "look at the credentials and their rights (docs/storage.md)"
            raise BuildError(f"the server does not let us {verb} {url}: {_reason(error)}", hint=hint) from None
        except FileNotFoundError as error:
            hint = "look at the bucket's name, and whether it is there"
            raise BuildError(f"cannot {verb} {url}: {_reason(error)}", hint=hint) from None
        except BaseError as error:
            hint = "try again; look at the network, the endpoint and the credentials (docs/storage.md)"
            raise BuildError(f"cannot {verb} {url}: {_reason(error)}", hint=hint) from None


def _for_good(error: Exception) -> bool:
    """Whether the same request would fail again."""
    from obstore.exceptions import (
        AlreadyExistsError,
        NotSupportedError,
        PermissionDeniedError,
        PreconditionError,
        UnauthenticatedError,
    )

    return isinstance(
        error,
        AlreadyExistsError | PreconditionError | PermissionDeniedError | UnauthenticatedError | NotSupportedError,
    )


def _reason(error: Exception) -> str:
    """The server's or the client's reason, without the query of an address, which may hold a signature."""
    text = str(error).split("\n\nDebug source:")[0]
    code = re.search(r"<Code>(\w+)</Code>(?:<Message>([^<]*)</Message>)?", text)
    if code is not None:
        return shortened(": ".join(p for p in code.groups() if p), 200)
    text = re.sub(r"\?[^\s'\"]+", "?…", " ".join(text.split()))
    return shortened(text, 300)
