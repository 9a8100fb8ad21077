"""Keys of tables that are put together: which ones the real rows have, so that drawn rows get others.

A surrogate key tells rows apart and means nothing else, so any will do in a table of its own (``own``: 1, 2, …). Where
drawn rows are appended to real ones they need keys that no real row has, training or held out: ``fresh`` ones, which
one sees are not real, or those that ``continue`` after the largest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.encoding.rules import FillRule
from synthkit.encoding.shapes import digest
from synthkit.encoding.values import largest_of
from synthkit.errors import BuildError
from synthkit.project.types import Keys
from synthkit.schema import Column, Table

if TYPE_CHECKING:
    pass

WIDE = frozenset({"VARCHAR", "BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"})  # types with room for random keys
# A million random keys beside a million real ones: one of them is real with a probability of 2e-7.
RANDOM_BITS = 62
_COUNTED = re.compile(r"(.*?)([0-9]+)([^0-9]*)", re.DOTALL)


@dataclass(frozen=True)
class Numbered:
    """Texts that count: what stands before and after the number, and how many digits it is filled up to with zeros."""

    before: str
    width: int
    after: str

    def text(self, number: int) -> str:
        """
        >>> Numbered("C-", 5, "").text(42)
        'C-00042'
        """
        return f"{self.before}{number:0{self.width}d}{self.after}"


@dataclass(frozen=True)
class Taken:
    """What the keys of one column must leave alone.

    Args:
        last: numbers begin after it.
        texts: digests of texts that are taken.
        numbered: the form of texts that count on; None: they have the learnt shapes.
        random: keys are random, as nothing is known of the real ones: UUIDs, or numbers of :data:`RANDOM_BITS` bits.
    """

    last: int = 0
    texts: frozenset[str] = frozenset()
    numbered: Numbered | None = None
    random: bool = False


FREE = Taken()  # of ``own``: nothing is in the way


def taken_keys(
    keys: Keys, filled: Sequence[FillRule], primary_key: Sequence[str], real: Sequence[Table], *, declared: bool
) -> Mapping[str, Taken]:
    """For each made-up key, what real rows have taken: of those that tell rows apart, and those that refer to such.

    Args:
        filled: how columns are made up.
        real: the training rows and the held-out ones.
        declared: go by what is declared of the columns alone, without a look at the rows.

    Raises:
        BuildError: the table has no made-up key, its primary key is learnt, or its keys cannot be continued.
    """
    if keys == "own":
        return {}
    columns = [rule.column for rule in filled if rule.kind in ("key", "foreign")]
    if not columns or (primary_key and not set(primary_key) & {c.name for c in columns}):
        what = f"the primary key ({', '.join(primary_key)}) is not" if primary_key else "no column is"
        raise BuildError(
            f"keys: {keys} asks for other keys than the real ones, but {what} made up as one",
            hint="give the key's column type: id, or leave keys out",
        )
    if declared:
        return {c.name: declared_taken(keys, c) for c in columns}
    return {c.name: taken_of(keys, c, real) for c in columns}


def declared_taken(keys: Keys, column: Column) -> Taken:
    """Without a look at the rows: random keys, of which no table has so many that one of them is likely to be real.

    Raises BuildError where the column cannot hold such keys; :func:`unknowable` says that before a build.
    """
    problem = unknowable(keys, column)
    if problem is not None:
        raise BuildError(problem[0], hint=problem[1])
    return Taken(random=True)


def unknowable(keys: Keys, column: Column) -> tuple[str, str] | None:
    """Why a column cannot have such keys (message, hint) where nobody may look at the real ones."""
    if keys == "continue":
        return (
            f"under epsilon nobody may know the last {column.name!r}, so keys: continue cannot count on from it",
            "ask for keys: fresh, which are random then",
        )
    if column.sql_type not in WIDE:
        return (
            f"under epsilon fresh keys are random, and {column.name!r} is {column.sql_type}, which has few of them",
            "cast the key to BIGINT or VARCHAR at the source",
        )
    return None


def taken_of(keys: Keys, column: Column, real: Sequence[Table]) -> Taken:
    """What the real rows' keys have taken of one column. Raises BuildError where its keys cannot be made so."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as t

    name, sides = column.name, [table.to_arrow([column.name]).column(0) for table in real]
    kind = sides[0].type
    present = pa.chunked_array([chunk for side in sides for chunk in side.drop_null().chunks], kind)
    if t.is_string(kind) or t.is_large_string(kind):
        texts = present.unique().to_pylist()
        if keys == "continue":
            return _counting_on(name, texts)
        return Taken(texts=frozenset(digest(text) for text in texts))
    if t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind):
        last = 0 if len(present) == 0 else int(pc.max(present).as_py())
        return Taken(_begin(keys, last, largest_of(kind)))
    raise BuildError(
        f"keys: {keys} makes numbers and texts, but column {name!r} is {column.sql_type}",
        hint="cast the key to VARCHAR or BIGINT at the source, or leave keys out",
    )


def _begin(keys: Keys, last: int, greatest: int | None = None) -> int:
    """The number after which keys begin. Fresh ones have a digit more than real ones, where the type has room."""
    last = max(last, 0)
    if keys == "continue":
        return last
    higher = int(10 ** len(str(last)))
    return higher if greatest is None or 2 * higher <= greatest else last


def _counting_on(name: str, texts: Sequence[str]) -> Taken:
    """Texts of one form around a number (``C-00042``), continued after the greatest number."""
    forms: dict[tuple[str, str], list[str]] = {}
    for text in texts:
        found = _COUNTED.fullmatch(text)
        if found is None:
            forms[(text, text)] = []
            break
        before, number, after = found.groups()
        forms.setdefault((before, after), []).append(number)
    if len(forms) != 1 or not all(forms.values()):
        raise BuildError(
            f"keys: continue counts on from the last key, but those of {name!r} do not count: "
            f"they have no number, or other text around it",
            hint="ask for keys: fresh, which gives keys of the same shape that no real row has",
        )
    ((before, after), numbers) = next(iter(forms.items()))
    padded = any(n.startswith("0") for n in numbers) or len({len(n) for n in numbers}) == 1
    width = max(map(len, numbers)) if padded else 1
    return Taken(max(map(int, numbers)), numbered=Numbered(before, width, after))
