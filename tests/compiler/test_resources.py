"""``resources:`` of models and folders: read, held against the runner, and given to each job of the model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import synthkit
from synthkit.building import build as building
from synthkit.planning.plan import make_plan
from synthkit.project.resources import Resources, in_bytes
from synthkit.runners.jobs import Job, JobProgress, R
from tests.in_process import InProcess
from tests.synth import SQL_PROJECT, Project, make_project


def project(folder: Path, asked: str, runner: str = "local", defaults: str = "") -> Project:
    models = SQL_PROJECT["models/customers.yml"].replace(
        "          - name: by_tier\n", f"          - name: by_tier\n            resources: {asked}\n"
    )
    assert asked in models
    head = f"name: shop\ntargets:\n  dev:\n    runner: {runner}\n{defaults}"
    return make_project(folder / "shop", {**SQL_PROJECT, "models/customers.yml": models, "synth_project.yml": head})


def test_more_than_this_machine_has_is_a_fault_with_its_place(tmp_path: Path) -> None:
    said = project(tmp_path, "{cpus: 4000, memory: 900TiB}").fails("compile", code=2)
    assert f"asks for 4000 CPUs, and the largest machine has {os.cpu_count()}" in said
    assert "asks for 9.22e+05 GiB" in said
    assert "customers.yml:8:23" in said
    assert "runner: of a target" in said


def test_limits_of_a_cluster_are_what_it_is_held_against(tmp_path: Path) -> None:
    cluster = "{name: ray, limits: {cpus: 64, memory: 256GiB, gpus: 2, accelerators: [A100]}}"
    fits = "{cpus: 48, memory: 200GiB, gpus: 1, accelerator: A100}"
    assert synthkit.compile(project(tmp_path / "a", fits, cluster).root)
    said = project(tmp_path / "b", "{gpus: 4, accelerator: H100}", cluster).fails("compile", code=2)
    assert "asks for 4 GPUs, and the largest machine has 2 (runner: ray)" in said
    assert "asks for H100, and there is A100" in said
    assert synthkit.compile(project(tmp_path / "c", "{gpus: 4}", "ray").root)  # nothing is known of the cluster


@pytest.mark.parametrize(
    ("asked", "said"), [("{cpu: 1}", "cpus"), ("{cpus: 0}", "cpus"), ("{memory: much}", "8GiB"), ("{gpus: -1}", "gpus")]
)
def test_what_is_no_resource_is_a_fault(asked: str, said: str, tmp_path: Path) -> None:
    assert said in project(tmp_path, asked).fails("compile", code=2)


def test_a_folders_default_holds_for_its_models(tmp_path: Path) -> None:
    shop = project(tmp_path, "{gpus: 0}", defaults="models:\n  +resources: {memory: 1GiB}\n")
    models = synthkit.compile(shop.root).models
    assert models["customers"].spec.resources == Resources(memory=2**30)
    assert models["by_tier"].spec.resources == Resources(gpus=0)


class Noting(InProcess):
    """Notes what each job asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, Resources]] = []

    def run(self, job: Job[R], progress: JobProgress) -> R:
        self.asked.append((str(getattr(job, "model", "")), job.resources))
        return super().run(job, progress)


def test_each_job_of_a_model_asks_for_it_and_no_other(tmp_path: Path) -> None:
    shop, executor = project(tmp_path, "{cpus: 0.5}"), Noting()
    manifest = synthkit.compile(shop.root)
    run = building.build(manifest, lambda: make_plan(manifest), executor=executor)
    assert not run.failed
    assert {asked for model, asked in executor.asked if model == "by_tier"} == {Resources(cpus=0.5)}
    assert {asked for model, asked in executor.asked if model != "by_tier"} == {Resources()}
    assert synthkit.plan(project(tmp_path, "{cpus: 1}").root).work == ()  # it decides nothing


def test_amounts_of_memory() -> None:
    assert in_bytes("1.5Gi") == 3 * 2**29
    assert in_bytes("2 TB") == 2 * 10**12
