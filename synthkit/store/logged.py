"""Versions of tables of a target with a log: each publication of a table is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synthkit.errors import SynthError
from synthkit.records.receipt import Receipt
from synthkit.store.logtarget import LogTarget
from synthkit.store.publications import Entry
from synthkit.store.restoring import publication_of
from synthkit.store.signing import Sign
from synthkit.store.target import Tables
from synthkit.store.versions.history import Version


@dataclass(frozen=True)
class Then(Tables):
    """The tables as an entry of the log names them."""

    warehouse: LogTarget
    entry: Entry

    def names(self) -> list[str]:
        return sorted(self.entry.tables)

    def receipt(self, name: str) -> Receipt | None:
        return self.warehouse.receipt_at(self.entry, name)

    def published(self, name: str) -> Receipt | None:
        return self.warehouse.at(self.entry).get(name)

    def all_published(self) -> dict[str, Receipt]:
        return self.warehouse.at(self.entry)

    def file(self, receipt: Receipt) -> Path:
        return self.warehouse.file(receipt)

    def shown_in(self) -> Path | None:
        return None


@dataclass(frozen=True)
class LoggedVersions:
    """The versions of the tables. A version is named by the number of its entry, or by a run."""

    warehouse: LogTarget

    def of_table(self, name: str) -> list[Version]:
        """All versions of a table that are kept, the newest first. Raises SynthError where there is none."""
        found = [v for entry in self.warehouse.entries() if (v := self._version(name, entry)) is not None]
        if not found:
            raise SynthError(f"no version of {name!r} was ever published here", hint="synth ls names the models")
        return found

    def _version(self, name: str, entry: Entry) -> Version | None:
        receipt = self.warehouse.receipt_at(entry, name) if name in entry.changed else None
        others = [n for n in entry.changed if n != name]
        subject = f"with {', '.join(others)}" if others else ""
        return None if receipt is None else Version(str(entry.number), entry.at, subject, receipt)

    def named(self, name: str, version: str) -> Version:
        """The version of a table as an entry has it, by the entry's number or the beginning of a run's id."""
        entry = self._entry(version)
        receipt = self.warehouse.receipt_at(entry, name)
        if receipt is None:
            raise SynthError(f"{name!r} was not published at {version}", hint=f"see synth versions {name}")
        return Version(str(entry.number), entry.at, "", receipt)

    def before(self, name: str) -> Version:
        """The version before the one that is published now."""
        found = self.of_table(name)
        if len(found) == 1:
            raise SynthError(f"{name!r} has one version", hint="name what to compare it with")
        return found[1]

    def _entry(self, version: str) -> Entry:
        for entry in self.warehouse.entries():
            runs = (r.run_id for n in entry.changed if (r := self.warehouse.receipt_at(entry, n)) is not None)
            if str(entry.number) == version or (len(version) >= 8 and any(run.startswith(version) for run in runs)):
                return entry
        hint = "synth versions MODEL lists what is kept"
        raise SynthError(f"no publication to {self.warehouse.where} is called {version!r}", hint=hint)

    def at(self, version: str, _scratch: Path) -> tuple[Tables, dict[str, SynthError]]:
        """All tables as an entry has them; with it, by name, why one cannot be had."""
        then = Then(self.warehouse, self._entry(version))
        there = then.all_published()
        gone = "its rows are no longer kept"
        return then, {n: SynthError(f"{n!r} at {version}: {gone}") for n in then.names() if n not in there}

    def file(self, receipt: Receipt) -> Path:
        return self.warehouse.file(receipt)

    def with_family(self, name: str, version: Version) -> dict[str, Version]:
        """The version of a table, and those of the tables that it was published together with."""
        family = version.receipt.family
        others = () if family is None else tuple(n for n in family.members if n != name)
        return {name: version, **{other: self.named(other, str(version.commit)) for other in others}}

    def restore(self, wanted: Mapping[str, Version], at: str, sign: Sign | None = None) -> dict[str, Receipt]:
        """Publish old versions again, at one instant. Raises SynthError as that of git does."""
        again = [publication_of(name, version, self.file(version.receipt), at) for name, version in wanted.items()]
        return self.warehouse.publish_all(again, None, sign)
