"""The receipts of a target as they lie there, broken ones too, and the place of a key in one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from synthkit.errors import Location
from synthkit.files import parsed_json
from synthkit.memory import uncollected
from synthkit.project.project import Project
from synthkit.records.receipt import REQUIRED, Receipt
from synthkit.store.targets import target_of
from synthkit.store.valueschema import receipt_schema
from synthkit.store.warehouse import SUFFIX, Warehouse, receipts_in
from synthkit.verify.shape import fitting, misfits

_schema = cache(receipt_schema)


@cache
def _fits() -> Callable[[Any], bool]:
    return fitting(_schema())


@dataclass(frozen=True)
class ReceiptFile:
    """A receipt on disk. ``fault`` says why it is none; there is no ``receipt`` then."""

    path: Path
    receipt: Receipt | None
    fault: str | None = None

    @property
    def said(self) -> Receipt:
        """What it says, of one without a fault."""
        assert self.receipt is not None
        return self.receipt

    @property
    def model(self) -> str:
        return self.path.name.removesuffix(SUFFIX)

    def at(self, *keys: str) -> Location:
        """The line of a key (below others), or the file's first one."""
        try:
            lines = self.path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return Location(self.path, 1, 1)
        number, column = 0, 1
        for key in keys:
            wanted = f"{json.dumps(key, ensure_ascii=False)}:"
            found = next((i for i in range(number, len(lines)) if lines[i].lstrip().startswith(wanted)), None)
            if found is None:
                break
            number, column = found, len(lines[found]) - len(lines[found].lstrip()) + 1
        return Location(self.path, number + 1, column)


@uncollected()
def read_receipts(directory: Path) -> dict[str, ReceiptFile]:
    """All receipts of a folder, by model."""
    return {name: read_receipt(path) for name, path in receipts_in(directory).items()}


def read_receipt(path: Path) -> ReceiptFile:
    try:
        data = parsed_json(path.read_bytes())
    except OSError as error:
        return ReceiptFile(path, None, f"it cannot be read: {error.strerror}")
    except ValueError as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        return ReceiptFile(path, None, f"it is not JSON{place}")
    fault = _fault(data, path.name.removesuffix(SUFFIX))
    if fault is not None:
        return ReceiptFile(path, None, fault)
    try:
        return ReceiptFile(path, Receipt.from_json(data))
    except ValueError as error:  # a whole number that is written as 1.0
        return ReceiptFile(path, None, f"it is no receipt: {error}")


def _fault(data: Any, model: str) -> str | None:
    if not isinstance(data, dict):
        return "it is not a JSON object"
    missing = sorted(REQUIRED - data.keys())
    if missing:
        return f"it lacks {', '.join(missing)}"
    if not _fits()(data):
        wrong = list(misfits(data, _schema()))
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return f"it does not fit the receipt's JSON Schema: {'; '.join(wrong[:3])}{more}"
    if data["model"] != model:
        return f"it is the receipt of {data['model']!r}"
    return None


def receipts_of(project: Project) -> dict[str, ReceiptFile]:
    """All receipts of the project's target, by model; where they are no files, under the names that they would have."""
    target = target_of(project)
    if isinstance(target, Warehouse):
        return read_receipts(target.directory)
    found = {name: target.receipt(name) for name in target.names()}
    places = {name: project.warehouse_dir / f"{name}{SUFFIX}" for name in found}
    lost = "the target has its name, and no receipt"
    return {n: ReceiptFile(places[n], receipt, None if receipt else lost) for n, receipt in found.items()}


def columns_in(project: Project) -> dict[str, dict[str, str]]:
    """:func:`source_columns` of the receipts of the project's target."""
    return source_columns(receipts_of(project).values())


def source_columns(files: Iterable[ReceiptFile]) -> dict[str, dict[str, str]]:
    """Columns of the real tables (name → SQL type) by source id, as the youngest receipts have them.

    Those of private models hold declared types, and so count only where no other receipt tells.
    """
    found: dict[str, dict[str, str]] = {}
    receipts = [f.receipt for f in files if f.receipt is not None]
    for receipt in sorted(receipts, key=lambda r: (r.epsilon is None, r.published_at)):
        found |= {source: dict(columns) for source, columns in receipt.source_columns.items()}
    return found
