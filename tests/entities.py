"""A generator of related tables that learns nothing: it draws whole entities of the training rows, with other keys.

What is asked of the jobs, plans and gates around one can be tested with it in a second.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from synthkit.errors import BuildError, SynthError
from synthkit.generators.base import Budget, Params, Progress, Quota, Related, Trained
from synthkit.generators.tables import Key, Tables


class EntitiesParams(Params):
    """Args:
    noise: changes nothing; with more than 1 it does not train.
    """

    noise: float = 0.0


@dataclass(frozen=True)
class Copies:
    members: Mapping[str, pa.Table]
    primary: Mapping[str, tuple[str, ...]]
    keys: tuple[Key, ...]
    first: str
    kept: tuple[str, ...]


def fit_tables(
    tables: Tables, params: EntitiesParams, *, budget: Budget | None, seed: int, device: str, progress: Progress
) -> Copies:
    if params.noise > 1:
        raise BuildError("too much noise", hint="less of it")
    members = {name: table.to_arrow(list(table.schema.names)) for name, table in tables.members.items()}
    primary = {name: table.schema.primary_key for name, table in tables.members.items()}
    progress(1, 1, "tables")
    return Copies(members, primary, tables.keys, tables.root, tuple(sorted(tables.kept)))


def sample_tables(
    model: Copies, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Each table's frame has ``_row``, the real row's number; ``_of``, the number of the drawn owner."""
    rng, drawn = np.random.default_rng(seed), {}
    for name, table in model.members.items():
        real = table.to_pandas(integer_object_nulls=True)
        real["_row"] = np.arange(len(real))
        owner = next((k for k in model.keys if k.table == name and k.owner), None)
        if name == model.first:
            found = real.iloc[_chosen(real, rows, conditions, rng)].assign(_of=-1)
        elif owner is None:
            found = real.assign(_of=-1)
        else:
            parent, key = drawn[owner.references], list(model.primary[owner.references])
            above = model.members[owner.references].to_pandas()[key].assign(_parent=lambda f: np.arange(len(f)))
            named = real.merge(above, left_on=list(owner.columns), right_on=key, how="inner", suffixes=("", "_p"))
            pairs = parent.reset_index().merge(named[["_row", "_parent"]], left_on="_row", right_on="_parent")
            found = real.iloc[pairs["_row_y"].to_numpy()].assign(_of=pairs["index"].to_numpy())
        found = found.reset_index(drop=True)
        drawn[name] = found
        if name in model.kept:
            continue
        if len(model.primary[name]) == 1:
            (column,) = model.primary[name]
            numbers = np.arange(1, len(found) + 1)
            found[column] = (
                numbers if pa.types.is_integer(table.schema.field(column).type) else [f"K{n}" for n in numbers]
            )
        for key in model.keys:
            if key.table == name:
                _name_rows(model, key, found, drawn[key.references], real, rng)
        rows_of = pa.Table.from_pandas(found[table.schema.names], schema=table.schema, preserve_index=False)
        for batch in rows_of.to_batches(max_chunksize=1000):
            yield name, batch
        progress(1, 1, "tables")


def _chosen(real: pd.DataFrame, rows: int, conditions: Sequence[Quota], rng: np.random.Generator) -> np.ndarray:
    if not conditions:
        return rng.integers(0, len(real), rows)
    parts = []
    for quota in conditions:
        fits = np.ones(len(real), dtype=bool)
        for column, value in quota.values.items():
            fits &= (real[column] == value).to_numpy()
        parts.append(rng.choice(np.flatnonzero(fits), quota.rows))
    return np.concatenate(parts)


def _name_rows(
    model: Copies, key: Key, found: pd.DataFrame, parent: pd.DataFrame, real: pd.DataFrame, rng: np.random.Generator
) -> None:
    primary = model.primary[key.references]
    if key.owner:
        at = found["_of"].to_numpy()
    else:
        names = model.members[key.references].to_pandas()[list(primary)]
        by_value = {tuple(v): i for i, v in enumerate(names.itertuples(index=False, name=None))}
        first = {row: i for i, row in reversed(list(enumerate(parent["_row"])))}
        wanted = real[list(key.columns)].iloc[found["_row"]].itertuples(index=False, name=None)
        other = int(rng.integers(len(parent)))
        at = np.array([-1 if pd.isna(v[0]) else first.get(by_value.get(tuple(v), -1), other) for v in wanted])
    for column, name in zip(key.columns, primary, strict=True):
        values = parent[name].to_numpy(dtype=object)[np.maximum(at, 0)]
        found[column] = pd.Series(np.where(at < 0, None, values), dtype=object)


def save(model: Copies, directory: Path) -> None:
    for number, table in enumerate(model.members.values()):
        pq.write_table(table, directory / f"{number}.parquet")
    said = {
        "members": list(model.members),
        "primary": {k: list(v) for k, v in model.primary.items()},
        "keys": [vars(key) for key in model.keys],
        "first": model.first,
        "kept": model.kept,
    }
    (directory / "family.json").write_text(json.dumps(said), "utf-8")


def load(directory: Path) -> Copies:
    said = json.loads((directory / "family.json").read_text("utf-8"))
    members = {name: pq.read_table(directory / f"{i}.parquet") for i, name in enumerate(said["members"])}
    keys = tuple(Key(**{**key, "columns": tuple(key["columns"])}) for key in said["keys"])
    return Copies(members, {k: tuple(v) for k, v in said["primary"].items()}, keys, said["first"], tuple(said["kept"]))


def _alone(*_given: Any, **_named: Any) -> Any:
    raise SynthError("this generator of tests learns related tables alone")


GENERATOR = Trained(
    name="test.entities",
    version=1,
    params=EntitiesParams,
    summary="Whole entities of the training rows, with other keys.",
    fit=_alone,
    sample=_alone,
    save=save,
    load=load,
    related=Related(fit_tables, sample_tables),
)
