"""Rows that belong to one another are held out together: whose side a row takes, by its keys from owner to owner.

A line belongs to an order, the order to a customer. The customer's key decides for all of them, as it would decide for
the customer alone (:mod:`.split`): the same salt, the same canonical text. A row's side depends on its own keys and on
the rows that they name, one of each owner, and on no other row:

- where a key names no row (an orphan), the chain ends there, and the key's own value decides: all rows that carry it
  are on one side, and of a key to the top on that on which its row would be;
- where a key is missing, the row is nobody's, and its own primary key (without one, its content) decides for it and
  for what belongs to it.

Two tables may store one key otherwise: 7 as BIGINT, as DOUBLE, as text, 07; a UUID in capitals. :func:`key_text` makes
one text of them. That two different keys may become one text holds them out together, which does no harm.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthkit.errors import BuildError
from synthkit.project.decides import deciding
from synthkit.project.ownership import Step, TablesByName, owners, owning
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.canonical import SEPARATOR, joined, told_apart
from synthkit.sources.location import location
from synthkit.sources.scan import Opened, opened
from synthkit.sources.split import SALT, bucket
from synthkit.sources.unchanged import unchanged
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import literal

VERSION = 1  # of what is read of a table whose rows belong to others: enters the name of its split

_WHOLE = r"[+-]?[0-9]{1,38}(\.0*)?"
_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


@dataclass(frozen=True)
class Above:
    """An owner whose rows say whose its children are.

    Args:
        columns: of the owner, that lead further up, or hold its unit.
        owned: whether they name a row of its own owner; else they are the unit, at the top.
        source_hash: of the content that is to be read.
    """

    spec: SourceTableSpec
    columns: tuple[str, ...]
    owned: bool
    source_hash: str


@dataclass(frozen=True)
class Ownership:
    """The way from a table's rows to the unit whose key decides their side.

    Args:
        columns: of the table, that name a row of its owner; of the table at the top, its unit.
        owned: whether they name a row of an owner.
        owner: the name of that owner; "" at the top.
        above: the owners that must be read, the nearest first. The row at the end is told by ``columns`` of the last.
    """

    columns: tuple[str, ...]
    owned: bool
    owner: str = ""
    above: tuple[Above, ...] = ()

    def key(self) -> dict[str, Any]:
        """What decides the sides beside the table's own rows, for the name of its split."""
        above = [[deciding(a.spec, "rows", "split"), a.columns, a.source_hash] for a in self.above]
        return {"columns": self.columns, "owned": self.owned, "above": above, "version": VERSION}


def ownership_of(tables: TablesByName, name: str, content: Callable[[str], str]) -> Ownership | None:
    """How a table's rows are divided by keys; None where no key owns anything of it.

    Args:
        tables: of the group.
        content: the content hash of a table of the group, by its name.
    """
    steps = owners(tables, name)
    if not steps:
        table = tables[name]
        unit = _unit(table)
        return Ownership(unit, owned=False) if owning(tables, name) and unit else None
    return Ownership(steps[0].columns, True, steps[0].owner.name, tuple(_above(steps, content)))


def owners_read(tables: TablesByName, name: str) -> tuple[str, ...]:
    """The owners whose rows decide sides of a table's rows, the nearest first."""
    found = ownership_of(tables, name, lambda _: "")
    return () if found is None else tuple(a.spec.name for a in found.above)


def _above(steps: Sequence[Step], content: Callable[[str], str]) -> list[Above]:
    """The owners that must be read: the one at the top only where its unit is not its primary key."""
    found = []
    for step, further in zip(steps, (*steps[1:], None), strict=True):
        owner = step.owner
        if further is not None:
            found.append(Above(owner, further.columns, True, content(owner.name)))
        elif _unit(owner) != owner.primary_key:
            found.append(Above(owner, _unit(owner), False, content(owner.name)))
    return found


def _unit(table: SourceTableSpec) -> tuple[str, ...]:
    return table.primary_key if table.privacy_unit is None else (table.privacy_unit,)


def key_text(text: str) -> str:
    """SQL for a key's text whatever its type is, of its canonical text (SQL); NULL where it is missing."""
    trimmed = f"nullif(trim({text}), '')"
    whole = f"CAST(TRY_CAST(regexp_extract({trimmed}, '^[+-]?[0-9]+') AS HUGEINT) AS VARCHAR)"
    return (
        f"CASE WHEN regexp_full_match({trimmed}, {literal(_WHOLE)}) THEN coalesce({whole}, {trimmed}) "
        f"WHEN regexp_full_match({trimmed}, {literal(_UUID)}) THEN lower({trimmed}) ELSE {trimmed} END"
    )


def _key(source: Opened, columns: Sequence[str]) -> str:
    """SQL for one text of the columns; NULL where one of them is missing."""
    parts = [f"'v' || {key_text(source.unit(c))}" for c in columns]
    return f" || {SEPARATOR} || ".join(f"({part})" for part in parts)


