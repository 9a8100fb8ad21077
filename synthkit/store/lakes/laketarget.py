"""What lakes have in common: the log publishes, and the table that others read follows it, one commit each.

The log's entry comes first, as it is what orders publishers: whoever loses there touches no table. A lake's table is
then brought to what the newest entry names, whoever published that; a process that is killed in between leaves the
old table, whole, and the next build brings it. So a table of a lake goes forward only, and never to rows without a
receipt.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from synthkit.errors import BuildError, SynthError, shortened
from synthkit.extras import refuse_absent
from synthkit.files import TEMPORARY
from synthkit.privacy.guarantee import in_words
from synthkit.records.receipt import Receipt
from synthkit.store.collecting import collect
from synthkit.store.lakes.metatables import arrow_table
from synthkit.store.local import below, writable
from synthkit.store.objectstore import ObjectStore
from synthkit.store.others import HELD
from synthkit.store.publications import ROWS, Named, receipt_key
from synthkit.store.servers.metainputs import inputs_of
from synthkit.store.target import Place, Sealed

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.records.history import RunEntry
    from synthkit.store.target import TableInfo

META_FOLDER = "synth_meta"
META_KEPT = timedelta(days=7)  # for which files of synth_meta that were replaced stay: Delta's own default
REPLACED = "files of synth_meta that were replaced"
AGAIN = "run synth gc again, while nobody publishes; nothing that is read was removed"  # where it did not end
_FOLLOWS = "what was published stays; what others read of it follows with the next synth build"
_INPUTS = f"{META_FOLDER}/inputs"
_TRIES = 5  # to write a table of synth_meta


@dataclass(frozen=True)
class Wanted:
    """What a table of the lake is to be: as the log's entry ``entry`` names it.

    Args:
        file: the data file's name in the table's folder.
    """

    entry: int
    named: Named
    receipt: Receipt

    @property
    def file(self) -> str:
        return self.named.rows.rpartition("/")[2]


@dataclass(frozen=True)
class Standing:
    """A table as it stands.

    Args:
        table: the library's.
        version: changes with every commit of anybody.
        files: its data files, by name where they lie in its folder.
        number: of the publication that synthkit last brought it to; None: it is somebody else's.
    """

    table: Any
    version: int | str
    files: Sequence[str]
    number: int | None


class LakeTarget(ObjectStore):
    """The tables of a lake.

    Args:
        kind: as ``type:`` names it, and the extra that brings its library.
        called: for people.
    """

    kind: ClassVar[str]
    called: ClassVar[str]

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.place = place

    def where_of(self, place: Place) -> str | Path:
        return place.address or Path(place.path).absolute()

    # what each kind says

    @abstractmethod
    def look(self, name: str) -> Standing | None:
        """A table as it stands; None where there is none. Raises what the library does."""

    @abstractmethod
    def commit(self, standing: Standing | None, wanted: Wanted, number: int) -> None:
        """Make a table what is wanted, in one commit, if it still stands so. Raises what the library does.

        Args:
            number: of the publication.
        """

    @abstractmethod
    def withdraw(self, name: str) -> None:
        """Let no reader find a table. Its rows stay with their versions."""

    @abstractmethod
    def standing(self) -> set[str]:
        """The names that are taken by tables, whoever made them."""

    @abstractmethod
    def forbids(self, table: Any, data: Path) -> str | None:
        """Why what others made of a table forbids the rows of a Parquet file; None where it does not."""

    @abstractmethod
    def otherwise(self, table: Any, receipt: Receipt) -> Iterator[str]:
        """What of a table that has the file of a receipt is not as it was published, in words after its name."""

    @abstractmethod
    def write_meta(self, name: str, table: pa.Table) -> None:
        """Write a table of ``synth_meta`` in place of the one that is there. Raises what the library does."""

    # what others read

    def found(self, name: str) -> Standing | None:
        """:meth:`look`. Raises BuildError; AbsentError without the library, which who reads by the log never needs."""
        refuse_absent(f"a target of type {self.kind}", self.kind)
        with self.explained(name):
            return self.look(name)

    def bring(self, name: str) -> None:
        """Make a table what :meth:`wanted` says, in one commit; what others made of its rows stays. BuildError."""
        version: int | str | None = None
        while True:
            standing = self.found(name)
            # Asked for after the table was: whoever published since commits after the version that is known here.
            wanted = self.wanted(name)
            if wanted is None or (standing is not None and not self._behind(standing, wanted)):
                return
            try:
                self.commit(standing, wanted, self.log.changed(name, wanted.entry))
                return
            except BuildError:
                raise
            except Exception as error:  # what a library says of a conflict is not the same everywhere
                found = "none" if standing is None else standing.version
                if version == found:  # nobody else was faster
                    raise self.failed(name, error) from None
                version = found

    def _behind(self, standing: Standing, wanted: Wanted) -> bool:
        """Whether a table's rows are those of an earlier publication: not where others changed those of this one."""
        if standing.files == [wanted.file]:
            return False
        if standing.number is None:
            raise BuildError(
                f"{self.location(wanted.receipt.model)} is a table of {self.called} that synthkit did not make",
                hint="move it away, or rename the model",
            )
        return standing.number < self.log.changed(wanted.receipt.model, wanted.entry)

    def is_ours(self, name: str) -> bool:
        """Whether a table was made by synthkit."""
        standing = self.found(name)
        return standing is not None and standing.number is not None

    def used(self) -> set[str]:
        """The keys of the rows that are read, whatever the log says."""
        keys: set[str] = set()
        for name in self.standing():
            standing = self.found(name)
            if standing is not None:
                with self.explained(name):
                    keys |= {f"{ROWS}/{name}/{file}" for file in self.held(standing)}
        return keys

    def held(self, standing: Standing) -> Iterable[str]:
        """The data files that somebody reads, as :class:`Standing` names them. Raises what the library does."""
        return standing.files

    def _differs(self, wanted: Wanted) -> Iterator[str]:
        """What of a table is not what is wanted, in words, without a look at its rows."""
        name = wanted.receipt.model
        location, standing = self.location(name), self.found(name)
        if standing is None:
            yield f"{location} is no table of {self.called} any more"
        elif standing.files != [wanted.file]:
            behind = self._behind(standing, wanted)
            earlier = f"has the rows of publication {standing.number}, and what is published is newer"
            others = f"is not as it was published: others wrote to it (version {standing.version})"
            yield f"{location} {earlier if behind else others}"
        else:
            with self.explained(name):
                yield from (f"{location} {said}" for said in self.otherwise(standing.table, wanted.receipt))

    def said(self, wanted: Wanted, number: int) -> dict[str, Any]:
        """What a commit tells of its rows."""
        receipt = wanted.receipt
        return {
            "synthetic": True,
            "publication": number,
            "run_id": receipt.run_id,
            "receipt": receipt_key(receipt.model, wanted.named.receipt),
            "sha256": receipt.sha256,
            "privacy": in_words(receipt),
        }

    # read

    def wanted(self, name: str) -> Wanted | None:
        """What a table is to be now; None where it is none, or only a file."""
        entry = self.entry()
        receipt = self.receipt_at(entry, name)
        if receipt is None or receipt.materialized not in HELD:
            return None
        return Wanted(entry.number, entry.tables[name], receipt)

    def shown_otherwise(self, receipt: Receipt, *, full: bool) -> Iterator[str]:  # noqa: ARG002
        """The rows of a table are those that `verify` hashes, where it has that one file."""
        wanted = self.wanted(receipt.model)
        if wanted is not None:
            yield from self._differs(wanted)

    def fetches(self, receipt: Receipt) -> Iterator[Callable[[Path], None]]:
        """What is published now comes from the file that others read, and from no other one of that hash."""
        named = self.entry().tables.get(receipt.model)
        if named is not None and self.receipt_named(receipt.model, named.receipt) == receipt:
            yield partial(self.bucket.download, named.rows)
        else:
            yield from super().fetches(receipt)

    # publish

    def put_all(self, tables: Mapping[str, tuple[Path, Sealed]]) -> dict[str, Receipt]:
        """See :meth:`synthkit.store.target.Target.put_all`: the log's entry publishes, and the tables follow it."""
        for name, (data, sealed) in tables.items():
            if sealed.table.materialized in HELD:
                self._refuse_misfit(name, data)
        receipts = super().put_all(tables)
        with suppress(BuildError):  # they are published: the end of the build says the rest
            self.follow(receipts)
        return receipts

    def _refuse_misfit(self, name: str, data: Path) -> None:
        """Raises BuildError where what others made of a table forbids its new rows."""
        standing = self.found(name)
        if standing is None:
            return
        with self.explained(name):
            reason = self.forbids(standing.table, data)
        if reason is not None:
            hint = "change the table there, or what the model makes"
            raise BuildError(f"{self.location(name)} does not take the new rows: {reason}", hint=hint)

    def follow(self, names: Mapping[str, object]) -> None:
        """Bring tables to what the log says. Raises BuildError; the others are then brought all the same."""
        failed = []
        for name in names:
            try:
                self.bring(name)
            except BuildError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    def follow_all(self) -> None:
        """Bring all tables to what the log says; those that it does not name go. Raises BuildError as `follow`."""
        for name in sorted(self.standing()):
            if self.wanted(name) is None and self.is_ours(name):
                self._let_go(name)
        self.follow(self.entry().tables)

    def remove(self, name: str) -> None:
        super().remove(name)
        if name in self.standing() and self.is_ours(name):
            self._let_go(name)

    def _let_go(self, name: str) -> None:
        """Withdraw a table, and bring it again where somebody published it meanwhile. Raises BuildError."""
        with self.explained(name):
            self.withdraw(name)
        self.bring(name)

    # keep in order

    def mend(self) -> None:
        super().mend()
        with suppress(BuildError):  # `refresh` says it
            self.follow_all()

    def folders(self) -> Iterator[Path]:
        yield from super().folders()
        if self.place.address is None:
            yield from below(self.place.path)

    def ready(self) -> str:
        if self.place.address is not None:
            return super().ready()
        said = writable(self.place.path)
        many = len(self.entry().tables)
        return said + (f", {many} tables are published there" if many else "")

    def refuse_taken(self, names: Sequence[str]) -> None:
        ours = self.entry().tables
        taken = [n for n in sorted(self.standing() & {*names}) if n not in ours and not self.is_ours(n)]
        if taken:
            listed = ", ".join(map(self.location, taken))
            raise BuildError(
                f"tables of {self.called} that synthkit did not make are where models publish to: {listed}",
                hint="move them away, or rename the models",
            )

    def collect(self, keep: int | None, older_than: float | None, *, dry_run: bool) -> Mapping[str, int] | None:
        return collect(self.log, keep, older_than, dry_run=dry_run, used=self.used)

    def refresh(
        self, infos: Mapping[str, TableInfo], runs: Sequence[RunEntry], receipts: Mapping[str, Receipt]
    ) -> None:
        from synthkit.store.meta import meta_rows

        self.follow_all()
        inputs = inputs_of(receipts, infos, runs, sorted(receipts)).encode()
        if self.log.newest() is not None and self.bucket.get(_INPUTS) != inputs:
            for name, rows in meta_rows(receipts, infos, runs, self._url).items():
                self._tell(name, arrow_table(name, rows))
            self.bucket.put(_INPUTS, inputs)

    def _tell(self, name: str, table: pa.Table) -> None:
        """:meth:`write_meta`, also where other builds write it at the same time. Raises BuildError."""
        for _ in range(_TRIES - 1):
            with suppress(Exception):
                self.write_meta(name, table)
                return
        with self.explained(f"{META_FOLDER}.{name}"):
            self.write_meta(name, table)

    def _url(self, receipt: Receipt) -> str:
        named = self.entry().tables.get(receipt.model)
        return receipt.file if named is None else self.bucket.url(named.rows)

    # for each kind

    def location(self, name: str) -> str:
        """Where a table lies, as its library takes it."""
        return self.bucket.url(f"{ROWS}/{name}")

    def keys(self, name: str, below: str) -> list[str]:
        """The objects below a folder of a table."""
        return [found.key for found in self.bucket.list(f"{ROWS}/{name}/{below}")]

    def named_by_keys(self, part: str) -> set[str]:
        """The tables in whose folder there is a ``part``."""
        found = (re.fullmatch(rf"{ROWS}/([^/]+)/{part}/.+", one.key) for one in self.bucket.list(ROWS))
        return {one[1] for one in found if one is not None and not one[1].startswith(TEMPORARY)}

    @contextmanager
    def explained(self, name: str, hint: str = _FOLLOWS) -> Iterator[None]:
        """Turn what a library says of a table into a BuildError."""
        try:
            yield
        except SynthError:
            raise
        except Exception as error:  # the libraries' and their clients' errors have no common class
            raise self.failed(name, error, hint) from None

    def failed(self, name: str, error: Exception, hint: str = _FOLLOWS) -> BuildError:
        """That a table did not do what was asked, with the library's reason."""
        reason = shortened(" ".join(str(error).split()), 300) or type(error).__name__
        return BuildError(f"the table {name} of {self.called} in {self.where}: {reason}", hint=hint)
