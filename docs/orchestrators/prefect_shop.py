"""Prefect: a flow that checks the sources' freshness and builds the project, and fails where an audit does.

``SYNTH_PROJECT=/srv/shop python prefect_shop.py`` runs it once; ``nightly.serve(cron="15 2 * * *")`` every night.
"""

from __future__ import annotations

import os

from prefect import flow, task

import synthkit
from synthkit.privacy.disclosure import public_result

PROJECT = os.environ.get("SYNTH_PROJECT", ".")


@task
def freshness(project: str) -> list[str]:
    """What is too old, in words."""
    return [f.message for f in synthkit.freshness(project).values() if f.status == "error"]


@task(retries=2, retry_delay_seconds=60)
def build(project: str, select: list[str] | None = None) -> dict[str, str]:
    """Model → status. A retry goes on where this ended: what is trained, drawn and published stays."""
    run = synthkit.build(project, select=select or (), lock_wait=3600)
    if run.failed:  # Prefect shows why to many: of protected tables what may be published
        raise RuntimeError("; ".join(f"{r.model}: {public_result(r).message}" for r in run.results if r.failed))
    return {r.model: r.status for r in run.results}


@flow(name="synthetic-shop")
def nightly(project: str = PROJECT, select: list[str] | None = None) -> dict[str, str]:
    """Build the project, whatever is too old left as it is."""
    for message in freshness(project):
        print(message)
    return build(project, select)


if __name__ == "__main__":
    print(nightly())
