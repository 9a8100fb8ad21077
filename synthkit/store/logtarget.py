"""What targets have in common whose publications are a log, each entry of which names all tables as they stood.

An object store has it (:mod:`.objectstore`), and so have databases (:mod:`.servers`): whoever publishes replaces what
was there when the build began, or is told that somebody else was faster; every publication is a version; rows are read
through a cache on this machine, under their hash; and receipts are also written to the checkout, for git.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from synthkit.errors import BuildError
from synthkit.files import (
    TEMPORARY,
    clean_temporaries,
    own_folder,
    parsed_json,
    replacing,
    sha256_file,
    write_text_atomic,
)
from synthkit.records.receipt import Receipt
from synthkit.store.journal import text_of
from synthkit.store.publications import Entry, Named
from synthkit.store.target import Sealed, Target
from synthkit.store.versions.git import RECEIPT
from synthkit.store.warehouse import link_or_copy


@dataclass
class Known:
    """What one process knows of a log: receipts by their hash, and the tables as they stood when its build began."""

    base: dict[str, str | None] | None = None
    receipts: dict[str, Receipt] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class LogTarget(Target):
    """A target with a log. One of them says how its entries, receipts and rows are read, and how they are written.

    Args:
        where: what it is called.
        checkout: the folder for receipts.
        scratch: the folder for rows that were read.
    """

    where: str
    checkout: Path
    scratch: Path
    known: Known

    # what each kind says

    @abstractmethod
    def newest(self) -> Entry | None:
        """All tables as they stand; None where nothing was ever published."""

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """The newest first; those that are not kept are left out."""

    @abstractmethod
    def receipt_text(self, name: str, digest: str) -> bytes | None:
        """The text of a receipt, by its SHA-256."""

    @abstractmethod
    def at(self, entry: Entry) -> dict[str, Receipt]:
        """The receipts of the tables of an entry whose rows are there, whole."""

    @abstractmethod
    def fetches(self, receipt: Receipt) -> Iterator[Callable[[Path], None]]:
        """Ways to write the rows of a receipt into a file, the likeliest first. Each may raise BuildError."""

    # read

    def entry(self) -> Entry:
        """All tables as they stand."""
        return self.newest() or Entry(0)

    def names(self) -> list[str]:
        return sorted(self.entry().tables)

    def receipt(self, name: str) -> Receipt | None:
        return self.receipt_at(self.entry(), name)

    def receipt_at(self, entry: Entry, name: str) -> Receipt | None:
        """:meth:`receipt`, as an entry of the log names it."""
        table = entry.tables.get(name)
        return None if table is None else self.receipt_named(name, table.receipt)

    def receipt_named(self, name: str, digest: str) -> Receipt | None:
        """A receipt by its SHA-256; None where it is gone, or is not what its name says."""
        known = self.known.receipts.get(digest)
        if known is None:
            data = self.receipt_text(name, digest)
            if data is None or sha256(data).hexdigest() != digest:
                return None
            try:
                known = Receipt.from_json(parsed_json(data))
            except ValueError:
                return None
            self.known.receipts[digest] = known
        return known

    def published(self, name: str) -> Receipt | None:
        return self.all_published().get(name)

    def all_published(self) -> dict[str, Receipt]:
        """One entry of the log is one instant, of all tables."""
        return self.at(self.entry())

    def file(self, receipt: Receipt) -> Path:
        """The rows in this machine's cache, fetched if they are not there, by their hash."""
        path = self._cached(receipt.sha256)
        if path.is_file() and path.stat().st_size == receipt.bytes:
            return path  # it was hashed as it was fetched, and is its owner's alone
        own_folder(self.scratch)
        for fetch in self.fetches(receipt):
            with suppress(BuildError), replacing(path) as temporary:
                fetch(temporary)
                if sha256_file(temporary) != receipt.sha256:
                    raise BuildError("other rows")
            if path.is_file():
                return path
        raise BuildError(
            f"the rows of {receipt.model!r} are not in {self.where}, or not those of its receipt",
            hint=f"build it again: synth build --select {receipt.model} --full-refresh",
        )

    def original(self, receipt: Receipt) -> Path:
        self._cached(receipt.sha256).unlink(missing_ok=True)
        return self.file(receipt)

    def keep(self, data: Path, receipt: Receipt) -> None:
        """Put rows that were published into the cache, as whoever comes next reads them."""
        own_folder(self.scratch)
        with suppress(OSError), replacing(self._cached(receipt.sha256)) as temporary:
            link_or_copy(data, temporary)

    def _cached(self, digest: str) -> Path:
        return self.scratch / f"{digest}.parquet"

    def shown_in(self) -> Path | None:
        return None

    # publish

    def put(self, name: str, data: Path, sealed: Sealed) -> Receipt:
        return self.put_all({name: (data, sealed)})[name]

    def alone(self) -> str | None:
        return None

    def base_of(self, names: Iterable[str]) -> dict[str, str | None]:
        """The receipts that tables must still have to be replaced: since the build began, or since now."""
        known = self.known.base
        if known is None:
            known = {n: t.receipt for n, t in self.entry().tables.items()}
        return {name: known.get(name) for name in names}

    def changed(self, changes: Mapping[str, Named | None]) -> None:
        """Note what this build published (None: withdrew): it may replace that, too."""
        if self.known.base is not None:
            self.known.base |= {n: None if t is None else t.receipt for n, t in changes.items()}

    def begin(self, entry: Entry, receipts: Mapping[str, Receipt]) -> None:
        """Before a build: what is there now is what it may replace; and what this machine kept of other rows goes."""
        self.known.base = {n: t.receipt for n, t in entry.tables.items()}
        clean_temporaries(self.scratch)
        held = {self._cached(r.sha256).name for r in receipts.values()}
        for path in self.scratch.glob("*.parquet"):
            if path.name not in held and not path.name.startswith(TEMPORARY):
                path.unlink(missing_ok=True)
        for name, receipt in receipts.items():
            self.commit_to_checkout(name, receipt)

    def commit_to_checkout(self, name: str, receipt: Receipt) -> None:
        """Write a receipt where git finds it, the same bytes as in the log: receipts form a chain by their hash."""
        path, text = self.receipt_path(name), text_of(receipt)
        with suppress(OSError):
            if path.read_text("utf-8") == text:
                return
        write_text_atomic(path, text)

    def receipt_path(self, name: str) -> Path:
        """Where git finds the receipt."""
        return self.checkout / f"{name}{RECEIPT}"

    def folders(self) -> Iterable[Path]:
        return (self.scratch, self.checkout)

    def unversioned(self) -> str | None:
        return f"the rows are in {self.where}, whose versions are in its own log, not with git and DVC"
