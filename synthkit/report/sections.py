"""The parts that the reports of a run and of a review share: tables changed, audits before and after, ε, links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from synthkit.records.audit import AuditRecord
from synthkit.records.columns import MADE_UP, ColumnOrigin, learnt_in_words
from synthkit.report.compare import AuditChange, State, TableChange
from synthkit.report.hosting import Host
from synthkit.report.page import Block, Code, Heading, Line, Link, Paragraph, Rows, Strong, line, para
from synthkit.report.style import MARKS, measured, number, plural
from synthkit.verify.contract import ColumnChange
from synthkit.verify.limits import LimitChange
from synthkit.verify.review import Spent

if TYPE_CHECKING:
    from synthkit.planning.compare import Difference

_MOST = 100  # tables, audits or trainings that a section lists


def tables_section(changes: Sequence[TableChange], base: str) -> Iterator[Block]:
    """What became of tables, and why."""
    if not changes:
        yield para("No table differs from ", Code(base), ".")
        return
    yield Heading("Tables changed")
    yield Rows(("table", "change", "rows", "ε", "what changed"), tuple(map(_table, changes[:_MOST])), frozenset({2, 3}))
    yield from _more(len(changes), "table")


def _table(change: TableChange) -> tuple[Line, ...]:
    what = "; ".join(change.what[:4]) + ("; …" if len(change.what) > 4 else "")
    rows = _pair(change, lambda state: number(state.rows))
    epsilon = _pair(change, lambda state: _epsilon(state.promise))
    return ((Code(change.model),), line(change.kind), line(rows), line(epsilon), line(what or "–"))


def _epsilon(promise: tuple[float, float] | None) -> str:
    return "none" if promise is None else number(promise[0])


def _pair(change: TableChange, shown: Callable[[State], str]) -> str:
    """Of both sides, or of both where they look different."""
    sides = dict.fromkeys(shown(side) for side in (change.before, change.after) if side is not None)
    return " → ".join(sides)


def audits_section(changes: Sequence[TableChange]) -> Iterator[Block]:
    """The audits whose verdict, figures or limit are others than before, the worse ones first."""
    found = [(c.model, a) for c in changes for a in c.audits if c.kind != "removed"]
    if not found:
        return
    found.sort(key=lambda pair: _rank(pair[1]))
    yield Heading("Audits, before → after")
    rows = tuple(_audit(model, a) for model, a in found[:_MOST])
    yield Rows(("table", "audit", "before", "after", ""), rows)
    yield from _more(len(found), "audit")


def _audit(model: str, change: AuditChange) -> tuple[Line, ...]:
    return (
        (Code(model),),
        (Code(change.name),),
        line(_side(change.before)),
        line(_side(change.after)),
        line(_turn(change)),
    )


def _side(record: AuditRecord | None) -> str:
    return "–" if record is None else f"{MARKS[record.status]}: {measured(record)}"


_GOODNESS = {"error": 0, "fail": 0, "warn": 1, "inconclusive": 1, "skipped": 1, "pass": 2}


def _turn(change: AuditChange) -> str:
    if change.before is None:
        return "new"
    if change.after is None:
        return "removed"
    then, now = (_GOODNESS[r.status] for r in (change.before, change.after))
    if then == now:
        return "limit" if change.before.threshold != change.after.threshold else ""
    return "worse" if now < then else "better"


def _rank(change: AuditChange) -> int:
    return ("worse", "removed", "limit", "new", "", "better").index(_turn(change))


def schema_section(changed: Mapping[str, Sequence[ColumnChange]], base: str) -> Iterator[Block]:
    """The columns that are new, gone or of another type, table by table."""
    rows = [(name, c) for name, changes in changed.items() for c in changes]
    if not rows:
        return
    yield Heading(f"Columns, {base} → now")
    cells = tuple(((Code(n),), (Code(c.column),), line(c.before or "–"), line(c.after or "–")) for n, c in rows[:_MOST])
    yield Rows(("table", "column", "before", "after"), cells)
    yield from _more(len(rows), "column")


def limits_section(found: Sequence[LimitChange]) -> Iterator[Block]:
    """What audits demand otherwise, loosened demands first."""
    if not found:
        return
    yield Heading("Limits of audits, loosened first")
    cells = tuple(
        ((Code(c.model),), (Code(c.audit),), line(c.what or "the audit"), line(c.before), line(c.after), _strong(c))
        for c in found[:_MOST]
    )
    yield Rows(("table", "audit", "of it", "before", "after", ""), cells)
    yield from _more(len(found), "limit")


def _strong(change: LimitChange) -> Line:
    return (Strong(change.turn),) if change.turn == "loosened" else line(change.turn)


def values_section(found: Mapping[str, Difference]) -> Iterator[Block]:
    """How far the values of columns moved that both versions have: those by more than chance, the largest first."""
    if not found:
        return
    yield Heading("Values, before → after")
    unread = next((d.unread for d in found.values() if d.unread is not None), None)
    if unread is not None:
        yield para(f"Those of {', '.join(found)} were not compared: {unread}.")
        return
    moved = [(name, c) for name, d in found.items() for c in d.columns if c.value > c.noise]
    still = sum(len(d.columns) for d in found.values()) - len(moved)
    cells = tuple(
        (
            (Code(name),),
            (Code(c.column),),
            line(f"{c.measure} {c.value:.3g} [{c.low:.3g}, {c.high:.3g}]"),
            line(" → ".join("–" if share is None else f"{share:.1%}" for share in c.missing)),
        )
        for name, c in sorted(moved, key=lambda pair: -pair[1].value)[:_MOST]
    )
    if cells:
        yield Rows(("table", "column", "moved by", "missing"), cells)
        yield from _more(len(moved), "column")
    rest = f"{plural(still, 'column')} moved by no more than chance." if still else "All columns moved."
    yield para(
        f"{rest} Of {', '.join(found)}, whose files of both versions are here; D of numbers and dates, V of categories."
    )


def unseen_section(found: Mapping[str, Sequence[str]]) -> Iterator[Block]:
    """Columns of which no audit says anything."""
    if not found:
        return
    yield Heading("Columns that no audit looks at")
    for name, columns in list(found.items())[:_MOST]:
        yield Paragraph(((Code(name), f": {', '.join(columns)}"),))
    yield from _more(len(found), "table")


def columns_section(tables: Iterable[tuple[str, Sequence[ColumnOrigin]]]) -> Iterator[Block]:
    """Tables of which some columns are made up: no audit compares those with real rows."""
    found = [(name, origins) for name, origins in tables if any(o.how in MADE_UP for o in origins)]
    if not found:
        return
    yield Heading("Columns that were not learnt")
    yield Paragraph(tuple((Code(name), f": {learnt_in_words(origins)}.") for name, origins in found[:_MOST]))
    yield from _more(len(found), "table")


def spent_section(spent: Sequence[Spent], since: str) -> Iterator[Block]:
    """Trainings that were charged, and their sum by account."""
    if not spent:
        return
    yield Heading("Privacy spent")
    accounts: dict[str, list[Spent]] = {}
    for one in spent:
        accounts.setdefault(one.account, []).append(one)
    rows = tuple(
        (line(name), line(len(of)), line(f"{sum(s.epsilon for s in of):.4g}"), line(_budget(of)), line(_names(of)))
        for name, of in list(accounts.items())[:_MOST]
    )
    yield Rows(("of", "trainings", "ε, added up", "budget", "models"), rows, frozenset({1, 2, 3}))
    yield para(
        f"Charged to the ledger {since}; composed, trainings cost no more than their sum. ",
        Code("synth ledger"),
        " has the balance.",
    )


def _budget(spent: Sequence[Spent]) -> str:
    return "–" if spent[0].budget is None else f"{spent[0].budget:g}"


def _names(spent: Sequence[Spent]) -> str:
    names = list(dict.fromkeys(s.model for s in spent))
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def links_section(host: Host) -> Iterator[Block]:
    if host.run:
        yield para("The run: ", Link("log and artifacts", host.run), ".")


def _more(count: int, noun: str) -> Iterator[Block]:
    if count > _MOST:
        yield para(f"… and {plural(count - _MOST, noun)} more.")


def placed(file: str, where: str, host: Host) -> Line:
    """A place in a file, linked where the host shows files. ``where``: ``line`` or ``line:column``, or empty."""
    text = f"{file}:{where}" if where else file
    number_of = where.partition(":")[0]
    if not host.files:
        return (Code(text),)
    return (Link(text, host.url(file, int(number_of) if number_of.isdigit() else 1)),)


def lines(*found: Line, kind: str = "") -> Paragraph:
    return Paragraph(tuple(found), kind)
