"""Which sources of a project are stale, and which models a build leaves alone for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from synthkit.compiler import Manifest, ModelNode
from synthkit.sources.freshness import Freshness, check_freshness


def fresh_sources(manifest: Manifest, now: datetime, sources: Iterable[str] | None = None) -> dict[str, Freshness]:
    """Source id → what was found, for those that declare ``freshness``.

    Args:
        now: the clock, with a time zone.
        sources: ids to look at; all of the project by default.
    """
    project = manifest.project
    wanted = manifest.sources if sources is None else dict.fromkeys(sources)
    return {
        id_: check_freshness(
            f"{node.relation.source}.{node.relation.name}",
            node.spec,
            root=project.root,
            connections=project.spec.connections,
            now=now,
        )
        for id_, node in manifest.sources.items()
        if id_ in wanted and node.spec.freshness is not None
    }


def sources_read(model: ModelNode) -> tuple[str, ...]:
    """The sources whose rows go into a model: what it learns from, and what its SQL reads."""
    return tuple(dict.fromkeys(r.id for r in model.reads if r.source is not None))
