"""Audits spread over workers: what they find, and what is published, is what one process finds and publishes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthkit.audits.runner import BoundAudit
from synthkit.building import auditing
from synthkit.building.auditing import Group, groups_of
from synthkit.building.build import Options, build
from synthkit.compiler import compile_project
from synthkit.errors import BuildError
from synthkit.planning.plan import make_plan
from synthkit.project.project import load_project
from synthkit.runners.jobs import AuditJob, JobProgress, RepeatJob
from tests.in_process import InProcess
from tests.synth import COPULA_PROJECT, Project, copied, make_project

LOGISTIC = "estimator: LogisticRegression"
FILES = {
    "synth_project.yml": "name: shop\nseed: 7\n",
    "models/sources.yml": COPULA_PROJECT["models/sources.yml"],
    "models/models.yml": f"""
        version: 1
        models:
          - name: many
            source: "{{{{ source('crm', 'customers') }}}}"
            generator: {{name: circuit, states: 2, min_steps: 5, max_steps: 5, refinements: 0}}
            size: 300
            audits:
              - augmentation: {{target: churned, repeats: 2, ratios: [1], where: age > 20, {LOGISTIC}}}
              - row_count: {{equals: 300}}
              - tstr: {{target: churned, max: 1, {LOGISTIC}, severity: warn}}
              - ks: {{max: 0.0001, severity: warn}}
              - tstr: {{target: tier, max: 1, {LOGISTIC}, name: of_tier, severity: warn}}
              - demographic_parity: {{target: tier, groups: [churned], {LOGISTIC}, severity: warn}}
              - accepted_range: {{column: age, max: 60, severity: warn, store_failures: true}}
    """,
}


class Seen(InProcess):
    """Runs jobs in this process; keeps those that judge, and loses the trainings of those whose part is ``lost``."""

    def __init__(self, lost: int | None = None) -> None:
        super().__init__()
        self.lost = lost
        self.jobs = list[AuditJob | RepeatJob]()

    def run(self, job: Any, progress: JobProgress) -> Any:
        if isinstance(job, RepeatJob) and job.part == self.lost:
            return super().run(replace(job, part=99, of=100), progress)
        if isinstance(job, AuditJob | RepeatJob):
            self.jobs.append(job)
        return super().run(job, progress)

    @property
    def kinds(self) -> list[tuple[str, str]]:
        return sorted((type(job).__name__, ", ".join(b.name for b in job.audits)) for job in self.jobs)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, whose model is trained and whose rows wait for their audits."""
    project = make_project(tmp_path_factory.mktemp("auditing") / "shop", FILES)
    built(project, Seen())
    return project


def built(project: Project, executor: Seen, threads: int = 1) -> tuple[list[dict[str, Any]], bytes]:
    """What the audits found, without what they took; and the published table."""
    manifest = compile_project(load_project(project.root))
    run = build(manifest, lambda: make_plan(manifest), options=Options(threads=threads), executor=executor)
    assert run.results[0].status == "warn", run.results[0].message
    (file,) = project.parquet("many")
    return [{**record.to_json(), "seconds": 0} for record in run.results[0].audits], file.read_bytes()


def again(trained: Project, root: Path) -> Project:
    """The same, to be audited once more."""
    project = copied(trained, root)
    (project.root / "warehouse/dev/many.receipt.json").unlink()
    return project


@pytest.fixture(scope="module")
def alone(trained: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], bytes]:
    """By one process."""
    return built(again(trained, tmp_path_factory.mktemp("alone") / "shop"), Seen())


