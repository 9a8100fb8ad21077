"""An audit as the YAML asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from synthkit.project.decides import AUDIT, NOTHING
from synthkit.project.spec import Spec

DEFAULT_SET = "set: default"  # stands among a model's audits for those that a model without any has


# What an audit that cannot tell comes to: nothing, a warning, or a failure that keeps the table from being published.
OnInconclusive = Literal["ignore", "warn", "fail"]


class AuditSpec(Spec):
    """One required audit: ``{ks: {max: 0.1, severity: warn}}`` or just the name of a custom SQL audit.

    Args:
        audit: its name.
        params: of that audit.
        name: what reports call it; default: the audit's own name.
        severity: whether a failure keeps the table from being published (error) or is only told (warn); default: error,
            but for the audits of cost, which warn.
        where: a SQL condition; rows for which it does not hold are not audited.
        warn_if: a comparison of the value, such as ``> 10``: where it holds, the audit warns.
        error_if: a comparison of the value, such as ``> 100``: where it holds, the audit fails, and else not.
        on_inconclusive: what it comes to where it cannot tell; default: the model's, or else the project's.
        store_failures: keep failing rows, for a look at them.
        failures_limit: how many of them at most.
        enabled: false leaves it out.
        description: for people.
        tags: words of your own.
        meta: anything else, for people.
    """

    audit: Annotated[str, AUDIT]
    params: Annotated[Mapping[str, Any], AUDIT] = {}
    name: Annotated[str | None, AUDIT] = None
    severity: Annotated[Literal["error", "warn"], AUDIT] = "error"
    where: Annotated[str | None, AUDIT] = None
    warn_if: Annotated[str | None, AUDIT] = None
    error_if: Annotated[str | None, AUDIT] = None
    on_inconclusive: Annotated[OnInconclusive | None, AUDIT] = None
    store_failures: Annotated[bool, AUDIT] = False
    failures_limit: Annotated[int, AUDIT] = Field(default=1000, ge=1)
    enabled: Annotated[bool, AUDIT] = True
    description: Annotated[str | None, NOTHING] = None
    tags: Annotated[tuple[str, ...], NOTHING] = ()
    meta: Annotated[Mapping[str, Any], NOTHING] = {}
