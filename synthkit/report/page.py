"""A report as headings, paragraphs and tables, and its two forms: Markdown for a pull request, one HTML page.

What stands in a report comes from names, data and errors, so nothing in it is markup: text is escaped where it is
written, by the rules of each form (https://github.github.com/gfm/#backslash-escapes).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_ACTED_ON = "\\`*_|<[~"  # what Markdown or HTML in it would act on
# What a host makes live on its own: mentions, which notify people, references to issues, milestones and the like, and
# addresses. It looks for them after the escapes are gone; a comment, which nobody sees, parts them.
_LIVE = re.compile(
    r"([@#!&$%])(?=[\w\\\"'])|(\bGH-)(?=[0-9])|(:)(?=//)|(\bwww)(?=\.)|(\bmailto:|\bxmpp:)", re.IGNORECASE
)
_PART = "<!-- -->"


@dataclass(frozen=True)
class Code:
    text: str


@dataclass(frozen=True)
class Strong:
    text: str


@dataclass(frozen=True)
class Link:
    text: str
    url: str


Span = str | Code | Strong | Link
Line = tuple[Span, ...]


@dataclass(frozen=True)
class Heading:
    text: str
    level: int = 3


@dataclass(frozen=True)
class Paragraph:
    """Lines that belong together; ``kind`` colours it on a page: error, warning, note."""

    lines: tuple[Line, ...]
    kind: str = ""


@dataclass(frozen=True)
class Rows:
    """A table; ``right`` names the columns, from 0, that hold numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]
    right: frozenset[int] = frozenset()


Block = Heading | Paragraph | Rows


def para(*spans: Span, kind: str = "") -> Paragraph:
    return Paragraph((spans,), kind)


def line(value: object) -> Line:
    """One cell or line of plain text."""
    return (str(value),)


# -- Markdown ------------------------------------------------------------------------------------------


def to_markdown(blocks: Sequence[Block]) -> str:
    return "\n\n".join(_markdown(b) for b in blocks) + "\n"


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {plain(block.text)}"
    if isinstance(block, Paragraph):
        return "  \n".join(_line(x) for x in block.lines)  # two spaces: the line ends here
    bars = ["---:" if i in block.right else "---" for i in range(len(block.head))]
    rows = [[plain(h) for h in block.head], bars, *([_line(c) for c in row] for row in block.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _line(spans: Line) -> str:
    return "".join(map(_span, spans))


def _span(span: Span) -> str:
    if isinstance(span, str):
        return plain(span)
    if isinstance(span, Strong):
        return f"**{plain(span.text)}**"
    if isinstance(span, Link):
        return f"[{plain(span.text).replace(']', chr(92) + ']')}](<{_url(span.url)}>)"
    text = " ".join(span.text.split())
    # A backtick would end it, and a bar would end the cell it stands in.
    return f"`{text}`" if text and not set(text) & {"`", "|", "\\"} else plain(text)


def plain(text: str) -> str:
    """Text on one line, as it stands there."""
    start, end = " " * text.startswith(" "), " " * text.endswith(" ")
    flat = " ".join(text.split())
    for character in _ACTED_ON:
        flat = flat.replace(character, f"\\{character}")
    flat = _LIVE.sub(lambda found: found[0] + _PART, flat)
    return f"{start}{flat}{end}" if flat else start


def _url(url: str) -> str:
    safe = url if url.startswith(("https://", "http://")) else "#"
    return safe.replace("<", "%3C").replace(">", "%3E").replace("\\", "%5C").replace("\n", "")


# -- HTML ----------------------------------------------------------------------------------------------

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--error:#b3261e;--warning:#8a5300;--note:#1a56a0}
@media(prefers-color-scheme:dark){:root{--error:#ff8a80;--warning:#ffca6a;--note:#8ab8ff}}
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .7rem;border-bottom:1px solid var(--line);vertical-align:top}
.right{text-align:right;font-variant-numeric:tabular-nums}
code{font:.92em ui-monospace,monospace;overflow-wrap:anywhere}td code{overflow-wrap:normal}
.error,.warning,.note{border-left:4px solid;padding:.2rem 0 .2rem .8rem}
.error{border-color:var(--error)}.warning{border-color:var(--warning)}.note{border-color:var(--note)}
.error strong{color:var(--error)}.warning strong{color:var(--warning)}.note strong{color:var(--note)}
"""


def to_html(title: str, blocks: Sequence[Block]) -> str:
    """One page that needs no other file."""
    body = "\n".join(_html(b) for b in blocks)
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    return (
        f'<!doctype html>\n<html lang="en">\n<head>{head}<title>{escape(title)}</title><style>{_STYLE}</style></head>\n'
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        level = max(1, block.level - 1)
        return f"<h{level}>{escape(block.text)}</h{level}>"
    if isinstance(block, Paragraph):
        inner = "<br>".join(_html_line(x) for x in block.lines)
        return f'<p class="{escape(block.kind)}">{inner}</p>' if block.kind else f"<p>{inner}</p>"
    head = "".join(f'<th scope="col"{_side(block, i)}>{escape(h)}</th>' for i, h in enumerate(block.head))
    rows = "".join(
        "<tr>" + "".join(f"<td{_side(block, i)}>{_html_line(c)}</td>" for i, c in enumerate(row)) + "</tr>\n"
        for row in block.rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>'


def _side(block: Rows, index: int) -> str:
    return ' class="right"' if index in block.right else ""


def _html_line(spans: Line) -> str:
    return "".join(map(_html_span, spans))


def _html_span(span: Span) -> str:
    if isinstance(span, Code):
        return f"<code>{escape(span.text)}</code>"
    if isinstance(span, Strong):
        return f"<strong>{escape(span.text)}</strong>"
    if isinstance(span, Link):
        return f'<a href="{escape(_url(span.url))}">{escape(span.text)}</a>'
    return escape(span)
