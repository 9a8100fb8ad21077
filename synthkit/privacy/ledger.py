"""The privacy ledger: what was spent of whose privacy, one line of JSON per charge, only ever appended to.

Each line holds the SHA-256 of the line before it (``previous``) and of its own content (``hash``), so that a changed,
removed or reordered line shows. What a chain cannot show by itself is that its *last* lines are gone: the receipts of
published tables name their entries, and the file is committed to git.

Two git branches that both train continue the chain twice. A merge keeps the lines of both (git does so by itself under
``merge=union``), and the chain forks: the first line of the other branch follows an earlier line than the one above
it. The next charge joins the forks, as git's merge commits do: it names the last line of each (``joins``), and from
then on none of them can go unseen. Composition does not ask for an order, so nothing else changes.

A charge is on disk before its training reads a row: :meth:`Writer.append` writes a whole line with one ``write`` and
returns after ``fsync``. So a line that is cut short (the process was killed, or the power went, while it was written)
was never trained on, and the next charge replaces it; a line that is complete but for its newline counts as charged.

An entry says only what was declared. The ledger is committed to git, and whoever knows all rows but one could try
candidates for that one against a hash of them: so the train hash is keyed (:mod:`synthkit.privacy.release`).
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthkit.errors import BuildError, Location
from synthkit.files import explained, sync_directory
from synthkit.privacy.mechanisms import Mechanism, mechanism_from_json

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

FILE = "privacy/ledger.jsonl"  # in the project's root
VERSION = 1
GENESIS = "0" * 64  # what the first entry names as the hash of the line before it
MARKERS = (b"<<<<<<< ", b"=======", b">>>>>>> ", b"||||||| ")  # of a merge that git left to its user
RESTORE = "restore the file from git; while it is broken nothing is trained under epsilon"
KEEP_BOTH = (
    f"keep the lines of both branches and delete the marks alone; with '/{FILE} merge=union' in .gitattributes git does"
)


class LedgerError(BuildError):
    """The ledger is not what was written: an entry was changed, removed or put elsewhere, or cannot be read."""


@dataclass(frozen=True)
class Charge:
    """What one training run spends.

    Args:
        time: UTC, ISO 8601.
        sources: the real tables that are trained on, as ``group.table``.
        account: whose privacy is spent: a declared population, or the source table itself.
        privacy_unit: the column whose values are protected; None where it is one row.
        max_rows_per_unit: how many rows of one unit are used, at most.
        mechanisms: what is released, for composition with other entries.
        epsilon, delta: the guarantee of this run alone.
        train: the train hash, keyed with the project's secret: equal for equal rows, parameters and seed.
        insecure_seed: the seed of the noise, where it was not drawn from the system's cryptographic generator.
    """

    time: str
    run_id: str
    model: str
    sources: tuple[str, ...]
    account: str
    privacy_unit: str | None
    max_rows_per_unit: int
    mechanisms: tuple[Mechanism, ...]
    epsilon: float
    delta: float
    train: str
    insecure_seed: int | None = None

    def to_json(self) -> dict[str, Any]:
        mechanisms = [m.to_json() for m in self.mechanisms]
        return {**vars(self), "sources": list(self.sources), "mechanisms": mechanisms}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Charge:
        """Raises ValueError where a mechanism is unknown, TypeError or KeyError where a key is missing or unknown."""
        mechanisms = tuple(mechanism_from_json(m) for m in data["mechanisms"])
        return Charge(**{**data, "sources": tuple(data["sources"]), "mechanisms": mechanisms})


@dataclass(frozen=True)
class Entry:
    """A charge in the ledger.

    Args:
        previous: SHA-256 of the line that it follows.
        line: counts from 1.
        joins: SHA-256 of the last lines of other branches that end here.
    """

    charge: Charge
    previous: str
    hash: str
    line: int
    joins: tuple[str, ...] = ()

    def receipt(self) -> dict[str, Any]:
        """What is kept with the model that was trained for this charge, and stands in its table's receipt."""
        c = self.charge
        return {
            "entry": self.hash,
            "account": c.account,
            "privacy_unit": c.privacy_unit,
            "max_rows_per_unit": c.max_rows_per_unit,
            "mechanisms": [m.to_json() for m in c.mechanisms],
            "insecure_seed": c.insecure_seed,
        }

    def to_json(self) -> dict[str, Any]:
        joins = {"joins": list(self.joins)} if self.joins else {}
        return {"version": VERSION, **self.charge.to_json(), "previous": self.previous, **joins, "hash": self.hash}


