"""A target in an object store: tables that any number of builders publish and readers read, from wherever they are.

```
<prefix>/log/….json                                        the publications (:mod:`.publications`)
<prefix>/receipts/<model>/<SHA-256>.json                   receipts
<prefix>/tables/<model>/<SHA-256, 16 digits>-<writer>.parquet    rows
```

Rows and receipts go there first, under names that nobody else has; the log's next entry publishes them. What is read
lies in a cache on this machine, under its hash, which is checked when it is fetched. The receipts are also written to
the checkout, for git.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError, SynthError
from synthkit.files import (
    TEMPORARY,
    clean_temporaries,
    own_folder,
    parsed_json,
    replacing,
    sha256_file,
    write_text_atomic,
)
from synthkit.objects.bucket import Bucket
from synthkit.records.receipt import Receipt
from synthkit.store.collecting import collect
from synthkit.store.journal import text_of
from synthkit.store.publications import ROWS, Entry, Log, Named, receipt_key
from synthkit.store.target import Place, Sealed, Target
from synthkit.store.versions.git import RECEIPT

if TYPE_CHECKING:
    from synthkit.records.history import RunEntry
    from synthkit.store.target import TableInfo

AT_ONCE = 8  # receipts fetched


@dataclass
class _Opened:
    """What one process knows of an address: its log, and the tables as they stood when its build began."""

    bucket: Bucket
    log: Log
    base: dict[str, str | None] | None = None
    receipts: dict[str, Receipt] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


@cache
def _opened(address: str) -> _Opened:
    bucket = Bucket(address)
    return _Opened(bucket, Log(bucket))


class ObjectStore(Target):
    """The tables below an address."""

    def __init__(self, place: Place) -> None:
        if place.address is None:
            raise SynthError("a target of type objects needs an address", hint="write warehouse: s3://bucket/prefix")
        self.address, self.checkout, self.scratch = place.address, place.path, place.scratch
        self._shared = _opened(place.address)
        self.bucket, self.log = self._shared.bucket, self._shared.log

    # read

    def entry(self) -> Entry:
        """All tables as they stand."""
        return self.log.newest() or Entry(0)

    def names(self) -> list[str]:
        return sorted(self.entry().tables)

    def receipt(self, name: str) -> Receipt | None:
        return self.receipt_at(self.entry(), name)

    def receipt_at(self, entry: Entry, name: str) -> Receipt | None:
        """:meth:`receipt`, as an entry of the log names it."""
        table = entry.tables.get(name)
        return None if table is None else self._receipt_named(name, table.receipt)

    def _receipt_named(self, name: str, digest: str) -> Receipt | None:
        """A receipt by its SHA-256; None where it is gone, or is not what its name says."""
        known = self._shared.receipts.get(digest)
        if known is None:
            data = self.bucket.get(receipt_key(name, digest))
            if data is None or sha256(data).hexdigest() != digest:
                return None
            try:
                known = Receipt.from_json(parsed_json(data))
            except ValueError:
                return None
            self._shared.receipts[digest] = known
        return known

    def published(self, name: str) -> Receipt | None:
        table = self.entry().tables.get(name)
        if table is None:
            return None
        receipt, rows = self._receipt_named(name, table.receipt), self.bucket.head(table.rows)
        return receipt if receipt is not None and rows is not None and rows.size == receipt.bytes else None

    def all_published(self) -> dict[str, Receipt]:
        """One entry of the log is one instant, of all tables."""
        return self.at(self.entry())

    def at(self, entry: Entry) -> dict[str, Receipt]:
        """The receipts of the tables of an entry whose rows are there, whole."""
        tables = entry.tables
        if not tables:
            return {}
        sizes = {found.key: found.size for found in self.bucket.list(ROWS)}
        return {n: r for n, r in self._receipts(entry).items() if sizes.get(tables[n].rows) == r.bytes}

    def _receipts(self, entry: Entry) -> dict[str, Receipt]:
        """Those of an entry that are to be had, several fetched at a time."""
        names = sorted(entry.tables)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            receipts = pool.map(lambda name: self.receipt_at(entry, name), names)
        return {name: receipt for name, receipt in zip(names, receipts, strict=True) if receipt is not None}

    def file(self, receipt: Receipt) -> Path:
        """The rows in this machine's cache, fetched if they are not there, by their hash."""
        path = self.scratch / f"{receipt.sha256}.parquet"
        if path.is_file() and path.stat().st_size == receipt.bytes:
            return path  # it was hashed as it was fetched, and is its owner's alone
        own_folder(self.scratch)
        for key in self._rows_of(receipt):
            with suppress(BuildError), replacing(path) as temporary:
                self.bucket.download(key, temporary)
                if sha256_file(temporary) != receipt.sha256:
                    raise BuildError("other rows")
            if path.is_file():
                return path
        raise BuildError(
            f"the rows of {receipt.model!r} are not below {self.bucket}, or not those of its receipt",
            hint=f"build it again: synth build --select {receipt.model} --full-refresh",
        )

    def original(self, receipt: Receipt) -> Path:
        (self.scratch / f"{receipt.sha256}.parquet").unlink(missing_ok=True)
        return self.file(receipt)

    def _rows_of(self, receipt: Receipt) -> list[str]:
        """The objects that may hold the rows of a receipt: those that the log names now, then others of that hash."""
        table = self.entry().tables.get(receipt.model)
        start = f"{ROWS}/{receipt.model}/{receipt.sha256[:16]}-"
        found = [o.key for o in self.bucket.list(f"{ROWS}/{receipt.model}") if o.key.startswith(start)]
        return sorted(found, key=lambda key: table is None or key != table.rows)

    def shown_in(self) -> Path | None:
        return None

    # publish

    def put(self, name: str, data: Path, sealed: Sealed) -> Receipt:
        return self.put_all({name: (data, sealed)})[name]

    def alone(self) -> str | None:
        return None

    def put_all(self, tables: Mapping[str, tuple[Path, Sealed]]) -> dict[str, Receipt]:
        """See :meth:`synthkit.store.target.Target.put_all`: the log's next entry publishes the tables."""
        base = self._base(tables)
        writer = uuid.uuid4().hex[:12]
        rows = {n: f"{ROWS}/{n}/{sealed.sha256[:16]}-{writer}.parquet" for n, (_, sealed) in tables.items()}
        receipts, changes = {}, {}
        for name, (data, sealed) in tables.items():
            self.bucket.upload(rows[name], data)
            receipt = receipts[name] = sealed.receipt(data.stat().st_size, base[name])
            text = text_of(receipt).encode()
            digest = sha256(text).hexdigest()
            self.bucket.put(receipt_key(name, digest), text)
            changes[name] = Named(digest, rows[name])
        self._publish(changes, base)
        for name, receipt in receipts.items():
            self._shared.receipts[changes[name].receipt] = receipt
            self._commit_to_checkout(name, receipt)
        return receipts

    def _publish(self, changes: Mapping[str, Named | None], base: Mapping[str, str | None]) -> None:
        try:
            with self._shared.lock:
                self.log.append(changes, base, datetime.now(UTC).isoformat(timespec="milliseconds"))
                if self._shared.base is not None:
                    self._shared.base |= {n: None if t is None else t.receipt for n, t in changes.items()}
        except BuildError:
            # Whether it was published is not known where an answer was lost: what the log may name stays.
            with suppress(BuildError):
                named = {t.rows for t in self.entry().tables.values()}
                self.bucket.delete([t.rows for t in changes.values() if t is not None and t.rows not in named])
            raise

    def _base(self, names: Iterable[str]) -> dict[str, str | None]:
        """The receipts that tables must still have to be replaced: since the build began, or since now."""
        known = self._shared.base
        if known is None:
            known = {n: t.receipt for n, t in self.entry().tables.items()}
        return {name: known.get(name) for name in names}

    def remove(self, name: str) -> None:
        """Withdraw a table. Its rows go with the versions that are no longer kept (``synth gc``)."""
        base = self._base([name])
        if base[name] is not None:
            self._publish({name: None}, base)
        self.receipt_path(name).unlink(missing_ok=True)

    def size(self, name: str) -> int:
        return sum(o.size for o in self.bucket.list(f"{ROWS}/{name}"))

    # keep in order

    def mend(self) -> None:
        """Before a build: what is there now is what it may replace; and what this machine kept of other tables goes."""
        self.log.check(datetime.now(UTC).isoformat(timespec="milliseconds"))
        entry = self.entry()
        self._shared.base = {n: t.receipt for n, t in entry.tables.items()}
        clean_temporaries(self.scratch)
        receipts = self._receipts(entry)
        held = {f"{r.sha256}.parquet" for r in receipts.values()}
        for path in self.scratch.glob("*.parquet"):
            if path.name not in held and not path.name.startswith(TEMPORARY):
                path.unlink(missing_ok=True)
        for name, receipt in receipts.items():
            self._commit_to_checkout(name, receipt)

    def _commit_to_checkout(self, name: str, receipt: Receipt) -> None:
        """Write a receipt where git finds it, the same bytes as in the store: receipts form a chain by their hash."""
        path, text = self.receipt_path(name), text_of(receipt)
        with suppress(OSError):
            if path.read_text("utf-8") == text:
                return
        write_text_atomic(path, text)

    def collect(self, keep: int | None, older_than: float | None, *, dry_run: bool) -> Mapping[str, int] | None:
        return collect(self.log, keep, older_than, dry_run=dry_run)

    def receipt_path(self, name: str) -> Path:
        """Where git finds the receipt."""
        return self.checkout / f"{name}{RECEIPT}"

    def folders(self) -> Iterable[Path]:
        return (self.scratch, self.checkout)

    def ready(self) -> str:
        self.log.check()
        newest = self.log.newest()
        many = 0 if newest is None else len(newest.tables)
        return f"{self.bucket} answers" + (f", {many} tables are published there" if many else "")

    def unversioned(self) -> str | None:
        return f"the rows are in {self.bucket}, whose versions are in its own log, not with git and DVC"

    def refuse_taken(self, names: Sequence[str]) -> None:
        """Nobody else has names in it."""

    def refresh(
        self, infos: Mapping[str, TableInfo], runs: Sequence[RunEntry], receipts: Mapping[str, Receipt]
    ) -> None:
        """Nothing is derived of it."""
