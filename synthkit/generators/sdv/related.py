"""SDV's synthesizer of several tables (HMA) as a generator (SDV is under the Business Source License 1.1).

SDV is handed keys as row numbers and metadata written by us. It draws numbers of its own; they become the rows' own
keys, 1 and up, and the keys that name them. What it refuses (more than five tables, more than two levels, keys of
several columns, keys within a table) the compiler says before anything is run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.generators.base import Budget, Progress, Quota, Related, Trained
from synthkit.generators.sdv.frame import Frame, encode
from synthkit.generators.sdv.generator import PACKAGES, extras, quiet, seeded
from synthkit.generators.sdv.params import HmaParams
from synthkit.generators.sdv.state import load_state, save_state
from synthkit.generators.tables import Key, Tables
from synthkit.schema import Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MOST_TABLES, MOST_LEVELS = 5, 2  # of SDV 2.0's free edition
OWN = "own"  # SDV's name of a table's own key


@dataclass(frozen=True)
class Member:
    """A table as SDV has it.

    Args:
        frame: how the columns that are learnt become SDV's.
        own: the column of its own key; None: it has no such column.
        keys: column → the table whose rows it names.
        types: column → Arrow type, of keys.
        names: all columns, in their order.
    """

    frame: Frame
    own: str | None
    keys: Mapping[str, str]
    types: Mapping[str, str]
    names: tuple[str, ...]


@dataclass(frozen=True)
class HmaModel:
    """A fitted synthesizer, its tables, and the one that a size is of."""

    synthesizer: Any
    members: Mapping[str, Member]
    root: str


def refuses(tables: Sequence[str], keys: Sequence[Key], kept: Sequence[str]) -> str | None:
    """What SDV does not take, in words; None where it takes the tables."""
    if len(tables) > MOST_TABLES:
        return f"takes {MOST_TABLES} tables at most, not {len(tables)}"
    if kept:
        return f"cannot look rows up in a table that is kept as it is ({', '.join(kept)})"
    for key in keys:
        what = f"{key.table}.{', '.join(key.columns)}"
        if len(key.columns) > 1:
            return f"takes no keys of several columns ({what})"
        if key.inner:
            return f"takes no keys within a table ({what})"
        if key.orphans:
            return f"takes no keys that name no row ({what}: orphans: keep)"
        if key.cut:
            return f"takes no keys that run in a circle ({what})"
    levels = max((_levels(table, keys) for table in tables), default=1)
    return f"takes {MOST_LEVELS} levels of tables at most, not {levels}" if levels > MOST_LEVELS else None


def _levels(table: str, keys: Sequence[Key]) -> int:
    """Tables from this one up to the highest that its keys lead to, both counted."""
    return 1 + max((_levels(key.references, keys) for key in keys if key.table == table), default=0)


def fit_tables(
    tables: Tables, params: HmaParams, *, budget: Budget | None, seed: int, device: str, progress: Progress
) -> HmaModel:
    """Learn the tables. Raises BuildError for what SDV does not take or cannot learn."""
    del device
    if budget is not None:
        raise BuildError("sdv.hma gives no differential privacy")
    why = refuses(tuple(tables.members), tables.keys, tuple(tables.kept))
    if why is not None:
        raise BuildError(f"sdv.hma {why}", hint="choose conditional, or leave tables out of the family")
    members, data = _encoded(tables)
    with quiet():
        from rdt.transformers.id import IndexGenerator
        from sdv.metadata import Metadata
        from sdv.multi_table import HMASynthesizer

        metadata = Metadata.load_from_dict(_metadata(members))
        locales = None if params.locales is None else list(params.locales)
        synthesizer = HMASynthesizer(metadata, locales=locales, verbose=False)
        seeded(seed)
        progress(0, 1, "fits")
        try:
            synthesizer.auto_assign_transformers(data)
            for name, member in members.items():
                if member.own is not None:  # numbers: what SDV chooses itself holds a whole Faker
                    synthesizer.update_transformers(name, {OWN: IndexGenerator()})
            synthesizer.fit(data)
        except Exception as error:
            text = " ".join(str(error).split()) or type(error).__name__
            raise BuildError(
                f"sdv.hma cannot learn from these {len(members)} tables: {text[:300]}",
                hint="give it more rows, declare the types of odd columns, or choose another generator",
            ) from error
        progress(1, 1, "fits")
    return HmaModel(synthesizer, members, tables.root)


def _encoded(tables: Tables) -> tuple[dict[str, Member], dict[str, pd.DataFrame]]:
    """The tables as SDV has them: keys as numbers of rows."""
    import pandas as pd
    import pyarrow as pa

    members: dict[str, Member] = {}
    data: dict[str, pd.DataFrame] = {}
    numbered: dict[str, dict[Any, int]] = {}
    for name, table in tables.members.items():
        schema, keys = table.schema, {k.columns[0]: k.references for k in tables.keys if k.table == name}
        single = schema.primary_key[0] if len(schema.primary_key) == 1 else None
        own = single if single is not None and single in schema.by_name and single not in keys else None
        learnt = [c for c in schema.names if c != own and c not in keys]
        rows = table.to_arrow([c for c in schema.names if c not in learnt]) if own or keys else None
        if learnt:
            columns, frame = encode(replace(table, schema=schema.select(learnt)))
        else:
            columns, frame = pd.DataFrame(index=range(table.rows)), Frame((), ())
        types = {} if rows is None else {c: str(rows.schema.field(c).type) for c in rows.schema.names}
        if single is not None and rows is not None and single in rows.schema.names:
            values = rows.column(single).to_pylist()
            numbered[name] = {value: i for i, value in enumerate(values)}
        if own is not None:
            columns[OWN] = range(table.rows)
        for i, (column, parent) in enumerate(keys.items()):
            assert rows is not None
            at = [None if v is None else numbered[parent].get(v) for v in rows.column(column).to_pylist()]
            columns[f"key{i}"] = pd.array(at, dtype="Int64") if None in at else at
        members[name] = Member(frame, own, keys, types, schema.names)
        data[name] = columns
    del pa
    return members, data


def _metadata(members: Mapping[str, Member]) -> dict[str, Any]:
    """SDV's metadata, written by us and not guessed from the rows."""
    tables, relationships = {}, []
    for name, member in members.items():
        columns: dict[str, dict[str, str]] = {f"c{i}": {"sdtype": c.kind} for i, c in enumerate(member.frame.columns)}
        said: dict[str, Any] = {"columns": columns}
        if member.own is not None:
            columns[OWN] = {"sdtype": "id"}
            said["primary_key"] = OWN
        for i, parent in enumerate(member.keys.values()):
            columns[f"key{i}"] = {"sdtype": "id"}
            relationships.append(
                {
                    "parent_table_name": parent,
                    "child_table_name": name,
                    "parent_primary_key": OWN,
                    "child_foreign_key": f"key{i}",
                }
            )
        tables[name] = said
    return {"METADATA_SPEC_VERSION": "V1", "tables": tables, "relationships": relationships}


