"""The functions that generators are made of, and what these are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict

from synthkit.generators.tables import Key, Shape, Tables
from synthkit.project.counts import ANY, Between
from synthkit.schema import Cell, Schema, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.privacy.accounting.mechanisms import Mechanism


class Params(BaseModel):
    """Base of every generator's parameters: frozen, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


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
    """``rows`` rows in which each column of ``values`` has exactly the given value.

    Args:
        counts: of several tables, how many rows of each belong to such a row.
    """

    values: Mapping[str, Cell]
    rows: int
    counts: Mapping[str, Between] = field(default_factory=dict)


@dataclass(frozen=True)
class Share:
    """What a :class:`Quota` asks for, of a part of the rows: 0 to 1."""

    values: Mapping[str, Cell]
    part: float
    counts: Mapping[str, Between] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What is asked of a table whose number of rows follows when others are drawn.

    Args:
        shares: of its rows; they add up to one, or nothing is asked of its columns.
        owned: how many of its rows belong to each row of its owner.
    """

    shares: tuple[Share, ...] = ()
    owned: Between = ANY


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
        device: on which a model on this machine runs (``device:`` of the project).
        paid: is told the USD that answers of now cost, whatever becomes of the table; kept ones cost nothing again.
    """

    root: Path
    requests: Path
    dropped: Path
    record: dict[str, Any] = field(default_factory=dict)
    device: str = "auto"
    paid: Callable[[Decimal], None] = lambda _usd: None


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


class Survey(Protocol):
    def __call__(self, table: Table, params: Any, column: int, *, seed: int, directory: Path) -> bool:
        """Find what ``fit`` needs of all rows of one column, and keep it in the folder; whether that was to be done.

        ``fit`` takes the folder as ``surveys``, and gives the same model with all, some or none of it.
        """


class NoisyCounts(Protocol):
    def __call__(self, model: Any, column: str, /) -> tuple[tuple[float, ...], float | None]:
        """Counts of a column's declared values, and the standard deviation of the noise in each."""


class NoisyCountsOfTables(Protocol):
    def __call__(self, model: Any, table: str, column: str, /) -> tuple[tuple[float, ...], float | None]:
        """As :class:`NoisyCounts`, of a column of one of several tables."""


class Mechanisms(Protocol):
    def __call__(self, params: Any, budget: Budget, schema: Schema) -> tuple[Mechanism, ...]: ...


class MechanismsOfTables(Protocol):
    def __call__(self, params: Any, budget: Budget, shape: Shape) -> tuple[Mechanism, ...]:
        """What :class:`FitTables` will release under ``budget``. Raises SynthError where it learns no such tables."""


class Save(Protocol):
    def __call__(self, model: Any, directory: Path, /) -> None:
        """Write the model into the folder: data, nothing that runs when it is read."""


class FitTables(Protocol):
    def __call__(
        self, tables: Tables, params: Any, *, budget: Budget | None, seed: int, device: str, progress: Progress
    ) -> Any:
        """Learn from tables that hang together; their keys are columns like others. Otherwise as :class:`Fit`."""


class SampleTables(Protocol):
    def __call__(
        self, model: Any, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
    ) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Draw exactly ``rows`` rows of the first table and whatever hangs on them: (table, rows), a row after the rows
        that its keys name. Conditions are of the first table. Otherwise as :class:`Sample`."""


class SampleAsked(Protocol):
    def __call__(
        self,
        model: Any,
        rows: int,
        *,
        conditions: Sequence[Quota],
        seed: int,
        progress: Progress,
        asked: Mapping[str, Asked],
    ) -> Iterator[tuple[str, pa.RecordBatch]]:
        """As :class:`SampleTables`; conditions may be of numbers of rows, too.

        Args:
            asked: what is asked of others of the tables.
        """


Refuses = Callable[[Sequence[str], Sequence[Key], Sequence[str]], str | None]


def takes_all(tables: Sequence[str], keys: Sequence[Key], kept: Sequence[str]) -> str | None:
    """Of a generator that takes tables however they hang together."""
    del tables, keys, kept
    return None


@dataclass(frozen=True)
class Related:
    """How a generator learns and draws several tables at once.

    Args:
        refuses: why it does not take tables, by their names, keys and those that are kept as they are: "takes five
            tables at most"; None where it takes them. The compiler asks before anything is run.
        sample_asked: draws what is asked of other tables than the first, and of how many rows belong to a row; None:
            it cannot.
        mechanisms: what a fit under a budget will spend, from what is declared alone; None: it honours no ``epsilon``
            of such tables.
        counts: (model that was just trained under a budget, table, column) → as :class:`NoisyCounts`.
        budgeted: whether it learns them under a budget alone.
    """

    fit: FitTables
    sample: SampleTables
    refuses: Refuses = takes_all
    sample_asked: SampleAsked | None = None
    mechanisms: MechanismsOfTables | None = None
    budgeted: bool = False
    counts: NoisyCountsOfTables | None = None
