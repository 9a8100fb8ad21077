"""The words of the small language in which rules are written, each with its place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from synthkit.sql.quoting import quote

TokenKind = Literal["name", "quoted", "number", "moment", "sign", "end"]
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<moment>\d{4}-\d\d-\d\d(?:[T ]\d\d?:\d\d(?::\d\d(?:\.\d+)?)?)?(?![\w.:-]))
    | (?P<number>(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?!\w))
    | (?P<sign><->|->|<=|>=|!=|<>|[-+*/%(),<>=\[\]:])
    | '(?P<quoted>(?:[^']|'')*)'
    | "(?P<column>(?:[^"]|"")+)"
    | (?P<word>[^\W\d]\w*)
    )""",
    re.VERBOSE,
)
KEYWORDS = frozenset({"when", "then", "else", "is", "not", "null", "in", "and", "true", "false"})


class RuleError(ValueError):
    """What is wrong with a rule's text. ``at`` is the place in it, from 0; ``hint`` says how to mend it."""

    def __init__(self, message: str, at: int, hint: str) -> None:
        super().__init__(message)
        self.message, self.at, self.hint = message, at, hint


@dataclass(frozen=True)
class Token:
    """One word: ``text`` is without quotes; ``plain`` tells a bare word, which may be a keyword, from a quoted name."""

    kind: TokenKind
    text: str
    at: int
    plain: bool = False

    def says(self, word: str) -> bool:
        """Whether it is this sign, or this keyword in any case."""
        return self.text == word if self.kind == "sign" else self.plain and self.text.lower() == word


def tokens(text: str) -> Iterator[Token]:
    """From left to right, and at last one of the kind ``end``. Raises RuleError."""
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise RuleError(
                f"{text[start : start + 20]!r} is not understood",
                start,
                "a column whose name is no plain word stands in double quotes, a text in single ones",
            )
        kind, at = str(match.lastgroup), match.end()
        found, start = str(match[kind]), match.start(kind)
        if kind == "column":
            yield Token("name", found.replace('""', '"'), start)
        elif kind == "word":
            yield Token("name", found, start, plain=True)
        elif kind == "quoted":
            yield Token("quoted", found.replace("''", "'"), start)
        else:
            yield Token("moment" if kind == "moment" else "number" if kind == "number" else "sign", found, start)
    yield Token("end", "", end)


class Reader:
    """Tokens, one after the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = list(tokens(text))
        self._next = 0

    @property
    def now(self) -> Token:
        return self._tokens[self._next]

    def has(self, *signs: str) -> bool:
        """Whether one of the signs stands anywhere in the text."""
        return any(t.kind == "sign" and t.text in signs for t in self._tokens)

    def take(self) -> Token:
        token = self.now
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def skip(self, word: str) -> bool:
        """Go past a sign or keyword, if it stands here."""
        if self.now.kind == "end" or not self.now.says(word):
            return False
        self.take()
        return True

    def expect(self, word: str, hint: str) -> None:
        if not self.skip(word):
            raise self.wrong(f"{word!r} is expected", hint)

    def name(self, hint: str) -> str:
        """A column's name."""
        token = self.now
        if token.kind != "name" or (token.plain and token.text.lower() in KEYWORDS):
            raise self.wrong("a column is expected", hint)
        return self.take().text

    def done(self, hint: str) -> None:
        if self.now.kind != "end":
            raise self.wrong("the rule should end", hint)

    def wrong(self, message: str, hint: str) -> RuleError:
        here = f"{self.now.text!r}" if self.now.kind != "end" else "the end"
        return RuleError(f"{message}, and here is {here}", self.now.at, hint)


def written(column: str) -> str:
    """A column's name as the language has it: in double quotes where it is no plain word."""
    plain = re.fullmatch(r"[^\W\d]\w*", column) is not None and column.lower() not in KEYWORDS
    return column if plain else quote(column)
