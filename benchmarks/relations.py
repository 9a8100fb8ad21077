"""Families of tables beside what peers reach: the scorer of ``../shared/score`` on tables that it has figures for.

    python -m benchmarks relations [--seeds 3] [--schemas baseball,northwind,jaffle,cdnow,pbcseq,storms,randhie]
    python -m benchmarks relations --epsilon  # baseball at epsilon 1, the unit a player (:mod:`.privatefamilies`)

Every figure is the median over seeds; a peer's figures and the floor are those that lie beside the scorer. CPU seconds
are of this process, one thread, learning and drawing apart. Sequences (:mod:`.sequences`) are scored against the rows
that they were learnt from; their floor is one half of the entities against the other. Without ``../shared`` beside the
checkout nothing is run.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.privatefamilies import DELTA, EPSILON, PLAYERS, declared
from benchmarks.sequences import SEQUENCES, frame_of, halves, learn_and_draw, scored

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
SCHEMAS = ("baseball", "northwind", "northwind2", "jaffle")
SHOWN = {
    "c2st_parent": "P",
    "c2st_child": "C",
    "c2st_single": "S",
    "strong_recall": "recall",
    "dependence_diff": "dep",
    "cardinality_ks": "card",
    "interarrival_ks": "gap",
    "lag1_diff": "lag",
}
OF_SEQUENCES = {
    "interarrival_ks": "gap",
    "lag1_diff": "lag",
    "length_ks": "length",
    "c2st_child": "C",
    "c2st_single": "S",
    "c2st_parent": "P",
}
DROPPED = ("first_name", "last_name")
NORTHWIND = {
    "customers": ("customer_id", "contact_title", "country"),
    "products": ("product_id", "supplier_id", "category_id", "unit_price", "units_in_stock", "discontinued"),
    "orders": (
        *("order_id", "customer_id", "employee_id", "order_date", "required_date", "shipped_date"),
        *("ship_via", "freight", "ship_country"),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks relations")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--schemas", default=",".join((*SCHEMAS, *SEQUENCES)))
    parser.add_argument("--epsilon", action="store_true", help="baseball under a budget alone")
    given = sys.argv[sys.argv.index("relations") + 1 :] if "relations" in sys.argv else []
    wanted = parser.parse_args(given)
    if not (SHARED / "score" / "rel_score.py").exists():
        print(f"skipped: there is no {SHARED.name}/score beside the checkout, which has the scorer and the tables")
        return
    score = _scorer()
    peers = json.loads((SHARED / "score" / "peers.json").read_text("utf-8"))["scores"]
    _head(SHOWN)
    names = ["baseball"] if wanted.epsilon else wanted.schemas.split(",")
    label = f"aim, epsilon = {EPSILON:g}, delta = {DELTA:g}" if wanted.epsilon else "conditional"
    for name in (n for n in names if n not in SEQUENCES):
        found = [_one(name, seed, score, private=wanted.epsilon) for seed in range(wanted.seeds)]
        _line(f"{name}: {label}", {k: _median([f[k] for f in found]) for k in found[0]})
        for peer, said in peers.items():
            if peer.split(".")[0] == name:
                _line(f"{name}: {peer.split('.')[1]}", said["summary"])
    if any(n in SEQUENCES for n in names):
        print()
        _head(OF_SEQUENCES)
    for name in (n for n in names if n in SEQUENCES):
        frame = frame_of(name, SHARED / "data")
        found = [_sequence(name, frame, seed, score) for seed in range(wanted.seeds)]
        _line(f"{name}: conditional", {k: _median([f[k] for f in found]) for k in found[0]}, OF_SEQUENCES)
        _line(f"{name}: real halves", scored(name, *halves(name, frame), score), OF_SEQUENCES)


def _sequence(name: str, frame: Any, seed: int, score: ModuleType) -> dict[str, Any]:
    drawn, learning, drawing = learn_and_draw(name, frame, seed)
    found = scored(name, frame, drawn, score)
    spent = {"learning": learning, "drawing": drawing, "rate": len(drawn) / drawing}
    return {k: found[k] for k in OF_SEQUENCES} | spent


def _head(shown: dict[str, str]) -> None:
    print("| | " + " | ".join(shown.values()) + " | learning CPU s | drawing CPU s | child rows / CPU s |")
    print("| --- |" + " ---: |" * (len(shown) + 3))


def _median(values: list[float | None]) -> float | None:
    some = [v for v in values if v is not None]
    return statistics.median(some) if some else None


def _line(label: str, found: dict[str, Any], shown: dict[str, str] = SHOWN) -> None:
    def cell(key: str, digits: int) -> str:
        return "–" if found.get(key) is None else f"{found[key]:,.{digits}f}"

    cells = [*(cell(k, 3) for k in shown), cell("learning", 1), cell("drawing", 1), cell("rate", 0)]
    print(f"| {label} | " + " | ".join(cells) + " |", flush=True)


def _one(name: str, seed: int, score: ModuleType, *, private: bool = False) -> dict[str, Any]:
    """The scores of one seed, and what they took."""
    import pyarrow as pa

    from synthkit.generators import registry
    from synthkit.generators.functions import Budget, silent
    from synthkit.generators.related import fit_tables, sample_tables

    schema = json.loads((SHARED / "score" / "schemas" / f"{name}.json").read_text("utf-8"))
    frames, against = _frames(name, schema)
    generator = registry.trained("aim" if private else "conditional")
    budget = Budget(EPSILON, DELTA, PLAYERS) if private else None
    with tempfile.TemporaryDirectory() as folder:
        tables = _tables(schema, frames, Path(folder))
        tables = declared(tables, frames) if private else tables
        started = time.process_time()
        model = fit_tables(
            generator, tables, generator.params(), budget=budget, seed=seed, device="cpu", progress=silent
        )
        learnt = time.process_time()
        batches: dict[str, list[pa.RecordBatch]] = {}
        rows = len(frames[schema["root"]])
        for table, batch in sample_tables(generator, tables, model, rows, conditions=(), seed=seed, progress=silent):
            batches.setdefault(table, []).append(batch)
        drawn = time.process_time()
        sides = []
        for side, parts in (("real", against), ("drawn", {t: _frame(b) for t, b in batches.items()})):
            (Path(folder) / side).mkdir()
            for table, frame in parts.items():
                frame.to_csv(Path(folder) / side / f"{table}.csv", index=False)
            sides.append(score.load(schema, Path(folder) / side))
    found: dict[str, Any] = score.score(schema, *sides, sdmetrics=False)["summary"]
    children = sum(len(sides[1][t]) for t in schema["tables"] if any(f[0] == t for f in schema["fks"]))
    spent = {"learning": learnt - started, "drawing": drawn - learnt, "rate": children / (drawn - learnt)}
    return {k: found[k] for k in SHOWN} | spent


def _frame(batches: Any) -> Any:
    import pyarrow as pa

    return pa.Table.from_batches(batches).to_pandas()


def _frames(name: str, schema: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tables to learn from, and those to be scored against."""
    import pandas as pd

    data, names = SHARED / "data", list(schema["tables"])
    if name == "baseball":
        sides = [{t: pd.read_csv(data / "baseball" / side / f"{t}.csv") for t in names} for side in ("train", "test")]
        return sides[0], sides[1]
    found = {}
    for table in names:
        if name.startswith("jaffle"):
            frame = pd.read_csv(data / "jaffle_shop" / f"raw_{table}.csv")
            frame = frame.drop(columns=[c for c in DROPPED if c in frame])
        else:
            frame = pd.read_csv(data / "northwind" / f"{table}.csv")
            if table in NORTHWIND:
                frame = frame[list(NORTHWIND[table])]
            else:
                frame.insert(0, "detail_id", range(1, len(frame) + 1))
        outside = {"northwind2": ["customer_id"], "jaffle2": ["user_id"]}.get(name, [])
        found[table] = frame.drop(columns=[c for c in outside if c in frame])
    return found, found


