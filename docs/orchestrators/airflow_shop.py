"""Airflow: a DAG that plans, builds what there is to do, and verifies what is committed.

It lies in the ``dags`` folder; ``SYNTH_PROJECT`` is the project's folder on the workers. The library is imported where
tasks run, so that parsing the DAG stays fast.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from airflow.sdk import dag, task

PROJECT = os.environ.get("SYNTH_PROJECT", ".")


@dag(schedule="15 2 * * *", start_date=datetime(2026, 1, 1), catchup=False, tags=["synthetic"])
def synthetic_shop() -> None:
    @task.short_circuit
    def plan() -> list[str]:
        """The models to be made; without any, nothing else is run."""
        import synthkit

        return [action.model for action in synthkit.plan(PROJECT).work]

    @task(retries=2, retry_delay=timedelta(minutes=1))
    def build(models: list[str]) -> dict[str, str]:
        """Model → status. A retry goes on where this ended: what is trained, drawn and published stays."""
        import synthkit
        from synthkit.privacy.disclosure import public_result

        run = synthkit.build(PROJECT, select=models, lock_wait=3600)
        if run.failed:  # Airflow shows why to many: of protected tables what may be published
            raise RuntimeError("; ".join(f"{r.model}: {public_result(r).message}" for r in run.results if r.failed))
        return {r.model: r.status for r in run.results}

    @task
    def verify(_built: dict[str, str]) -> None:
        """What is committed is what the YAML says."""
        from synthkit import api

        found = api.verify(PROJECT)
        if found.failed:
            raise RuntimeError("; ".join(finding.message for finding in found.findings))

    verify(build(plan()))


DAG = synthetic_shop()
