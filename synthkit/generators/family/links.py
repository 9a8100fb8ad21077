"""What each key is: an owner, one that always follows from another, one that is looked up, or a row's own table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.generators.family.model import Link
from synthkit.generators.tables import Key, Tables
from synthkit.rules.coding import codes_of, joint_codes, missing, text_of, whole

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


UNLIKE = 30  # rows with both of two keys, from which it is said that they never name the same row
DOUBLED = 30  # times that a way up is made twice as long: longer than any number of rows
DEEPEST = 100  # levels below a row that are told apart
FEW_AGREE = 10  # rows that are left where others name held-out rows: of so few nothing is said
UNLIKE_ALIKE = 5  # times that they do in two rows of an owner that follow one another


def owner_of(links: Sequence[Link]) -> int | None:
    """The number of the owner among a table's links."""
    return next((i for i, link in enumerate(links) if link.kind == "owner"), None)


def phases(
    links: Mapping[str, Sequence[Link]], kept: Collection[str], root: str
) -> tuple[list[str], list[str], list[str]]:
    """Tables drawn before the root, with it, and after all of it; ``links`` has each after those that its keys name."""
    early: list[str] = []
    hanging: list[str] = []
    late: list[str] = []
    for name, own in links.items():
        needs = [link.references for link in own if link.kind not in ("self", "cut")]
        owner = owner_of(own)
        above = None if owner is None else own[owner].references
        if name in kept:
            early.append(name)
        elif name == root or (above in hanging and not set(needs) & set(late)):
            hanging.append(name)
        elif set(needs) & {*hanging, *late}:
            late.append(name)
        else:
            early.append(name)
    return early, hanging, late


def owning(name: str, tables: Tables) -> Key | None:
    """The key whose rows a table's rows are drawn with; None: the table has as many rows as the source, or the size.

    It is the owner that is said; else the first key that leads to the root, as there are more of its rows when there
    are more of the root's; else one whose columns are of the primary key: such a row is known by the one that it names.
    """
    if name in tables.kept or name == tables.root:
        return None
    keys = [k for k in tables.keys if k.table == name and k.references != name and not k.cut]
    primary = set(tables.members[name].schema.primary_key)
    chosen = [
        *(k for k in keys if k.owner),
        *(k for k in keys if leads(k.references, tables)),
        *(k for k in keys if set(k.columns) <= primary),
    ]
    return chosen[0] if chosen else None


def leads(name: str, tables: Tables) -> bool:
    """Whether a table is the root, or belongs to it."""
    if name == tables.root:
        return True
    key = owning(name, tables)
    return key is not None and leads(key.references, tables)


def whom_of(name: str, tables: Tables, named: Mapping[Key, Array]) -> dict[Key, Array]:
    """By key of a table a number for what each row names, the same in all keys to one table; below 0: nothing.

    Rows that were held out have numbers, too: which row it is that two rows name is not known of them (-2), but that
    they name the same one is.
    """
    import numpy as np
    import pyarrow as pa

    found: dict[Key, Array] = {}
    keys = [] if name in tables.kept else [k for k in tables.keys if k.table == name]
    for references in {k.references for k in keys}:
        some = [k for k in keys if k.references == references]
        found |= {k: named[k] for k in some}
        if not any(k.inner or (named[k] == -2).any() for k in some):
            continue
        sides = [[whole(c) for c in tables.members[name].to_arrow(list(k.columns)).columns] for k in some]
        null, parts = np.zeros(len(some) * len(named[some[0]]), dtype=bool), []
        for columns in zip(*sides, strict=True):
            alike = all(c.type == columns[0].type for c in columns)
            column = pa.concat_arrays(columns if alike else [text_of(c) for c in columns])
            null |= missing(column)
            parts.append(codes_of(column))
        told = np.where(null, -1, joint_codes(parts)).reshape(len(some), -1)
        for key, numbers in zip(some, told, strict=True):
            found[key] = np.where(named[key] == -2, -1, numbers) if key.orphans else numbers
    return found


