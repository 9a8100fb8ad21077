"""Values on their way to another process and back: JSON in which each keeps its type.

JSON has text, numbers, truth values, lists and objects. Whatever else a job holds travels as an object of one key:
``{"$date": "2026-01-01"}``. Paths below the project's folder travel relative to it, so a machine on which the project
lies somewhere else can carry a job out.
"""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any

_MAP = "$map"  # pairs, where a key is no text, or could be taken for one of these
_PATH = "$path"
_READ: Mapping[str, Callable[[str], Any]] = {
    "$float": float,
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$seconds": lambda text: timedelta(microseconds=int(text)),
    "$decimal": Decimal,
    "$bytes": b64decode,
}


def packed(value: Any, root: Path) -> Any:
    """The value as JSON; paths below ``root`` relative to it. Raises TypeError for what cannot travel.

    >>> packed({"from": date(2026, 1, 1), "rows": Path("/shop/target/rows.parquet")}, Path("/shop"))
    {'from': {'$date': '2026-01-01'}, 'rows': {'$path': 'target/rows.parquet'}}
    """
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(float(value))}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: packed(v, root) for key, v in value.items()}
        return {_MAP: [[packed(key, root), packed(v, root)] for key, v in value.items()]}
    if isinstance(value, list | tuple | set | frozenset):
        return [packed(v, root) for v in value]
    if isinstance(value, PurePath):
        return {_PATH: (value.relative_to(root) if value.is_relative_to(root) else value).as_posix()}
    if isinstance(value, datetime):  # before date, which it is too
        return {"$datetime": value.isoformat()}
    if isinstance(value, date | time):
        return {f"${type(value).__name__}": value.isoformat()}
    if isinstance(value, timedelta):
        return {"$seconds": str(value // timedelta(microseconds=1))}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    raise TypeError(f"a {type(value).__name__} cannot travel with a job: {value!r}")


def unpacked(value: Any, root: Path) -> Any:
    """What :func:`packed` wrote, with the paths below the ``root`` of this machine."""
    if isinstance(value, list):
        return [unpacked(v, root) for v in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, held),) = value.items()
        if tag == _PATH:
            return root / held
        if tag == _MAP:
            return {unpacked(key, root): unpacked(v, root) for key, v in held}
        if tag in _READ:
            return _READ[tag](held)
    return {key: unpacked(v, root) for key, v in value.items()}
