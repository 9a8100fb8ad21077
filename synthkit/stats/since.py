"""From when on: a length of time before now, a day, or a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from synthkit.errors import SynthError

_LENGTH = re.compile(r"^(\d{1,6})\s*([hdw])$")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def since(text: str, now: datetime) -> datetime:
    """``30d``, ``12h``, ``4w`` before now; or ``2026-01-31``, ``2026-01-31T12:00+01:00``, in UTC where it says no zone.

    Raises SynthError where it is none of these.
    """
    found = _LENGTH.match(text.strip())
    try:
        if found is not None:
            return now - int(found[1]) * _UNITS[found[2]]
        time = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise SynthError(
            f"--since {text!r} is no time", hint="write 30d, 12h, 2026-01-31 or 2026-01-31T12:00Z"
        ) from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
