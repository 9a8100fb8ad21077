"""SHA-256 and MD5 of a file while it is written, so that nobody has to read it again to know them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, NamedTuple

PIECE = 2**20  # bytes that are written and hashed together: a Parquet page alone is too little to wake threads for
AHEAD = 8  # pieces whose hashing may lag behind: a bound on the memory that waits


class Hashes(NamedTuple):
    """Of the bytes of a file. SHA-256 is what receipts promise; MD5 is the name that DVC gives it."""

    sha256: str
    md5: str


class HashedFile:
    """A file to write to from its beginning to its end, hashed by threads beside it. Use it in a ``with`` block."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.closed = False
        self._kinds = {kind: hashlib.new(kind, usedforsecurity=kind != "md5") for kind in ("sha256", "md5")}
        # One thread for each hash: it takes the writes in their order.
        self._threads = {kind: ThreadPoolExecutor(1, thread_name_prefix=f"synth-{kind}") for kind in self._kinds}
        self._waiting: list[Future[None]] = []
        self._held = bytearray()
        self._written = 0

    def __enter__(self) -> HashedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()
        for thread in self._threads.values():
            thread.shutdown(cancel_futures=kind is not None)

    @property
    def hashes(self) -> Hashes:
        """Of all that was written so far."""
        self._pass_on()
        self._wait_for(0)
        return Hashes(*(self._kinds[kind].hexdigest() for kind in ("sha256", "md5")))

    def write(self, data: bytes | memoryview) -> int:
        before = len(self._held)
        self._held += data  # a copy: what is handed over may be reused by the time that it is hashed
        size = len(self._held) - before
        self._written += size
        if len(self._held) >= PIECE:
            self._pass_on()
        return size

    def _pass_on(self) -> None:
        if not self._held:
            return
        whole, self._held = bytes(self._held), bytearray()
        self.file.write(whole)
        for kind, thread in self._threads.items():
            update: Callable[[bytes], None] = self._kinds[kind].update
            self._waiting.append(thread.submit(update, whole))
        self._wait_for(AHEAD * len(self._threads))

    def flush(self) -> None:
        self._pass_on()
        self.file.flush()

    def tell(self) -> int:
        return self._written

    def close(self) -> None:
        """Called by a writer that has ended; the file underneath belongs to whoever opened it."""
        self.closed = True

    def _wait_for(self, left: int) -> None:
        while len(self._waiting) > left:
            self._waiting.pop(0).result()
