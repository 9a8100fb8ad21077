"""A table drawn in partitions: the same bytes whoever draws them, in whatever order, killed or not."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from synthkit.building.build import Options, build
from synthkit.compiler import compile_project
from synthkit.errors import BuildError
from synthkit.planning.plan import make_plan
from synthkit.project.project import load_project
from synthkit.runners.actions import execute
from synthkit.runners.jobs import JobProgress, PartitionJob
from synthkit.store.partitions import PartitionFiles
from synthkit.store.rowgroups import joined
from tests.in_process import InProcess
from tests.synth import COPULA_PROJECT, Project, copied, customers, make_project, write_csv

FILES = {
    "synth_project.yml": "name: shop\nseed: 7\n",
    "models/sources.yml": COPULA_PROJECT["models/sources.yml"],
    "models/models.yml": """
        version: 1
        models:
          - name: many
            source: "{{ source('crm', 'customers') }}"
            generator: {name: circuit, states: 2, min_steps: 5, refinements: 0}
            size: 1003
            partition_rows: 100
            conditions: {tier: {basic: 50%, pro: 50%}}
            audits:
              - row_count: {equals: 1003}
              - unique: {columns: [customer_id]}
    """,
}


def published(project: Project) -> bytes:
    (file,) = project.parquet("many")
    return file.read_bytes()


class Seen(InProcess):
    """Runs jobs in this process; keeps those of partitions, and which of them were drawn.

    Args:
        most: partitions, after which the whole build is killed.
    """

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self.most = most
        self.jobs: list[PartitionJob] = []
        self.drawn: list[int] = []

    def run(self, job: Any, progress: JobProgress) -> Any:
        if isinstance(job, PartitionJob) and len(self.jobs) == self.most:
            raise Killed
        found = super().run(job, progress)
        if isinstance(job, PartitionJob):
            self.jobs.append(job)
            self.drawn += [job.partition.index] if found.seconds else []
        return found


class Killed(BaseException):
    """What no handler of errors takes for one."""


def built(project: Project, executor: Seen, threads: int = 1) -> Seen:
    manifest = compile_project(load_project(project.root))
    run = build(manifest, lambda: make_plan(manifest), options=Options(threads=threads), executor=executor)
    assert [r.status for r in run.results] == ["pass"], run.results[0].message
    return executor


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Seen]:
    """The project, built undisturbed by one process, and its jobs."""
    project = make_project(tmp_path_factory.mktemp("partitions") / "shop", FILES)
    return project, built(project, Seen())


def trained(whole: tuple[Project, Seen], root: Path) -> Project:
    """The project with its source read and its model trained, and nothing drawn."""
    project = copied(whole[0], root)
    for left in ("warehouse", "target/staging", "target/previous"):
        shutil.rmtree(project.root / left, ignore_errors=True)
    return project


def test_the_whole_table_keeps_what_it_must(whole: tuple[Project, Seen]) -> None:
    project, ran = whole
    assert ran.drawn == list(range(11))
    assert ran.ran == ["ingest", "train", *["partition"] * 11, "assemble", "audit"]
    with duckdb.connect() as connection:
        (file,) = project.parquet("many")
        asked = "select count(*), count(distinct customer_id), count(*) filter (tier = 'basic'), count(distinct tier)"
        assert connection.execute(f"{asked} from '{file}'").fetchone() == (1003, 1003, 502, 2)
        groups = connection.execute(f"select distinct row_group_num_rows from parquet_metadata('{file}')").fetchall()
        assert sorted(groups) == [(91,), (92,)]
    assert not list((project.root / "target/cache/partitions").iterdir())
    assert project.results()["many"]["rows"] == 1003
    project.ok("verify")


def test_threads_processes_and_threads_of_one_process_give_the_same_bytes(
    whole: tuple[Project, Seen], tmp_path: Path
) -> None:
    four = trained(whole, tmp_path / "four")
    four.ok("build", "--threads", "4")
    assert published(four) == published(whole[0])
    three = trained(whole, tmp_path / "three")
    assert sorted(built(three, Seen(), threads=3).drawn) == list(range(11))
    assert published(three) == published(whole[0])


def test_a_build_that_is_killed_goes_on_where_it_was(whole: tuple[Project, Seen], tmp_path: Path) -> None:
    project = trained(whole, tmp_path / "shop")
    first, second = Seen(most=4), Seen()
    with pytest.raises(Killed):
        built(project, first)
    built(project, second)
    assert (first.drawn, second.drawn) == ([0, 1, 2, 3], [4, 5, 6, 7, 8, 9, 10])
    assert published(project) == published(whole[0])


def test_processes_killed_outright_leave_whole_partitions_alone(whole: tuple[Project, Seen], tmp_path: Path) -> None:
    project = trained(whole, tmp_path / "shop")
    path = project.root / "models/models.yml"
    path.write_text(path.read_text("utf-8").replace("1003", "20030"), "utf-8")
    folder = project.root / "target/cache/partitions"
    running = project.start("build", "--threads", "2")
    deadline = time.monotonic() + 120
    while len(list(folder.rglob("*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    running.kill()
    running.wait()
    done = {int(p.name[:5]): p.stat().st_mtime_ns for p in folder.rglob("[0-9]*.json")}
    assert 3 <= len(done) < 201
    rest = built(project, Seen())
    assert sorted({*rest.drawn, *done}) == list(range(201))
    assert not set(rest.drawn) & set(done)
    assert not [p for p in project.root.rglob(".tmp-*") if p.name != ".tmp-"]


def test_partitions_are_drawn_alone_in_any_order_and_twice(whole: tuple[Project, Seen], tmp_path: Path) -> None:
    jobs = [replace(job, directory=tmp_path / "parts") for job in reversed(whole[1].jobs)]
    trained(whole, tmp_path / "shop")
    for job in (*jobs, *jobs):
        execute(job, lambda *_: None)
    files = PartitionFiles(tmp_path / "parts", jobs[0].trained, jobs[0].sample, 1003, 11)
    joined(files.parts(), tmp_path / "table.parquet")
    assert (tmp_path / "table.parquet").read_bytes() == published(whole[0])


def test_a_partition_that_was_changed_is_not_published_but_drawn_anew(
    whole: tuple[Project, Seen], tmp_path: Path
) -> None:
    project = trained(whole, tmp_path / "shop")
    with pytest.raises(Killed):
        built(project, Seen(most=5))
    (file,) = (project.root / "target/cache/partitions").rglob("00002-*.parquet")
    spoilt = bytearray(file.read_bytes())
    spoilt[100] ^= 1
    file.write_bytes(spoilt)
    assert "is not what was written" in project.fails("build")
    again = built(project, Seen())
    assert again.drawn == [2]
    assert published(project) == published(whole[0])


def test_a_model_trained_anew_meanwhile_is_noticed(whole: tuple[Project, Seen], tmp_path: Path) -> None:
    job = replace(whole[1].jobs[3], directory=tmp_path / "parts", trained="0" * 64)
    with pytest.raises(BuildError, match="was trained anew"):
        execute(job, lambda *_: None)


def test_a_table_of_one_partition_is_drawn_as_ever_and_another_number_of_rows_is_another_table(
    whole: tuple[Project, Seen], tmp_path: Path
) -> None:
    found = []
    for rows in ("1003", "5000", None):
        project = trained(whole, tmp_path / f"shop-{rows}")
        path = project.root / "models/models.yml"
        said = f"partition_rows: {rows}" if rows else "enabled: true"
        path.write_text(path.read_text("utf-8").replace("partition_rows: 100", said), "utf-8")
        assert built(project, Seen()).ran == ["ingest", "generate", "audit"]
        found.append(pq.read_table(project.parquet("many")[0]).replace_schema_metadata())
    assert found[0].equals(found[1])
    assert found[0].equals(found[2])
    assert not found[0].equals(pq.read_table(whole[0].parquet("many")[0]).replace_schema_metadata())


def test_what_cannot_be_divided_is_drawn_whole_and_says_so(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", FILES)
    rows = [{**row, "tier_id": f"T-{len(row['tier'])}"} for row in customers()]
    write_csv(project.root / "data/customers.csv", rows)
    sources = project.root / "models/sources.yml"
    said = "\n        columns: [{name: tier_id, type: id}]\n        rules: [tier -> tier_id]\n"
    sources.write_text(sources.read_text("utf-8").rstrip() + said, "utf-8")
    done = project.synth("build")
    assert done.returncode == 0, done.stdout + done.stderr
    why = "many: is drawn whole, by one process: rows with the same tier have the same made-up tier_id"
    assert why in done.stdout + done.stderr
    assert project.results()["many"]["rows"] == 1003


def test_a_generator_that_draws_no_partitions_is_not_asked_for_some(tmp_path: Path) -> None:
    models = FILES["models/models.yml"].replace(
        "{name: circuit, states: 2, min_steps: 5, refinements: 0}", "sdv.gaussian_copula"
    )
    project = make_project(tmp_path / "shop", {**FILES, "models/models.yml": models})
    text = project.fails("compile", code=2)
    assert "models/models.yml:7:21: error: generator 'sdv.gaussian_copula' draws a table whole, by one process" in text
    assert "fix: drop partition_rows, or choose a generator that draws partitions" in text
