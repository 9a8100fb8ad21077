"""What lakes have in common: the log publishes, and the table that others read follows it, one commit each.

The log's entry comes first, as it is what orders publishers: whoever loses there touches no table. A lake's table is
then brought to what the newest entry names, whoever published that; a process that is killed in between leaves the
old table, whole, and the next build brings it. So a table of a lake goes forward only, and never to rows without a
receipt.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from synthkit.errors import BuildError
from synthkit.extras import refuse_absent
from synthkit.files import TEMPORARY
from synthkit.records.receipt import Receipt
from synthkit.store.collecting import collect
from synthkit.store.local import below, writable
from synthkit.store.objectstore import ObjectStore
from synthkit.store.others import HELD
from synthkit.store.publications import ROWS, Named
from synthkit.store.servers.metainputs import inputs_of
from synthkit.store.target import Place, Sealed

if TYPE_CHECKING:
    from synthkit.records.history import RunEntry
    from synthkit.store.target import TableInfo

META_FOLDER = "synth_meta"
_INPUTS = f"{META_FOLDER}/inputs"


@dataclass(frozen=True)
class Wanted:
    """What a table of the lake is to be: as the log's entry ``number`` names it."""

    number: int
    named: Named
    receipt: Receipt

    @property
    def file(self) -> str:
        """The data file's name in the table's folder."""
        return self.named.rows.rpartition("/")[2]


class LakeTarget(ObjectStore):
    """The tables of a lake.

    Args:
        kind: as ``type:`` names it, and the extra that brings its library.
        called: for people.
    """

    kind: ClassVar[str]
    called: ClassVar[str]

    def __init__(self, place: Place) -> None:
        refuse_absent(f"a target of type {self.kind}", self.kind)
        super().__init__(place)
        self.place = place

    def where_of(self, place: Place) -> str | Path:
        return place.address or Path(place.path).absolute()

    # what each kind says

    @abstractmethod
    def bring(self, name: str) -> None:
        """Make a table what :meth:`wanted` says, in one commit; what others made of its rows stays. BuildError."""

    @abstractmethod
    def withdraw(self, name: str) -> None:
        """Let no reader find a table. Its rows stay with their versions."""

    @abstractmethod
    def standing(self) -> set[str]:
        """The names that are taken by tables, whoever made them."""

    @abstractmethod
    def is_ours(self, name: str) -> bool:
        """Whether a table was made by synthkit."""

    @abstractmethod
    def refuse_misfit(self, name: str, data: Path) -> None:
        """Raises BuildError where what others made of a table forbids its new rows."""

    @abstractmethod
    def differs(self, wanted: Wanted) -> Iterator[str]:
        """What of a table is not what is wanted, in words, without a look at its rows."""

    @abstractmethod
    def used(self) -> set[str]:
        """The keys of the rows that tables have now."""

    @abstractmethod
    def tell(self, tables: Mapping[str, Sequence[Sequence[object]]]) -> None:
        """Write ``synth_meta``: name of a table there → rows."""

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
            yield from self.differs(wanted)

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
                self.refuse_misfit(name, data)
        receipts = super().put_all(tables)
        with suppress(BuildError):  # they are published: the end of the build says the rest
            self.follow(receipts)
        return receipts

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
                self.withdraw(name)
        self.follow(self.entry().tables)

    def remove(self, name: str) -> None:
        super().remove(name)
        if name in self.standing() and self.is_ours(name):
            self.withdraw(name)

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
            listed = ", ".join(self.bucket.url(f"{ROWS}/{name}") for name in taken)
            raise BuildError(
                f"{self.called} tables that synthkit did not make are where models publish to: {listed}",
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
            self.tell(meta_rows(receipts, infos, runs, lambda receipt: self._url(receipt)))
            self.bucket.put(_INPUTS, inputs)

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

    def failed(self, name: str, error: Exception) -> BuildError:
        """That a table did not follow, with the library's reason."""
        reason = " ".join(str(error).split())
        return BuildError(
            f"{name!r} is published, and the {self.called} table {self.location(name)} did not follow: {reason}",
            hint="readers of it have the last table until it does; synth build tries again",
        )
