"""The log of an object store's warehouse: each publication is one object that only the first of two writers makes.

```
<prefix>/log/<999999999999 - number>.json      all tables as they stood from this publication on
```

An entry names, of every table, its receipt by SHA-256 and the object with its rows; neither ever changes. Entry
n + 1 is written under the condition that there is none (If-None-Match: ``*``; Google's generation 0), so of two
builders that publish at once one is told that it came too late, and looks again. The newest number sorts first, so one
listed page and one read give everybody the same state, whole, whatever is published meanwhile. A number is never given
twice: an entry whose versions are no longer kept is emptied, not removed, as somebody who looked at the log long ago
could write it again, behind everybody's back.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from synthkit.errors import BuildError
from synthkit.files import parsed_json
from synthkit.objects.objects import Objects

FOLDER, ROWS, RECEIPTS = "log", "tables", "receipts"
LAST = 999_999_999_999
FORMAT = 1
TRIES = 60  # of a publication that others overtook with theirs


def receipt_key(name: str, digest: str) -> str:
    """Where the receipt of a table lies, by its SHA-256."""
    return f"{RECEIPTS}/{name}/{digest}.json"


@dataclass(frozen=True)
class Named:
    """A table in an entry: the SHA-256 of its receipt, and the object with its rows."""

    receipt: str
    rows: str


@dataclass(frozen=True)
class Entry:
    """One publication, and with it all tables as they stood from then on.

    Args:
        at: when, ISO 8601, by the writer's clock.
        changed: the tables that it published or withdrew.
        writer: of this attempt to write it alone.
        kept: whether its versions are kept.
    """

    number: int
    at: str = ""
    changed: tuple[str, ...] = ()
    tables: Mapping[str, Named] = field(default_factory=dict)
    writer: str = ""
    kept: bool = True

    def receipt_of(self, name: str) -> str | None:
        return self.tables[name].receipt if name in self.tables else None

    def then(self, changes: Mapping[str, Named | None], at: str) -> Entry:
        """The entry after this one, which publishes tables (None: withdraws one)."""
        tables = {**self.tables, **{n: t for n, t in changes.items() if t is not None}}
        tables = {n: t for n, t in tables.items() if changes.get(n, t) is not None}
        return Entry(self.number + 1, at, tuple(sorted(changes)), tables, uuid.uuid4().hex)

    def emptied(self) -> Entry:
        """The entry, whose versions are no longer kept."""
        return Entry(self.number, self.at, self.changed, {}, self.writer, kept=False)

    def to_bytes(self) -> bytes:
        tables = {name: {"receipt": t.receipt, "rows": t.rows} for name, t in sorted(self.tables.items())}
        said = {
            "format": FORMAT,
            "number": self.number,
            "at": self.at,
            "changed": list(self.changed),
            "writer": self.writer,
            "kept": self.kept,
            "tables": tables,
        }
        return json.dumps(said, ensure_ascii=False, indent=1).encode()

    @staticmethod
    def of(data: bytes, where: str) -> Entry:
        """Raises BuildError for what is no entry, or is one of a later version of synthkit."""
        try:
            said: Any = parsed_json(data)
            if said["format"] != FORMAT:
                hint = "read it with the version of synthkit that published it"
                raise BuildError(f"{where} is of format {said['format']}, and this is {FORMAT}", hint=hint)
            tables = {str(n): Named(str(t["receipt"]), str(t["rows"])) for n, t in said["tables"].items()}
            changed = tuple(map(str, said["changed"]))
            kept = bool(said["kept"])
            return Entry(int(said["number"]), str(said["at"]), changed, tables, str(said["writer"]), kept)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BuildError(f"{where} is no entry of a log of published tables", hint="who wrote there?") from None


class OvertakenError(BuildError):
    """Another writer published one of the tables since this one looked. ``entry`` is how it stands now."""

    def __init__(self, name: str, entry: Entry) -> None:
        super().__init__(
            f"{name!r} was published by somebody else meanwhile ({entry.at}); this build's rows are not published",
            hint="build again: what is there is taken where it is what would be built",
        )
        self.name, self.entry = name, entry


class Log:
    """The publications of one warehouse."""

    def __init__(self, bucket: Objects) -> None:
        self.bucket = bucket
        self._known: Entry | None = None  # an entry never changes: what was read once is read

    @staticmethod
    def key(number: int) -> str:
        return f"{FOLDER}/{LAST - number:012}.json"

    def newest(self) -> Entry | None:
        """All tables as they stand; None where nothing was ever published."""
        found = self.bucket.first(FOLDER)
        if found is None:
            return None
        known = self._known
        if known is None or self.key(known.number) != found.key:
            known = self._known = self._read(found.key)
        return known

    def entries(self) -> Iterator[Entry]:
        """The newest first; those that are not kept are left out."""
        for found in self.bucket.list(FOLDER):
            entry = self._read(found.key)
            if entry.kept:
                yield entry

    def changed(self, name: str, until: int) -> int:
        """The number of the last entry, of those up to ``until``, that published or withdrew a table; 0: none did."""
        found = (self._read(one.key) for one in self.bucket.list(FOLDER))
        return next((entry.number for entry in found if entry.number <= until and name in entry.changed), 0)

    def _read(self, key: str) -> Entry:
        data = self.bucket.get(key)
        if data is None:
            raise BuildError(f"{self.bucket.url(key)} was listed, and is gone", hint="who removes objects there?")
        return Entry.of(data, self.bucket.url(key))

    def append(self, changes: Mapping[str, Named | None], base: Mapping[str, str | None], at: str) -> Entry:
        """Publish tables (None: withdraw one) at one instant.

        Args:
            base: of each of them the receipt that it must still have, by SHA-256; None: it must not be there.

        Raises:
            OvertakenError: it has another one. Nothing is published.
            BuildError: the entry cannot be written.
        """
        for attempt in range(TRIES):
            before = self.newest()
            now = before or Entry(0)
            for name in changes:
                if now.receipt_of(name) != base[name]:
                    raise OvertakenError(name, now)
            entry = now.then(changes, at)
            if self.bucket.create(self.key(entry.number), entry.to_bytes()):
                self._known = entry
                return entry
            time.sleep(random.uniform(0, 0.02 * min(attempt + 1, 20)))
        raise BuildError(
            f"others published to {self.bucket} {TRIES} times while this one tried to", hint="build again in a while"
        )

    def check(self, at: str | None = None) -> None:
        """See that the server keeps the condition of a write: writes an entry that is there once more, as it is.

        Args:
            at: the time; where there is no entry yet, one without a table is written first. None: nothing is, then.

        Raises:
            BuildError: it wrote it. Two builders would each be told that theirs is published.
        """
        newest = self.newest()
        if newest is None and at is not None:
            newest = self.append({}, {}, at)
        if newest is not None and self.bucket.creates_twice(self.key(newest.number), newest.to_bytes()):
            raise BuildError(
                f"the server of {self.bucket} ignores the condition of a write (If-None-Match), so two builders could "
                "both be told that their tables are published",
                hint="publish to one that keeps it (docs/storage.md)",
            )

    def empty(self, entry: Entry) -> None:
        """Forget the versions of an entry, and keep its number."""
        self.bucket.put(self.key(entry.number), entry.emptied().to_bytes())
