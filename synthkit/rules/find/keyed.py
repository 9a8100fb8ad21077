"""What belongs to a key whose values repeat, as a person's or a shop's do: columns that are the same in all its rows,
and columns that tell its rows apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from synthkit.rules.dependency import Dependency
from synthkit.rules.find.columns import Columns
from synthkit.rules.find.dependencies import MOST_SINGLE, one_way
from synthkit.rules.find.evidence import Found
from synthkit.rules.find.groups import unique

if TYPE_CHECKING:
    import pyarrow as pa

FEWEST = 20  # rows: of fewer nothing is said


def held_by_keys(table: pa.Table, keys: Sequence[str], others: Sequence[str]) -> Iterator[Found]:
    """``unit -> state`` and ``unique: [unit, year]`` that hold in all rows.

    Args:
        keys: columns that are known to name things.
        others: columns that they may say something of.
    """
    if table.num_rows < FEWEST:
        return
    columns = Columns(table.select([*keys, *others]))
    looks = [columns.by_name[n] for n in others if n in columns.by_name][:MOST_SINGLE]
    candidates = max(1, len(looks) * len(keys))
    for name in keys:
        if name not in columns.by_name:
            continue
        key = replace(columns.by_name[name], kind="text")  # a number that names things is none to reckon with
        held = set()
        for look in looks:
            evidence = one_way(columns, key, look, candidates) if look.varies else None
            if evidence is not None and evidence.exceptions == 0:
                held.add(look.name)
                yield Found(Dependency((name,), look.name), evidence)
        for look in looks:
            if look.name not in held and look.whole and not look.nulls and not look.key:
                pair = Columns(table.select([name, look.name]))
                yield from (one for one in unique(pair, {}) if set(one.rule.columns) == {name, look.name})
