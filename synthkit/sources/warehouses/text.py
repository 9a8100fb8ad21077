"""Rows of values as one text in SQL, from which no two rows are alike that differ: what a server takes a digest of."""

from __future__ import annotations

from collections.abc import Sequence

_MOST = 60  # arguments of one CONCAT


def told_apart(values: Sequence[str]) -> str:
    """SQL of a row's text: each value's length and the value, a missing one as a dash.

    Args:
        values: SQL of the values as text.

    >>> print(told_apart(["a"]), told_apart(["a", "b"]).startswith("CONCAT(COALESCE("))
    COALESCE(CONCAT(CAST(LENGTH(a) AS VARCHAR), ':', a), '-') True
    """
    parts = [f"COALESCE(CONCAT(CAST(LENGTH({v}) AS VARCHAR), ':', {v}), '-')" for v in values]
    while len(parts) > 1:
        parts = [_joined(parts[i : i + _MOST]) for i in range(0, len(parts), _MOST)]
    return parts[0]


def _joined(parts: Sequence[str]) -> str:
    return f"CONCAT({', '.join(parts)})" if len(parts) > 1 else parts[0]
