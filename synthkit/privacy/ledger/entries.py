"""Entries of the privacy ledger, and the chain that shows what was changed.

Each line holds the SHA-256 of the line before it (``previous``) and of its own content (``hash``), so that a changed,
removed or reordered line shows. What a chain cannot show by itself is that its *last* lines are gone: the receipts of
published tables name their entries, and the file is committed to git.

Two git branches that both train continue the chain twice. A merge keeps the lines of both (git does so by itself under
``merge=union``), and the chain forks: the first line of the other branch follows an earlier line than the one above
it. The next charge joins the forks, as git's merge commits do: it names the last line of each (``joins``), and from
then on none of them can go unseen. Composition does not ask for an order, so nothing else changes.

An entry says only what was declared. The ledger is committed to git, and whoever knows all rows but one could try
candidates for that one against a hash of them: so the train hash is keyed (:mod:`synthkit.privacy.hashkey`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthkit.errors import BuildError, Location
from synthkit.files import parsed_json
from synthkit.privacy.accounting.mechanisms import Mechanism, mechanism_from_json

VERSION = 1
GENESIS = "0" * 64  # what the first entry names as the hash of the line before it
MARKERS = (b"<<<<<<< ", b"=======", b">>>>>>> ", b"||||||| ")  # of a merge that git left to its user
RESTORE = "restore the file from git; while it is broken nothing is trained under epsilon"
KEEP_BOTH = (
    "keep the lines of both branches and delete the marks alone; "
    "with '/privacy/ledger.jsonl merge=union' in .gitattributes git does so itself"
)


class LedgerError(BuildError):
    """The ledger is not what was written: an entry was changed, removed or put elsewhere, or cannot be read."""


_OWN = " with all that is its own"


def with_all(table: str) -> str:
    """The unit of a training on tables that hang together, as it stands in the place of a column.

    >>> with_all("customers")
    'row of customers with all that is its own'
    """
    return f"row of {table}{_OWN}"


@dataclass(frozen=True)
class Charge:
    """What one training run spends.

    Args:
        time: UTC, ISO 8601.
        sources: the real tables that are trained on, as ``group.table``.
        account: whose privacy is spent: a declared population, or the source table itself.
        privacy_unit: the column whose values are protected; None where it is one row; of tables that hang together
            what :func:`with_all` says, and the first of the ``sources`` is their root.
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

    @property
    def unit(self) -> str:
        """Who is protected, in words: "one row", "3 rows per customer_id"."""
        if self.privacy_unit is None or self.privacy_unit.endswith(_OWN):
            return f"one {self.privacy_unit or 'row'}"
        return f"{self.max_rows_per_unit} rows per {self.privacy_unit}"

    def to_json(self) -> dict[str, Any]:
        mechanisms = [m.to_json() for m in self.mechanisms]
        return {**vars(self), "sources": list(self.sources), "mechanisms": mechanisms}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Charge:
        """Raises ValueError where a mechanism is unknown, TypeError or KeyError where a key is missing or unknown."""
        mechanisms = tuple(mechanism_from_json(m) for m in data["mechanisms"])
        return Charge(**{**data, "sources": tuple(data["sources"]), "mechanisms": mechanisms})


@dataclass(frozen=True)
class Charged:
    """What a table's receipt says of the charge for its training.

    Args:
        entry: SHA-256 of the ledger's line.
        account, privacy_unit, max_rows_per_unit, mechanisms, insecure_seed: as in :class:`Charge`.
    """

    entry: str
    account: str
    privacy_unit: str | None
    max_rows_per_unit: int
    mechanisms: tuple[Mechanism, ...]
    insecure_seed: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "mechanisms": [m.to_json() for m in self.mechanisms]}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Charged:
        """Raises ValueError where a mechanism is unknown, TypeError or KeyError where a key is missing or unknown."""
        return Charged(**{**data, "mechanisms": tuple(mechanism_from_json(m) for m in data["mechanisms"])})


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

    def charged(self) -> Charged:
        """What is kept with the model that was trained for this charge, and stands in its table's receipt."""
        c = self.charge
        return Charged(self.hash, c.account, c.privacy_unit, c.max_rows_per_unit, c.mechanisms, c.insecure_seed)

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
        parsed_json(line)
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
        entry, own = self._read(line), sha256(line)
        for needed in (entry.previous, *entry.joins):
            if needed not in self._seen:
                moved = any(needed == sha256(other) for other in self.lines)
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
            data = parsed_json(line)
            own, previous = data["hash"], data["previous"]
            content = {k: v for k, v in data.items() if k != "hash"}
            intact = own == sha256(canonical(content)) and line == canonical(data)
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


def sealed(entry: Entry) -> Entry:
    """The entry with the hash of its content."""
    content = {k: v for k, v in entry.to_json().items() if k != "hash"}
    return replace(entry, hash=sha256(canonical(content)))


def line_of(entry: Entry) -> bytes:
    """The entry as it stands in the file, without its newline."""
    return canonical(entry.to_json())


def canonical(data: Mapping[str, Any]) -> bytes:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
