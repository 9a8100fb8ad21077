"""The local target: a folder of Parquet files and receipts, which git and DVC may keep, and a DuckDB file of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from synthkit.errors import BuildError, SynthError
from synthkit.files import bytes_of
from synthkit.records.history import RunEntry
from synthkit.records.receipt import Receipt
from synthkit.store.database import held_by_others, rebuild, views_directory
from synthkit.store.others import refuse_taken_names
from synthkit.store.published import pointer_path, recover
from synthkit.store.target import TableInfo, Target
from synthkit.store.warehouse import Warehouse


@dataclass(frozen=True)
class Local(Warehouse, Target):
    """A warehouse that is published to."""

    def remove(self, name: str) -> None:
        super().remove(name)
        pointer_path(self, name).unlink(missing_ok=True)

    def size(self, name: str) -> int:
        folder = self.directory / name
        return bytes_of(folder) if folder.is_dir() else 0

    def mend(self) -> None:
        recover(self)

    def folders(self) -> Iterable[Path]:
        return (*below(self.directory), self.database.parent, views_directory(self.database))

    def ready(self) -> str:
        return writable(self.directory)

    def unversioned(self) -> str | None:
        return None

    def refuse_taken(self, names: Sequence[str]) -> None:
        try:
            contents = held_by_others(self)
        except BuildError:
            return  # which tables are published does not hang on it: refresh says so
        refuse_taken_names(self.database, contents, names)

    def refresh(
        self, infos: Mapping[str, TableInfo], runs: Sequence[RunEntry], receipts: Mapping[str, Receipt]
    ) -> None:
        rebuild(self, infos, runs, receipts)


def writable(directory: Path) -> str:
    """That a folder can be written, or made, in words. Raises SynthError."""
    standing = next(p for p in (directory, *directory.parents) if p.exists())
    if not standing.is_dir():
        raise SynthError(f"{standing} is a file where a folder should be", hint="move it out of the way")
    if not os.access(standing, os.W_OK | os.X_OK):
        raise SynthError(f"{standing} may not be written", hint="give yourself the right, or choose another target")
    return f"{directory} {'is writable' if standing == directory else 'can be made'}"


def below(root: Path) -> Iterator[Path]:
    """A folder and all folders in it."""
    if root.is_dir():
        yield root
        yield from (p for p in root.rglob("*") if p.is_dir() and not p.is_symlink())
