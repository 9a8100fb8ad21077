"""Small results kept in files. A cache that cannot be read or written only costs time."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from synthkit.files import Json, parsed_json, temporary_beside


def recall(file: Path) -> dict[str, Any] | None:
    """What was remembered there, or None."""
    try:
        data: Any = parsed_json(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def remember(file: Path, value: Json) -> None:
    """Keep ``value``, whole or not at all; unlike a result of a build it is not flushed to disk."""
    temporary = temporary_beside(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
        temporary.replace(file)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
