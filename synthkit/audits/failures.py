"""``store_failures``: a bounded number of an audit's failing rows, kept to be looked at. Synthetic rows, and no others.

The compiler refuses what could hold a real row: a table that contains real rows, a custom audit that reads a source or
such a table, and, under ε, whatever compares with real rows, as which rows fail would tell of them. A custom audit's
SELECT runs in a DuckDB that can open the files of the tables that it names and no other.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult
from synthkit.audits.custom import open_audited
from synthkit.sql.types import readable

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class FailureStore:
    """The folder of one model's failing rows, emptied when it is made: it holds those of the last audits alone.

    Args:
        directory: where the Parquet files go.
        shown: how messages call the folder.
    """

    directory: Path
    shown: str
    _taken: set[str] = field(default_factory=set, repr=False, compare=False)

    def __post_init__(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)

    def kept(self, context: AuditContext, name: str, custom: bool, result: AuditResult, limit: int) -> AuditResult:
        """The result, with at most ``limit`` of its failing rows in a file that it names.

        Args:
            context: the audited rows, narrowed as the audit saw them.
            name: what the audit is called.
            custom: its failing rows are given by somebody's own SQL.
        """
        if result.failing_rows is None:
            return result
        rows = _custom_rows(context, result.failing_rows, limit) if custom else _rows(context, result, limit)
        path = self._path(name)
        _write(rows, path)
        shown, total = f"{self.shown}/{path.name}", result.details.get("failing")
        count = f"{rows.num_rows:,} of them" if total != rows.num_rows else "they"
        verb = "is" if count != "they" and rows.num_rows == 1 else "are"
        details = {"path": shown, "rows": rows.num_rows, "failing": total}
        return _said(result, f"{count} {verb} kept in {shown}", details)

    def _path(self, name: str) -> Path:
        """A file name for the audit; audits of one name are numbered, and no name leads out of the folder."""
        stem = re.sub(r"[^\w-]+", "_", name) or "audit"
        unique, number = stem, 2
        while unique in self._taken:
            unique, number = f"{stem}_{number}", number + 1
        self._taken.add(unique)
        return self.directory / f"{unique}.parquet"


def _said(result: AuditResult, text: str, details: dict[str, Any]) -> AuditResult:
    message = f"{result.message}; {text}" if result.message else text
    return replace(result, message=message, details={**result.details, "failures": details})


def _rows(context: AuditContext, result: AuditResult, limit: int) -> pa.Table:
    return context.connection.sql(f"{result.failing_rows} LIMIT {limit}").to_arrow_table()


def _custom_rows(context: AuditContext, sql: str, limit: int) -> pa.Table:
    """The rows of a custom audit's SELECT."""
    with open_audited(context) as connection:
        return readable(connection.sql(sql).limit(limit)).to_arrow_table()


def _write(rows: pa.Table, path: Path) -> None:
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    ignore = path.parent.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", "utf-8")  # whatever the project's own .gitignore says
    pq.write_table(rows, path)
