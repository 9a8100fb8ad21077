"""Old versions of published tables: what git and DVC keep of them, brought back for reading or for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from synthkit.errors import SynthError
from synthkit.files import clean_temporaries, sha256_file, write_json_atomic
from synthkit.privacy.ledger.ledger import FILE as LEDGER
from synthkit.records.receipt import Receipt
from synthkit.store.logged import LoggedVersions
from synthkit.store.logtarget import LogTarget
from synthkit.store.restoring import publication_of
from synthkit.store.signing import Sign
from synthkit.store.target import Target
from synthkit.store.versions.git import as_receipt, commit_at, commit_files
from synthkit.store.versions.history import Version, chosen, versions_of
from synthkit.store.versions.pointer import SUFFIX as POINTER
from synthkit.store.versions.pointer import write_pointer
from synthkit.store.versions.repository import Repository, find_repository
from synthkit.store.warehouse import Warehouse, link_or_copy


@dataclass(frozen=True)
class Versions:
    """The versions of a warehouse's tables."""

    warehouse: Warehouse
    repository: Repository

    @staticmethod
    def of(target: Target) -> Versions | LoggedVersions:
        """Raises SynthError, with what to do, where the target has no versions, or no git and DVC repository."""
        if isinstance(target, LogTarget):
            return LoggedVersions(target)
        return Versions.by_git(target)

    @staticmethod
    def by_git(target: Target) -> Versions:
        """:meth:`of`, where it is git and DVC that are asked for."""
        why = target.unversioned()
        if why is not None:
            raise SynthError(why, hint="versions are kept of targets of type local")
        assert isinstance(target, Warehouse)
        warehouse: Warehouse = target
        found = find_repository(warehouse.directory.resolve())
        if isinstance(found, str):
            what, _, hint = found.partition(" (")
            raise SynthError(what, hint=hint.removesuffix(")"))
        return Versions(warehouse, found)

    def of_table(self, name: str) -> list[Version]:
        """All versions of a table, the newest first. Raises SynthError where there never was one of that name."""
        path = self.warehouse.receipt_path(name)
        found = versions_of(path, self.warehouse.published(name)) if path.parent.is_dir() else []
        if not found:
            raise SynthError(f"no version of {name!r} was ever published here", hint="synth ls names the models")
        return found

    def named(self, name: str, version: str) -> Version:
        """The version of a table that ``version`` means: a commit, a branch or tag, or the id of a run.

        A commit that did not touch the table means the version that it had then.
        """
        known = self.of_table(name)
        try:
            return chosen(known, version)
        except SynthError as unknown:
            try:
                commit = commit_at(self.warehouse.directory, version)
            except SynthError:
                raise unknown from None
        receipt = as_receipt(commit.read(self.warehouse.receipt_path(name).name))
        if receipt is None:
            raise SynthError(f"{name!r} was not published at {version}", hint=f"see synth versions {name}")
        return Version(commit.sha, receipt.published_at, "", receipt)

    def before(self, name: str) -> Version:
        """What `synth diff` compares with where nothing is named: what git has at HEAD."""
        return self.named(name, "HEAD")

    def file(self, receipt: Receipt) -> Path:
        """The Parquet file that a receipt names, out of DVC's cache, or fetched from the remote.

        Raises:
            SynthError: neither has it, or it is not what the receipt says.
        """
        md5, name = receipt.md5, receipt.model
        if md5 is None:
            raise SynthError(
                f"this version of {name!r} was published before versions were kept",
                hint="build it again from its commit",
            )
        found = self.repository.cached(md5)
        if found is None:
            here = self.warehouse.receipt(name)
            # Without the option, what is published now is pushed.
            older = "" if here is not None and here.md5 == md5 else " --all-versions"
            self.repository.fetch([md5], pushed_by=f"synth push{older}")
            found = self.repository.cached(md5)
        if found is None or sha256_file(found) != receipt.sha256:
            raise SynthError(
                f"the file of {name!r} is not the one that its receipt names", hint="look at who changed the receipt"
            )
        return found

    def at_hand(self, receipt: Receipt) -> Path | None:
        """:meth:`file`, where that is on this machine and whole; nothing is fetched."""
        found = None if receipt.md5 is None else self.repository.cached(receipt.md5)
        return found if found is not None and sha256_file(found) == receipt.sha256 else None

    def restore(self, wanted: Mapping[str, Version], at: str, sign: Sign | None = None) -> dict[str, Receipt]:
        """Publish old versions again, at one instant: nothing is trained, and no privacy is spent, as nothing new is
        revealed.

        Args:
            wanted: table → its version.
            at: the time, for the receipts.
            sign: signs the new receipts; the old signatures are not of them.

        Returns the new receipts: the old ones, with when and from which commit they were restored.

        Raises:
            SynthError: a file is not to be had, or its audits did not pass; nothing is restored then.
        """
        again = [publication_of(name, version, self.file(version.receipt), at) for name, version in wanted.items()]
        written = self.warehouse.publish_all(again, self.repository.store, sign)
        for name, receipt in written.items():
            write_pointer(pointer_path(self.warehouse, name), receipt)
        return written

    def with_family(self, name: str, version: Version) -> dict[str, Version]:
        """The version of a table, and those of the tables that it was published together with.

        Raises:
            SynthError: one of them is not known as it was then.
        """
        family = version.receipt.family
        others = () if family is None else tuple(n for n in family.members if n != name)
        if others and version.commit is None:
            raise SynthError(
                f"what {name!r} was published together with is not committed, so it is not known which versions belong "
                "together",
                hint="roll back to a commit",
            )
        return {name: version, **{other: self.named(other, str(version.commit)) for other in others}}

    def at(self, version: str, scratch: Path) -> tuple[Warehouse, dict[str, SynthError]]:
        """The whole warehouse as a commit has it, in a folder of links to DVC's cache below ``scratch``.

        With it, by name, why a table is not in it: its file is neither in the cache nor on the remote.

        Raises:
            SynthError: there is no such commit, or nothing was published then.
        """
        here = self.warehouse.directory
        commit = commit_at(here, version)
        folder = scratch / commit.sha / here.name
        receipts = commit.receipts(".")
        if not receipts:
            raise SynthError(f"nothing was published at {version}", hint="synth versions MODEL lists what was")
        old = Warehouse(folder, folder.with_name(f"{folder.name}.duckdb"))
        reasons: dict[str, SynthError] = {}
        for name, receipt in receipts.items():
            if old.published(name) is not None:
                continue
            try:
                file = self.file(receipt)
            except SynthError as error:
                reasons[name] = error
                continue
            place = old.file(receipt)
            place.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(file, place)
            write_json_atomic(old.receipt_path(name), receipt.to_json())
        if len(reasons) == len(receipts):
            raise next(iter(reasons.values()))
        return old, reasons

    def objects(self, names: list[str], *, all_versions: bool) -> dict[str, list[str]]:
        """The MD5s of each table's current version, or of all that git has."""
        found: dict[str, list[str]] = {}
        for name in names:
            receipts = [v.receipt for v in self.of_table(name)] if all_versions else [self._current(name)]
            found[name] = [r.md5 for r in receipts if r.md5]
        return found

    def receipts(self) -> dict[str, Receipt]:
        """The receipts as they lie there, whether or not their files do."""
        found = {name: self.warehouse.receipt(name) for name in self.warehouse.names()}
        return {name: receipt for name, receipt in found.items() if receipt is not None}

    def _current(self, name: str) -> Receipt:
        """The receipt as it lies there, whether or not its file does. Raises SynthError where there is none."""
        receipt = self.warehouse.receipt(name)
        if receipt is None:
            raise SynthError(f"nothing is published as {name!r}", hint="run synth build, or git pull")
        return receipt

    def pull(self, names: list[str], remote: str | None) -> int:
        """Bring the files of the receipts that are here, and of no table that is whole already. Returns how many."""
        wanted = [self._current(name) for name in names if self.warehouse.published(name) is None]
        lacking = [str(r.md5) for r in wanted if self.repository.cached(str(r.md5)) is None]
        if lacking:
            self.repository.fetch(lacking, remote)
        for receipt in wanted:
            place = self.warehouse.file(receipt)
            place.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(self.file(receipt), place)
        return len(wanted)


