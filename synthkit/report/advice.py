"""What to try when an audit fails: one sentence per audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ADVICE = {
    "ks": "train longer, try another generator, or declare the column's type; compare with the floor first",
    "chi_square": "train longer, or try another generator; rare categories need more rows",
    "tstr": "train longer, try another generator, or balance the target with conditions",
    "membership_inference": "the table gives its training rows away: train shorter, use a smaller model or more rows",
    "augmentation": "synthetic rows do not help this estimator: try another generator, or fewer of them",
    "not_null": "declare the column nullable: false, or fill it in an SQL model downstream",
    "unique": "declare the column as the source's primary_key, so that it is made up unique",
    "accepted_values": "declare values: for the source's column, or map the others in an SQL model downstream",
    "accepted_range": "clip the column in an SQL model downstream, or keep enforce_min_max_values on",
    "row_count": "set size: to what you need",
    "relationships": "build both tables from one source, or join against the parent in an SQL model",
    "expression": "put the rows right in an SQL model downstream, or take them out with WHERE",
}
OTHERWISE = "see which rows fail: synth compile writes the SQL of custom audits to target/compiled/"


def advice(audit: Mapping[str, Any]) -> str | None:
    """What to try about a failed audit; None where its own message says so already."""
    if "Try " in str(audit.get("message") or ""):
        return None
    return _ADVICE.get(str(audit["name"]), OTHERWISE)
