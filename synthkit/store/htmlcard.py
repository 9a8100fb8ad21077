"""A published table as a notebook shows it: what it is, what it is worth, its first rows. HTML that stands alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from synthkit.privacy.guarantee import in_words
from synthkit.records.audit import AuditRecord
from synthkit.records.receipt import Receipt
from synthkit.sql.filescan import parquet_scan

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 10
_WIDEST = 200  # characters of a cell
# Said with the page's own colours, so that it can be read in a dark notebook as in a light one.
_LINE = "1px solid color-mix(in srgb,currentColor 25%,transparent)"
_STYLE = f"text-align:left;vertical-align:top;padding:.2em .7em;border-bottom:{_LINE}"


def card(receipt: Receipt, path: Path) -> str:
    """The whole card. Nothing of a name or value in it is markup."""
    heading = f"<p><strong>{escape(receipt.model)}</strong></p>"
    described = f"<p>{escape(receipt.description)}</p>" if receipt.description else ""
    facts = _table("What it is", ("", "value"), _facts(receipt), row_heads=True)
    found = [[a.name, a.status, _value(a), a.threshold or ""] for a in receipt.audits]
    head = ("audit", "verdict", "value, 95 % interval", "limit")
    audits = _table("Audits", head, found, row_heads=True) if found else ""
    names = [column.name for column in receipt.columns]
    shown = min(ROWS, receipt.rows)
    title = f"The first {shown} of {receipt.rows:,} rows" if receipt.rows > ROWS else f"All {receipt.rows} rows"
    rows = _table(title, names, _first(path))
    return f'<div style="overflow-x:auto">{heading}{described}{facts}{audits}{rows}</div>'


def card_of(
    title: str,
    facts: Sequence[tuple[str, str]],
    tables: Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]],
) -> str:
    """A card of something else than a published table: its facts, and tables by title, each a head and rows."""
    known = _table("What it is", ("", "value"), facts, row_heads=True) if facts else ""
    listed = "".join(_table(name, head, rows, row_heads=True) for name, (head, rows) in tables.items())
    return f'<div style="overflow-x:auto"><p><strong>{escape(title)}</strong></p>{known}{listed}</div>'


def _value(audit: AuditRecord) -> str:
    """An estimate with its error; nothing where there is none, or it is withheld."""
    if audit.value is None:
        return ""
    low, high = audit.ends or (audit.value, audit.value)
    return f"{audit.value:.4g}" + ("" if low == high else f" [{low:.4g}, {high:.4g}]")


def _facts(receipt: Receipt) -> list[list[str]]:
    counted = Counter(audit.status for audit in receipt.audits)
    verdicts = ", ".join(f"{count} {status}" for status, count in counted.items()) or "no audit looked at it"
    return [
        ["rows", f"{receipt.rows:,}"],
        ["made by", receipt.made_by],
        ["privacy", in_words(receipt)],
        ["verdicts", verdicts],
        *([name, value] for name, value in (receipt.usage.facts() if receipt.usage is not None else ())),
    ]


def _first(path: Path) -> Iterable[Sequence[str | None]]:
    """The first rows as text: DuckDB has words for every value."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows: list[tuple[str | None, ...]]
        first = f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {parquet_scan(path)} LIMIT {ROWS}"
        rows = connection.execute(first).fetchall()
        return rows


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str | None]], *, row_heads: bool = False) -> str:
    heads = "".join(f'<th scope="col" style="{_STYLE}">{escape(name)}</th>' for name in head)
    top = f"<thead><tr>{heads}</tr></thead>" if any(head) and head[0] else ""
    body = "".join(f"<tr>{''.join(_cell(v, row_heads and i == 0) for i, v in enumerate(row))}</tr>" for row in rows)
    caption = f'<caption style="text-align:left;font-weight:bold">{escape(title)}</caption>'
    return f'<table style="border-collapse:collapse">{caption}{top}<tbody>{body}</tbody></table>'


def _cell(value: str | None, heads: bool) -> str:
    if value is None:
        return f'<td style="{_STYLE}"><em>null</em></td>'
    text = escape(value if len(value) <= _WIDEST else f"{value[:_WIDEST]}…")
    return f'<th scope="row" style="{_STYLE}">{text}</th>' if heads else f'<td style="{_STYLE}">{text}</td>'
