"""What can be checked of tables at an address without their project: each by its receipt, and all together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from synthkit.records.receipt import Receipt
from synthkit.store.readers import drawn_apart, other_trainings
from synthkit.store.target import Target
from synthkit.store.versions.git import RECEIPT
from synthkit.verify import consistent
from synthkit.verify.findings import Finding, order
from synthkit.verify.fits import fits_receipt
from synthkit.verify.footers import Footers
from synthkit.verify.receipts import ReceiptFile
from synthkit.verify.recount import row_counts
from synthkit.verify.review import Review


def review_tables(target: Target, address: str, *, full: bool) -> Review:
    """Whether rows, receipts and families fit each other. The YAML, the ledger and who may sign are the project's.

    Args:
        full: fetch and hash the rows, and count again what their audits counted; else their sizes decide.
    """
    receipts = {name: target.receipt(name) for name in target.names()}
    whole = {name: receipt for name, receipt in receipts.items() if receipt is not None}
    found = [*_lost(receipts), *_fit(whole, target, full), *_together(whole)]
    return Review(address, "", len(receipts), tuple(dict.fromkeys(sorted(found, key=order))), whole)


def _file(name: str, receipt: Receipt | None = None) -> ReceiptFile:
    return ReceiptFile(Path(f"{name}{RECEIPT}"), receipt)


def _lost(receipts: Mapping[str, Receipt | None]) -> Iterator[Finding]:
    for name, receipt in receipts.items():
        if receipt is None:
            message = f"{name!r} is published, and its receipt is gone or is none"
            yield Finding("receipt", "error", message, _file(name).at(), "build it again in its project", name)


def _fit(receipts: Mapping[str, Receipt], target: Target, full: bool) -> Iterator[Finding]:
    footers = Footers()
    for name, receipt in receipts.items():
        file = _file(name, receipt)
        yield from fits_receipt(file, target, footers, full=full)
        yield from consistent.agrees_with_itself(file)
        yield from row_counts(file)


def _together(receipts: Mapping[str, Receipt]) -> Iterator[Finding]:
    for name, upstream in other_trainings(receipts).items():
        message = f"{name!r} was made from other rows of {', '.join(upstream)} than are published now"
        hint = f"in its project: synth build --select {name} --full-refresh"
        yield Finding("fingerprint", "error", message, _file(name).at(), hint, name)
    for family, tables in drawn_apart(receipts).items():
        message = f"the tables of {family!r} were not drawn together: keys of {', '.join(tables)} may name nothing"
        hint = f"in its project: synth build --select {family}"
        yield Finding("fingerprint", "error", message, _file(tables[0]).at(), hint, tables[0])
