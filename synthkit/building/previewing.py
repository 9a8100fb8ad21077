"""A family in seconds: a small fit of some of its entities with all that is theirs, and rows of its tables."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from synthkit.building.auditing import documented
from synthkit.building.trial import Preview, Trial, sampled, shorter, trial, written
from synthkit.compiler import Manifest
from synthkit.compiler.familynode import FamilyNode
from synthkit.errors import BuildError
from synthkit.generators.tables import Key
from synthkit.project.size import Size
from synthkit.runners.jobs import JobProgress
from synthkit.runners.parts import FamilyMember, FamilyParts
from synthkit.sources.split import Split, load_split
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import quote
from synthkit.store.staging import StagedRows

LEAST = 200  # rows of the root that are learnt from, where there are so many


def preview_family(
    manifest: Manifest, family: FamilyNode, name: str, *, rows: int, learn: int, progress: JobProgress
) -> Preview:
    """Fit a family to some of its entities, and draw as many.

    Args:
        name: of one of its tables, or its own: then its root's rows are shown, and all others beside.
        learn: rows of the largest table that belongs to the root, at most about so many.

    Raises:
        BuildError: it cannot be trained or drawn.
    """
    began = time.perf_counter()
    names = list(family.members.values())
    with trial(manifest, names) as tried:
        jobs, scratch = {table: tried.jobs(n) for table, n in family.members.items()}, tried.staging
        whole = {table: load_split(one.read()) for table, one in jobs.items()}
        folders = some_entities(whole, family.keys, family.root, tried.folder / "split", learn)
        learnt = {table: load_split(one).train.rows for table, one in folders.items()}
        job = jobs[family.root].family(jobs, None)
        shortened = shorter(job.params)
        members = {
            table: replace(one, split=folders[table], stage_dir=scratch.directory(one.model, one.sample))
            for table, one in job.members.items()
        }
        small = replace(
            job,
            members=members,
            params={**job.params, **shortened},
            size=Size(rows=max(rows, learnt[family.root])),
            model_dir=scratch.model_dir(tried.context.actions[names[0]].fingerprint.train),
        )
        tried.workers.run(small, progress)
        staged = {table: _staged(tried, one.model, one.sample) for table, one in members.items()}
        parts = {
            table: FamilyMember(documented(one.table, jobs[table].model.schema), folders[table])
            for table, one in staged.items()
        }

        def of(table: str) -> Preview:
            import pyarrow.parquet as pq

            model, drawn = manifest.models[family.members[table]], staged[table]
            shown = pq.read_table(drawn.path).slice(0, rows).replace_schema_metadata(None)
            beside = FamilyParts(table, parts, family.keys)
            found, left = tried.judged(model, drawn, folders[table], beside)
            many = (drawn.table.rows, learnt[table], whole[table].train.rows)
            return Preview(model.name, shown, *many, shortened, found, left, time.perf_counter() - began)

        alone = next((table for table, model in family.members.items() if model == name), None)
        first = of(alone or family.root)
        others = () if alone is not None else tuple(of(t) for t in family.members if t != family.root)
    return replace(first, others=others)


def _staged(tried: Trial, model: str, sample: str) -> StagedRows:
    found = tried.staging.staged(model, sample)
    if found is None:
        raise BuildError(f"no rows of {model!r} were drawn")
    return found


def some_entities(
    splits: Mapping[str, Split], keys: Sequence[Key], root: str, folder: Path, most: int
) -> dict[str, Path]:
    """The folders of splits that hold some rows of the root, whole units, with the rows that belong to them.

    Tables of which rows are only looked up stay whole. Which rows of the root are there follows from a hash.
    """
    owners = {k.table: k for k in keys if k.owner}
    owned = {t: k for t, k in owners.items() if _top(t, owners) == root}
    largest = max(splits[t].train.rows for t in (root, *owned))
    wanted = max(LEAST, math.ceil(splits[root].train.rows * most / largest))
    folder.mkdir(parents=True)
    found = {table: split.directory for table, split in splits.items()}
    found[root] = sampled(splits[root], folder / "root", wanted)
    if found[root] == splits[root].directory:
        return found
    waiting = [table for table in splits if table in owned]
    while waiting:
        table = next(t for t in waiting if owned[t].references not in waiting)
        waiting.remove(table)
        key = owned[table]
        primary = splits[key.references].schema.primary_key
        found[table] = _theirs(splits[table], key, found[key.references], primary, folder / f"{len(waiting)}")
    return found


def _top(table: str, owners: Mapping[str, Key]) -> str:
    while table in owners:
        table = owners[table].references
    return table


def _theirs(split: Split, key: Key, above: Path, primary: Sequence[str], folder: Path) -> Path:
    """The folder of a split with the rows alone that name a row of their owner which is there."""
    folder.mkdir()
    record = json.loads((split.directory / "split.json").read_text("utf-8"))
    sides = ["train"] if split.holdout is None else ["train", "holdout"]
    for side in sides:
        same = " AND ".join(
            f"CAST(here.{quote(mine)} AS VARCHAR) = CAST(there.{quote(other)} AS VARCHAR)"
            for mine, other in zip(key.columns, primary, strict=True)
        )
        parent = parquet_scan(above / f"{side}.parquet")
        where = f"EXISTS (SELECT 1 FROM {parent} AS there WHERE {same})"
        record[f"{side}_rows"] = written(split.directory / f"{side}.parquet", where, folder / f"{side}.parquet")
    record.pop("bounded_rows", None)
    (folder / "split.json").write_text(json.dumps(record), "utf-8")
    return folder
