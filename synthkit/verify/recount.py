"""What the Parquet file of a table tells: its footer and, by ``--full``, the figures of audits that only count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.runner import BoundAudit, run_audits
from synthkit.records.audit import AuditRecord
from synthkit.records.receipt import Receipt
from synthkit.schema import Table
from synthkit.verify.consistent import bound_of, finding
from synthkit.verify.findings import Finding
from synthkit.verify.footers import Footer
from synthkit.verify.receipts import ReceiptFile

# Counted in the table alone. The others compare with other rows, or ask for them.
COUNTING = frozenset(
    {"not_null", "unique", "accepted_values", "accepted_range", "expression", "row_count", "inequality"}
)
_OWN = frozenset(  # types that Parquet has itself; a column of another one may come back as one of these
    {
        "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT",
        "DOUBLE", "VARCHAR", "BLOB", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE",
    }
)  # fmt: skip
_KEYS = {"synthkit.model": ("model",), "synthkit.fingerprint": ("fingerprints", "sample")}


def agrees_with_file(file: ReceiptFile, footer: Footer | None) -> Iterator[Finding]:
    """Findings where the footer of the file has other rows, columns or marks than its receipt."""
    receipt, name = file.said, file.model
    if footer is None:
        yield finding(file, "data", f"{receipt.file} is no Parquet file", "file")
        return
    if footer.rows != receipt.rows:
        message = f"the receipt of {name!r} says {receipt.rows:,} rows, and {receipt.file} holds {footer.rows:,}"
        yield finding(file, "data", message, "rows")
    names = [held for held, _ in footer.columns]
    said = [c.name for c in receipt.columns]
    if said != names:
        message = f"the receipt of {name!r} names the columns {', '.join(said)}; {receipt.file} has {', '.join(names)}"
        yield finding(file, "data", message, "columns")
        return
    for column, (_, held) in zip(receipt.columns, footer.columns, strict=True):
        recorded = column.type
        if recorded != held and (recorded in _OWN or not _may_be_held_as(recorded)):
            message = f"the receipt of {name!r} says that {column.name!r} is {recorded}, and the file holds {held}"
            yield finding(file, "data", message, "columns")
    found = footer.marks
    said_by = {"synthkit.model": receipt.model, "synthkit.fingerprint": receipt.fingerprints.sample}
    for key, place in _KEYS.items():
        if key in found and found[key] != said_by[key]:
            message = f"the file of {name!r} is marked {key} = {found[key][:16]}, which its receipt does not say"
            yield finding(file, "data", message, *place)


def _may_be_held_as(recorded: str) -> bool:
    """Whether the type is none of Parquet's own, so that its values come back as something near."""
    head = recorded.partition("(")[0]
    return recorded.endswith("]") or head in {
        "DECIMAL", "ENUM", "STRUCT", "MAP", "UNION", "HUGEINT", "UHUGEINT", "UUID", "JSON", "BIT", "INTERVAL",
        "TIMESTAMP_S", "TIMESTAMP_MS", "TIME WITH TIME ZONE",
    }  # fmt: skip


def row_counts(file: ReceiptFile) -> Iterator[Finding]:
    """Findings where a size, or an audit that counts all rows, was met by another number than the receipt's."""
    receipt, name = file.said, file.model
    rows, sample = receipt.rows, receipt.inputs.sample
    size = sample.get("size")
    expected = _expected(size, sample.get("of", receipt.source_rows)) if _has_the_size(receipt) else None
    if expected is not None and expected != rows:
        message = f"the receipt of {name!r} says {rows:,} rows, and its size, {size}, comes to {expected:,}"
        yield finding(file, "data", message, "rows")
    for bound, record in _pairs(receipt):
        if bound.audit != "row_count" or bound.where is not None or record.value is None:
            continue
        if record.value != rows or record.ci not in (None, (rows, rows)):
            message = f"the audit 'row_count' of {name!r} counted {record.value:,}, and the table has {rows:,} rows"
            yield finding(file, "audit", message, "audits")


def _has_the_size(receipt: Receipt) -> bool:
    """Whether the size is of this table: a family's is of its root, and the rows of the others follow."""
    family = receipt.inputs.train.get("family")
    root = family.get("root") if isinstance(family, Mapping) else None
    return receipt.inputs.sample.get("member") == root


def _expected(size: Any, source_rows: Any) -> int | None:
    from synthkit.project.size import Size

    if not isinstance(size, str):
        return None
    try:
        parsed = Size.parse(size)
    except ValueError:
        return None
    if parsed.rows is None and not isinstance(source_rows, int):
        return None
    return parsed.of(source_rows or 0)


def recounted(file: ReceiptFile, path: Path) -> Iterator[Finding]:
    """Findings where an audit that only counts finds something else in the file than the receipt says."""
    receipt, name = file.said, file.model
    schema = receipt.table_schema.as_schema()
    context = AuditContext(schema, Table(schema, (path,), receipt.rows), None, None, seed=receipt.seed)
    pairs = [(b, r) for b, r in _pairs(receipt) if b.audit in COUNTING and r.value is not None]
    pairs = [(b, r) for b, r in pairs if not any(k.endswith("_ratio") and v for k, v in b.params.items())]
    again = run_audits(context, [b for b, _ in pairs], lambda *_: None)
    for (bound, record), found in zip(pairs, again, strict=True):
        fresh, recorded = found.to_json(), record.to_json()
        wrong = [
            k for k in ("value", "ci", "status", "columns", "limit", "floor") if fresh[k] != recorded.get(k, fresh[k])
        ]
        if wrong:
            said, now = recorded.get(wrong[0]), fresh[wrong[0]]
            message = (
                f"audit {bound.name!r} of {name!r}: the receipt says {wrong[0]} = {said}, and the file gives {now}"
            )
            yield finding(file, "audit", message, "audits")


def _pairs(receipt: Receipt) -> list[tuple[BoundAudit, AuditRecord]]:
    """The recorded demands, each with what was found, where the two belong together."""
    pairs = zip(receipt.required or (), receipt.audits, strict=False)
    found = [(bound_of(demand), record) for demand, record in pairs]
    return [(b, r) for b, r in found if b is not None and b.name == r.name and _known(b)]


def _known(bound: BoundAudit) -> bool:
    return bound.audit is not None and not registry.get(bound.audit).needs
