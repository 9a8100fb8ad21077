"""The receipts of a target as they lie there, broken ones too, and the place of a key in one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from synthkit.errors import Location
from synthkit.files import parsed_json
from synthkit.store.receiptschema import receipt_schema
from synthkit.store.warehouse import REQUIRED, SUFFIX, receipts_in
from synthkit.verify.shape import misfits

_schema = cache(receipt_schema)


@dataclass(frozen=True)
class Receipt:
    """A receipt on disk. ``fault`` says why it is none, and ``data`` is empty then."""

    path: Path
    data: Mapping[str, Any]
    fault: str | None = None

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

    def part(self, *keys: str) -> Mapping[str, Any]:
        """A mapping in the receipt; empty where it is not there."""
        found: Any = self.data
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}


def read_receipts(directory: Path) -> dict[str, Receipt]:
    """All receipts of a folder, by model."""
    return {name: read_receipt(path) for name, path in receipts_in(directory).items()}


def read_receipt(path: Path) -> Receipt:
    try:
        data = parsed_json(path.read_bytes())
    except OSError as error:
        return Receipt(path, {}, f"it cannot be read: {error.strerror}")
    except ValueError as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        return Receipt(path, {}, f"it is not JSON{place}")
    fault = _fault(data, path.name.removesuffix(SUFFIX))
    return Receipt(path, {} if fault else data, fault)


def _fault(data: Any, model: str) -> str | None:
    if not isinstance(data, dict):
        return "it is not a JSON object"
    missing = sorted(REQUIRED - data.keys())
    if missing:
        return f"it lacks {', '.join(missing)}"
    wrong = list(misfits(data, _schema()))
    if wrong:
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return f"it does not fit the receipt's JSON Schema: {'; '.join(wrong[:3])}{more}"
    if data["model"] != model:
        return f"it is the receipt of {data['model']!r}"
    return None


def columns_in(directory: Path) -> dict[str, dict[str, str]]:
    """:func:`source_columns` of the receipts of a folder."""
    return source_columns(read_receipts(directory).values())


def source_columns(receipts: Iterable[Receipt]) -> dict[str, dict[str, str]]:
    """Columns of the real tables (name → SQL type) by source id, as the youngest receipts have them.

    Those of private models hold declared types, and so count only where no other receipt tells.
    """
    found: dict[str, dict[str, str]] = {}
    for receipt in sorted(receipts, key=lambda r: (r.data.get("epsilon") is None, str(r.data.get("published_at")))):
        for source, columns in receipt.part("source_columns").items():
            if isinstance(columns, dict) and all(isinstance(t, str) for t in columns.values()):
                found[source] = columns
    return found
