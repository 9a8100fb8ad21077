"""What an object store's warehouse need not hold any more: old versions, and what killed builds left."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from synthkit.store.publications import RECEIPTS, ROWS, Entry, Log, receipt_key

# Only what is named as rows and receipts are goes: beside them lie logs of lakes, and what others put there.
_OURS = re.compile(rf"{ROWS}/[^/]+/[0-9a-f]{{16}}-[^/]+\.parquet|{RECEIPTS}/[^/]+/[0-9a-f]{{64}}\.json")
GRACE = timedelta(days=1)  # an object that no entry names may be one that is being published


def collect(
    log: Log,
    keep: int | None,
    older_than: float | None,
    *,
    dry_run: bool,
    now: datetime | None = None,
    used: Callable[[], Collection[str]] = tuple,
) -> dict[str, int]:
    """Remove what no version names that is kept, and rows that a killed build left. Returns kind → bytes.

    Args:
        keep: of each table, so many of the last versions; None: all, but for ``older_than``.
        older_than: seconds: only versions older than this go; None: all, but for ``keep``.
        used: gives the keys that others read, whatever the log says.
    """
    now = now or datetime.now(UTC)
    # First what lies there, then what names it: what is published meanwhile is younger than the first look.
    objects = [o for folder in (ROWS, RECEIPTS) for o in log.bucket.list(folder) if _OURS.fullmatch(o.key)]
    entries = list(log.entries())
    gone, kept = divided(entries, keep, older_than, now)
    held = {*_named(kept), *used()}
    dropped = set(_named(gone)) - held
    old = [o for o in objects if o.key in dropped]
    stray = [o for o in objects if o.key not in held | dropped and now - o.modified > GRACE]
    if not dry_run:
        for entry in gone:
            log.empty(entry)
        log.bucket.delete([o.key for o in (*old, *stray)])
    sizes = {"old versions": sum(o.size for o in old), "rows that no publication names": sum(o.size for o in stray)}
    return {kind: size for kind, size in sizes.items() if size}


def divided(
    entries: Sequence[Entry], keep: int | None, older_than: float | None, now: datetime | None = None
) -> tuple[list[Entry], list[Entry]]:
    """The entries that a rule lets go, and those that stay; see :func:`collect`."""
    limit = None if older_than is None else (now or datetime.now(UTC)) - timedelta(seconds=older_than)
    gone = list(_gone(entries, keep, limit)) if keep is not None or limit is not None else []
    left = {e.number for e in gone}
    return gone, [e for e in entries if e.number not in left]


def _gone(entries: Sequence[Entry], keep: int | None, limit: datetime | None) -> Iterator[Entry]:
    """The entries that a rule lets go: the newest never, and none that has one of the versions that are kept."""
    seen: dict[str, int] = {}
    for place, entry in enumerate(entries):
        ranks = [seen.get(name, 0) for name in entry.changed]
        seen |= {name: seen.get(name, 0) + 1 for name in entry.changed}
        old = limit is None or datetime.fromisoformat(entry.at) < limit
        if place and old and (keep is None or all(rank >= keep for rank in ranks)):
            yield entry


def _named(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        for name, table in entry.tables.items():
            yield table.rows
            yield receipt_key(name, table.receipt)