def links_of(
    name: str, tables: Tables, named: Mapping[Key, Array], whom: Mapping[Key, Array] | None = None
) -> tuple[Link, ...]:
    """The links of a table, in the order of its keys.

    Args:
        named: by key, which row each row names; -1: none, -2: one that is not there.
        whom: as :func:`whom_of` has it; None: ``named``.
    """
    import numpy as np

    whom = named if whom is None else whom
    keys = [] if name in tables.kept else [k for k in tables.keys if k.table == name]
    own = owning(name, tables)
    found = []
    for key in keys:
        rows = named[key]
        some = whom[key][whom[key] >= 0]
        sure = rows if key.orphans else rows[rows != -2]  # what was held out is not missing
        nulls = float((sure < 0).mean()) if len(sure) else 0.0
        most = key.max_per_parent or 0
        lost = float((rows == -2).sum() / max(1, (rows < 0).sum())) if key.orphans else 0.0
        if key is own:
            found.append(Link(key.columns, key.references, "owner", nulls=nulls, most=most, lost=lost))
            continue
        through = _follows(key, keys, tables, named)
        if through is not None:
            found.append(Link(key.columns, key.references, "same", through, nulls=nulls))
            continue
        once = bool(len(some)) and bool(np.bincount(some).max() <= 1) and len(some) > 1
        kind = "self" if key.references == name else "cut" if key.cut else "looked"
        within = _within(key, own, tables, named)
        itself = bool((rows == np.arange(len(rows))).any()) and not (rows < 0).any()
        # A primary key of the two says so; values that name no row, for which any stands here, may hide it.
        declared = own is not None and {*own.columns, *key.columns} == {*tables.members[name].schema.primary_key}
        apart = own is not None and (declared or _apart(named[own], whom[key]))
        through = ("itself",) if kind == "self" and itself else ()
        before = [(i, k) for i, k in enumerate(keys[: len(found)]) if found[i].kind == "looked" == kind]
        unlike = tuple(
            i for i, k in before if k.references == key.references and _unlike(whom[k], whom[key], named, own)
        )
        found.append(Link(key.columns, key.references, kind, through, within, once, apart, nulls, most, lost, unlike))
    return tuple(found)


def _follows(key: Key, keys: Sequence[Key], tables: Tables, named: Mapping[Key, Array]) -> tuple[str, ...] | None:
    """By which other key the same row is always reached: the columns of each key on the way, joined by commas.

    A payment names the customer of its rental.
    """
    import numpy as np

    if key.cut:
        return None
    wanted = named[key]
    for first in keys:
        if first == key or first.cut or first.references == key.table:
            continue
        waiting: list[tuple[tuple[Key, ...], Array]] = [((first,), named[first])]
        for _ in range(4):
            following: list[tuple[tuple[Key, ...], Array]] = []
            for path, rows in waiting:
                kept = any(k.orphans for k in (key, *path))
                if len(path) > 0 and path[-1].references == key.references and _agree(rows, wanted, kept):
                    return tuple(",".join(k.columns) for k in path)
                for step in _onwards(path[-1].references, tables):
                    onwards = np.where(rows >= 0, named[step][np.maximum(rows, 0)], rows) if len(named[step]) else rows
                    following.append(((*path, step), onwards))
            waiting = following
    return None


def _onwards(name: str, tables: Tables) -> list[Key]:
    """The keys by which a row of a table leads to others."""
    if name in tables.kept:
        return []
    return [k for k in tables.keys if k.table == name and k.references != name and not k.cut]


def _agree(rows: Array, wanted: Array, orphans: bool) -> bool:
    """Whether two ways lead to the same rows.

    One to a row that was held out (-2) says nothing, unless ``orphans``; nor do the others where they are few, or all
    lead to one row: they may agree by chance.
    """
    import numpy as np

    some = (rows >= 0) | (wanted >= 0)
    out = (rows == -2) | (wanted == -2)
    if not orphans and out.any():
        some &= ~out
        if some.sum() <= FEW_AGREE or not (np.ptp(rows[some]) and np.ptp(wanted[some])):
            return False
    return bool(some.any()) and bool((rows[some] == wanted[some]).all())


