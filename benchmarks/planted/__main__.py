"""Databases of known dependence, drawn: what is kept of each beside a second sample of the same law.

    python -m benchmarks planted [--seeds 3] [--worlds shop,school] [--score]

Of each planted dependence: its size in a fresh sample of the law, in the rows learnt from, and in the drawn rows
(medians over seeds), and what of it is kept. ``--score`` adds the figures of ``../shared/score``, where that is there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.planted.worlds import WORLDS, World

ROOTS = 500  # rows of the root drawn at least, so that what is seen is the model more than chance
FRESH = 1_000  # added to a seed: another sample of the same law


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks planted")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--worlds", default="")
    parser.add_argument("--score", action="store_true")
    given = sys.argv[sys.argv.index("planted") + 1 :] if "planted" in sys.argv else []
    wanted = parser.parse_args(given)
    chosen = [n for n in WORLDS if not wanted.worlds or any(w in n for w in wanted.worlds.split(";"))]
    print("| world | what | fresh | learnt from | drawn | kept |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    kept: list[float] = []
    after = []
    for name in chosen:
        kept += _print_world(name, WORLDS[name], wanted.seeds, after, wanted.score)
    low, middle = (sorted(kept)[len(kept) // 10], statistics.median(kept)) if kept else (0.0, 0.0)
    print(f"\n{len(kept)} dependences: kept {middle:.2f} in the median, {low:.2f} of a tenth at most\n")
    for line in after:
        print(line)


def _print_world(name: str, world: World, seeds: int, after: list[str], score: bool) -> list[float]:
    runs = [_run(world, seed) for seed in range(seeds)]
    kept = []
    for label, probe in world.probes.items():
        fresh, learnt, drawn = (
            statistics.median(probe(r[side]) for r in runs) for side in ("fresh", "learnt", "drawn")
        )
        kept.append(drawn / learnt if abs(learnt) > 1e-9 else 0.0)
        print(f"| {name} | {label} | {fresh:.3f} | {learnt:.3f} | {drawn:.3f} | {kept[-1]:.2f} |", flush=True)
    for label, probe in world.exact.items():
        worst = min(probe(r["drawn"]) for r in runs)
        print(f"| {name} | exact: {label} | {probe(runs[0]['fresh']):.3f} | | {worst:.3f} | |", flush=True)
    seconds = statistics.median(r["seconds"] for r in runs)
    said = f"- {name}: {seconds:.1f} CPU s"
    if score:
        from benchmarks.relations import SHARED, SHOWN, _scorer

        if (SHARED / "score" / "rel_score.py").exists():
            scorer = _scorer()
            for side in ("drawn", "learnt"):
                found = [_scored(world, r["fresh"], r[side], scorer) for r in runs]
                cells = {
                    shown: statistics.median(f[k] for f in found)
                    for k, shown in SHOWN.items()
                    if all(f[k] is not None for f in found)
                }
                said += f"; {side}: " + ", ".join(f"{k} {v:.3f}" for k, v in cells.items())
    after.append(said)
    return kept


def _run(world: World, seed: int) -> dict[str, Any]:
    """The rows learnt from, drawn, and fresh ones."""
    started = time.process_time()
    learnt, drawn = drawn_from(world, world.make(seed), seed)
    fresh = world.make(seed + FRESH)
    return {"learnt": learnt, "fresh": fresh, "drawn": drawn, "seconds": time.process_time() - started}


def drawn_from(world: World, learnt: dict[str, Any], seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tables that are learnt, and as many drawn rows or more."""
    import pandas as pd
    import pyarrow as pa

    from synthkit.generators import registry
    from synthkit.generators.functions import silent
    from synthkit.generators.related import fit_tables, sample_tables

    generator = registry.trained("conditional")
    with tempfile.TemporaryDirectory() as folder:
        tables = tables_of(world, learnt, Path(folder))
        model = fit_tables(generator, tables, generator.params(), budget=None, seed=seed, device="cpu", progress=silent)
        batches: dict[str, list[pa.RecordBatch]] = {}
        rows = max(len(learnt[tables.root]), ROOTS)
        for table, batch in sample_tables(generator, tables, model, rows, conditions=(), seed=seed, progress=silent):
            batches.setdefault(table, []).append(batch)
    drawn = {t: pa.Table.from_batches(batches[t]).to_pandas() for t in learnt}
    for table, column in world.times.items():
        drawn[table][column] = pd.to_datetime(drawn[table][column])
    return learnt, drawn


