"""Text as tokens and in its plain form, for every measure of likeness."""

from __future__ import annotations

import re
import unicodedata

_ASCII = re.compile(r"[a-z0-9]+")
# Written without spaces between words: (first, last) code point of kana, Han, Thai, Lao, Myanmar and Khmer.
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
)


class _Separated(dict[int, str]):
    """Code point → what it becomes before text is split at spaces."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if unicodedata.category(character)[0] not in "LNM":
            found = " "
        elif any(low <= code <= high for low, high in _UNSPACED):
            found = f" {character} "
        else:
            found = character
        self[code] = found
        return found


_separated = _Separated()


def tokens(text: str) -> list[str]:
    """Words in lower case, without punctuation.

    ASCII text gives what the package rouge-score gives without a stemmer: runs of a–z and 0–9. That drops or cuts words
    of other scripts, so there a token is a run of letters, digits and combining marks of any script, after Unicode's
    NFKC; in scripts that put no spaces between words (Han, kana, Thai, Lao, Myanmar, Khmer) each character is one.
    """
    if text.isascii():
        return _ASCII.findall(text.lower())
    return unicodedata.normalize("NFKC", text).casefold().translate(_separated).split()


def normalised(text: str) -> str:
    """What two texts share that differ in case, punctuation, white space or compatibility forms only.

    A text that is punctuation alone stays as it is: "?" and "!" are not the same.
    """
    return " ".join(tokens(text)) or text.strip()
