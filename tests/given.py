"""A generator of related tables that draws what lies in a folder: rows with a fault that a test planted, say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.errors import SynthError
from synthkit.generators.base import Budget, Params, Progress, Quota, Related, Trained
from synthkit.generators.tables import Tables


class GivenParams(Params):
    """Args:
    folder: of Parquet files, each named as its table.
    """

    folder: str


@dataclass(frozen=True)
class Given:
    folder: str
    tables: tuple[str, ...]


def fit_tables(
    tables: Tables, params: GivenParams, *, budget: Budget | None, seed: int, device: str, progress: Progress
) -> Given:
    progress(1, 1, "tables")
    return Given(params.folder, tuple(name for name in tables.members if name not in tables.kept))


def sample_tables(
    model: Given, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[tuple[str, pa.RecordBatch]]:
    for name in model.tables:
        yield from ((name, batch) for batch in pq.read_table(Path(model.folder) / f"{name}.parquet").to_batches())


def save(model: Given, directory: Path) -> None:
    (directory / "given.txt").write_text("\n".join((model.folder, *model.tables)), "utf-8")


def load(directory: Path) -> Given:
    folder, *tables = (directory / "given.txt").read_text("utf-8").split("\n")
    return Given(folder, tuple(tables))


def alone(*_: object, **__: object) -> Iterator[pa.RecordBatch]:
    raise SynthError("this generator of tests gives related tables alone")


GENERATOR = Trained(
    name="test.given",
    version=1,
    params=GivenParams,
    fit=alone,
    sample=alone,
    save=save,
    load=load,
    related=Related(fit_tables, sample_tables),
    summary="rows that lie in a folder",
    licence=None,
    packages=(),
)
