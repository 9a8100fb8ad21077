"""Bugs planted in the real generators, each of which the attack must find, and the same attack on the right ones.

What each attack needs (canaries, trainings, ε) was found by trying; the healthy control runs under the same numbers.
Seeds are fixed, and so is every verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from synthkit.audits.context import PrivateTraining
from synthkit.audits.contract import AuditResult
from synthkit.audits.privacy import empirical
from synthkit.audits.privacy.empirical import EmpiricalParams, attack, verdict
from synthkit.encoding.declared import DeclaredEncoder, declared_encoder
from synthkit.generators import registry
from synthkit.generators.base import Budget
from synthkit.generators.marginals import fit as marginal_fit
from synthkit.generators.neural import clipping, dpsgd, private_model
from synthkit.privacy.accounting.noise import Noise
from synthkit.schema import Column, Schema, Table

SMALL_TVAE = {"compress_dims": [32], "decompress_dims": [32], "embedding_dim": 4, "epochs": 16}
SMALL_CTGAN = {"generator_dim": [16], "discriminator_dim": [16], "epochs": 1}


def categories(columns: int, values: int) -> tuple[Column, ...]:
    names = tuple(f"v{i}" for i in range(values))
    return tuple(Column(f"c{i}", "categorical", "VARCHAR", False, values=names) for i in range(columns))


def numbers(columns: int) -> tuple[Column, ...]:
    return tuple(Column(f"x{i}", "float", "DOUBLE", False, bounds=(0.0, 1000.0)) for i in range(columns))


def judged(
    name: str, columns: tuple[Column, ...], epsilon: float, how: Mapping[str, Any], seed: int = 0, **params: Any
) -> AuditResult:
    schema, budget, generator = Schema(columns), Budget(epsilon, 1e-5, rows=600), registry.get(name)
    checked = generator.params.model_validate(params)
    spends = generator.mechanisms(checked, budget, schema)
    training = PrivateTraining(name, checked.model_dump(mode="json"), budget, schema, spends)
    wanted = EmpiricalParams(**how)
    return verdict(training, wanted, attack(training, wanted, seed))


# -- half the noise ---------------------------------------------------------------------------------------


def test_half_the_noise_of_a_histogram_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column of a thousand values, each with a canary of its own; two trainings. Of ten seeds eight find it."""
    how = {"canaries": 1_000, "runs": 2}
    assert judged("independent", categories(1, 1_000), 2.0, how, seed=1).status == "pass"
    original = Noise.discrete_gaussian
    monkeypatch.setattr(Noise, "discrete_gaussian", lambda self, sigma, size: original(self, sigma / 2, size))
    found = judged("independent", categories(1, 1_000), 2.0, how, seed=1)
    assert found.status == "fail"
    assert "the charged mechanisms do not allow it" in found.message


# -- clipping off -----------------------------------------------------------------------------------------


def test_gradients_that_are_not_clipped_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    how = {"canaries": 100, "guesses": 40, "runs": 2}
    assert judged("tvae", categories(8, 12), 2.0, how, **SMALL_TVAE).status == "pass"
    original = clipping.clipped_sum
    monkeypatch.setattr(dpsgd, "clipped_sum", lambda gradients, norm: original(gradients, 1e9))
    assert judged("tvae", categories(8, 12), 2.0, how, **SMALL_TVAE).status == "fail"


# -- bounds taken from the data ---------------------------------------------------------------------------


def bounds_of_the_rows(table: Table, ends: Mapping[str, tuple[Any, Any]] | None = None) -> DeclaredEncoder:
    """What an implementation does that fits a scaler to the rows."""
    rows, columns = table.to_arrow(), []
    for column in table.schema.columns:
        values = rows[column.name].to_numpy()
        columns.append(replace(column, bounds=(float(values.min()), float(values.max()))))
    return declared_encoder(replace(table, schema=replace(table.schema, columns=tuple(columns))), ends)


@pytest.mark.parametrize(
    ("name", "how", "params"),
    [
        ("independent", {"canaries": 20, "runs": 6}, {}),
        ("tvae", {"canaries": 20, "rows": 1_000, "runs": 4}, {**SMALL_TVAE, "epochs": 2}),
    ],
    ids=["independent", "tvae"],
)
def test_bounds_taken_from_the_rows_are_found(
    name: str, how: dict[str, Any], params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judged(name, numbers(6), 1.0, how, **params).status == "pass"
    monkeypatch.setattr(marginal_fit, "declared_encoder", bounds_of_the_rows)
    monkeypatch.setattr(private_model, "declared_encoder", bounds_of_the_rows)
    found = judged(name, numbers(6), 1.0, how, **params)
    assert found.status == "fail"
    assert "guesses by the extremes" in found.message


# -- exact frequencies of categories ----------------------------------------------------------------------


@pytest.fixture
def many_rows_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many that the frequencies of the drawn rows show single rows of the training."""
    monkeypatch.setattr(empirical, "DRAWN", 2_000)
    monkeypatch.setattr(empirical, "MOST_DRAWN", 2_500_000)


@pytest.mark.usefixtures("many_rows_drawn")
def test_exact_frequencies_of_a_conditional_sampler_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """CTGAN's training by sampling draws conditions by the categories' exact frequencies, which the table then shows."""
    import torch

    how = {"canaries": 20, "guesses": 20, "rows": 1_200, "runs": 2}
    assert judged("ctgan", categories(2, 20), 3.0, how, **SMALL_CTGAN).status == "pass"
    original = private_model.cut_cells

    def exact(declared: Any, positions: Any, plan: Any, bins: Any, releases: Any) -> Any:
        encoder, shares = original(declared, positions, plan, bins, releases)
        cells = encoder.cells(positions).long()
        return encoder, torch.bincount(cells.flatten(), minlength=len(shares)).float() / len(cells)

    monkeypatch.setattr(private_model, "cut_cells", exact)
    assert judged("ctgan", categories(2, 20), 3.0, how, **SMALL_CTGAN).status == "fail"


# -- right ones -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "epsilon", "params"),
    [
        ("aim", 1.0, {}),
        ("mst", 3.0, {}),
        ("independent", 8.0, {}),
        ("tvae", 3.0, SMALL_TVAE),
        ("ctgan", 1.0, {**SMALL_CTGAN, "epochs": 16}),
    ],
    ids=["aim", "mst", "independent", "tvae", "ctgan"],
)
def test_right_generators_are_not_called_wrong(name: str, epsilon: float, params: dict[str, Any]) -> None:
    """One of each, at different ε; how often a right one fails is counted in privacy/test_empirical.py."""
    columns = (*categories(3, 12), *numbers(2), Column("b", "boolean", "BOOLEAN"))
    for seed in range(1 if name == "aim" else 2):  # a training of aim takes ten seconds
        found = judged(name, columns, epsilon, {"canaries": 100, "guesses": 50}, seed, **params)
        assert found.status in ("pass", "inconclusive"), found.message
        assert found.value is not None
        assert found.value < epsilon