def _tables(schema: dict[str, Any], frames: dict[str, Any], folder: Path) -> Any:
    """The frames as tables at rest, an owner for each child: the first of its keys."""
    from synthkit.generators.tables import Key, Tables

    order: list[str] = []
    waiting = [schema["root"], *(t for t in schema["tables"] if t != schema["root"])]
    while waiting:
        name = next(t for t in waiting if all(f[2] in order for f in schema["fks"] if f[0] == t))
        waiting.remove(name)
        order.append(name)
    owned: set[str] = set()
    keys = []
    for child, column, parent, _ in schema["fks"]:
        keys.append(Key(child, (column,), parent, owner=child not in owned))
        owned.add(child)
    return Tables({t: _table(schema, t, frames[t], folder) for t in order}, tuple(keys), first=schema["root"])


def _table(schema: dict[str, Any], name: str, frame: Any, folder: Path) -> Any:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from synthkit.schema import Column, LogicalType, Schema, Table

    keys = {schema["tables"][name]["pk"], *(f[1] for f in schema["fks"] if f[0] == name)}
    columns, arrays = [], {}
    for column in frame:
        values, kind = frame[column], "float"
        if column in keys:
            kind = "id"
        elif column in schema.get("datetime", {}).get(name, []):
            values, kind = pd.to_datetime(values).dt.date, "date"
        elif column in schema["categorical"].get(name, []) or not pd.api.types.is_numeric_dtype(values):
            kind = "categorical"
        elif pd.api.types.is_integer_dtype(values):
            kind = "integer"
        array = pa.Array.from_pandas(values)
        said: LogicalType = kind  # type: ignore[assignment]
        columns.append(Column(column, said, ""))
        arrays[column] = (
            array.cast(pa.string()) if kind == "categorical" and pa.types.is_floating(array.type) else array
        )
    file = folder / f"{name}.parquet"
    pq.write_table(pa.table(arrays), file)
    described = Schema(tuple(columns), (schema["tables"][name]["pk"],), order_by=schema["tables"][name].get("time"))
    return Table(described, (file,), len(frame))


def _scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rel_score", SHARED / "score" / "rel_score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
