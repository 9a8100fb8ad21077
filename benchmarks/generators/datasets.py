"""The tables that generators are compared on: where they lie, what is predicted in them, and the fixed split.

Every table is divided 80/20 by a seeded permutation before anything else happens, so that no generator, ours or a
peer, ever sees the rows that judge it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from synthkit.schema import Table

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"  # real tables beside the repository, not in it
TRAIN_SHARE = 0.8
SAMPLE_SEED = 0  # of the rows taken from a table that is too large to be compared whole

Task = Literal["class", "number", "above"]


@dataclass(frozen=True)
class Spread:
    """How a table of histories becomes a wide one: a row for each entity, a column for each value of each turn.

    Args:
        turns: that are kept: the first so many rows of an entity, or with ``month`` the months from the first on.
        values: columns that have a value for each turn; of a month the sum, 0 where there is no row.
        first: columns whose first value in an entity stands for it.
        month: the column of days, where turns are months.
    """

    entity: str
    turns: int
    values: tuple[str, ...]
    first: tuple[str, ...] = ()
    month: str | None = None

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        groups = frame.groupby(self.entity)
        if self.month is None:
            turn = groups.cumcount()
        else:
            days = pd.to_datetime(frame[self.month])
            turn = (days.dt.year * 12 + days.dt.month).astype(int)
            turn -= turn.min()
        kept = frame.assign(turn=turn)[turn < self.turns]
        how = "first" if self.month is None else "sum"
        wide = kept.pivot_table(index=self.entity, columns="turn", values=list(self.values), aggfunc=how)
        wide.columns = [f"{value}_{number}" for value, number in wide.columns]
        if self.month is not None:
            wide = wide.fillna(0)
            amounts = wide.select_dtypes("float").columns
            wide[amounts] = wide[amounts].round(2)
            whole = [c for c in amounts if frame[c.rsplit("_", 1)[0]].dtype.kind == "i"]
            wide[whole] = wide[whole].astype("int64")
        return groups[list(self.first)].first().join(wide, how="right").reset_index(drop=True)


@dataclass(frozen=True)
class Dataset:
    """One table and its prediction task.

    ``task`` is "class" (ROC AUC of the class of ``target`` that sorts last), "above" (ROC AUC of ``target`` being
    over ``threshold``; rows without a target are left out) or "number" (R² of ``target``).
    """

    name: str
    file: str  # below the folder of tables
    target: str
    task: Task = "class"
    threshold: float = 0.0
    drop: tuple[str, ...] = ()  # keys: no generator models them
    numbers: tuple[str, ...] = ()  # numbers that the file holds as text
    moments: tuple[str, ...] = ()  # points in time that the file holds as text
    types: Mapping[str, str] = field(default_factory=dict)  # what a user has to declare for synthkit
    spread: Spread | None = None  # rows of before, as columns of one row for each entity
    rows: int | None = None  # a random sample of so many rows; default: all
    shipped: str | None = None  # the same table in the repository, under data/

    def path(self, folder: Path) -> Path | None:
        """The table's file: in ``folder``, or the copy that ships with the project; None where there is neither."""
        places = [folder / self.file, *([ROOT / "data" / self.shipped] if self.shipped else [])]
        return next((p for p in places if p.is_file()), None)


