"""Versions of a table as git has them: each commit that changed its receipt is one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synthkit.errors import SynthError
from synthkit.records.receipt import Receipt
from synthkit.store.versions.git import LOG, as_receipt, contents, git


@dataclass(frozen=True)
class Version:
    """One state of a published table.

    Args:
        commit: its full name; None for what is published and not committed.
        date: of the commit, ISO 8601.
        subject: the first line of its message.
        receipt: as it was committed.
    """

    commit: str | None
    date: str
    subject: str
    receipt: Receipt

    @property
    def name(self) -> str:
        return "(uncommitted)" if self.commit is None else self.commit[:10]


def versions_of(receipt_path: Path, current: Receipt | None) -> list[Version]:
    """The versions of one receipt, the newest first; what is not committed comes before all.

    A commit whose receipt is not readable is left out, as is one that removed it.
    """
    folder, name = receipt_path.parent, receipt_path.name
    log = (git(folder, *LOG, "--format=%H%x09%cI%x09%s", "--", name) or b"").decode("utf-8", "replace")
    commits = [tuple(line.split("\t", 2)) for line in log.splitlines()]
    files = contents(folder, [(sha, name) for sha, *_ in commits])
    found = []
    for (sha, date, subject), content in zip(commits, files, strict=True):
        receipt = as_receipt(content)
        if receipt is not None:
            found.append(Version(sha, date, subject, receipt))
    if current is not None and (not found or found[0].receipt != current):
        found.insert(0, Version(None, current.published_at, "", current))
    return found


def chosen(versions: list[Version], name: str) -> Version:
    """The version that a name means: the beginning of a commit's name or of a run's id.

    Raises:
        SynthError: no version, or more than one, is meant.
    """
    met = [
        v for v in versions if (v.commit is not None and v.commit.startswith(name)) or v.receipt.run_id.startswith(name)
    ]
    different = {v.receipt.sha256: v for v in met}
    if len(different) == 1 or len(met) == 1:
        return met[0]
    known = ", ".join(v.name for v in versions[:5]) or "none"
    what = "no version" if not met else f"{len(met)} versions"
    raise SynthError(f"{what} of this table begin with {name!r}", hint=f"there are {known}; see synth versions MODEL")