def tables_of(world: World, frames: dict[str, Any], folder: Path) -> Any:
    """Frames as tables at rest, with what is said of their keys."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from synthkit.generators.tables import Tables
    from synthkit.schema import Column, LogicalType, Schema, Table

    members = {}
    for name, frame in frames.items():
        keys = {c for k in world.keys if k.table == name for c in k.columns}
        keys |= set(world.primary[name]) if len(world.primary[name]) == 1 else set()
        columns, arrays = [], {}
        for column in frame:
            values, kind = frame[column], "float"
            if column in keys:
                kind = "id"
            elif pd.api.types.is_datetime64_any_dtype(values):
                values, kind = values.dt.date, "date"
            elif not pd.api.types.is_numeric_dtype(values):
                kind = "categorical"
            elif pd.api.types.is_integer_dtype(values):
                kind = "integer"
            said: LogicalType = kind  # type: ignore[assignment]
            columns.append(Column(column, said, ""))
            arrays[column] = pa.Array.from_pandas(values)
        file = folder / f"{name}.parquet"
        pq.write_table(pa.table(arrays), file)
        described = Schema(tuple(columns), world.primary[name], order_by=world.times.get(name))
        members[name] = Table(described, (file,), len(frame))
    return Tables(members, world.keys)


def _scored(world: World, real: dict[str, Any], other: dict[str, Any], scorer: Any) -> dict[str, Any]:
    """The scorer's summary; composite keys are joined into one column each."""
    parts = [{t: f.copy() for t, f in side.items()} for side in (real, other)]
    schema: dict[str, Any] = {"tables": {}, "categorical": {}, "datetime": {}, "fks": [], "root": next(iter(real))}
    for name, primary in world.primary.items():
        schema["tables"][name] = {"pk": "|".join(primary) if len(primary) > 1 else primary[0]}
        if name in world.times:
            schema["tables"][name]["time"] = world.times[name]
            schema["datetime"][name] = [world.times[name]]
        for side in parts:
            _joined(side[name], primary)
    for key in world.keys:
        column = "|".join(key.columns)
        for side in parts:
            _joined(side[key.table], key.columns)
        if not key.inner:
            schema["fks"].append([key.table, column, key.references, schema["tables"][key.references]["pk"]])
        else:
            for side in parts:
                side[key.table].drop(columns=column, inplace=True)
    single = {c for cs in (*world.primary.values(), *(k.columns for k in world.keys)) if len(cs) > 1 for c in cs}
    for name in real:
        named = {schema["tables"][name]["pk"], *(f[1] for f in schema["fks"] if f[0] == name)}
        for side in parts:
            side[name] = side[name][[c for c in side[name] if c in named or c not in single]]
    with tempfile.TemporaryDirectory() as folder:
        loaded = []
        for number, side in enumerate(parts):
            (Path(folder) / str(number)).mkdir()
            for name, frame in side.items():
                frame.to_csv(Path(folder) / str(number) / f"{name}.csv", index=False)
            loaded.append(scorer.load(json.loads(json.dumps(schema)), Path(folder) / str(number)))
    found: dict[str, Any] = scorer.score(schema, *loaded, sdmetrics=False)["summary"]
    return found


def _joined(frame: Any, columns: tuple[str, ...]) -> None:
    if len(columns) > 1:
        frame["|".join(columns)] = frame[list(columns)].astype(str).agg("|".join, axis=1)


if __name__ == "__main__":
    main()
