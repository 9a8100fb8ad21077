"""``python -m benchmarks keys``: which keys are found in tables whose keys are known, and which others are told.

The shared relational tables are looked at where they lie beside the repository; the others are made, three of each. Of
every table nothing but its rows and names is known. A primary key is missed where another one, or none, is found; one
that is found in a table without is no fault by itself, as rows may well have one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow.parquet as pq

from benchmarks.generators.datasets import SHARED
from benchmarks.keys.declared import FOREIGN, HOLDS, PRIMARY, Foreign, Primary
from benchmarks.keys.made import SCHEMAS, made
from synthkit.project.types import SourceTableSpec
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.infer import profile
from synthkit.sources.ingest import ingest
from synthkit.sources.keys.find import find_keys
from synthkit.sources.keys.seen import Keys, Seen

SEEDS = 3
BAR_RECALL, BAR_FALSE = 0.95, 0.05


@dataclass(frozen=True)
class Result:
    """What came of some tables: what was missed, and foreign keys that are none; ``seconds`` of CPU for the search."""

    name: str
    tables: int
    primary: int
    foreign: int
    missed: tuple[str, ...]
    false: tuple[str, ...]
    doubtful: int
    seconds: float

    @property
    def known(self) -> int:
        return self.primary + self.foreign


def main() -> bool:
    results = list(_results())
    print("| tables | number | primary keys | foreign keys | missed | false | doubtful | CPU s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for r in results:
        counts = f"{r.tables} | {r.primary} | {r.foreign} | {len(r.missed)} | {len(r.false)} | {r.doubtful}"
        print(f"| {r.name} | {counts} | {r.seconds:.2f} |")
    known, missed = sum(r.known for r in results), sum(len(r.missed) for r in results)
    false, foreign = sum(len(r.false) for r in results), sum(r.foreign for r in results)
    recall, wrong = (known - missed) / known, false / foreign
    print(f"\nfound {known - missed} of {known} keys ({recall:.3f}; bar {BAR_RECALL})", end="; ")
    print(f"false {false} foreign keys to {foreign} true ones ({wrong:.3f}; bar {BAR_FALSE})")
    for r in results:
        for what, names in (("missed", r.missed), ("false", r.false)):
            print(*(f"{r.name}: {what} {name}\n" for name in names), sep="", end="")
    return recall < BAR_RECALL or wrong > BAR_FALSE


def _results() -> Iterator[Result]:
    for name in PRIMARY:
        files = sorted(p for p in (SHARED / name).glob("*") if p.suffix in (".csv", ".parquet"))
        if files:
            yield _result(name, files, PRIMARY[name], FOREIGN[name], HOLDS.get(name, set()))
    for name, text in SCHEMAS.items():
        for seed in range(SEEDS):
            with TemporaryDirectory() as folder:
                planted = made(text, seed)
                files = []
                for table, rows in planted.tables.items():
                    files.append(Path(folder) / f"{table}.parquet")
                    pq.write_table(rows, files[-1])
                yield _result(f"{name} {seed}", files, planted.primary, planted.foreign, set())


def _result(name: str, files: list[Path], primary: Primary, foreign: Foreign, holds: Foreign) -> Result:
    with TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as connection:
        tables = seen(connection, files, Path(folder))
        start = time.process_time()
        keys = find_keys(connection, tables)
        seconds = time.process_time() - start
    found = {(r.table, r.columns, r.references) for r in keys.foreign}
    missed = [f"primary key of {t}: {k}, not {keys.primary.get(t)}" for t, k in primary.items() if _other(keys, t, k)]
    missed += [_said(one) for one in sorted(foreign - found)]
    false = [_said(one) for one in sorted(found - foreign - holds)]
    return Result(
        name, len(tables), len(primary), len(foreign), tuple(missed), tuple(false), len(keys.doubtful), seconds
    )


def _other(keys: Keys, table: str, key: tuple[str, ...]) -> bool:
    return set(keys.primary.get(table, ())) != set(key)


def _said(one: tuple[str, tuple[str, ...], str]) -> str:
    return f"{one[0]}.{', '.join(one[1])} -> {one[2]}"


def seen(connection: duckdb.DuckDBPyConnection, files: list[Path], folder: Path) -> Mapping[str, Seen]:
    """The tables of files, as a build reads them."""
    found = {}
    for file in files:
        spec = SourceTableSpec(name=file.stem, path=str(file))
        hashed = content_hash(spec, root=folder, connections={}, cache=None)
        split = ingest(spec, root=folder, connections={}, holdout=0.0, directory=folder, source_hash=hashed)
        found[file.stem] = Seen.of(split.train, profile(connection, split.schema, split.train.paths[0]))
    return found
