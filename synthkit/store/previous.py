"""The version of a table that was published before its last one: a second name for its file, in scratch.

```
target/previous/<model>/data.parquet, receipt.json
```

The warehouse holds one version. What compares versions needs the one before also after the next is published: the same
rows, judged again, are then held against the same earlier ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synthkit.audits.context import Version
from synthkit.files import sha256_file, write_json_atomic
from synthkit.records.receipt import Receipt
from synthkit.schema import Table
from synthkit.store.target import Tables
from synthkit.store.warehouse import link_or_copy, read_receipt


@dataclass(frozen=True)
class Earlier:
    """A published version: its receipt and its file."""

    receipt: Receipt
    path: Path

    def version(self) -> Version:
        """What an audit takes of it."""
        r = self.receipt
        table = Table(r.table_schema.as_schema(), (self.path,), r.rows)
        return Version(table, r.bytes, r.seconds, r.published_at)


@dataclass(frozen=True)
class PreviousVersions:
    """The earlier versions of a target's tables."""

    directory: Path
    warehouse: Tables

    def before(self, name: str, rows: Path) -> Earlier | None:
        """The last version that was published before the file ``rows`` was, or would be; None where there is none."""
        receipt = self.warehouse.published(name)
        if receipt is None:
            return None
        published = self.warehouse.file(receipt)
        if not _same(rows, published, receipt):
            return Earlier(receipt, published)
        kept = self._kept(name)
        return None if kept is None or kept.receipt.sha256 == receipt.sha256 else kept

    def keep(self, name: str, rows: Path) -> None:
        """Keep a name for what is published, before the file ``rows`` is: its own file goes then.

        The same bytes published again are no other version. The receipt is written last, and a version that is still
        the published one is no earlier one, so a kill at any point leaves a wrong pair nowhere.
        """
        receipt = self.warehouse.published(name)
        if receipt is None or _same(rows, self.warehouse.file(receipt), receipt):
            return
        data = self.directory / name / "data.parquet"
        data.parent.mkdir(parents=True, exist_ok=True)
        data.with_name("receipt.json").unlink(missing_ok=True)
        link_or_copy(self.warehouse.file(receipt), data)
        write_json_atomic(data.with_name("receipt.json"), receipt.to_json())

    def _kept(self, name: str) -> Earlier | None:
        path = self.directory / name / "data.parquet"
        receipt = read_receipt(path.with_name("receipt.json"))
        try:
            whole = receipt is not None and path.stat().st_size == receipt.bytes
        except OSError:
            return None
        return Earlier(receipt, path) if receipt is not None and whole else None


def _same(rows: Path, published: Path, receipt: Receipt) -> bool:
    if rows.resolve() == published:
        return True
    return rows.stat().st_size == receipt.bytes and sha256_file(rows) == receipt.sha256
