"""What targets in databases have in common: how their log and rows are read, and what a publication is made of."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from synthkit.errors import BuildError, SynthError
from synthkit.records.joins import Join, of_receipts
from synthkit.records.receipt import Receipt
from synthkit.sql.serveraddress import ServerAddress, server_address
from synthkit.store.collecting import divided
from synthkit.store.journal import text_of
from synthkit.store.logtarget import Known, LogTarget
from synthkit.store.others import HELD
from synthkit.store.publications import Entry, Named, OvertakenError
from synthkit.store.servers.metainputs import inputs_of
from synthkit.store.target import Place, Sealed, TableInfo

if TYPE_CHECKING:
    from synthkit.records.history import RunEntry


@dataclass(frozen=True)
class Tables:
    """The tables of one publication.

    Args:
        files: name → Parquet file.
        texts: name → text of the receipt.
        changes: what the log's next entry says of them.
    """

    files: Mapping[str, Path]
    receipts: Mapping[str, Receipt]
    texts: Mapping[str, str]
    changes: Mapping[str, Named]

    @property
    def shown(self) -> dict[str, Receipt]:
        """Those that are tables of the database."""
        return {n: r for n, r in self.receipts.items() if r.materialized in HELD}

    @property
    def hidden(self) -> list[str]:
        """Those of which there is the file alone."""
        return [n for n, r in self.receipts.items() if r.materialized not in HELD]

    @property
    def joins(self) -> dict[str, tuple[Join, ...]]:
        return of_receipts(self.receipts)


class Storage(Protocol):
    """The module of a kind of database that keeps the log, the receipts and the files in ``<schema>_synth_meta``."""

    def installed(self, server: Any) -> bool:
        """Whether anything was ever published there."""

    def entries_query(self, server: Any, *, newest: bool) -> str:
        """The texts of the log's entries, the newest first, or that one alone."""

    def receipt_query(self, server: Any) -> str:
        """The text of the receipt whose SHA-256 is its one parameter."""

    def sizes(self, server: Any, digests: Sequence[str]) -> dict[str, int]:
        """SHA-256 of a Parquet file → bytes of it that are there."""

    def write_file(self, server: Any, digest: str, path: Path) -> None:
        """Write the bytes of a Parquet file that are there."""

    def forget(
        self, server: Any, gone: Sequence[Entry], receipts: Sequence[str], files: Sequence[str], *, dry_run: bool
    ) -> dict[str, int]:
        """Forget entries, and all receipts and files but those of these digests. Returns kind → bytes."""


