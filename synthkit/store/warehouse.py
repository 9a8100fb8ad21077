"""Published tables: Parquet files, each named by a receipt; the receipt's rename is the moment of publication.

```
warehouse/<target>/<model>/<sha256, 16 digits>.parquet
warehouse/<target>/<model>.receipt.json
```

Publishing puts the new file beside the old one under the name of its content, replaces the receipt in one rename,
and then removes the old file. Whoever reads through the receipt (synthkit, the DuckDB file) sees the old table or
the new one, whole, at every instant, also after a kill. A glob over the folder can see both for that instant.
Tables that are published together stand in one file until each has its receipt (:mod:`.journal`).
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from synthkit.errors import BuildError
from synthkit.files import (
    TEMPORARY,
    clean_temporaries,
    explained,
    parsed_json,
    replacing,
    sha256_file,
    write_json_atomic,
)
from synthkit.records.receipt import Receipt
from synthkit.store import journal
from synthkit.store.target import Gate, Sealed
from synthkit.store.versions.git import RECEIPT

SUFFIX = RECEIPT
_RECEIPTS = threading.Lock()  # one thread of a process at a time replaces receipts: by name, and what the journal says


@dataclass(frozen=True)
class Warehouse(Gate):
    """The published tables of one target, and the DuckDB file derived from them."""

    directory: Path
    database: Path

    @cached_property
    def _folders(self) -> dict[Path, Path]:
        return {}

    def _resolved(self, folder: Path) -> Path:
        """A folder without links, each looked up once: a build of a thousand tables asks four times."""
        if folder not in self._folders:
            self._folders[folder] = folder.resolve()
        return self._folders[folder]

    def receipt_path(self, name: str) -> Path:
        return self.directory / f"{name}{SUFFIX}"

    def published(self, name: str) -> Receipt | None:
        """The receipt of a published table whose file is there, whole, or None."""
        receipt = self.receipt(name)
        while receipt is not None and not self._is_whole(receipt):
            # The file may be gone because the table was published anew since its receipt was read.
            again = self.receipt(name)
            if again == receipt:
                return None
            receipt = again
        return receipt

    def receipt(self, name: str) -> Receipt | None:
        """The receipt, whether or not the file that it names is there."""
        together = journal.journal_of(self.directory)
        if together is not None and name in together.receipts:
            return together.receipts[name]
        return read_receipt(self.receipt_path(name))

    def names(self) -> list[str]:
        """The tables that have a receipt, whole or not."""
        together = journal.journal_of(self.directory)
        return sorted({*receipts_in(self.directory), *(() if together is None else together.receipts)})

    def all_published(self) -> dict[str, Receipt]:
        """Receipts of all published tables, by name; those of one family as they stood at one instant.

        They are read one by one. Where none of a family's was replaced between the first and the last, all stood at
        that moment; where one was, they are read again.
        """
        while True:
            before = self._states()
            found = super().all_published()
            after = self._states()
            moved = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
            if journal.FILE not in moved and not any(self._is_of_family(name, found.get(name)) for name in moved):
                return found

    def _states(self) -> dict[str, journal.Identity | None]:
        """Each receipt's file, and the journal's, as they stand."""
        states = {name: journal.identity(path) for name, path in receipts_in(self.directory).items()}
        return {**states, journal.FILE: journal.identity(self.directory / journal.FILE)}

    def _is_of_family(self, name: str, receipt: Receipt | None) -> bool:
        return any(r is not None and r.family is not None for r in (receipt, self.receipt(name)))

    def _is_whole(self, receipt: Receipt) -> bool:
        """By its size: a hash of every file at every start would take too long; `verify` takes that time."""
        try:
            return self.file(receipt).stat().st_size == receipt.bytes
        except OSError:
            return False

    def file(self, receipt: Receipt) -> Path:
        """The Parquet file that a receipt names. A receipt cannot name a file outside the warehouse."""
        path = self.directory / receipt.file
        # The folder, not the file: DVC may have put a link to its cache there.
        path = self._resolved(path.parent) / path.name
        if not path.is_relative_to(self._resolved(self.directory)) or path.name == "..":
            raise BuildError(f"the receipt of {receipt.model!r} names a file outside the warehouse: {path}")
        return path

    def shown_in(self) -> Path | None:
        return self.database

    def put(self, name: str, data: Path, sealed: Sealed) -> Receipt:
        """See :meth:`synthkit.store.target.Target.put`: the receipt's rename publishes the table."""
        final = self._place(data, sealed)
        with _RECEIPTS:
            journal.settle(self.directory)
            receipt = sealed.receipt(final.stat().st_size, self._receipt_hash(name))
            write_json_atomic(self.receipt_path(name), receipt.to_json())
        self._remove_others(final.parent, final)
        return receipt

    def alone(self) -> str | None:
        return None

    def put_all(self, tables: Mapping[str, tuple[Path, Sealed]]) -> dict[str, Receipt]:
        """See :meth:`synthkit.store.target.Target.put_all`: the rename of the journal publishes the tables."""
        places = {name: self._place(data, sealed) for name, (data, sealed) in tables.items()}
        with _RECEIPTS:
            journal.settle(self.directory)
            receipts = {
                name: sealed.receipt(places[name].stat().st_size, self._receipt_hash(name))
                for name, (_, sealed) in tables.items()
            }
            journal.write(self.directory, receipts)
            with suppress(BuildError):  # they are published; the next publish, or mend, does the rest
                journal.settle(self.directory)
        for place in places.values():
            self._remove_others(place.parent, place)
        return receipts

    def _place(self, data: Path, sealed: Sealed) -> Path:
        """Put a Parquet file where no receipt names it yet, and with whoever keeps versions. Returns the path."""
        final, digest = self.directory / sealed.file, sealed.sha256
        folder = final.parent
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
        clean_temporaries(folder)
        clean_temporaries(self.directory)
        if not final.exists() or sha256_file(final) != digest:
            with replacing(final) as temporary:
                link_or_copy(data, temporary)
                # Staged rows are their owner's alone; a published table is read by whoever reads its folder.
                temporary.chmod(folder.stat().st_mode & 0o666)
        if sealed.keep is not None:
            sealed.keep(final, sealed.md5)
        return final

    def _receipt_hash(self, name: str) -> str | None:
        """SHA-256 of the receipt as it stands: receipts form a chain."""
        path = self.receipt_path(name)
        return sha256_file(path) if path.is_file() else None

    def settle(self) -> None:
        """End what a killed process had published together: give each table its receipt. Raises BuildError."""
        with _RECEIPTS:
            journal.settle(self.directory)

    def recover(self, name: str, receipt: Receipt) -> None:
        """Remove what a killed publish left of a table: files that its receipt does not name."""
        folder = self.directory / name
        clean_temporaries(folder)
        self._remove_others(folder, self.file(receipt))

    def remove(self, name: str) -> None:
        """Withdraw a table: the receipt first, so that no reader finds a name without its file."""
        self.settle()
        self.receipt_path(name).unlink(missing_ok=True)
        shutil.rmtree(self.directory / name, ignore_errors=True)

    def _remove_others(self, folder: Path, keep: Path) -> None:
        same = self._resolved(folder) == self._resolved(keep.parent)  # the folders, as DVC links files to its cache
        for path in folder.glob("*.parquet"):
            if path.name != keep.name or not same:
                with suppress(OSError):  # the table is published; the next publish tries again
                    path.unlink()


def receipts_in(directory: Path) -> dict[str, Path]:
    """The receipt files of a folder, by the name of their table. One that a killed publish was writing is none."""
    found = sorted(directory.glob(f"*{SUFFIX}"))
    return {p.name.removesuffix(SUFFIX): p for p in found if not p.name.startswith(TEMPORARY)}


def read_receipt(path: Path) -> Receipt | None:
    """What a receipt file says; None where it is none."""
    try:
        status = path.stat()
        return _parsed(path, status.st_ino, status.st_mtime_ns, status.st_size)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=4_096)
def _parsed(path: Path, *_: int) -> Receipt:
    """A receipt, once for each state of its file: a build asks for it by three ways. Raises ValueError, OSError."""
    return Receipt.from_json(parsed_json(path.read_text("utf-8")))


def link_or_copy(source: Path, destination: Path) -> None:
    """A second name for the same bytes where the file systems allow it, a copy where not."""
    destination.unlink(missing_ok=True)
    try:
        os.link(source, destination)
    except OSError:
        shutil.copyfile(source, destination)
