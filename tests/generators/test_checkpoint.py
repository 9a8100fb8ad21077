"""Checkpoints: a training that was killed goes on where it stood, and ends with the same model."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from synthkit.errors import BuildError
from synthkit.generators.base import Trained, silent
from synthkit.generators.checkpoint import NOWHERE, SECONDS, SECONDS_VARIABLE, FileCheckpoint, Saved, interval
from synthkit.generators.neural.ctgan import CTGAN
from synthkit.generators.neural.tvae import TVAE
from synthkit.schema import Table
from tests.generators.tables import people
from tests.synth import make_project

BOTH = pytest.mark.parametrize("generator", [CTGAN, TVAE], ids=["ctgan", "tvae"])
# 500 rows and batches of 50: nine steps an epoch, a look after every one of the four epochs.
PARAMS: dict[str, Any] = {"batch_size": 50, "epochs": 4, "looks": 4, "min_steps": 1}


class KilledError(Exception):
    """Stands for the signal."""


@dataclass
class Dying:
    """Saves at every step, and dies right after the save number ``after`` (never: 0)."""

    file: FileCheckpoint
    after: int = 0
    saves: int = field(default=0)

    def load(self) -> Saved | None:
        return self.file.load()

    def due(self) -> bool:
        return True

    def save(self, state: Saved) -> None:
        self.file.save(state)
        self.saves += 1
        if self.saves == self.after:
            raise KilledError


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return people(tmp_path_factory.mktemp("people"), 500)


def fitted(generator: Trained, table: Table, checkpoint: Any, **params: Any) -> Any:
    given = generator.params.model_validate({**PARAMS, **params})
    fit: Any = generator.fit
    return fit(table, given, budget=None, seed=0, device="cpu", progress=silent, checkpoint=checkpoint)


@BOTH
@pytest.mark.parametrize("after", [1, 9, 13, 35])  # in the first epoch, at its end, within the second, near the end
def test_a_training_that_died_ends_with_the_same_model(
    generator: Trained, table: Table, tmp_path: Path, after: int
) -> None:
    whole = fitted(generator, table, NOWHERE)
    file = FileCheckpoint(tmp_path / "state.safetensors")
    with pytest.raises(KilledError):
        fitted(generator, table, Dying(file, after))
    second = Dying(file)
    resumed = fitted(generator, table, second)
    assert second.saves < whole.record["looks"][-1]["step"]  # it did not start from the beginning
    assert resumed.record == whole.record
    assert resumed.weights.keys() == whole.weights.keys()
    for name, values in whole.weights.items():
        assert torch.equal(values, resumed.weights[name]), name
    assert torch.equal(whole.calibration.shift, resumed.calibration.shift)


@BOTH
def test_a_training_that_stopped_early_stops_again_where_it_did(
    generator: Trained, table: Table, tmp_path: Path
) -> None:
    slow = {"generator_lr": 1e-9, "discriminator_lr": 1e-9} if generator is CTGAN else {"lr": 1e-9}
    asked: dict[str, Any] = {"epochs": 60, "looks": 60, "patience": 3, **slow}
    whole = fitted(generator, table, NOWHERE, **asked)
    steps = whole.record["looks"][-1]["step"]
    assert steps < 60 * 9
    with pytest.raises(KilledError):
        fitted(generator, table, Dying(FileCheckpoint(tmp_path / "state"), steps - 5), **asked)
    assert fitted(generator, table, FileCheckpoint(tmp_path / "state"), **asked).record == whole.record


def test_a_file_that_is_no_checkpoint_is_none(tmp_path: Path) -> None:
    file = FileCheckpoint(tmp_path / "folder" / "state", every=0)
    assert file.load() is None
    file.save(Saved({"x": torch.arange(3)}, {"step": 7}))
    found = file.load()
    assert found is not None
    assert torch.equal(found.tensors["x"], torch.arange(3))
    assert found.record == {"step": 7}
    assert [p.name for p in file.path.parent.iterdir()] == ["state"]
    whole = file.path.read_bytes()
    for wrong in (b"", b"not tensors", whole[: len(whole) // 2]):
        file.path.write_bytes(wrong)
        assert file.load() is None


def test_a_training_that_ended_leaves_nothing_also_of_a_save_that_was_killed(tmp_path: Path) -> None:
    file = FileCheckpoint(tmp_path / "state")
    file.save(Saved({"x": torch.arange(3)}, {"step": 7}))
    others = {"other", ".tmp-999999999-other", f".tmp-{os.getpid()}-state"}  # of another training, and being written
    for name in (".tmp-999999999-state", *others):
        (tmp_path / name).write_bytes(b"half")
    file.discard()
    assert {p.name for p in tmp_path.iterdir()} == others


def test_saves_are_due_after_an_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECONDS_VARIABLE, raising=False)
    assert interval() == SECONDS
    assert not FileCheckpoint(tmp_path / "state").due()
    monkeypatch.setenv(SECONDS_VARIABLE, "0")
    assert FileCheckpoint(tmp_path / "state").due()
    monkeypatch.setenv(SECONDS_VARIABLE, "often")
    with pytest.raises(BuildError, match="'often', not a number of seconds"):
        FileCheckpoint(tmp_path / "state")


PROJECT = {
    "synth_project.yml": "name: shop\n",
    "data/customers.csv": "age,tier\n" + "\n".join(f"{20 + i % 50},{'abc'[i % 3]}" for i in range(600)) + "\n",
    "models/all.yml": """
        version: 1
        sources:
          - {name: crm, tables: [{name: customers, path: data/customers.csv}]}
        models:
          - name: fake_customers
            source: "{{ source('crm', 'customers') }}"
            generator: {name: ctgan, batch_size: 100, min_steps: 400, looks: 4}
            size: 300
            audits: []
    """,
}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills a process group")
def test_a_killed_build_goes_on_from_its_checkpoint_and_gives_the_same_bytes(tmp_path: Path) -> None:
    often = {SECONDS_VARIABLE: "0"}
    project = make_project(tmp_path / "shop", PROJECT)
    state = project.root / "target" / "cache" / "checkpoints"
    process = project.start("build", env=often)
    deadline = time.time() + 120
    whole = "[!.]*.safetensors"  # a name that begins with a dot is a save that is still being written
    while time.time() < deadline and not list(state.glob(whole)):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(state.glob(whole))
    assert "an unfinished training goes on from its checkpoint" in project.ok("plan")
    project.ok("build")
    assert project.results()["fake_customers"]["action"] == "train"
    assert not list(state.iterdir())
    other = make_project(tmp_path / "other", PROJECT)
    other.ok("build")
    assert project.parquet("fake_customers")[0].read_bytes() == other.parquet("fake_customers")[0].read_bytes()
