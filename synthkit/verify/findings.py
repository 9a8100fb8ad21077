"""What `synth verify` finds: each finding with its place and a way to mend it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from synthkit.errors import Location

Level = Literal["error", "warning", "note"]
# receipt: it is missing or not whole; fingerprint: it is not of today's YAML; data: of other rows; audit: of other
# thresholds; ledger, budget: what was spent; contract: readers that a change breaks;
# signature: of a receipt.
Kind = Literal["receipt", "fingerprint", "data", "audit", "ledger", "budget", "contract", "signature"]


@dataclass(frozen=True)
class Finding:
    """One thing to know before merging.

    Args:
        level: an ``error`` fails the check, a ``warning`` does not, a ``note`` only says what was looked at.
        where: a place in a file of the project.
        hint: how to mend it.
        model: the table that it is about; None where it is about none.
        details: lines that say more, such as what changed.
    """

    kind: Kind
    level: Level
    message: str
    where: Location
    hint: str | None = None
    model: str | None = None
    details: tuple[str, ...] = ()

    def below(self, root: Path) -> Finding:
        """The same finding, its file relative to ``root``."""
        file = self.where.file
        shown = file.relative_to(root) if file.is_relative_to(root) else file
        return replace(self, where=replace(self.where, file=shown))

    def to_json(self) -> dict[str, Any]:
        where = self.where
        place = {"file": where.file.as_posix(), "line": where.line, "column": where.column}
        kept = {k: v for k, v in vars(self).items() if k not in ("where", "details")}
        return {**kept, **place, "details": list(self.details)}


def order(finding: Finding) -> tuple[int, str, int, int, str]:
    """The worst first, then by place."""
    where = finding.where
    rank = ("error", "warning", "note").index(finding.level)
    return (rank, str(where.file), where.line, where.column, finding.message)
