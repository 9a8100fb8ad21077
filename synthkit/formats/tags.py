"""Lists of tags in one text: ``Action;Drama;War``. ``{tag};…`` names what stands between them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.formats.form import Read
from synthkit.schema import LogicalType

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATORS = ("; ", ";", " | ", "|", ", ", ",", " / ", "/")
_FORM = re.compile(r"\{tag\}([^{}\w…]+)…")
LONGEST = 40  # characters of a tag
SEVERAL = 0.3  # of the values have two tags, at least
KNOWN = 0.9  # of all tags are ones that several values have
FEWEST = 5  # values that have a tag, for it to count as one


@dataclass(frozen=True)
class Tags:
    """Different tags with a sign between them: no tag is empty or stands there twice."""

    text: str
    between: str

    @property
    def type(self) -> LogicalType:
        return "text"

    @property
    def digits(self) -> bool:
        return False

    @property
    def plural(self) -> str:
        return "lists of tags"

    def split(self, text: str) -> tuple[str, ...] | None:
        """The tags of a text, in their order; None where it does not have the form."""
        tags = tuple(text.split(self.between))
        good = all(t and t == t.strip() for t in tags) and len(set(tags)) == len(tags)
        return tags if good else None

    def joined(self, tags: Sequence[str]) -> str:
        return self.between.join(tags)

    def read(self, texts: pa.Array) -> Read:
        import pyarrow as pa
        import pyarrow.compute as pc

        fits = pa.array([t is not None and self.split(t) is not None for t in texts.to_pylist()], pa.bool_())
        return Read(pc.if_else(fits, texts, pa.scalar(None, texts.type)), fits)

    def write(self, values: pa.Array) -> pa.Array:
        return values


def parse_tags(text: str) -> Tags | None:
    """A form such as ``{tag};…``; None where the text is none. Raises ValueError."""
    found = _FORM.fullmatch(text)
    return None if found is None else Tags(text, found[1])


def guess_tags(texts: Sequence[str]) -> list[str]:
    """The form of lists whose tags stand in many of these different texts; [] where they are none."""
    for between in SEPARATORS:
        form = Tags(f"{{tag}}{between}…", between)
        lists = [tags for text in texts if (tags := form.split(text)) is not None]
        if len(lists) < KNOWN * len(texts) or sum(len(tags) > 1 for tags in lists) < SEVERAL * len(texts):
            continue
        counted = Counter(tag for tags in lists for tag in tags)
        known = sum(n for tag, n in counted.items() if n >= FEWEST and len(tag) <= LONGEST)
        if known >= KNOWN * sum(counted.values()) and not all(tag.isdigit() for tag in counted):
            return [form.text]
    return []