@dataclass(frozen=True)
class Ledger:
    """The entries of a ledger whose chain holds.

    Args:
        end: bytes up to the end of the last entry, its newline included if it has one.
        torn: bytes of an append that was cut short, after ``end``.
        open_line: whether the last entry lacks its newline.
        heads: SHA-256 of the lines that no other follows, the file's last line last: more than one where branches were
            merged and nothing was charged since.
    """

    entries: tuple[Entry, ...] = ()
    end: int = 0
    torn: int = 0
    open_line: bool = False
    heads: tuple[str, ...] = (GENESIS,)

    @property
    def head(self) -> str:
        """SHA-256 of the last line."""
        return self.heads[-1]

    def of(self, account: str, sources: Collection[str]) -> tuple[Entry, ...]:
        """The entries that spent of an account: charged to it, or to a source that belongs to it now."""
        return tuple(
            e for e in self.entries if e.charge.account == account or not set(sources).isdisjoint(e.charge.sources)
        )

    @property
    def note(self) -> str | None:
        """What there is to say about the end of the file."""
        if self.torn:
            line = len(self.entries) + 1
            return f"line {line} is cut short: its charge was never trained on; the next charge replaces it"
        if len(self.heads) > 1:
            return f"{len(self.heads)} branches were merged: all count as charged; the next charge joins them"
        if self.open_line:
            return f"line {len(self.entries)} lacks its newline: it counts as charged; the next charge adds it"
        return None


class Writer:
    """An open, locked ledger. ``ledger`` is what it holds now."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path, self._handle = path, handle
        self.ledger = parse_ledger(_content(handle), path)

    def append(self, charge: Charge) -> Entry:
        """Add one entry; when this returns it is on disk.

        Raises:
            BuildError: it could not be written, so nothing may be trained.
        """
        ledger = self.ledger
        entry = _sealed(Entry(charge, ledger.head, "", len(ledger.entries) + 1, ledger.heads[:-1]))
        text = _canonical(entry.to_json())
        line = (b"\n" if ledger.open_line else b"") + text + b"\n"
        with explained(self.path):
            if ledger.torn:
                os.ftruncate(self._handle, ledger.end)
            written = os.write(self._handle, line)
            if written != len(line):
                os.ftruncate(self._handle, ledger.end)
                raise BuildError(f"cannot write {self.path}: only a part of the entry fitted", hint="free some space")
            os.fsync(self._handle)
            sync_directory(self.path.parent)
            sync_directory(self.path.parent.parent)
        self.ledger = Ledger((*ledger.entries, entry), ledger.end + written, heads=(_sha256(text),))
        return entry


def read_ledger(path: Path) -> Ledger:
    """The ledger at ``path``, its chain checked; one without entries where there is no file.

    Raises:
        LedgerError: the chain is broken; its place is the first line that does not fit.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return Ledger()
    except OSError as error:
        raise LedgerError(f"cannot read the privacy ledger: {error.strerror}", Location(path)) from error
    try:
        _lock(handle, shared=True)
        return parse_ledger(_content(handle), path)
    finally:
        os.close(handle)