@pytest.mark.parametrize("lost", [None, 1])
def test_audits_find_the_same_side_by_side(
    trained: Project, alone: Any, lost: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where some of the trainings that were to be carried out before them are not there."""
    monkeypatch.setattr(auditing, "COSTLY", 1)
    project, executor = again(trained, tmp_path / "shop"), Seen(lost)
    found, table = built(project, executor, threads=2)
    assert table == alone[1]
    assert found == alone[0]
    assert [(name, names) for name, names in executor.kinds if name == "AuditJob"] == [
        ("AuditJob", "augmentation"),
        ("AuditJob", "of_tier, demographic_parity"),
        ("AuditJob", "row_count, ks, accepted_range"),
        ("AuditJob", "tstr"),
    ]
    parts = [job.part for job in executor.jobs if isinstance(job, RepeatJob)]
    assert sorted(parts) == ([0, 0, 1, 1] if lost is None else [0, 0])
    assert not list((project.root / "target/cache/repeats").iterdir())
    assert json.loads((project.root / "target/profiles/many.json").read_text("utf-8"))["model"] == "many"
    (kept,) = (project.root / "target/failures/many").iterdir()
    assert kept.name == "accepted_range.parquet"


def test_trainings_that_were_carried_out_before_are_not_made_again(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synthkit.audits.utility import augmentation, tasks

    made: list[str] = []
    fit = tasks.fit

    def counted(context: Any, params: Any, *rest: Any) -> Any:
        made.append(f"{params.target} {now[-1]}")
        return fit(context, params, *rest)

    now: list[str] = []

    class Told(Seen):
        def run(self, job: Any, progress: JobProgress) -> Any:
            now.append(type(job).__name__)
            return super().run(job, progress)

    monkeypatch.setattr(auditing, "COSTLY", 1)
    monkeypatch.setattr(tasks, "fit", counted)
    monkeypatch.setattr(augmentation, "fit", counted)
    monkeypatch.setattr(auditing, "side_by_side", in_turn)
    built(again(trained, tmp_path / "shop"), Told(), threads=2)
    # Of augmentation two repeats with a ratio of 0 and of 1; of tstr a model and four halves on either side.
    assert made.count("churned RepeatJob") == 4 + 10
    assert made.count("churned AuditJob") == 0
    assert made.count("tier AuditJob") == 10  # two audits share these, in one job


def in_turn(context: Any, model: Any, jobs: Any, progress: Any, finished: Any) -> None:
    for number, job in enumerate(jobs):
        finished(number, context.carry_out(job, model, progress[number]))


def test_few_rows_and_one_thread_are_judged_by_one_job(trained: Project, tmp_path: Path) -> None:
    executor = Seen()
    built(again(trained, tmp_path / "shop"), executor, threads=2)
    assert [kind for kind, _ in executor.kinds] == ["AuditJob"]


def test_a_job_that_fails_fails_the_model(trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(Seen):
        def run(self, job: Any, progress: JobProgress) -> Any:
            if isinstance(job, AuditJob) and job.audits[0].name == "augmentation":
                raise BuildError("the worker was lost")
            return super().run(job, progress)

    monkeypatch.setattr(auditing, "COSTLY", 1)
    project = again(trained, tmp_path / "shop")
    manifest = compile_project(load_project(project.root))
    run = build(manifest, lambda: make_plan(manifest), options=Options(threads=2), executor=Failing())
    assert (run.results[0].status, run.results[0].message) == ("error", "the worker was lost")
    assert not list((project.root / "target/cache/repeats").iterdir())


def bound(audit: str | None, **more: Any) -> BoundAudit:
    return BoundAudit(more.pop("name", audit or "own"), audit, None if audit else "select 1", **more)


def test_audits_that_share_costly_work_stay_together() -> None:
    audits = [
        bound("dcr"),
        bound("tstr", params={"target": "a"}),
        bound(None),
        bound("trts", params={"target": "a"}),
        bound("tstr", params={"target": "b"}),
        bound("detection"),
        bound("singling_out", store_failures=True),
        bound("membership_inference", params={"attack": "shadow"}),
        bound("membership_inference"),
        bound("membership_inference", params={"attack": "shadow"}, name="other"),
    ]
    assert groups_of(dict(enumerate(audits))) == [
        Group((0, 2, 6, 8)),
        Group((1, 3)),
        Group((4,), repeats=True),
        Group((5,)),
        Group((7,), repeats=True),  # each trains shadows of its own
        Group((9,), repeats=True),
    ]
    assert groups_of({3: bound("augmentation", params={"target": "a"})}) == [Group((3,), repeats=True)]
