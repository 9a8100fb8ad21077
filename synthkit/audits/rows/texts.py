"""Free text as numbers for scikit-learn: what a person who predicts from a table would read out of such a column.

A generator makes free text up, but a model of the real rows may use it: an area written "1133 - 1384" holds a number,
a note says "urgent". Of each column: its commonest values as categories, the first number in it, how long it is, and
whether it holds each of the words that are common among the training rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext
from synthkit.audits.rows.features import MOST_CODES, as_text, usable_names

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Array = npt.NDArray[Any]

MOST_WORDS = 20  # of a column
LEAST_ROWS = 5  # that have a value or a word which is a feature of its own
FROM_ROWS = 20_000  # training rows at most in which words are counted
_NUMBER = re.compile(r"[-+]?\d[\d,]*\.?\d*")
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class TextReading:
    """How a text column becomes numbers.

    Args:
        codes: its commonest values; empty where none is common.
        words: the commonest that not nearly all rows hold, in lower case.
    """

    column: str
    codes: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def categorical(self) -> list[bool]:
        """Of each feature, whether it is a code."""
        return [bool(self.codes)] * bool(self.codes) + [False] * (2 + len(self.words))

    def matrix(self, values: pa.ChunkedArray) -> Array:
        """The features (rows, features); NaN where there is no value, no common one, or no number.

        >>> import pyarrow as pa
        >>> TextReading("area", (), ("acres",)).matrix(pa.chunked_array([["12.5 Acres", None]])).tolist()
        [[12.5, 10.0, 1.0], [nan, nan, 0.0]]
        """
        import numpy as np

        texts = as_text(values)
        codes = {value: float(code) for code, value in enumerate(self.codes)}
        rows = np.full((len(texts), len(self.categorical)), np.nan)
        first = int(bool(self.codes))
        rows[:, first + 2 :] = 0.0
        for i, text in enumerate(texts):
            if text is None:
                continue
            if codes:
                rows[i, 0] = codes.get(text, np.nan)
            rows[i, first : first + 2] = _number(text), len(text)
            if self.words:
                held = set(_words(text))
                rows[i, first + 2 :] = [word in held for word in self.words]
        return rows


def learn_text(column: str, values: pa.ChunkedArray) -> TextReading:
    """What the training rows' values show to be common. Ties go by the text."""
    texts = [t for t in as_text(values)[:FROM_ROWS] if t is not None]
    known = Counter(texts)
    words = Counter(word for text, count in known.items() for word in set(_words(text)) for _ in range(count))
    told = [(w, n) for w, n in words.items() if LEAST_ROWS <= n < 0.98 * len(texts)]
    return TextReading(column, _common(known.items(), MOST_CODES), _common(told, MOST_WORDS))


def readable(context: AuditContext, among: Sequence[str] | None = None) -> tuple[str, ...]:
    """Free text that every side has (``among`` these columns). Keys and personal data are none: nobody is to predict
    from who somebody is."""
    there = usable_names(context)
    schema = context.schema
    keys = {*schema.primary_key, schema.privacy_unit}
    return tuple(
        c.name
        for c in schema.columns
        if c.type == "text" and c.pii is None and c.name in there and c.name not in keys
        if among is None or c.name in among
    )


def reading_of(context: AuditContext, column: str) -> TextReading:
    """How a column is read, learnt once from the real training rows."""
    return context.shared(
        ("text reading", column), lambda: learn_text(column, context.arrow("train", (column,)).column(column))
    )


def _common(counts: Any, most: int) -> tuple[str, ...]:
    ordered = sorted(((n, w) for w, n in counts if n >= LEAST_ROWS), key=lambda pair: (-pair[0], pair[1]))
    return tuple(word for _, word in ordered[:most])


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _number(text: str) -> float:
    found = _NUMBER.search(text)
    try:
        return float(found[0].replace(",", "")) if found else float("nan")
    except ValueError:
        return float("nan")