def commit_published(
    root: Path, warehouse: Warehouse, names: Sequence[str], message: str | None, run_id: str
) -> str | None:
    """Commit receipts, pointers and the project's ledger to git, and nothing else, whatever else is staged.

    Args:
        root: the project's folder.
        names: the tables.

    Returns the commit's name; None where all is committed already.

    Raises:
        SynthError: git refuses, with its reason.
    """
    paths = [p for n in names for p in (warehouse.receipt_path(n), pointer_path(warehouse, n))]
    privacy = root / LEDGER
    paths += [privacy, privacy.with_name(".gitignore")]
    here = [p.relative_to(root).as_posix() for p in paths if p.is_file() and p.is_relative_to(root)]
    few = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return commit_files(root, here, message or f"Publish {few}\n\nsynth build, run {run_id}")


def pointer_path(warehouse: Warehouse, name: str) -> Path:
    return warehouse.directory / f"{name}{POINTER}"


def recover(warehouse: Warehouse) -> None:
    """Mend what a killed build left: files that no receipt names, and pointers that are not their receipt's."""
    repository = find_repository(warehouse.directory.resolve())
    clean_temporaries(warehouse.directory)
    warehouse.settle()
    for name, receipt in warehouse.all_published().items():
        warehouse.recover(name, receipt)
        if isinstance(repository, Repository) and receipt.md5 is not None:
            pointer = pointer_path(warehouse, name)
            if not pointer.exists():  # killed before, or published before DVC was set up
                repository.store(warehouse.file(receipt), receipt.md5)
            write_pointer(pointer, receipt)
