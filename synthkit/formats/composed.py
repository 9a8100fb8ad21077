"""Texts of several parts: ``{user}@{domain}``, ``{AA}-{9999}``, ``{lat 1234.5678}, {lon 1234.5678}``.

What stands in braces is a part, everything else stands as it is. The value stays one text wherever it is published; a
generator learns those of its parts that several people share, and the others are made up in their form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from synthkit.formats.form import Read
from synthkit.formats.numbers import Number, parse_number
from synthkit.schema import LogicalType

if TYPE_CHECKING:
    import pyarrow as pa

CLASSES: Mapping[str, str] = {"A": "[A-Z]", "a": "[a-z]", "9": "[0-9]", "X": "[A-Z0-9]", "x": "[a-z0-9]"}
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
NAMED: Mapping[str, str] = {
    "user": "[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+",  # as the HTML standard has it of valid e-mail addresses
    "domain": rf"{_LABEL}(?:\.{_LABEL})+",
    "site": r"(?:https?://)?(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?::[0-9]+)?",
    "path": r"(?:[/?#][^\s]*)?",
    "area": "[2-9][0-9]{2}",  # the parts of a North American number: NPA, NXX and what follows
    "exchange": "[2-9][0-9]{2}",
    "line": "[0-9]{4}",
    "octet": "25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]",
    "N/S": "[NS]",
    "E/W": "[EW]",
}
PERSONAL = frozenset({"user", "line"})  # what is nobody else's
INVENTED = PERSONAL | {"exchange"}  # parts that are made up whoever shares them
DEGREES: Mapping[str, int] = {"lat": 90, "lon": 180}
_PLURAL = {
    "user": "e-mail addresses",
    "site": "web addresses",
    "line": "phone numbers",
    "octet": "IP addresses",
    "lat": "coordinates",
}
_BRACES = re.compile(r"\{([^{}]*)\}")
_HOW = (
    "parts are {AA}, {99}, {9…}, {user}, {domain}, {site}, {path}, {area}, {exchange}, {line}, {octet},"
    " {lat 1234.5678}, {N/S}"
)


@dataclass(frozen=True)
class Part:
    """One part.

    Args:
        name: different in each form.
        said: as the form has it, between braces.
        pattern: what it fits (RE2).
        number: how it is written, of a coordinate.
        most: the greatest size of that.
    """

    name: str
    said: str
    pattern: str
    number: Number | None = None
    most: int = 0

    @property
    def code(self) -> bool:
        """Whether it is one of signs of some class (``AA``), and has no meaning that is known."""
        return self.number is None and self.said not in NAMED


@dataclass(frozen=True)
class Shape:
    """One form of several parts."""

    text: str
    pieces: tuple[str | Part, ...]

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return tuple(p for p in self.pieces if isinstance(p, Part))

    def read(self, texts: pa.Array) -> tuple[dict[str, pa.Array], pa.Array]:
        """The parts by their names (texts, or numbers), and where the form fits; null, or anything, elsewhere."""
        import pyarrow as pa
        import pyarrow.compute as pc

        group = {p.name: f"p{i}" for i, p in enumerate(self.parts)}
        named = (re.escape(p) if isinstance(p, str) else f"(?P<{group[p.name]}>{p.pattern})" for p in self.pieces)
        found = pc.extract_regex(texts, f"^{''.join(named)}$")
        fits = pc.fill_null(found.is_valid(), False)
        parts: dict[str, pa.Array] = {}
        for part in self.parts:
            values = pc.struct_field(found, group[part.name])
            if part.number is not None:
                read = part.number.read(values)
                values = read.values.cast(pa.float64())
                inside = pc.fill_null(pc.less_equal(pc.abs(values), float(part.most)), False)
                fits = pc.and_(fits, pc.and_(read.fits, inside))
            parts[part.name] = values
        return parts, fits

    def write(self, parts: Mapping[str, pa.Array]) -> pa.Array:
        """The parts put together; null where one is missing."""
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = []
        for piece in self.pieces:
            if isinstance(piece, str):
                texts.append(pa.scalar(piece))
            elif piece.number is not None:
                whole = piece.number.type == "integer"
                values = parts[piece.name]
                texts.append(piece.number.write(pc.round(values).cast(pa.int64()) if whole else values))
            else:
                texts.append(parts[piece.name])
        return pc.binary_join_element_wise(*texts, "")


@dataclass(frozen=True)
class Composed:
    """Texts of one such form, or of several."""

    text: str
    shapes: tuple[Shape, ...]

    @property
    def type(self) -> LogicalType:
        return "text"

    @property
    def digits(self) -> bool:
        return False

    @cached_property
    def parts(self) -> frozenset[str]:
        return frozenset(p.name for shape in self.shapes for p in shape.parts)

    @property
    def plural(self) -> str:
        return next((words for name, words in _PLURAL.items() if name in self.parts), "codes")

    @property
    def personal(self) -> bool:
        """Whether a value is one person's: an address, a phone number."""
        return bool(PERSONAL & self.parts)

    def read(self, texts: pa.Array) -> Read:
        """The texts themselves, where one of the forms fits."""
        import pyarrow as pa
        import pyarrow.compute as pc

        fits = self.shapes[0].read(texts)[1]
        for shape in self.shapes[1:]:
            fits = pc.or_(fits, shape.read(texts)[1])
        return Read(pc.if_else(fits, texts, pa.scalar(None, texts.type)), fits)

    def write(self, values: pa.Array) -> pa.Array:
        return values


def parse_composed(text: str) -> Composed | None:
    """A form such as ``{AA}-{9999}``, or several between ``|``; None where nothing is in braces. Raises ValueError."""
    if not _BRACES.search(text):
        return None
    return Composed(text, tuple(_shape(one) for one in text.split(" | ")))


def _shape(text: str) -> Shape:
    pieces: list[str | Part] = []
    end = 0
    for found in _BRACES.finditer(text):
        pieces += [text[end : found.start()]] if found.start() > end else []
        pieces.append(_part(found[1], [p.name for p in pieces if isinstance(p, Part)]))
        end = found.end()
    pieces += [text[end:]] if end < len(text) else []
    if not any(isinstance(p, Part) for p in pieces) or any(c in "{}" for p in pieces if isinstance(p, str) for c in p):
        raise ValueError(f"{text!r} has a brace without another one: {_HOW}")
    for one, two in pairwise(pieces):
        if isinstance(one, Part) and isinstance(two, Part) and one.said.endswith("…") and two.said[0] == one.said[0]:
            raise ValueError(f"{text!r}: nothing says where {{{one.said}}} ends and {{{two.said}}} begins")
    return Shape(text, tuple(pieces))


def _part(said: str, taken: list[str]) -> Part:
    kind, _, shown = said.partition(" ")
    name, number = said, 2
    if shown and kind in DEGREES:
        name = kind
    while name in taken:
        name, number = f"{said} {number}", number + 1
    if shown and kind in DEGREES:
        form = parse_number(shown)
        return Part(name, said, f"-?{form.core}", form, DEGREES[kind])
    if said in NAMED:
        return Part(name, said, NAMED[said])
    signs, more = said.removesuffix("…"), said.endswith("…")
    if not signs or any(c not in CLASSES for c in signs) or (more and len(set(signs)) > 1):
        raise ValueError(f"{{{said}}} is no part of a text: {_HOW}")
    if more:
        return Part(name, said, f"{CLASSES[signs[0]]}{{{len(signs)},}}")
    return Part(name, said, "".join(CLASSES[c] for c in signs))