class DatabaseTarget(LogTarget):
    """A target in a database.

    Args:
        kind: as ``type:`` names it.
        scheme: of its URLs.
        address: of its schema.
    """

    kind: ClassVar[str]
    scheme: ClassVar[str]
    storage: Storage
    address: ServerAddress
    server: Any

    def __init__(self, place: Place) -> None:
        address = None if place.address is None else server_address(place.address, place.schema)
        if address is None:
            hint = f"write warehouse: {self.scheme}://user:password@host/database, special characters in % notation"
            raise SynthError(f"a target of type {self.kind} needs the URL of a database", hint=hint)
        if address.schema is None:
            hint = "write schema: NAME, or ?schema=NAME after a URL without a project"
            raise SynthError(f"it is not said which schema of {address.shown} holds the tables", hint=hint)
        self.checkout, self.scratch = place.path, place.scratch
        self.server = self.connect(address)
        self.known = _known(self.server)
        self.address, self.where = address, str(address)

    # what each kind says

    @staticmethod
    @abstractmethod
    def connect(address: ServerAddress) -> Any:
        """The server of an address: one for each address in a process."""

    @abstractmethod
    def standing(self, receipts: Mapping[str, Receipt]) -> set[str]:
        """The tables that stand in the schema with the columns of their receipts."""

    @abstractmethod
    def relations(self) -> set[str]:
        """The names that are taken in the schema."""

    @abstractmethod
    def drifted(self, receipt: Receipt, *, full: bool) -> Iterator[str]:
        """What of a table is not what its receipt says, in words."""

    @abstractmethod
    def told(self) -> str:
        """The hash of what ``synth_meta`` was last told."""

    @abstractmethod
    def show(
        self,
        shown: Mapping[str, TableInfo],
        infos: Mapping[str, TableInfo],
        runs: Sequence[RunEntry],
        receipts: Mapping[str, Receipt],
        inputs: str,
    ) -> None:
        """Make tables of ``shown`` alone, with what YAML says of them, and tell ``synth_meta`` all: of these inputs."""

    # read

    def entry_texts(self, *, newest: bool) -> Iterator[str]:
        """The log's entries, the newest first, or that one alone; none where nothing was ever published."""
        if self.storage.installed(self.server):
            query = self.storage.entries_query(self.server, newest=newest)
            yield from (text for (text,) in self.server.rows(query))

    def receipt_text(self, name: str, digest: str) -> bytes | None:  # noqa: ARG002
        found = self.server.rows(self.storage.receipt_query(self.server), [digest])
        return found[0][0].encode() if found else None

    def newest(self) -> Entry | None:
        return next(self._entries(newest=True), None)

    def entries(self) -> Iterator[Entry]:
        return (entry for entry in self._entries(newest=False) if entry.kept)

    def _entries(self, *, newest: bool) -> Iterator[Entry]:
        for text in self.entry_texts(newest=newest):
            yield Entry.of(text.encode(), f"{self.address.meta}.publications")

    def at(self, entry: Entry) -> dict[str, Receipt]:
        """Of the tables of now those alone that stand in the schema as they were published."""
        receipts = {n: r for n in sorted(entry.tables) if (r := self.receipt_at(entry, n)) is not None}
        if not receipts:
            return {}
        sizes = self.storage.sizes(self.server, [r.sha256 for r in receipts.values()])
        whole = {n: r for n, r in receipts.items() if sizes.get(r.sha256) == r.bytes}
        if entry.number == self.entry().number:
            there = self.standing(whole)
            whole = {n: r for n, r in whole.items() if r.materialized not in HELD or n in there}
        return whole

    def fetches(self, receipt: Receipt) -> Iterator[Callable[[Path], None]]:
        yield partial(self.storage.write_file, self.server, receipt.sha256)

    def shown_otherwise(self, receipt: Receipt, *, full: bool) -> Iterator[str]:
        if receipt.materialized in HELD:
            yield from self.drifted(receipt, full=full)

    # publish

    def sealed(self, tables: Mapping[str, tuple[Path, Sealed]], base: Mapping[str, str | None]) -> Tables:
        """What is to be published in place of ``base``."""
        files = {name: data for name, (data, _) in tables.items()}
        receipts = {n: seal.receipt(data.stat().st_size, base[n]) for n, (data, seal) in tables.items()}
        texts = {name: text_of(receipt) for name, receipt in receipts.items()}
        changes = {n: Named(sha256(t.encode()).hexdigest(), receipts[n].sha256) for n, t in texts.items()}
        return Tables(files, receipts, texts, changes)

    @staticmethod
    def refuse_overtaken(now: Entry, changes: Mapping[str, Named | None], base: Mapping[str, str | None]) -> None:
        """Raises OvertakenError where another publisher changed one of the tables."""
        for name in changes:
            if now.receipt_of(name) != base[name]:
                raise OvertakenError(name, now)

    def was_published(self, tables: Tables) -> dict[str, Receipt]:
        """After a publication: what it wrote is known, and lies in the checkout and the cache."""
        for name, receipt in tables.receipts.items():
            self.known.receipts[tables.changes[name].receipt] = receipt
            self.commit_to_checkout(name, receipt)
            self.keep(tables.files[name], receipt)
        return dict(tables.receipts)

    def refuse_taken(self, names: Sequence[str]) -> None:
        ours, there = self.entry().tables, self.relations()
        taken = [name for name in names if name in there and name not in ours]
        if taken:
            listed = ", ".join(f"{self.address.schema}.{name}" for name in taken)
            raise BuildError(
                f"{self.address.shown} holds what synthkit did not make, under the names of models: {listed}",
                hint="rename it there, move it into another schema, or rename the model",
            )

    # keep in order

    def mend(self) -> None:
        entry = self.entry()
        self.begin(entry, self.at(entry))

    def collect(self, keep: int | None, older_than: float | None, *, dry_run: bool) -> Mapping[str, int] | None:
        gone, held = divided(list(self.entries()), keep, older_than)
        if not gone and not held:
            return {}
        receipts = {named.receipt for e in held for named in e.tables.values()}
        files = {named.rows for e in held for named in e.tables.values()}
        return self.storage.forget(self.server, gone, sorted(receipts), sorted(files), dry_run=dry_run)

    def refresh(
        self, infos: Mapping[str, TableInfo], runs: Sequence[RunEntry], receipts: Mapping[str, Receipt]
    ) -> None:
        if not self.storage.installed(self.server):
            return
        shown = {n: i for n, i in infos.items() if n in receipts and i.materialized in HELD}
        inputs = inputs_of(receipts, infos, runs, sorted(shown))
        if self.told() != inputs:
            self.show(shown, infos, runs, receipts, inputs)


@cache
def _known(server: Any) -> Known:  # noqa: ARG001
    return Known()
