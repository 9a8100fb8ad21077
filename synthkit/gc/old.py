"""Old versions' files in DVC's cache that a retention rule lets go."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from synthkit.store.versions.git import Committed, committed_receipts
from synthkit.store.versions.repository import Repository


@dataclass(frozen=True)
class Retention:
    """Which versions stay besides those that the work tree, a branch or a tag names.

    Without either, all that any commit names.

    Args:
        keep: so many of each table, the newest of this branch's history.
        seconds: and all that are not older.
    """

    keep: int | None = None
    seconds: float | None = None


def unused_versions(repository: Repository, project: Path, rule: Retention, now: float | None = None) -> dict[str, int]:
    """MD5 → bytes of the objects that can go from DVC's cache; they are not removed.

    Of objects that some commit names, only files of published tables go: what else DVC tracks has no such rule. One
    that no commit names is as old as its file.

    Args:
        now: seconds since 1970; default: the clock.

    Raises:
        SynthError: DVC cannot say what is used.
    """
    limit = None if rule.seconds is None else (time.time() if now is None else now) - rule.seconds
    kept, old = repository.used(history=True), set[str]()
    if rule.keep is not None or limit is not None:
        everywhere, here = committed_receipts(project, all_branches=True), committed_receipts(project)
        old = {c.md5 for c in everywhere} - _last(here, rule.keep) - _younger(everywhere, limit)
        kept = (kept - old) | repository.used(history=False)
    return {
        md5: size
        for md5, (size, modified) in repository.stored().items()
        if md5 not in kept and (limit is None or md5 in old or modified < limit)
    }


def _last(found: Iterable[Committed], count: int | None) -> set[str]:
    """The last so many different versions of each table."""
    tables: dict[str, list[str]] = defaultdict(list)
    for one in found:  # the newest come first
        if one.md5 not in tables[one.path]:
            tables[one.path].append(one.md5)
    return {md5 for known in tables.values() for md5 in known[: count or 0]}


def _younger(found: Iterable[Committed], limit: float | None) -> set[str]:
    return set() if limit is None else {c.md5 for c in found if c.seconds >= limit}