def _by_key(salt: str, key: str) -> str:
    """SQL for the bucket of a :func:`_key`: that of :func:`.split.bucket` of a unit of these values."""
    return bucket(f"{literal(salt)} || {SEPARATOR} || {key}")


def own_side(source: Opened) -> str:
    """SQL for the bucket of a row that is nobody's: by its own key, else by its content."""
    salt = f"{SALT} {source.spec.name}"
    if not source.spec.primary_key:
        return bucket(source.row(salt))
    return bucket(joined(salt, [told_apart(key_text(source.unit(c))) for c in source.spec.primary_key]))


def unit_side(source: Opened, columns: Sequence[str]) -> str:
    """SQL for the bucket of a row at the top, by its unit; rows without one are one unit."""
    return bucket(joined(SALT, [told_apart(key_text(source.unit(c))) for c in columns]))


def up(source: Opened, columns: Sequence[str]) -> str:
    """SQL for what names the owner's row."""
    return _key(source, columns)


def side(key: str, own: str, owner: str, above: str | None) -> str:
    """SQL for the bucket of a row that belongs to another.

    Args:
        key: SQL of what names the owner's row (:func:`up`); own: of :func:`own_side`.
        owner: the owner's name.
        above: SQL of the bucket of the owner's row, NULL where there is none; None where the key itself decides.
    """
    found = _by_key(SALT, key) if above is None else f"coalesce({above}, {_by_key(f'{SALT} {owner}', key)})"
    return f"CASE WHEN {key} IS NULL THEN {own} ELSE {found} END"


def read_owners(
    ownership: Ownership, *, root: Path, connections: Mapping[str, ConnectionSpec], making: Path, lenient: bool
) -> Path | None:
    """Write the bucket of each row of the nearest owner by its key (columns ``key``, ``bucket``) below ``making``.

    Returns None where no owner need be read.

    Raises:
        BuildError: two rows of an owner have one primary key and are of two people; an owner is not what was planned.
    """
    found: Path | None = None
    for index in reversed(range(len(ownership.above))):
        above = ownership.above[index]
        further = ownership.above[index + 1].spec.name if index + 1 < len(ownership.above) else _further(above)
        target, scratch = making / f"owners-{index}.parquet", making / f"scratch-{index}"
        watched = unchanged(above.spec, root=root, connections=connections, source_hash=above.source_hash)
        places = {"scratch": scratch, "making": making}
        with (
            watched as watch,
            opened(
                above.spec, root=root, connections=connections, lenient=lenient, snapshot=watch.snapshot, **places
            ) as source,
        ):
            _write_owner(source, above, further, found, target)
        shutil.rmtree(scratch, ignore_errors=True)
        if found is not None:
            found.unlink()
        found = target
    return found


def _further(above: Above) -> str:
    """The owner of the last that is read, whose key decides without being read."""
    return next((k.references for k in above.spec.foreign_keys or () if k.owner), "")


def _write_owner(source: Opened, above: Above, further: str, next_up: Path | None, target: Path) -> None:
    import duckdb

    key = _key(source, above.spec.primary_key)
    if not above.owned:
        rows = f"SELECT {key} AS key, {unit_side(source, above.columns)} AS bucket FROM raw"
    else:
        each = f"SELECT {key} AS key, {up(source, above.columns)} AS up, {own_side(source)} AS own FROM raw"
        if next_up is None:
            rows = f"SELECT key, {side('up', 'own', further, None)} AS bucket FROM ({each})"
        else:
            found = side("r.up", "r.own", further, "o.bucket")
            owner = parquet_scan(next_up)
            rows = f"SELECT r.key, {found} AS bucket FROM ({each}) r LEFT JOIN {owner} o ON r.up = o.key"
    query = (
        f"SELECT key, min(bucket) AS bucket, min(bucket) <> max(bucket) AS several FROM ({rows}) "
        "WHERE key IS NOT NULL GROUP BY key"
    )
    try:
        source.connection.execute(f"COPY ({query}) TO {literal(str(target))} (FORMAT parquet)")
        row = source.connection.execute(f"SELECT count(*) FROM {parquet_scan(target)} WHERE several").fetchone()
    except duckdb.Error as error:
        reason = str(error).split("\n")[0]
        raise BuildError(
            f"cannot read the keys of {above.spec.name!r}: {reason}", location(above.spec, "name")
        ) from None
    several = 0 if row is None else int(row[0])
    if several:
        raise BuildError(
            f"{several:,} primary keys of {above.spec.name!r} stand in several rows that belong to different owners, "
            "so whose the rows are that name them is not known",
            location(above.spec, "primary_key"),
            "mend the source, or name a primary_key that is unique",
        )