DATASETS: dict[str, Dataset] = {
    d.name: d
    for d in (
        Dataset("adult", "adult.csv", "income"),
        # TotalCharges holds a single space where a customer has not been charged yet.
        Dataset("telco_churn", "telco_churn.csv", "Churn", drop=("customerID",), numbers=("TotalCharges",)),
        Dataset("randhie", "randhie.csv", "mdvis", "number", shipped="health_survey.csv"),
        Dataset("default", "default.csv", "default"),
        Dataset(
            "flights",
            "nycflights13/flights.parquet",
            "arr_delay",
            "above",
            threshold=15,  # minutes: the usual definition of a late flight
            moments=("time_hour",),
            types={"tailnum": "categorical"},  # 4,000 values are text to synthkit unless someone says otherwise
            rows=100_000,
        ),
        Dataset("churn", "mlc_churn.csv", "churn", shipped="churn.csv"),
        Dataset("churn_300", "mlc_churn.csv", "churn", rows=300, types={"state": "categorical"}, shipped="churn.csv"),
        Dataset(
            "churn_1000", "mlc_churn.csv", "churn", rows=1_000, types={"state": "categorical"}, shipped="churn.csv"
        ),
        Dataset("german_credit", "german_credit.csv", "credit_risk", "above", threshold=1),
        Dataset("heart", "heart_cleveland.csv", "num", "above"),
        Dataset("storms", "storms.csv", "wind", "number", drop=("storm_id", "name")),
        Dataset("randhie_full", "randhie_full.parquet", "mdvis", "above", drop=("zper",)),
        Dataset(
            "planes", "nycflights13/planes.csv", "seats", "number", drop=("tailnum",), types={"model": "categorical"}
        ),
        Dataset(
            "cdnow_months",
            "cdnow_transactions.csv",
            "amount_17",
            "above",
            drop=("n_cds_17",),  # it says by itself whether there is an amount
            spread=Spread("customer_id", 18, ("amount", "n_cds"), month="date"),
        ),
        Dataset(
            "pbcseq_visits",
            "pbcseq.csv",
            "status",
            "above",
            spread=Spread(
                "id",
                4,
                ("day", "bili", "albumin", "alk_phos", "ast", "platelet", "protime"),
                first=("status", "trt", "age", "sex"),
            ),
        ),
    )
}


@dataclass(frozen=True)
class Rows:
    """The two sides of a table, as every generator and every metric gets them."""

    dataset: Dataset
    train: pd.DataFrame
    test: pd.DataFrame


def present(names: Iterable[str], folder: Path) -> tuple[list[Dataset], list[str]]:
    """The named tables that are there, and a message for each that is not. Raises KeyError for an unknown name."""
    found, messages = [], []
    for name in names:
        dataset = DATASETS[name]
        if dataset.path(folder) is None:
            messages.append(f"{name} is skipped: there is no {folder / dataset.file}")
        else:
            found.append(dataset)
    return found, messages


def load(dataset: Dataset, folder: Path) -> pd.DataFrame:
    """The whole table without its keys, in its real types. Raises FileNotFoundError where it is absent."""
    import pandas as pd

    path = dataset.path(folder)
    if path is None:
        raise FileNotFoundError(f"{folder / dataset.file}: give the folder of tables with --data")
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    if dataset.rows is not None and dataset.rows < len(frame):
        frame = frame.sample(dataset.rows, random_state=SAMPLE_SEED)
    frame = frame if dataset.spread is None else dataset.spread.of(frame)
    frame = frame.drop(columns=list(dataset.drop))
    for name in dataset.numbers:
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    for name in dataset.moments:
        frame[name] = pd.to_datetime(frame[name]).dt.tz_localize(None)
    return frame.reset_index(drop=True)


def split(dataset: Dataset, frame: pd.DataFrame, seed: int = 0) -> Rows:
    """Divide the rows of ``frame`` 80/20; the same seed gives the same rows on every machine."""
    order = _permutation(len(frame), seed)
    cut = round(TRAIN_SHARE * len(frame))
    train, test = frame.iloc[order[:cut]], frame.iloc[order[cut:]]
    return Rows(dataset, train.reset_index(drop=True), test.reset_index(drop=True))


def _permutation(rows: int, seed: int) -> np.ndarray:
    import numpy as np

    return np.random.default_rng(seed).permutation(rows)


def rows_of(dataset: Dataset, folder: Path, seed: int = 0) -> Rows:
    """Load and divide."""
    return split(dataset, load(dataset, folder), seed)


def ingested(path: Path, types: Mapping[str, str], directory: Path) -> Table:
    """The Parquet file ``path`` as a model of a project gets it: read by the real ingest, every row for training.

    Columns that synthkit would not model (it takes them for keys or free text) have to be declared in ``types``.
    Raises ValueError where such a column is left.
    """
    import hashlib

    from synthkit.project.types import ColumnSpec, SourceTableSpec
    from synthkit.sources.ingest import ingest

    columns = tuple(ColumnSpec.model_validate({"name": name, "type": kind}) for name, kind in types.items())
    spec = SourceTableSpec(name=path.stem, path=str(path), columns=columns)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    table = ingest(spec, root=path.parent, connections={}, holdout=0.0, directory=directory, source_hash=digest).train
    left = [c.name for c in table.schema.columns if not c.modelled]
    if left:
        raise ValueError(f"{path.name}: synthkit takes {', '.join(left)} for keys or text: declare their types")
    return table
