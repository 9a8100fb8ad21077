"""Steps of the training loops on ``meta`` tensors: none waits for the device, and nothing comes back from it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import fields, replace
from typing import Any

import pytest
import torch

from benchmarks.gpu import steps
from benchmarks.gpu.watching import Watched, guarded
from synthkit.generators.base import Budget
from synthkit.generators.neural import vae
from synthkit.generators.neural.conditions import Conditions
from synthkit.generators.neural.judge import Judge
from synthkit.generators.neural.layout import Layout
from synthkit.generators.neural.params import TvaeParams
from synthkit.generators.neural.rows import Rows
from synthkit.schema import Table
from tests.generators.tables import people
from tests.generators.test_private_neural import people as private_people
from tests.generators.test_private_neural import table_of as private_table

META = torch.device("meta")
STEPS = 25  # of 50 rows: more than one epoch
ROWS = 1_000
BUDGET = Budget(3.0, 1e-6, rows=ROWS, insecure_seed=1)


real_source, real_adam, real_conditions = torch.Generator, torch.optim.Adam, Conditions.of


class Source(real_source):
    """A source of random numbers that says it is on the fake device, where numbers are not drawn."""

    device = META  # type: ignore[assignment]


class Either(real_source):
    """``torch.Generator``, of the fake device as of others; a class, as torch asks what is an instance of it."""

    def __new__(cls, device: Any = "cpu") -> torch.Generator:  # type: ignore[misc]
        return Source() if torch.device(device) == META else real_source(device)


def fake(patch: pytest.MonkeyPatch, kind: str) -> None:
    """What torch has for real devices alone, and what looks at numbers before the first step."""
    patch.setattr(torch, "Generator", Either)
    patch.setattr(torch.optim, "Adam", lambda w, **k: real_adam(w, **{**k, "fused": False, "foreach": False}))
    patch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    patch.setattr(Judge, "__init__", lambda *_: None)
    if kind == "ctgan":
        patch.setattr(Conditions, "of", staticmethod(conditions))


def conditions(layout: Any, cells: torch.Tensor, *, log_frequency: bool) -> Conditions:
    """As many as the table has: counted, on the host, from other rows."""
    host = replace(layout, has_residual=torch.zeros(layout.cells, dtype=torch.bool))
    drawn = torch.stack([torch.randint(w, (len(cells),)) for w in host.widths], dim=1)
    found = real_conditions(host, drawn + host.starts, log_frequency=log_frequency)
    on_device = {f.name: getattr(found, f.name).to(META) for f in fields(found) if f.name != "columns"}
    return replace(found, **on_device)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Table]:
    """A table for trainings without epsilon, and one for those with."""
    folder = tmp_path_factory.mktemp("people")
    return {False: people(folder, ROWS), True: private_table(folder / "private", private_people(ROWS))}


def watched(kind: str, tables: dict[bool, Table], patch: pytest.MonkeyPatch) -> Watched:
    fake(patch, kind)
    private = kind.endswith("epsilon")
    seen = Watched(META)
    assert steps.run(kind, tables[private], META, STEPS, lambda: seen, BUDGET if private else None) == STEPS
    return seen


@pytest.mark.parametrize("kind", steps.TRAINED)
def test_a_step_waits_for_nothing_and_brings_nothing_back(
    kind: str, tables: dict[bool, Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = watched(kind, tables, monkeypatch)
    assert seen.faults == []
    if kind in ("ctgan", "tvae"):
        assert not seen.sent
    elif kind == "circuit":
        assert sum(seen.sent.values()) == -(-STEPS * steps.BATCH // ROWS)  # the order of the rows, once an epoch
    else:
        assert seen.sent  # the noise, and which rows are in the sample


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", steps.TRAINED)
def test_a_step_on_a_gpu_waits_for_nothing(kind: str, tables: dict[bool, Table]) -> None:
    device, private = torch.device("cuda"), kind.endswith("epsilon")
    seen = Watched(device)
    assert steps.run(kind, tables[private], device, STEPS, lambda: guarded(seen), BUDGET if private else None) == STEPS
    assert seen.faults == []


def test_the_prior_lies_where_the_rows_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is fitted on the host from what the encoder says, and drawn from on the device."""
    monkeypatch.setattr(torch, "Generator", Either)
    said = torch.randn(500, 3, generator=real_source().manual_seed(0)), torch.zeros(500, 3)
    monkeypatch.setattr(vae, "encode", lambda *_: said)
    cells = torch.zeros(500, 2, dtype=torch.int32, device=META)
    layout = Layout((0, 1), (2, 2), 2, torch.zeros(4, dtype=torch.bool, device=META))
    none = torch.zeros(500, 0, device=META)
    found = vae.prior({}, Rows(layout, cells, none, cells, none), TvaeParams(), 0)
    assert {name: t.device for name, t in found.items()} == dict.fromkeys(found, META)
    assert "prior.means" in found