@contextmanager
def open_ledger(path: Path) -> Iterator[Writer]:
    """The ledger for writing, made if it is not there. Other processes and threads wait until the block ends.

    Raises:
        LedgerError: the chain is broken, so that what is left cannot be known.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _take(path)
    try:
        yield Writer(path, handle)
    finally:
        os.close(handle)  # closing gives the lock back


def parse_ledger(data: bytes, path: Path) -> Ledger:
    """Entries from the file's bytes. ``path`` is where errors point. Raises LedgerError."""
    lines = data.split(b"\n")
    tail = lines.pop()
    chain = _Chain(path, lines)
    for line in lines:
        chain.add(line)
    end = len(data) - len(tail)
    if not tail:
        return Ledger(tuple(chain.entries), end, heads=chain.heads)
    if not _is_whole(tail):
        return Ledger(tuple(chain.entries), end, torn=len(tail), heads=chain.heads)
    chain.add(tail)
    return Ledger(tuple(chain.entries), len(data), open_line=True, heads=chain.heads)


def _is_whole(line: bytes) -> bool:
    """Whether the line is complete, right or wrong: no true prefix of a JSON object is JSON."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


class _Chain:
    """Entries that were read so far, each following one that was read before it."""

    def __init__(self, path: Path, lines: list[bytes]) -> None:
        self.path, self.lines = path, lines
        self.entries: list[Entry] = []
        self._seen = {GENESIS}
        self._heads = {GENESIS: None}  # in the order of their lines

    @property
    def heads(self) -> tuple[str, ...]:
        return tuple(self._heads)

    def add(self, line: bytes) -> None:
        """Raises LedgerError where the line was changed, is not understood, or follows no line before it."""
        entry, own = self._read(line), _sha256(line)
        for needed in (entry.previous, *entry.joins):
            if needed not in self._seen:
                moved = any(needed == _sha256(other) for other in self.lines)
                what = "entries were reordered or put in" if moved else "the entry before it was changed or removed"
                raise self._fault(f"does not follow the line before it: {what}")
            self._heads.pop(needed, None)
        if own in self._seen:
            raise self._fault("is there twice: entries were reordered or put in", "leave it out once")
        self._seen.add(own)
        self._heads[own] = None
        self.entries.append(entry)

    def _read(self, line: bytes) -> Entry:
        if line[:8] in MARKERS:
            raise self._fault(f"is a mark of git, {line.decode('utf-8', 'replace')!r}", KEEP_BOTH)
        try:
            data = json.loads(line)
            own, previous = data["hash"], data["previous"]
            content = {k: v for k, v in data.items() if k != "hash"}
            intact = own == _sha256(_canonical(content)) and line == _canonical(data)
        except (ValueError, KeyError, TypeError, AttributeError):
            intact = False
        if not intact:
            raise self._fault("was changed after it was written")
        charged = {k: v for k, v in content.items() if k not in ("version", "previous", "joins")}
        try:
            if content["version"] != VERSION:
                raise ValueError(f"its version is {content['version']!r}")
            joins = tuple(map(str, content.get("joins", ())))
            return Entry(Charge.from_json(charged), previous, own, len(self.entries) + 1, joins)
        except (ValueError, KeyError, TypeError) as error:
            raise self._fault(
                f"is not understood: {error}", "update synthkit: a newer version wrote the entry"
            ) from None

    def _fault(self, what: str, hint: str = RESTORE) -> LedgerError:
        number = len(self.entries) + 1
        return LedgerError(f"line {number} of the privacy ledger {what}", Location(self.path, number, 1), hint)


def _sealed(entry: Entry) -> Entry:
    content = {k: v for k, v in entry.to_json().items() if k != "hash"}
    return replace(entry, hash=_sha256(_canonical(content)))


def _canonical(data: Mapping[str, Any]) -> bytes:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _content(handle: int) -> bytes:
    parts = []
    os.lseek(handle, 0, os.SEEK_SET)
    while part := os.read(handle, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _take(path: Path) -> int:
    """Open and lock the file; again where it was replaced meanwhile, as git does."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            _lock(handle)
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int, *, shared: bool = False) -> None:
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
