"""SDV's single-table synthesizers as generators (SDV is under the Business Source License 1.1).

SDV is handed neutral column names and metadata written by us, its global random states are seeded right before
fitting and sampling (each worker is a process of its own), and conditions are met by drawing rows and keeping those
that fit, so that every quota is exact and no cell is overwritten.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.generators.base import Budget, Progress, Quota, Trained
from synthkit.generators.exact.rejection import in_batches, sample_quotas
from synthkit.generators.sdv.frame import Frame, encode
from synthkit.generators.sdv.params import CopulaGanParams, CopulaParams, CtganParams, SdvParams, TvaeParams
from synthkit.generators.sdv.state import load_state, save_state
from synthkit.schema import Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def extras(params: Any) -> tuple[str, ...]:
    """Whatever the parameters."""
    del params
    return ("sdv",)


PACKAGES = ("sdv", "rdt", "copulas", "ctgan", "torch", "numpy", "pandas", "scipy", "scikit-learn")
BATCH = 50_000  # rows drawn at once: bounds the memory of sampling

_CLASSES = {
    "sdv.gaussian_copula": "GaussianCopulaSynthesizer",
    "sdv.ctgan": "CTGANSynthesizer",
    "sdv.tvae": "TVAESynthesizer",
    "sdv.copula_gan": "CopulaGANSynthesizer",
}


@dataclass(frozen=True)
class SdvModel:
    """A fitted synthesizer and how its frame becomes Arrow."""

    name: str
    synthesizer: Any
    frame: Frame


def _fit(
    name: str, table: Table, params: SdvParams, budget: Budget | None, seed: int, device: str, progress: Progress
) -> SdvModel:
    if budget is not None:
        raise BuildError(f"{name} gives no differential privacy")
    data, frame = encode(table)
    with quiet():
        import sdv.single_table
        from sdv.metadata import Metadata

        arguments = _arguments(params, frame, device)
        metadata = Metadata.load_from_dict(frame.metadata())
        synthesizer = getattr(sdv.single_table, _CLASSES[name])(metadata, **arguments)
        seeded(seed)
        progress(0, int(arguments.get("epochs", 1)), "epochs" if "epochs" in arguments else "fits")
        try:
            with _epochs_reported(progress):
                synthesizer.fit({"table": data})
        except Exception as error:
            text = " ".join(str(error).split()) or type(error).__name__
            rows = f"{table.rows:,} row{'s' if table.rows != 1 else ''}"
            raise BuildError(
                f"{name} cannot learn from these {rows} and {len(frame.columns)} columns: {text[:300]}",
                hint="give it more rows, declare the types of odd columns, or choose another generator",
            ) from error
        if "epochs" not in arguments:
            progress(1, 1, "fits")
    return SdvModel(name, synthesizer, frame)


def _arguments(params: SdvParams, frame: Frame, device: str) -> dict[str, Any]:
    arguments = params.model_dump()
    names = frame.names()
    given: Mapping[str, str] | None = arguments.get("numerical_distributions")
    if given:
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise BuildError(
                f"numerical_distributions names {unknown[0]!r}, which is no modelled column",
                hint=f"modelled are: {', '.join(names)}",
            )
        arguments["numerical_distributions"] = {names[k]: v for k, v in given.items()}
    if arguments.get("locales") is not None:
        arguments["locales"] = list(arguments["locales"])
    if "epochs" in arguments:
        arguments["verbose"] = True  # makes SDV name its losses to the progress bar that we put in
        arguments["enable_gpu"] = bool(arguments["enable_gpu"]) and device != "cpu"
    return arguments


def _sample(
    model: SdvModel, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[pa.RecordBatch]:
    draw = _Draws(model, seed)
    if conditions:
        # Not SDV's own sampling from conditions: it turns a condition into one point of the latent space, the same for
        # all its rows, so that a class would come out as the neighbourhood of that point.
        yield from sample_quotas(draw.next, conditions, rows, name=model.name, seed=seed, progress=progress)
        return
    yield from in_batches(draw.next, rows, BATCH, progress)


class _Draws:
    """Batches of rows, one after another from one seed."""

    def __init__(self, model: SdvModel, seed: int) -> None:
        self.model = model
        with quiet():
            seeded(seed)
            # The only way to sample from a seed of one's own: the public API always starts from a fixed one.
            model.synthesizer.reset_sampling()
            model.synthesizer._set_random_state(seed % 2**32)

    def next(self, rows: int) -> pa.RecordBatch:
        with quiet():
            frame: pd.DataFrame = self.model.synthesizer.sample(rows)["table"]
        return self.model.frame.decode(frame)


def _save(model: SdvModel, directory: Path) -> None:
    save_state(model.synthesizer, directory)
    record = {"name": model.name, "frame": model.frame.to_json()}
    (directory / "sdv.json").write_text(json.dumps(record, ensure_ascii=False, default=str), "utf-8")


def _load(directory: Path) -> SdvModel:
    record = json.loads((directory / "sdv.json").read_text("utf-8"))
    with quiet():
        return SdvModel(record["name"], load_state(directory), Frame.from_json(record["frame"]))


def seeded(seed: int) -> None:
    """Seed all that SDV draws from: it has no seed of its own."""
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


@contextmanager
def quiet() -> Iterator[None]:
    """SDV warns, logs and prints; none of it is for the person who builds a table."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def _epochs_reported(progress: Progress) -> Iterator[None]:
    """Put our own bar where CTGAN and TVAE make theirs: their loops have no other hook."""
    from ctgan.synthesizers import ctgan, tvae

    class Bar:
        def __init__(self, steps: Any, **_options: Any) -> None:
            self.steps, self.note = steps, ""

        def __iter__(self) -> Iterator[int]:
            total = len(self.steps)
            for step in self.steps:
                yield step
                progress(step + 1, total, "epochs", self.note)

        def set_description(self, text: str) -> None:
            self.note = " ".join(text.split())

    before = (ctgan.tqdm, tvae.tqdm)
    ctgan.tqdm = tvae.tqdm = Bar
    try:
        yield
    finally:
        ctgan.tqdm, tvae.tqdm = before


def _generator(name: str, params: type[SdvParams], summary: str) -> Trained:
    def fit(
        table: Table, params: Any, *, budget: Budget | None, seed: int, device: str, progress: Progress
    ) -> SdvModel:
        return _fit(name, table, params, budget, seed, device, progress)

    return Trained(
        name=name,
        version=4,
        params=params,
        fit=fit,
        sample=_sample,
        save=_save,
        load=_load,
        summary=summary,
        licence="BUSL-1.1",
        packages=PACKAGES,
        extras=extras,
    )


GAUSSIAN_COPULA = _generator(
    "sdv.gaussian_copula",
    CopulaParams,
    "a Gaussian copula over fitted marginals: seconds, keeps shapes and correlations",
)
CTGAN = _generator("sdv.ctgan", CtganParams, "conditional GAN: minutes, learns what is not Gaussian")
TVAE = _generator("sdv.tvae", TvaeParams, "variational autoencoder: minutes, often better than CTGAN on small tables")
COPULA_GAN = _generator("sdv.copula_gan", CopulaGanParams, "CTGAN over columns made normal first")