def _within(key: Key, own: Key | None, tables: Tables, named: Mapping[Key, Array]) -> bool:
    """Whether a row that is named always has the same owner as the row that names it."""
    import numpy as np

    if own is None:
        return False
    there = owning(key.references, tables)
    if there is None or there.references != own.references:
        return False
    rows, mine = named[key], named[own]
    some = (rows >= 0) & (mine != -2)
    theirs = named[there][np.maximum(rows, 0)] if len(named[there]) else rows
    return bool(some.sum() > 10) and bool((theirs[some] == mine[some]).all())


def _apart(entity: Array, rows: Array) -> bool:
    """Whether no two rows of an entity name the same row."""
    import numpy as np

    some = (entity >= 0) & (rows >= 0)
    if some.sum() < 10 or len(np.unique(entity[some])) == some.sum():
        return False
    pairs = np.stack([entity[some], rows[some]], axis=1)
    return len(np.unique(pairs, axis=0)) == len(pairs)


def _unlike(one: Array, other: Array, named: Mapping[Key, Array], own: Key | None) -> bool:
    """Whether two keys never name one row in a row, though they often would if either were mixed among its owner's."""
    import numpy as np

    both = np.flatnonzero((one >= 0) & (other >= 0))
    if len(both) < UNLIKE or (one[both] == other[both]).any():
        return False
    entity = named[own][both] if own is not None else np.zeros(len(both), dtype=np.int64)
    order = np.argsort(entity, kind="stable")
    shifted = both[order]
    alike = (one[shifted[1:]] == other[shifted[:-1]]) & (entity[order][1:] == entity[order][:-1])
    return int(alike.sum()) >= UNLIKE_ALIKE


def levels(rows: Array) -> Array:
    """How far below the top each row stands that names a row of its own table; a row that names itself is the top.

    Rows that name each other in a circle stand at the top.
    """
    import numpy as np

    at = np.arange(len(rows))
    above = np.where((rows < 0) | (rows == at), -1, rows)
    level, now = np.zeros(len(rows)), above
    for _ in range(len(rows)):
        level += now >= 0
        if not (now >= 0).any():
            return level
        now = np.where(now >= 0, above[np.maximum(now, 0)], -1)
        if level.max(initial=0) > 1_000:
            break
    return np.where(now >= 0, 0.0, level)


def hung(rows: Array, rng: np.random.Generator) -> Array:
    """The row above each row of a tree, where that of some is not there (-2), as it was held out: then one that a row
    with as many levels below it names, the more likely the more name it.

    Any row at all would make circles, and trees deeper than they are. Only rows that lead to a top that is there are
    named, so what hangs on them is a tree. Where no top is there, as the only one was held out, the tallest of the rows
    without one stands in its place. Rows stay as they are where none leads there.
    """
    import numpy as np

    at = np.arange(len(rows))
    top, lost = (rows == -1) | (rows == at), rows == -2
    above = np.where(top | lost, at, rows)
    height = np.zeros(len(rows), dtype=np.int64)
    end, step = above, at.copy()
    for _ in range(DOUBLED):  # up to where each row's way ends
        end = end[end]
    for depth in range(1, DEEPEST):
        following = above[step]
        if not (going := following != step).any():
            break
        step = following
        np.maximum.at(height, step[going], depth)
    found = rows.copy()
    if not top.any() and height[lost].any():
        first = int(np.flatnonzero(lost)[np.argmax(height[lost])])
        found[first], top[first], lost[first] = -1, True, False
    known = np.flatnonzero(~top & ~lost & top[end])
    for tall in np.unique(height[lost]).tolist():
        some = known[height[known] == tall]
        some = some if len(some) else known
        here = np.flatnonzero(lost & (height == tall))
        if len(some):
            found[here] = rows[some[rng.integers(0, len(some), len(here))]]
    return found
