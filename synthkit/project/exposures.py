"""The frozen specs of ``exposures:``: who depends on which tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from synthkit.project.spec import Relation, Spec
from synthkit.project.types import Requirement


class OwnerSpec(Spec):
    """Whom to ask.

    Args:
        name: of a person or team.
        email: of the same.
    """

    name: str | None = None
    email: str | None = None


class ExposureSpec(Spec):
    """Somebody who depends on tables: a dashboard, a notebook, a team.

    Args:
        name: of the exposure.
        type: what it is.
        owner: whom to ask.
        description: for people.
        url: where it is.
        depends_on: the tables that it reads, each ``{{ ref('model') }}``.
        privacy: ``{max_epsilon: …}`` or ``synthetic_only``: what all of those must keep together.
        tags: words to select it by.
        meta: anything else, for people.
    """

    name: str
    type: Literal["dashboard", "notebook", "analysis", "ml", "application"] = "application"
    owner: OwnerSpec
    description: str | None = None
    url: str | None = None
    depends_on: tuple[Relation, ...] = ()
    privacy: Requirement | None = None
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = {}
