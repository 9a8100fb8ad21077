"""A large table's columns are looked at by jobs of their own: the same model whoever does, killed or not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from synthkit.building import surveys
from synthkit.building.build import Options, build
from synthkit.compiler import compile_project
from synthkit.errors import BuildError
from synthkit.generators import registry
from synthkit.generators.base import Trained
from synthkit.planning.plan import make_plan
from synthkit.project.project import load_project
from synthkit.runners.actions import execute
from synthkit.runners.generating import digest_of
from synthkit.runners.jobs import Executor, JobProgress, SurveyJob
from synthkit.runners.local import LocalExecutor
from tests.in_process import InProcess
from tests.synth import COPULA_PROJECT, Project, copied, customers, make_project, write_csv

GENERATORS = ("{name: circuit, states: 2, min_steps: 5, max_steps: 5, refinements: 1}", "{name: cart, trees: 2}")
FILES = {
    "synth_project.yml": "name: shop\nseed: 7\n",
    "models/sources.yml": COPULA_PROJECT["models/sources.yml"],
    "models/models.yml": """
        version: 1
        models:
          - name: many
            source: "{{ source('crm', 'customers') }}"
            generator: GENERATOR
            size: 50
            constraints: [age >= 18]
            columns: [{name: place, type: categorical, rare: similar}]
            audits:
              - row_count: {equals: 50}
    """,
}


class Surveying(InProcess):
    """Runs jobs in this process, after what a test does to each; after ``most`` surveys the whole build is killed."""

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self.most, self.looked = most, list[int]()
        self.folders: set[Path] = set()
        self.jobs = list[SurveyJob]()

    def run(self, job: Any, progress: JobProgress) -> Any:
        if isinstance(job, SurveyJob):
            if len(self.looked) == self.most:
                raise Killed
            assert job.surveys is not None
            self.folders.add(job.surveys)
        found = super().run(job, progress)
        if isinstance(job, SurveyJob):
            self.jobs.append(job)
            self.looked += [job.column] if found.seconds else []
        return found


class Killed(BaseException):
    """What no handler of errors takes for one."""


def built(project: Project, executor: Executor, threads: int = 1) -> tuple[str, bytes]:
    """The digest of the trained model, and the published table."""
    manifest = compile_project(load_project(project.root))
    run = build(manifest, lambda: make_plan(manifest), options=Options(threads=threads), executor=executor)
    assert [r.status for r in run.results] == ["pass"], run.results[0].message
    (model,) = (project.root / "target/cache/models").iterdir()
    (file,) = project.parquet("many")
    return digest_of(model), file.read_bytes()


@pytest.fixture(scope="module", params=GENERATORS, ids=["circuit", "cart"])
def unread(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """With what is not learnt as it is read: a column that follows from another, and rare places in groups."""
    files = {name: text.replace("GENERATOR", request.param) for name, text in FILES.items()}
    project = make_project(tmp_path_factory.mktemp("surveys") / "shop", files)
    rows = [
        {**row, "twice": round(2 * row["spend"], 2), "place": f"town {i * i % 23}"} for i, row in enumerate(customers())
    ]
    write_csv(project.root / "data/customers.csv", rows)
    return project


@pytest.fixture(scope="module")
def whole(unread: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str, bytes]:
    """The project, trained by one job as small tables are; its model and its table."""
    project, ran = copied(unread, tmp_path_factory.mktemp("whole") / "shop"), Surveying()
    found = built(project, ran)
    assert ran.ran == ["ingest", "generate", "audit"]
    return project, *found


def read(whole: tuple[Project, str, bytes], root: Path) -> Project:
    """The project with its source read, and nothing trained."""
    project = copied(whole[0], root)
    for left in ("warehouse", "target/staging", "target/previous", "target/cache/models"):
        shutil.rmtree(project.root / left, ignore_errors=True)
    return project


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_model_does_not_depend_on_how_many_look_nor_on_whether_any_do(
    whole: tuple[Project, str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr(surveys, "SURVEYED", 10)
    project, ran = read(whole, tmp_path / "shop"), Surveying()
    assert built(project, ran, threads) == whole[1:]
    columns = sorted(ran.looked)
    assert columns == list(range(len(columns)))
    assert len(columns) > 3
    assert sorted(ran.ran) == sorted(["ingest", "prepare", *["survey"] * len(columns), "generate", "audit"])
    left_behind(project, ran)


def test_worker_processes_give_the_same_model(
    whole: tuple[Project, str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveys, "SURVEYED", 10)
    project, kinds = read(whole, tmp_path / "shop"), list[str]()
    workers = LocalExecutor(1, tmp_path / "log")

    def run(job: Any, progress: JobProgress) -> Any:
        kinds.append(job.kind)
        return LocalExecutor.run(workers, job, progress)

    monkeypatch.setattr(workers, "run", run)
    try:
        assert built(project, workers, threads=2) == whole[1:]
    finally:
        workers.close()
    assert kinds.count("survey") > 3


def left_behind(project: Project, ran: Surveying) -> None:
    """Surveys are counts of the source's rows: below target/cache alone, for its owner alone, gone with the training."""
    (folder,) = ran.folders
    assert folder.parent == project.root / "target/cache/surveys"
    assert not folder.exists()
    assert not list(project.root.rglob("*.npy"))


def test_no_training_under_epsilon_is_shared_out() -> None:
    """Its exact counts stay in one process: nothing of it is a message or a file of a worker."""
    every = [registry.trained(name) for name in registry.names() if isinstance(registry.get(name), Trained)]
    assert [g.name for g in every if g.survey is not None] == ["cart", "circuit", "race"]
    assert not [g.name for g in every if g.survey is not None and g.mechanisms is not None]


def test_a_build_that_is_killed_goes_on_where_it_was_and_what_is_damaged_is_found_anew(
    whole: tuple[Project, str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveys, "SURVEYED", 10)
    project, first, second = read(whole, tmp_path / "shop"), Surveying(most=3), Surveying()
    with pytest.raises(Killed):
        built(project, first)
    (folder,) = first.folders
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "prepared/learnt.parquet").exists()  # a column less, and another name
    (folder / "00001.npy").write_bytes((folder / "00001.npy").read_bytes()[:-1] + b"?")
    (folder / "00002.json").unlink()
    assert built(project, second) == whole[1:]
    assert second.looked[:2] == [1, 2]
    assert 0 not in second.looked
    late = execute(second.jobs[0], lambda *_: None)  # of a model of the same train hash, whose training was slower
    assert late.seconds == 0
    left_behind(project, second)
    shutil.rmtree(second.jobs[0].model_dir)
    with pytest.raises(BuildError, match="what is learnt of 'many' is gone"):
        execute(second.jobs[0], lambda *_: None)
