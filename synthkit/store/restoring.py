"""An old version of a table as one to publish again: nothing of it is new but when and from where it came back."""

from __future__ import annotations

from pathlib import Path

from synthkit.errors import SynthError
from synthkit.records.receipt import AuditedTable
from synthkit.store.target import PassingAudit, Publication
from synthkit.store.versions.history import Version

# Of a receipt: what publishing writes anew.
_WRITTEN = ("file", "sha256", "md5", "bytes", "previous", "restored", "signature")


def publication_of(name: str, version: Version, file: Path, at: str) -> Publication:
    """The table with the rows of ``file``, which are the version's. Raises SynthError where its audits did not pass."""
    receipt = version.receipt
    try:
        passing = PassingAudit.of(receipt.audits)
    except ValueError as error:
        raise SynthError(f"{name!r} at {version.name}: {error}", hint="choose another version") from None
    kept = {k: v for k, v in receipt.to_json().items() if k not in _WRITTEN}
    kept["restored"] = {"at": at, "commit": version.commit}
    return Publication(name, file, passing, AuditedTable.from_json(kept))
