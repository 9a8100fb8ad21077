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

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError, SynthError
from synthkit.objects.bucket import Bucket
from synthkit.objects.folder import Folder
from synthkit.objects.objects import Objects
from synthkit.records.receipt import Receipt
from synthkit.store.collecting import collect
from synthkit.store.journal import text_of
from synthkit.store.logtarget import Known, LogTarget
from synthkit.store.publications import ROWS, Entry, Log, Named, receipt_key
from synthkit.store.target import Place, Sealed

if TYPE_CHECKING:
    from synthkit.records.history import RunEntry
    from synthkit.store.target import TableInfo

AT_ONCE = 8  # receipts fetched


@dataclass
class _Opened(Known):
    """What one process knows of an address."""

    bucket: Objects = field(kw_only=True)
    log: Log = field(kw_only=True)


@cache
def _opened(place: str | Path) -> _Opened:
    bucket: Objects = Folder(place) if isinstance(place, Path) else Bucket(place)
    return _Opened(bucket=bucket, log=Log(bucket))


class ObjectStore(LogTarget):
    """The tables below an address."""

    known: _Opened

    def __init__(self, place: Place) -> None:
        where = self.where_of(place)
        self.checkout, self.scratch = place.path, place.scratch
        self.known = _opened(where)
        self.bucket, self.log = self.known.bucket, self.known.log
        self.where = str(self.bucket)

    def where_of(self, place: Place) -> str | Path:
        """The address, or a folder, of a place. Raises SynthError for one that is not meant."""
        if place.address is None:
            raise SynthError("a target of type objects needs an address", hint="write warehouse: s3://bucket/prefix")
        return place.address

    # read

    def newest(self) -> Entry | None:
        return self.log.newest()

    def entries(self) -> Iterator[Entry]:
        return self.log.entries()

    def receipt_text(self, name: str, digest: str) -> bytes | None:
        return self.bucket.get(receipt_key(name, digest))

    def published(self, name: str) -> Receipt | None:
        table = self.entry().tables.get(name)
        if table is None:
            return None
        receipt, rows = self.receipt_named(name, table.receipt), self.bucket.head(table.rows)
        return receipt if receipt is not None and rows is not None and rows.size == receipt.bytes else None

    def at(self, entry: Entry) -> dict[str, Receipt]:
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

    def fetches(self, receipt: Receipt) -> Iterator[Callable[[Path], None]]:
        """From the object that the log names now, then from others of that hash."""
        table = self.entry().tables.get(receipt.model)
        start = f"{ROWS}/{receipt.model}/{receipt.sha256[:16]}-"
        found = [o.key for o in self.bucket.list(f"{ROWS}/{receipt.model}") if o.key.startswith(start)]
        for key in sorted(found, key=lambda key: table is None or key != table.rows):
            yield partial(self.bucket.download, key)

    # publish

    def put_all(self, tables: Mapping[str, tuple[Path, Sealed]]) -> dict[str, Receipt]:
        """See :meth:`synthkit.store.target.Target.put_all`: the log's next entry publishes the tables."""
        base = self.base_of(tables)
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
            self.known.receipts[changes[name].receipt] = receipt
            self.commit_to_checkout(name, receipt)
        return receipts

    def _publish(self, changes: Mapping[str, Named | None], base: Mapping[str, str | None]) -> None:
        try:
            with self.known.lock:
                self.log.append(changes, base, datetime.now(UTC).isoformat(timespec="milliseconds"))
                self.changed(changes)
        except BuildError:
            # Whether it was published is not known where an answer was lost: what the log may name stays.
            with suppress(BuildError):
                named = {t.rows for t in self.entry().tables.values()}
                self.bucket.delete([t.rows for t in changes.values() if t is not None and t.rows not in named])
            raise

    def remove(self, name: str) -> None:
        """Withdraw a table. Its rows go with the versions that are no longer kept (``synth gc``)."""
        base = self.base_of([name])
        if base[name] is not None:
            self._publish({name: None}, base)
        self.receipt_path(name).unlink(missing_ok=True)

    def size(self, name: str) -> int:
        return sum(o.size for o in self.bucket.list(f"{ROWS}/{name}"))

    # keep in order

    def mend(self) -> None:
        self.log.check(datetime.now(UTC).isoformat(timespec="milliseconds"))
        entry = self.entry()
        self.begin(entry, self._receipts(entry))

    def collect(self, keep: int | None, older_than: float | None, *, dry_run: bool) -> Mapping[str, int] | None:
        return collect(self.log, keep, older_than, dry_run=dry_run)

    def ready(self) -> str:
        self.log.check()
        newest = self.log.newest()
        many = 0 if newest is None else len(newest.tables)
        return f"{self.bucket} answers" + (f", {many} tables are published there" if many else "")

    def refuse_taken(self, names: Sequence[str]) -> None:
        """Nobody else has names in it."""

    def refresh(
        self, infos: Mapping[str, TableInfo], runs: Sequence[RunEntry], receipts: Mapping[str, Receipt]
    ) -> None:
        """Nothing is derived of it."""
