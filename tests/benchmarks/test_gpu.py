"""``python -m benchmarks gpu`` rehearsed on the CPU: its table, what it checks, and how it comes down on a small device."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.gpu import __main__ as command
from benchmarks.gpu import fits, report
from benchmarks.gpu.agreeing import apart
from benchmarks.gpu.memory import Held, declared
from benchmarks.gpu.watching import Watched

META = torch.device("meta")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small table in the place of Adult."""
    folder, rng, rows = tmp_path_factory.mktemp("data"), np.random.default_rng(0), 500
    age = rng.integers(17, 90, rows)
    frame = pd.DataFrame({"age": age, "sex": rng.choice(["Male", "Female"], rows)})
    frame["income"] = np.where(age + rng.normal(0, 10, rows) > 50, ">50K", "<=50K")
    frame.to_csv(folder / "adult.csv", index=False)
    return folder


def here(job: dict[str, Any], _limit: float) -> Iterator[dict[str, Any]]:
    """A job in this process; through JSON, as from another."""
    for record in fits.carry_out(job):
        yield json.loads(json.dumps(record))


def run(data: Path, work: Path, *more: str) -> bool:
    options = ["--device", "cpu", "--data", str(data), "--work", str(work), "--threads", "1", "--steps", "6"]
    return command.main([*options, "--sizes", "1", "--no-tests", *more], here)


def test_a_rehearsal_prints_every_training_and_what_its_steps_do(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["tvae", "circuit", "conditional", "ctgan under epsilon"]
    assert not run(data, tmp_path, "--generators", *names)
    said = capsys.readouterr().out
    assert "not run on a GPU" in said
    assert f"torch {torch.__version__}" in said
    for name in names:
        assert f"| 400 | `{name}` | cpu |" in said
    assert "`tvae` | cpu, another seed" in said
    assert said.count("the same seed again: the same bytes") == 3
    assert "| `tvae` | 20 | 0.00 |" in said
    assert "| `conditional` | 0 | – | – | – | it computes on the CPU alone |" in said
    records = json.loads((tmp_path / "results.json").read_text())
    assert all(r["c2st"] > 0 for r in records if r["label"] != "steps")


def test_without_cuda_a_line_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not command.main([])
    said = capsys.readouterr().out
    assert said.startswith("not run on a GPU: torch")
    assert said.count("\n") == 1


def test_a_training_that_ends_with_an_error_is_wrong(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_given: Any) -> Any:
        raise RuntimeError("Expected all tensors to be on the same device\nand more")

    monkeypatch.setattr(fits, "_digest", ended)
    monkeypatch.setattr(fits.steps, "run", ended)
    assert run(data, tmp_path, "--generators", "circuit")
    said = capsys.readouterr().out
    assert said.count("| WRONG: RuntimeError: Expected all tensors to be on the same device |") == 2
    assert said.count("| WRONG: Expected all tensors to be on the same device |") == 1


def test_what_there_is_no_time_for_is_left_out(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not run(data, tmp_path, "--minutes", "0", "--generators", "circuit", "sdv.tvae")
    assert capsys.readouterr().out.count("left out: the 0 minutes are over") == 2


def test_a_device_that_is_too_small_ends_one_training(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB\nand more")

    monkeypatch.setattr(fits, "_digest", full)
    monkeypatch.setattr(command, "WATCHED", 0)
    assert not run(data, tmp_path, "--generators", "conditional", "circuit")
    said = capsys.readouterr().out
    assert said.count("out of memory: CUDA out of memory. Tried to allocate 20.00 GiB |") == 3


OPERATIONS: dict[str, Callable[[torch.Tensor], Any]] = {
    "a value": lambda x: float(x.sum()),
    "a condition": lambda x: bool((x > 0).any()),
    "places": lambda x: x.nonzero(),
    "a mask": lambda x: x[x > 0],
    "a mask to write by": lambda x: x.index_put_((x > 0,), torch.zeros((), device=x.device)),
    "a copy back": lambda x: x.cpu(),
    "a copy that waits": lambda x: torch.zeros(3).to(x.device),
    "numbers": lambda x: torch.tensor([1.0], device=x.device),
    "values written": lambda x: x.copy_(torch.zeros(3)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_waits_for_the_device_is_seen(name: str) -> None:
    seen, x = Watched(META), torch.zeros(3, device=META)
    with seen, suppress(RuntimeError, NotImplementedError):
        OPERATIONS[name](x)
    assert len(seen.faults) == 1


def test_what_takes_its_turn_on_the_device_is_no_fault() -> None:
    seen, x = Watched(META), torch.zeros(3, device=META)
    with seen:
        x.add_(1).index_select(0, torch.zeros(2, dtype=torch.int64, device=META))
        torch.zeros(3).to(META, non_blocking=True)
        float(torch.zeros(3).sum())  # the host's own
    assert not seen.faults
    assert sum(seen.sent.values()) == 1


def test_memory_that_is_held_is_counted() -> None:
    held = Held()
    with held:
        kept = torch.zeros(1_000)
        view = kept[:10]
        for _ in range(3):
            torch.ones(500)
    assert held.most == 6_000
    assert held.now == 4_000
    del kept, view
    assert held.now == 0


def test_more_memory_and_losses_that_are_apart_are_wrong() -> None:
    one = {"label": "cpu", "size": 9, "name": "tvae", "device": "cpu", "seed": 0, "c2st": 0.7}
    other = {
        **one,
        "label": "cuda",
        "device": "cuda",
        "c2st": 0.9,
        "peak": declared(9, 3) + 1,
        "declared": declared(9, 3),
    }
    again = {**other, "label": "cuda, again", "peak": 1, "digest": "b", "c2st": 0.71}
    records = [one, {**other, "digest": "a"}, again, {"label": "steps", "size": 9, "name": "tvae", "faults": ["waits"]}]
    report.check(records)
    assert [r["wrong"] for r in records] == [
        [],
        ["more memory than declared", "c2st 0.9000 beside 0.7000"],
        [],
        ["waits"],
    ]
    assert again["said"] == "the same seed again: other bytes"
    assert apart({"losses": {"pairs": 0.001}}, {"losses": {"pairs": 0.1}}) == ["pairs 0.1000 beside 0.0010"]
