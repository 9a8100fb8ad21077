"""What a generator is: a value with four functions, and nothing of YAML, files or DuckDB in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from synthkit.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa


class Params(BaseModel):
    """Base of every generator's parameters: frozen, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Budget:
    """The differential-privacy budget of one training run."""

    epsilon: float
    delta: float


@dataclass(frozen=True)
class Quota:
    """``rows`` rows in which each column of ``values`` has exactly the given value."""

    values: Mapping[str, Any]
    rows: int


class Progress(Protocol):
    """Where a generator reports how far it is; ``note`` is a short text such as a loss."""

    def __call__(self, done: int, total: int, unit: str, note: str = "") -> None: ...


def silent(done: int, total: int, unit: str, note: str = "") -> None:
    """A :class:`Progress` that nobody watches."""


class Fit(Protocol):
    def __call__(
        self,
        table: Table,
        params: Any,
        *,
        budget: Budget | None,
        seed: int,
        device: str,
        progress: Progress,
    ) -> Any:
        """Learn from ``table``.

        The table holds only columns that are to be modelled, at least one of them; every random
        choice follows from ``seed``. Raises :class:`~synthkit.errors.BuildError` where the rows
        cannot be learnt from (none at all, say), with the reason.
        """


class Sample(Protocol):
    def __call__(
        self, model: Any, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
    ) -> Iterator[pa.RecordBatch]:
        """Draw exactly ``rows`` rows in the source's columns and Arrow types.

        With ``conditions`` (their rows add up to ``rows``) every quota is met exactly. The same
        model and seed give the same rows.
        """


@dataclass(frozen=True)
class Generator:
    """A family of models under one name.

    ``version`` enters the train hash: raise it when the same input would give other rows.
    ``kind`` is "query" for the SQL generator, which has no model to fit.
    """

    name: str
    version: int
    params: type[BaseModel]
    fit: Fit | None = None
    sample: Sample | None = None
    save: Callable[[Any, Path], None] | None = None
    load: Callable[[Path], Any] | None = None
    kind: Literal["model", "query"] = "model"
    supports_epsilon: bool = False
    supports_conditions: bool = True
    summary: str = ""
    licence: str | None = None
    packages: tuple[str, ...] = field(default=())  # distributions whose versions decide the result
