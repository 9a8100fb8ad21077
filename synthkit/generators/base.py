"""What a generator is: a value with four functions, and nothing of YAML, files or DuckDB in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from synthkit.schema import Schema, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.privacy.accounting.mechanisms import Mechanism


class Params(BaseModel):
    """Base of every generator's parameters: frozen, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Budget:
    """The differential-privacy budget of one training run, and what is public about the rows.

    Args:
        rows: the declared number of training rows; the real number is private.
        max_rows_per_unit: how many rows one privacy unit may have in the table, at most.
        insecure_seed: makes the privacy noise repeatable, and so worthless against whoever knows it: for tests alone.
            None: noise from the system's cryptographic generator.
    """

    epsilon: float
    delta: float
    rows: int | None = None
    max_rows_per_unit: int = 1
    insecure_seed: int | None = None


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


@dataclass
class Workplace:
    """Where a teacher's work is kept.

    Args:
        root: of the project, whose ``prices.yml`` overrides prices.
        requests: folder that keeps what was asked for this table, and the answers.
        dropped: file for what did not get into the table, a JSON line each, with the reason.
        record: filled by the generator: usage, cost, counts, and why it stopped early, for the receipt.
    """

    root: Path
    requests: Path
    dropped: Path
    record: dict[str, Any] = field(default_factory=dict)


class Compose(Protocol):
    def __call__(
        self,
        table: Table,
        held_out: Table | None,
        params: Any,
        rows: int,
        *,
        seed: int,
        place: Workplace,
        progress: Progress,
    ) -> Iterator[pa.RecordBatch]:
        """Ask a teacher for ``rows`` rows; fewer where ``place.record["stopped"]`` says why.

        ``held_out`` is never shown to anybody. The same input and kept answers give the same rows.
        """


class Mechanisms(Protocol):
    def __call__(self, params: Any, budget: Budget, schema: Schema) -> tuple[Mechanism, ...]: ...


@dataclass(frozen=True)
class Generator:
    """A family of models under one name.

    ``version`` enters the train hash: raise it when the same input would give other rows.
    ``mechanisms`` says what a fit under a budget will spend, from declared knowledge alone (the schema holds the
    modelled columns): exactly this is charged to the ledger before the training. A generator that ``supports_epsilon``
    must have it. It does not import torch.
    ``kind`` is "query" for the SQL generator, which has no model to fit, and "teacher" for one that sends rows of its
    source to a third party, which has ``compose`` instead of fit and sample.
    ``columns`` gives the table's columns where they are not the source's, or raises ValueError; ``estimate`` says what
    asking for so many rows may cost (the path is the project's root); ``warnings`` what in the parameters is worth a
    look. ``resumes`` says that ``fit`` also takes a
    :class:`.checkpoint.Checkpoint` as ``checkpoint``, goes on from what is saved there, and ends
    with the same model as a training that was never stopped.
    """

    name: str
    version: int
    params: type[BaseModel]
    fit: Fit | None = None
    sample: Sample | None = None
    save: Callable[[Any, Path], None] | None = None
    load: Callable[[Path], Any] | None = None
    kind: Literal["model", "query", "teacher"] = "model"
    compose: Compose | None = None
    columns: Callable[[Any, Schema], Schema] | None = None
    estimate: Callable[[Any, int, Path], Sequence[str]] | None = None
    warnings: Callable[[Any], Sequence[str]] | None = None
    supports_epsilon: bool = False
    mechanisms: Mechanisms | None = None
    supports_conditions: bool = True
    resumes: bool = False
    summary: str = ""
    licence: str | None = None
    packages: tuple[str, ...] = field(default=())  # distributions whose versions decide the result
