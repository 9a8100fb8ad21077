"""What a differentially private table may say of itself in public: decided here, and nowhere else.

Published with a table are its receipt, ``synth_meta`` in DuckDB, the metadata of its Parquet files, and what reports on
a pull request show. Of what these hold without privacy, this would tell of the private rows outside the budget:

- figures of audits that read real rows (values, intervals, floors, the columns responsible, messages): of these audits
  only the verdict against the declared threshold is published. A verdict is a bit or two about the real rows that no
  theorem covers; ``docs/privacy.md`` says so.
- the number of source rows, and times, which follow from it.
- pictures of real rows, those of other tables over the same rows included (:func:`picturable`).
- hashes of the source's content: whoever knows all rows but one could try candidates for the last. They are keyed
  with a secret of the project that is never committed (:mod:`synthkit.privacy.hashkey`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from synthkit.results import ModelResult

WITHHELD = "its figures are computed from the real rows, so they are not published"
UNSAID = "it was not built; the reason may quote rows, and is on the console and in the log of who built it"
_VERDICT = ("name", "severity", "status", "threshold")


def public_audits(records: Sequence[Mapping[str, Any]], real: Collection[str]) -> list[dict[str, Any]]:
    """Audit records as they may be published.

    Args:
        records: as :meth:`synthkit.audits.runner.AuditRecord.to_json` gives them.
        real: names of the audits that read real rows.
    """
    return [_verdict(r) if r["name"] in real else dict(r) for r in records]


def _verdict(record: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value if key in _VERDICT else None for key, value in record.items()}
    return {**kept, "message": WITHHELD, "columns": [], "details": {}}


def public_result(result: ModelResult) -> ModelResult:
    """What became of a model that promises some ε, for a report that people without access to its source read."""
    if result.epsilon is None and not result.withheld:
        return result
    message = UNSAID if result.status == "error" and result.message else result.message
    audits = tuple(public_audits(result.audits, result.withheld))
    return replace(result, audits=audits, seconds={}, message=message)


def public_receipt(receipt: Mapping[str, Any], real: Collection[str]) -> dict[str, Any]:
    """A receipt without what only the private rows could tell."""
    return {**receipt, "audits": public_audits(receipt["audits"], real), "source_rows": None, "seconds": {}}


def picturable(epsilon: float | None, accounts: Collection[str], protected: Collection[str], show_real: bool) -> bool:
    """Whether a report may picture real rows beside a table.

    No row is pictured whose people some table, or some budget, promises to protect: a histogram on the page of a table
    without ε would break the promise of the one with it, as both are of the same rows.

    Args:
        epsilon: the table's own.
        accounts: whose people's rows would be in the picture.
        protected: the accounts that a model spends of, or that a budget is declared for.
        show_real: the project's ``reports: {show_real: …}``.
    """
    return show_real and epsilon is None and not set(accounts) & set(protected)