def sample_tables(
    model: HmaModel, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Draw ``rows`` rows of the root and what hangs on them."""
    if conditions:
        raise BuildError("sdv.hma keeps no conditions", hint="drop conditions, or choose conditional")
    progress(0, rows, "rows")
    with quiet():
        seeded(seed)
        model.synthesizer.reset_sampling()
        # The only way to sample from a seed of one's own: the public API always starts from a fixed one.
        model.synthesizer._numpy_seed = seed % 2**32
        childless = model.synthesizer._null_child_synthesizers.values()  # of rows that name nobody
        for one in (*model.synthesizer._table_synthesizers.values(), *childless):
            one.reset_sampling()
            if one._model is not None:
                one._set_random_state(seed % 2**32)
        drawn = model.synthesizer.sample(rows, model.root)
    places: dict[str, dict[Any, int]] = {}
    for name, member in model.members.items():
        frame = drawn[name].reset_index(drop=True)
        if member.own is not None:
            places[name] = {value: i + 1 for i, value in enumerate(frame[OWN].tolist())}
        yield name, _decoded(member, frame, places)
    progress(rows, rows, "rows")


def _decoded(member: Member, frame: pd.DataFrame, places: Mapping[str, Mapping[Any, int]]) -> pa.RecordBatch:
    """Rows in the table's columns and Arrow types, with keys of their own."""
    import pandas as pd
    import pyarrow as pa

    found: dict[str, Any] = {}
    if member.frame.columns:
        learnt = member.frame.decode(frame)
        found = {n: learnt.column(n) for n in learnt.schema.names}
    if member.own is not None:
        found[member.own] = pa.array(range(1, len(frame) + 1), pa.int64())
    for i, (column, parent) in enumerate(member.keys.items()):
        values = frame[f"key{i}"].tolist()
        found[column] = pa.array([None if pd.isna(v) else places[parent].get(v) for v in values], pa.int64())
    for column, kind in member.types.items():
        found[column] = found[column].cast(_type(kind))
    return pa.record_batch([found[n] for n in member.names], names=list(member.names))


def _type(name: str) -> pa.DataType:
    """The Arrow type of a key, from its text."""
    import pyarrow as pa

    aliases = {"string": pa.string(), "large_string": pa.large_string(), "double": pa.float64(), "float": pa.float32()}
    try:
        return aliases.get(name) or pa.type_for_alias(name)
    except ValueError:
        raise BuildError(
            f"sdv.hma draws keys that are numbers or text, not {name}", hint="choose conditional"
        ) from None


def _save(model: HmaModel, directory: Path) -> None:
    save_state(model.synthesizer, directory)
    members = {
        name: {"frame": m.frame.to_json(), "own": m.own, "keys": m.keys, "types": m.types, "names": m.names}
        for name, m in model.members.items()
    }
    record = {"root": model.root, "members": members}
    (directory / "sdv.json").write_text(json.dumps(record, ensure_ascii=False, default=str), "utf-8")


def _load(directory: Path) -> HmaModel:
    record = json.loads((directory / "sdv.json").read_text("utf-8"))
    members = {
        name: Member(Frame.from_json(m["frame"]), m["own"], m["keys"], m["types"], tuple(m["names"]))
        for name, m in record["members"].items()
    }
    with quiet():
        return HmaModel(load_state(directory), members, record["root"])


def _fit(
    table: Table, params: HmaParams, *, budget: Budget | None, seed: int, device: str, progress: Progress
) -> HmaModel:
    return fit_tables(Tables.of(table), params, budget=budget, seed=seed, device=device, progress=progress)


def _sample(
    model: HmaModel, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[pa.RecordBatch]:
    for _, batch in sample_tables(model, rows, conditions=conditions, seed=seed, progress=progress):
        yield batch


HMA = Trained(
    name="sdv.hma",
    version=1,
    params=HmaParams,
    fit=_fit,
    sample=_sample,
    save=_save,
    load=_load,
    supports_conditions=False,
    related=Related(fit_tables, sample_tables, refuses),
    summary="hierarchical copulas over two levels of at most five tables",
    licence="BUSL-1.1",
    packages=PACKAGES,
    extras=extras,
)
