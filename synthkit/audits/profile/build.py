"""One table's profile: columns as binned distributions, associations between them, and a 2-D embedding.

It is computed where real and synthetic rows are both at hand, when a table is audited; the report needs nothing else.
``real`` parts exist only where the context holds real rows: who may not show them passes :func:`synthetic_alone`.
The real side is every real row, training and held-out: a picture of a distribution wants the best estimate of it. The
audits keep to the held-out rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from synthkit.audits.context import AuditContext
from synthkit.audits.profile.association import associations
from synthkit.audits.profile.columns import column_profiles
from synthkit.audits.profile.embedding import embedding
from synthkit.audits.profile.rows import compared_columns, drawn
from synthkit.errors import SynthError

FORMAT = 1  # of the file; the report shows no other


def synthetic_alone(context: AuditContext) -> AuditContext:
    """The context without its real rows, and without anything that was computed from them."""
    return replace(context, train=None, holdout=None, relations={}, _cache={})


def make_profile(context: AuditContext) -> dict[str, Any]:
    """The profile, JSON-able. A part that cannot be computed is ``{"reason": …}``: pictures never stop a build.

    Keys: ``format``, ``rows`` {synthetic, real or None}, ``columns``, ``associations``, ``embedding``.
    """
    real = context.rows("train") + context.rows("holdout") if context.real else None
    names = compared_columns(context)
    return {
        "format": FORMAT,
        "rows": {"synthetic": context.rows("synthetic"), "real": real},
        "columns": column_profiles(context),
        "associations": _part(lambda: associations(context, drawn(context, names))),
        "embedding": _part(lambda: embedding(context, drawn(context, names))),
    }


def _part(compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    import duckdb
    import numpy as np
    import pyarrow as pa

    try:
        return compute()
    except (SynthError, duckdb.Error, pa.ArrowException, np.linalg.LinAlgError, ValueError, TypeError) as error:
        return {"reason": f"{type(error).__name__}: {error}"}
