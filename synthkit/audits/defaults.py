"""The audits of a model that names none."""

from __future__ import annotations

from typing import Literal

from synthkit.schema import Schema
from synthkit.spec.types import AuditSpec


def default_audits(kind: Literal["model", "query"], schema: Schema, has_holdout: bool) -> tuple[AuditSpec, ...]:
    return ()
