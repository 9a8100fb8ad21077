"""What jobs hold that nothing else needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from synthkit.audits.context import PrivateTraining, Took, Version
from synthkit.audits.runner import BoundAudit
from synthkit.generators.base import Budget
from synthkit.generators.tables import Key
from synthkit.privacy.guarantee import Guarantee
from synthkit.privacy.ledger.entries import Charged
from synthkit.project.size import Size
from synthkit.project.types import ColumnSpec, Conditions, Keys, Options
from synthkit.schema import Table

Files = Mapping[str, tuple[Path, ...]]  # a relation by the name that SQL uses → its Parquet files


@dataclass(frozen=True)
class Passage:
    """An SQL model's query for other rows than its own.

    Args:
        over: the relation that those rows stand for, by the name that SQL uses.
        relations: all others that it reads.
    """

    sql: str
    over: str
    relations: Files
    seed: int


@dataclass(frozen=True, kw_only=True)
class Modelled:
    """What decides a trained model, and the rows that it draws.

    Args:
        model: whose rows they are.
        seed: every random choice follows from it.
        split: the folder of the source's two sides.
        columns: what the model itself declares of its source's columns.
        model_dir: of the trained model, found or made.
        checkpoint: the file that keeps the state of an unfinished training.
        size: of the whole table; under a budget a number of rows.
        conditions: column → value, or value → share.
        constraints: comparison → where it is declared.
        rules: every other rule → where it is declared.
        rules_found: whether rules that the training rows show are kept, too.
        keys: what made-up keys are, beside those of the source's rows.
        charge: what the ledger was charged for the training; without it, nothing is trained under a budget.
        surveys: the folder of what is found of the columns of a large table, each by a job of its own; None: the
            training finds it.
    """

    model: str
    seed: int
    generator: str
    params: Options
    split: Path
    columns: tuple[ColumnSpec, ...]
    model_dir: Path
    checkpoint: Path
    size: Size
    conditions: Conditions
    constraints: Mapping[str, str]
    rules: Mapping[str, str]
    rules_found: bool
    keys: Keys
    device: str
    budget: Budget | None
    charge: Charged | None
    surveys: Path | None = None


@dataclass(frozen=True)
class Retraining:
    """How a model was trained without a budget, for an audit that trains such a model again.

    Args:
        columns: what the model itself declares of its source's columns.
        conditions: that its rows were drawn with.
    """

    generator: str
    params: Options
    columns: tuple[ColumnSpec, ...]
    conditions: Conditions
    device: str


@dataclass(frozen=True)
class FamilyMember:
    """One table of a family.

    Args:
        table: its staged rows; of a table that is kept as it is, its own.
        split: the folder of its real rows, if there are any.
    """

    table: Table
    split: Path | None


@dataclass(frozen=True)
class DrawnMember:
    """One table that a family job makes.

    Args:
        model: what its rows are staged as.
        stage_dir, sample, metadata, guarantees: as those of a job that stages one table.
        split: the folder of the real table's two sides.
        columns: what the family declares of its columns.
        rules: rule or comparison → where it is declared.
        rules_found: whether rules that the training rows show are kept, too.
        conditions: column → value, or value → share.
        kept: whether the real rows are published as they are, and only looked up in.
        charge: what the ledger says of the training, under a budget.
    """

    model: str
    stage_dir: Path
    sample: str
    metadata: Mapping[str, str]
    split: Path
    columns: tuple[ColumnSpec, ...] = ()
    rules: Mapping[str, str] = field(default_factory=dict)
    rules_found: bool = False
    conditions: Conditions = field(default_factory=dict)
    guarantees: tuple[Guarantee, ...] = ()
    kept: bool = False
    charge: Charged | None = None


@dataclass(frozen=True)
class FamilyParts:
    """The tables that the audited one was made together with, itself among them.

    Args:
        table: the audited one's name among them.
        members: by their names in the source, each after those that its keys name.
        keys: by the same names.
    """

    table: str
    members: Mapping[str, FamilyMember]
    keys: tuple[Key, ...]


@dataclass(frozen=True)
class FailureFolder:
    """Where failing rows are kept, and what messages call the folder."""

    directory: Path
    shown: str


@dataclass(frozen=True)
class Pictures:
    """The pictures of a table that are asked for.

    Args:
        path: the file that they go to.
        real: whether real rows may be in them.
        stamp: what is kept beside them.
    """

    path: Path
    real: bool
    stamp: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Rows that are judged, and what audits may know of them.

    Args:
        table: the rows.
        split: the folder of the real rows, if there are any.
        relations: other tables that audits read.
        training, retraining: how the rows' model was trained: under a budget; without one, for audits that train again.
        previous: the version that was published before.
        seconds: that making these rows took, by phase.
        kept: rules that they keep although nobody declared them.
        family: the tables that they were made together with.
        made_up: columns that only look like the real ones, personal data aside.
        took: what making these rows took, as far as it was done in this run.
    """

    model: str
    table: Table
    split: Path | None
    relations: Files
    audits: tuple[BoundAudit, ...]
    seed: int
    training: PrivateTraining | None = None
    retraining: Retraining | None = None
    previous: Version | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    family: FamilyParts | None = None
    made_up: tuple[str, ...] = ()
    took: Took | None = None
