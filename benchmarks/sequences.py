"""Tables whose rows are sequences, for :mod:`.relations`: what each is of, and how the scorer is told."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Sequence:
    """A file of the shared data.

    Args:
        entity, order: the column that says whose rows they are, and the one that they follow one another by.
        categorical: columns of codes; text is one anyway.
        constant: columns that are the same in all rows of an entity.
    """

    file: str
    entity: str
    order: str
    categorical: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


SEQUENCES = {
    "cdnow": Sequence("cdnow_transactions.csv", "customer_id", "date", (), (), ("date",)),
    "pbcseq": Sequence(
        "pbcseq.csv",
        "id",
        "day",
        ("edema", "stage", "ascites", "hepato", "spiders", "trt", "sex", "status"),
        ("futime", "status", "trt", "age", "sex"),
    ),
    "storms": Sequence("storms.csv", "storm_id", "time", ("status", "category"), ("name",), ("time",)),
    "randhie": Sequence(
        "randhie_full.parquet",
        "zper",
        "year",
        ("plan", "site", "tookphys", "black", "female", "child", "fchild", "idp", "hlthg", "hlthf", "hlthp", "binexp"),
        (
            *("plan", "site", "coins", "tookphys", "black", "income", "female", "educdec", "mhi", "disea", "physlm"),
            *("ghindx", "mdeoff", "pioff", "lpi", "idp", "logc", "fmde", "hlthg", "hlthf", "hlthp", "xghindx", "linc"),
        ),
    ),
}


def frame_of(name: str, data: Path) -> Any:
    """The rows; storms get one column of time in place of four."""
    import pandas as pd

    said = SEQUENCES[name]
    file = data / said.file
    found = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    if name == "storms":
        parts = ["year", "month", "day", "hour"]
        found.insert(1, "time", pd.to_datetime(found[parts]))
        found = found.drop(columns=parts)
    if name == "cdnow":
        found["date"] = pd.to_datetime(found["date"])
    return found


def schema_of(name: str, frame: Any) -> dict[str, Any]:
    """The scorer's description: entities with what never changes, and their rows."""
    said = SEQUENCES[name]
    text = [c for c in frame if frame[c].dtype == object and c != said.entity]
    labels = list(dict.fromkeys([*said.categorical, *text]))
    return {
        "tables": {"entities": {"pk": said.entity}, "rows": {"pk": "row", "time": said.order}},
        "categorical": {
            "entities": [c for c in labels if c in said.constant],
            "rows": [c for c in labels if c not in said.constant],
        },
        "datetime": {"rows": list(said.dates)},
        "fks": [["rows", said.entity, "entities", said.entity]],
        "root": "entities",
    }


def sides_of(name: str, frame: Any) -> dict[str, Any]:
    """Entities and rows as two tables."""
    said = SEQUENCES[name]
    rows = frame.drop(columns=list(said.constant)).reset_index(drop=True)
    rows.insert(0, "row", range(1, len(rows) + 1))
    return {"entities": frame[[said.entity, *said.constant]].drop_duplicates(said.entity), "rows": rows}


def learn_and_draw(name: str, frame: Any, seed: int) -> tuple[Any, float, float]:
    """As many rows as there are; CPU seconds of learning and of drawing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from synthkit.generators import registry
    from synthkit.generators.functions import silent
    from synthkit.schema import Column, LogicalType, Schema, Table

    said, generator = SEQUENCES[name], registry.trained("conditional")
    columns, arrays = [], {}
    for column in frame:
        values = frame[column]
        kind: LogicalType = "float"
        array = pa.Array.from_pandas(values)
        if column == said.entity:
            kind, array = "id", array.cast(pa.string())
        elif column in said.categorical or values.dtype == object:
            kind, array = "categorical", array.cast(pa.string())
        elif column in said.dates:
            kind = "date" if name == "cdnow" else "datetime"
            array = array.cast(pa.date32()) if kind == "date" else array.cast(pa.timestamp("us"))
        elif pa.types.is_integer(array.type):
            kind = "integer"
        columns.append(Column(column, kind, ""))
        arrays[column] = array
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.parquet"
        pq.write_table(pa.table(arrays), file)
        schema = Schema(tuple(columns), (), order_by=said.order)
        table = Table(replace(schema, entity=said.entity, privacy_unit=said.entity), (file,), len(frame))
        began = time.process_time()
        model = generator.fit(table, generator.params(), budget=None, seed=seed, device="cpu", progress=silent)
        learnt = time.process_time()
        batches = list(generator.sample(model, len(frame), conditions=(), seed=seed, progress=silent))
        drawn = time.process_time()
    return pa.Table.from_batches(batches).to_pandas(), learnt - began, drawn - learnt


def scored(name: str, real: Any, other: Any, score: ModuleType) -> dict[str, Any]:
    """What the scorer finds between two frames."""
    schema, sides = schema_of(name, real), []
    with tempfile.TemporaryDirectory() as folder:
        for side, frame in (("real", real), ("other", other)):
            (Path(folder) / side).mkdir()
            for table, part in sides_of(name, frame).items():
                part.to_csv(Path(folder) / side / f"{table}.csv", index=False)
            sides.append(score.load(schema, Path(folder) / side))
    whole = score.score(schema, *sides, sdmetrics=False)
    found: dict[str, Any] = whole["summary"]
    return found | {"length_ks": whole["relations"][f"rows.{SEQUENCES[name].entity}"]["cardinality"]["ks"]}


def halves(name: str, frame: Any) -> tuple[Any, Any]:
    """Two halves of the entities: what real rows are to real ones."""
    import numpy as np

    who = frame[SEQUENCES[name].entity]
    known = np.random.default_rng(0).permutation(who.unique())
    mine = who.isin(set(known[: len(known) // 2]))
    return frame[mine], frame[~mine]
