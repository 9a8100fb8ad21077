"""A target that somebody else wrote: one SQLite file, which holds each table's Parquet bytes beside its receipt."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from synthkit.errors import BuildError, SynthError
from synthkit.files import replacing, sha256_file
from synthkit.records.receipt import Receipt
from synthkit.store.target import Place, Sealed, Target

TABLE = "CREATE TABLE IF NOT EXISTS published (name TEXT PRIMARY KEY, receipt TEXT NOT NULL, parquet BLOB NOT NULL)"


class SqliteTarget(Target):
    def __init__(self, place: Place) -> None:
        self.path, self.scratch = place.path, place.scratch

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path)) as connection, connection:  # commits, or rolls back
            connection.execute(TABLE)
            yield connection

    def _found(self, sql: str, *values: str) -> list[Any]:
        if not self.path.is_file():
            return []
        with self._connected() as connection:
            return connection.execute(sql, values).fetchall()

    def names(self) -> list[str]:
        return [name for (name,) in self._found("SELECT name FROM published ORDER BY name")]

    def receipt(self, name: str) -> Receipt | None:
        found = self._found("SELECT receipt FROM published WHERE name = ?", name)
        return Receipt.from_json(json.loads(found[0][0])) if found else None

    def published(self, name: str) -> Receipt | None:
        receipt = self.receipt(name)
        found = self._found("SELECT length(parquet) FROM published WHERE name = ?", name)
        return receipt if receipt is not None and found == [(receipt.bytes,)] else None

    def file(self, receipt: Receipt) -> Path:
        path = self.scratch / f"{receipt.sha256}.parquet"
        if not path.is_file() or sha256_file(path) != receipt.sha256:
            found = self._found("SELECT parquet FROM published WHERE name = ?", receipt.model)
            if not found or hashlib.sha256(found[0][0]).hexdigest() != receipt.sha256:
                raise BuildError(f"the rows of {receipt.model!r} are not those of its receipt", hint="build it again")
            self.scratch.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                temporary.write_bytes(found[0][0])
        return path

    def shown_in(self) -> Path | None:
        return None

    def put(self, name: str, data: Path, sealed: Sealed) -> Receipt:
        return self.put_all({name: (data, sealed)})[name]

    def alone(self) -> str | None:
        return None

    def put_all(self, tables: Mapping[str, tuple[Path, Sealed]]) -> dict[str, Receipt]:
        """One transaction, however many they are."""
        receipts = {}
        with self._connected() as connection:
            for name, (data, sealed) in tables.items():
                rows = data.read_bytes()
                before = connection.execute("SELECT receipt FROM published WHERE name = ?", (name,)).fetchone()
                previous = None if before is None else hashlib.sha256(before[0].encode()).hexdigest()
                receipts[name] = sealed.receipt(len(rows), previous)
                text = json.dumps(receipts[name].to_json())
                connection.execute("INSERT OR REPLACE INTO published VALUES (?, ?, ?)", (name, text, rows))
        return receipts

    def all_published(self) -> dict[str, Receipt]:
        """One SELECT sees one state of the file."""
        rows = self._found("SELECT name, receipt, length(parquet) FROM published ORDER BY name")
        found = {name: (Receipt.from_json(json.loads(text)), size) for name, text, size in rows}
        return {name: receipt for name, (receipt, size) in found.items() if receipt.bytes == size}

    def remove(self, name: str) -> None:
        with self._connected() as connection:
            connection.execute("DELETE FROM published WHERE name = ?", (name,))

    def size(self, name: str) -> int:
        return int(sum(n for (n,) in self._found("SELECT length(parquet) FROM published WHERE name = ?", name)))

    def mend(self) -> None:
        """SQLite takes its own journal back when the file is opened next."""

    def folders(self) -> Iterable[Path]:
        return (self.scratch,)

    def ready(self) -> str:
        if self.path.is_dir():
            raise SynthError(f"{self.path} is a folder", hint="name a file: warehouse: shop.sqlite")
        return f"{self.path} is a file" if self.path.is_file() else f"{self.path} can be made"

    def unversioned(self) -> str | None:
        return f"the tables are in one SQLite file ({self.path.name}), of which git and DVC keep no versions"

    def refuse_taken(self, names: Sequence[str]) -> None:
        """Nobody else has names in it."""

    def refresh(self, infos: Mapping[str, Any], runs: Sequence[Any], receipts: Mapping[str, Receipt]) -> None:
        """Nothing is derived of it."""


class AloneTarget(SqliteTarget):
    """One that does not say that it can publish several tables together."""

    alone, put_all = Target.alone, Target.put_all
