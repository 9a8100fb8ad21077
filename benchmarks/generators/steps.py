"""Time of one training step of CTGAN: ours beside SDV's, and beside the matrix products that no rewrite can save.

Equal architecture, batch and rows; one process, in turns, so that all three meet the same machine. SDV's epoch is its
own ``fit`` from the moment its networks exist; the encoding before it is not counted for either.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.generators.datasets import DATASETS, ingested, rows_of
from benchmarks.generators.intervals import middle
from benchmarks.generators.jobs import Bench, say, train_file

BATCH, HIDDEN, NOISE, PAC = 500, 256, 128, 10  # SDV's defaults
REPEATS = 5
LEAST_GAIN = 1.8  # times faster per step: the design's bar


@dataclass(frozen=True)
class Steps:
    """Milliseconds per step, one value per repeat."""

    sdv: Sequence[float]
    ours: Sequence[float]
    products: Sequence[float]


def run(bench: Bench, data: Path, repeats: int = REPEATS) -> Steps:
    """Time epochs on Adult in turns: SDV's, ours, and the bare products; the first turn is not counted."""
    import torch

    torch.set_num_threads(bench.threads)
    rows = rows_of(DATASETS["adult"], data, bench.split_seed)
    ours, widths = _ours(bench, train_file(bench, "steps_train", rows.train))
    turns: dict[str, Callable[[], float]] = {
        "sdv": lambda: _sdv_epoch(rows.train),
        "ours": ours,
        "products": lambda: _products(*widths),
    }
    taken: dict[str, list[float]] = {name: [] for name in turns}
    for repeat in range(repeats + 1):
        say(f"steps: turn {repeat} of {repeats}")
        for name, turn in turns.items():
            milliseconds = turn()
            if repeat:
                taken[name].append(milliseconds)
    return Steps(**taken)


def _sdv_epoch(train: Any) -> float:
    """Milliseconds per step of one epoch of SDV's CTGAN."""
    import warnings

    from ctgan.synthesizers import ctgan

    begun: list[float] = []

    def noted(epochs: Any, **_: Any) -> Any:
        """Stands for the progress bar that SDV makes right before its loop begins."""
        begun.append(time.perf_counter())
        return epochs

    original, ctgan.tqdm = ctgan.tqdm, noted
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = ctgan.CTGAN(epochs=1, batch_size=BATCH, enable_gpu=False)
            model.fit(train, list(train.select_dtypes(exclude="number").columns))
    finally:
        ctgan.tqdm = original
    return (time.perf_counter() - begun[0]) * 1000 / (len(train) // BATCH)


def _ours(bench: Bench, train: Path) -> tuple[Callable[[], float], tuple[int, int]]:
    """A function that trains for an epoch and gives milliseconds per step; widths of a row and of its condition."""
    from synthkit.generators.neural import gan
    from synthkit.generators.neural.model import encoded
    from synthkit.generators.neural.params import CtganParams
    from synthkit.generators.neural.training import Averaged

    table = ingested(train, dict(DATASETS["adult"].types), bench.work / "ingested")
    params = CtganParams(batch_size=BATCH, pac=PAC, held_out=0)
    _, rows = encoded(table, params, 0, "cpu")
    nets = gan.Networks.new(rows, params, 0)
    mean = Averaged.of(nets.generator, params.averaging)
    steps = nets.optimisers()
    count = len(rows) // BATCH

    def epoch() -> float:
        started = time.perf_counter()
        for _ in range(count):
            _, _, *drawn = gan.critic_step(nets, rows, steps[1])
            gan.generator_step(nets, tuple(drawn), steps[0])
            mean.update(nets.generator)
        return (time.perf_counter() - started) * 1000 / count

    return epoch, (rows.layout.width, rows.layout.conditions)


def _products(width: int, conditions: int, steps: int = 50) -> float:
    """Milliseconds of the matrix products of one step, forward and backward, and nothing else."""
    import torch

    packs, row, inputs = BATCH // PAC, (width + conditions) * PAC, NOISE + conditions
    # (rows, inputs, outputs, whether the gradient of the input is needed, times)
    layers = [
        (BATCH, inputs, HIDDEN, False),
        (BATCH, inputs + HIDDEN, HIDDEN, True),
        (BATCH, inputs + 2 * HIDDEN, width, True),
        (2 * packs, row, HIDDEN, False),  # the critic on real and drawn rows
        (2 * packs, HIDDEN, HIDDEN, True),
        (packs, HIDDEN, HIDDEN, True),  # its gradient penalty
        (packs, HIDDEN, row, True),
    ]
    frozen = [(packs, row, HIDDEN), (packs, HIDDEN, HIDDEN)]  # the generator's step needs no gradient of its weights
    made = [(torch.randn(n, i), torch.randn(o, i), torch.randn(n, o), back) for n, i, o, back in layers]
    still = [(torch.randn(n, i), torch.randn(o, i), torch.randn(n, o)) for n, i, o in frozen]
    started = time.perf_counter()
    for _ in range(steps):
        for x, w, g, back in made:
            torch.mm(x, w.t())
            torch.mm(g.t(), x)
            if back:
                torch.mm(g, w)
        for x, w, g in still:
            torch.mm(x, w.t())
            torch.mm(g, w)
    return (time.perf_counter() - started) * 1000 / steps


def table(steps: Steps, threads: int) -> str:
    """Markdown: medians with least and greatest, and the ratios."""
    gain = middle([a / b for a, b in zip(steps.sdv, steps.ours, strict=True)])
    above = middle([a / b for a, b in zip(steps.ours, steps.products, strict=True)])
    verdict = "within" if gain.value >= LEAST_GAIN else "UNDER"
    sdv, ours, products = (middle(list(taken)).text(".1f") for taken in (steps.sdv, steps.ours, steps.products))
    lines = [
        f"### CTGAN, one training step on Adult: batch {BATCH}, pac {PAC}, {threads} threads",
        "",
        "| | ms per step | ratio | |",
        "| --- | ---: | ---: | --- |",
        f"| SDV CTGAN | {sdv} | | |",
        f"| `ctgan` | {ours} | {gain.text('.2f', ' ×')} faster | {verdict} {LEAST_GAIN} × |",
        f"| its matrix products | {products} | `ctgan` takes {above.text('.2f', ' ×')} | |",
    ]
    return "\n".join([*lines, ""])
