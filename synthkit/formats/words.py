"""Yes and no in two words: ``yes/no``, ``Y/N``, ``1/0``, ``ja/nein``. What they mean is a category of those two.

The first word is the one that is true; of words that everybody knows, either order says the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.formats.form import Read
from synthkit.schema import LogicalType

if TYPE_CHECKING:
    import pyarrow as pa

KNOWN = (("yes", "no"), ("y", "n"), ("true", "false"), ("t", "f"), ("on", "off"), ("1", "0"))
_FORM = re.compile(r"([^\W\d_]+|[01])/([^\W\d_]+|[01])")


@dataclass(frozen=True)
class Words:
    """The two words of a column of yes and no."""

    text: str
    true: str
    false: str

    @property
    def type(self) -> LogicalType:
        return "categorical"

    @property
    def digits(self) -> bool:
        return {self.true, self.false} == {"0", "1"}

    @property
    def plural(self) -> str:
        return "yes and no"

    @property
    def values(self) -> tuple[str, str]:
        """Both words, the false one first."""
        return self.false, self.true

    def read(self, texts: pa.Array) -> Read:
        import pyarrow as pa
        import pyarrow.compute as pc

        fits = pc.fill_null(pc.is_in(texts, pa.array(self.values)), False)
        return Read(pc.if_else(fits, texts, pa.scalar(None, texts.type)), fits)

    def write(self, values: pa.Array) -> pa.Array:
        return values


def parse_words(text: str) -> Words | None:
    """A form such as ``yes/no``; None where the text is no two words. Raises ValueError where both are the same.

    >>> parse_words("N/Y").values, parse_words("ja/nein").values
    (('N', 'Y'), ('nein', 'ja'))
    """
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    true, false = found[1], found[2]
    if true == false:
        raise ValueError(f"{text!r} has one word for yes and for no")
    if (false.lower(), true.lower()) in KNOWN:
        true, false = false, true
    return Words(text, true, false)


def guess_words(texts: list[str]) -> list[str]:
    """The form of these different values, where they are two such words; [] else."""
    if len(texts) != 2:
        return []
    low = sorted(t.lower() for t in texts)
    for true, false in KNOWN:
        if low == sorted((true, false)):
            yes, no = sorted(texts, key=lambda t: t.lower() != true)
            return [f"{yes}/{no}"]
    return []
