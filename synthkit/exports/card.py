"""The card that goes with exported tables: what they are, what they are for, what they are worth. Text for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from synthkit.errors import DISTRIBUTION
from synthkit.exports.contract import ExportedTable, Package
from synthkit.privacy.guarantee import attacker_in_words
from synthkit.records.columns import learnt_in_words
from synthkit.report.page import Block, Code, Heading, Line, Paragraph, Rows, Strong, line, para, to_markdown
from synthkit.report.style import measured

CARD = "README.md"
REAL = "This table contains rows of a real source as they are: it is not synthetic."
SYNTHETIC = "The rows of this table are synthetic: a generator drew them, or they were made from such rows."


def nature(table: ExportedTable) -> str:
    """Whether its rows are synthetic, in one sentence."""
    return SYNTHETIC if table.synthetic else REAL


def verdicts(table: ExportedTable) -> list[str]:
    """A line for each audit: ``ks: pass, 0.04 [0.03, 0.05] against max 0.1``."""
    return [f"{a.name}: {a.status}, {measured(a)}" for a in table.audits]


def sentence(text: str | None) -> str:
    """A text that another may follow.

    >>> sentence("Orders of a shop"), sentence("Is it?"), sentence(None)
    ('Orders of a shop.', 'Is it?', '')
    """
    text = (text or "").strip()
    return text if not text or text[-1] in ".!?:;" else f"{text}."


def said(table: ExportedTable) -> str:
    """All of it in one text, for a standard that has one field of words for it."""
    parts = [sentence(table.description), nature(table), f"Privacy: {table.statement}."]
    parts += [f"{name[:1].upper()}{name[1:]}: {value}." for name, value in table.usage.facts()]
    parts += ["Audits: " + "; ".join(verdicts(table)) + "."] if table.audits else ["No audit looked at it."]
    return " ".join(part for part in parts if part)


def facts(table: ExportedTable) -> list[tuple[str, str]]:
    """What the card says of a table, name and value."""
    receipt, attacker = table.receipt, attacker_in_words(table.receipt)
    learnt = learnt_in_words(receipt.column_origins or ())
    return [
        ("rows", f"{table.rows:,}"),
        ("synthetic", "yes" if table.synthetic else "no: it contains real rows"),
        ("privacy", table.statement),
        *([("attacker", attacker)] if attacker else []),
        ("made by", receipt.made_by),
        *([("columns", learnt)] if learnt else []),
        *table.usage.facts(),
        ("published", f"{receipt.published_at} by run {receipt.run_id}"),
        ("SHA-256", receipt.sha256),
    ]


def blocks(package: Package) -> Iterator[Block]:
    yield Heading(package.name, 1)
    yield para(package.description)
    if package.synthetic:
        yield para(Strong("Synthetic data."), " The rows were drawn by a generator, or made from such rows.")
    else:
        real = ", ".join(table.name for table in package.tables if not table.synthetic)
        yield para(Strong("Not all of this is synthetic."), f" Rows of a real source stand as they are in: {real}.")
    for table in package.tables:
        yield from _table(table)
    yield para("Made with ", Code("synthkit"), f" ({DISTRIBUTION}).")


def _table(table: ExportedTable) -> Iterator[Block]:
    yield Heading(table.name, 2)
    if table.description:
        yield para(table.description)
    yield Rows(("what", "value"), tuple((line(name), line(value)) for name, value in facts(table)))
    yield Heading("Columns", 3)
    origins = table.origins
    yield Rows(
        ("column", "type", "how it was made", "description"),
        tuple(
            (
                (Code(c.name),),
                (Code(c.sql_type),),
                line(origins[c.name].in_words if c.name in origins else ""),
                line(table.column_descriptions.get(c.name, "")),
            )
            for c in table.columns
        ),
    )
    if table.keys:
        yield Paragraph(tuple(_key(", ".join(key.columns), key.target) for key in table.keys))
    yield Heading("Audits", 3)
    if table.audits:
        yield Rows(
            ("audit", "verdict", "found"),
            tuple((line(a.name), line(a.status), line(measured(a))) for a in table.audits),
        )
    else:
        yield para("No audit looked at this table.")


def _key(columns: str, target: str) -> Line:
    return ("Key: ", Code(columns), " names a row of ", Code(target))


def text(package: Package) -> str:
    return to_markdown(list(blocks(package)))


def write_card(package: Package, folder: Path, above: str = "") -> None:
    """Write the card. ``above`` is what stands before it, such as a block of metadata."""
    (folder / CARD).write_text(above + text(package), "utf-8")
