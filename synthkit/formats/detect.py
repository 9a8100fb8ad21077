"""What a column's values are written as, with the evidence: how many have the form, and how many have another, too.

Every form is tried on all different values, none row by row. Whole numbers and digits alone are taken for dates where
all of them are, and there are so many that chance would have made some none: of the numbers 190001 to 209912 one in
eight is a month, of 19000101 to 20991231 one in 27 is a day.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from synthkit.formats.composed import Composed
from synthkit.formats.form import Form, Read
from synthkit.formats.guess_moments import guess_moments
from synthkit.formats.guess_numbers import guess_numbers, ranges_of, units_of
from synthkit.formats.intervals import Interval
from synthkit.formats.language import nameable, parse_form
from synthkit.formats.numbers import Number
from synthkit.formats.tags import Tags
from synthkit.formats.words import Words
from synthkit.schema import NUMERIC, LogicalType

if TYPE_CHECKING:
    import pyarrow as pa

LEAST_SHARE = 0.9  # of the values, to take a column of text for what they are
MIXED_SHARE = 0.5  # of the values have the form that the others stand beside
FEWEST_MIXED = 5  # rows of another form beside it
FEWEST = 13  # different values of digits alone: 12 counted on from 200001 are the months of a year
FEWEST_NUMBERS = 21  # different values: fewer are learnt as categories, each as often as it is
PLAIN = "1234"
YEARS = (1800, 2200)  # of dates in digits alone
_EXAMPLES = 3
_MOMENT_NAME = re.compile(r"(^|_|[a-z])(time|timestamp|date|epoch|ts)$|_at$", re.IGNORECASE)
_BARE = re.compile(r"(%-?[A-Za-z])+")  # digits without a sign between them
_EPOCHS = (("%s", 100_000_000, 4_102_444_800), ("%Q", 100_000_000_000, 4_102_444_800_000))  # 1973 to 2100

Found: TypeAlias = "tuple[float, int, Form, Read]"  # less its share, its place among the candidates, what it reads
_PLURAL: dict[LogicalType, str] = {
    "date": "dates",
    "time": "times of day",
    "datetime": "points in time",
    "integer": "whole numbers",
    "float": "numbers",
}


@dataclass(frozen=True)
class Detected:
    """A form that a column's values have.

    Args:
        form: as ``format:`` has it.
        share: of the values (rows, missing ones aside).
        ambiguous: how many values ``other``, the best other form, reads as something else.
        odd: values that do not have the form, the commonest first.
    """

    form: str
    type: LogicalType
    share: float
    ambiguous: int = 0
    other: str | None = None
    odd: tuple[str, ...] = ()

    @property
    def told(self) -> bool:
        """Whether somebody should hear of it."""
        form = parse_form(self.form)
        return self.other is not None or bool(self.odd) or (isinstance(form, Composed) and form.personal)

    def said(self, column: str) -> str:
        """A sentence for people."""
        form = parse_form(self.form)
        text = f"column {column!r} is read as {plural(form)} written {self.form}"
        if isinstance(form, Composed) and form.personal:
            text += ": what several people share of them is learnt, the rest is made up"
        if self.odd:
            text += f" ({self.share:.1%} of its values; not {', '.join(map(repr, self.odd))})"
        if self.other is not None:
            text += f"; {self.other} fits every one of them, too: declare format: to say which it is"
        return text


def plural(form: Form) -> str:
    """What the values of a form are, in words."""
    if isinstance(form, Words | Interval | Tags | Composed):
        return form.plural
    return _PLURAL[form.type]


def candidates(name: str, sample: Sequence[str], *, whole: bool) -> list[str]:
    """The forms that a column of these (different) values may have, the likeliest first.

    Args:
        whole: whether they are whole numbers.
    """
    if not sample:
        return []
    if not whole:
        return nameable(guess_moments(sample)) or nameable(guess_numbers(sample))
    lengths = {len(text) for text in sample}
    found = [form for length, form in ((8, "%Y%m%d"), (6, "%Y%m")) if lengths == {length}]
    if _MOMENT_NAME.search(name):
        found += [form for form, low, high in _EPOCHS if all(low <= int(text) <= high for text in sample)]
    return found


def detect(forms: Sequence[str], texts: pa.Array, counts: pa.Array) -> Detected | None:
    """The form of these that a column is written in; None where it is none of them.

    Args:
        forms: the likelier first.
        texts: the different values, the commonest first.
        counts: how many rows have each.
    """
    import pyarrow.compute as pc

    found: list[Found] = []
    total = pc.sum(counts).as_py()
    for order, text in enumerate(forms):
        form = parse_form(text)
        read = form.read(texts)
        share = (pc.sum(pc.if_else(read.fits, counts, 0)).as_py() or 0) / total
        one: Found = (-share, order, form, read)
        if isinstance(form, Number) and MIXED_SHARE <= share < 1:
            one = _mixed(one, form, texts, counts)
        if -one[0] >= LEAST_SHARE and _likely(form, share, read):
            found.append(one)
    found.sort(key=lambda f: f[:2])
    if not found or (found[0][2].type in NUMERIC and len(texts) < FEWEST_NUMBERS):
        return None
    if found[0][2].text == PLAIN and _codes(-found[0][0], texts.filter(found[0][3].fits)):
        return None
    share, form, read = -found[0][0], found[0][2], found[0][3]
    rivals = [f for f in found[1:] if f[0] == found[0][0] and f[2].type == form.type]
    rivals = [f for f in rivals if not f[3].values.equals(read.values)]
    ambiguous, other = 0, None
    if rivals:
        same = pc.fill_null(pc.equal(rivals[0][3].values, read.values), True)
        ambiguous, other = pc.sum(pc.if_else(same, 0, counts)).as_py(), rivals[0][2].text
    odd = texts.filter(pc.invert(read.fits)).to_pylist()[:_EXAMPLES]
    return Detected(form.text, form.type, share, ambiguous, other, tuple(odd))


def _codes(share: float, texts: pa.Array) -> bool:
    """Whether whole numbers in text are codes: as somebody wrote all of them as text, or all have as many digits."""
    import pyarrow.compute as pc

    lengths = pc.min_max(pc.utf8_length(texts))
    return share == 1 or lengths["min"] == lengths["max"]


def _mixed(found: Found, number: Number, texts: pa.Array, counts: pa.Array) -> Found:
    """Numbers of this form with ranges of them, and with numbers that have other units, where there are such."""
    import pyarrow.compute as pc

    total, forms, left = pc.sum(counts).as_py(), [number.text], pc.invert(found[3].fits)
    others = ranges_of(number.text) if number.bare else []
    others += nameable(units_of(texts.filter(left).to_pylist()))
    for text in others:
        fits = pc.and_(parse_form(text).read(texts).fits, left)
        if text not in forms and (pc.sum(pc.if_else(fits, counts, 0)).as_py() or 0) >= FEWEST_MIXED:
            forms.append(text)
            left = pc.and_(left, pc.invert(fits))
    if len(forms) == 1:
        return found
    form = parse_form(" | ".join(forms))
    read = form.read(texts)
    return -(pc.sum(pc.if_else(read.fits, counts, 0)).as_py() / total), found[1], form, read


def _likely(form: Form, share: float, read: Read) -> bool:
    """Whether chance, or numbers that are just numbers, would not have given so many dates."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not _BARE.fullmatch(form.text):
        return True
    years = pc.min_max(pc.year(read.values.cast(pa.timestamp("us"))))
    inside = YEARS[0] <= years["min"].as_py() and years["max"].as_py() <= YEARS[1]
    return share == 1 and len(read.fits) >= FEWEST and inside
