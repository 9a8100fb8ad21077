"""Rules across tables that the real rows show: totals of children, copies of a parent's column, two ways to one row."""

from __future__ import annotations

from collections.abc import Iterator

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import POSITIVE, AuditParams, AuditResult, ColumnResult, Status, audit
from synthkit.audits.counting import listed
from synthkit.audits.relations.columns import comparable
from synthkit.audits.relations.declared import broken_in
from synthkit.audits.rows.links import Links, links, no_family
from synthkit.rules.across.bound import Hop
from synthkit.rules.across.find.search import find_across
from synthkit.rules.across.find.ways import DEEPEST, Looked, Way

SHOWN = 3


class RollupParams(AuditParams):
    """Parameters of ``rollup``.

    Args:
        leave_out: rules that the real rows show, as its message writes them, that need not hold.
        rules: rules across tables (docs/families.md) that must hold whatever the real rows show; those of the source
            group are among them.
    """

    leave_out: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


@audit("rollup", RollupParams, family="integrity", version=3, needs=("train",), between=POSITIVE, stands_on=("child",))
def rollup(context: AuditContext, params: RollupParams) -> AuditResult:
    """Rules across tables that all real rows keep: totals of children, copies of a parent's columns, dates, diamonds

    Searched for every key of the table, in the training and held-out rows, as ``synth init`` searches them
    (docs/families.md): a column of the parent that is the number of its children, or the sum, least, greatest or mean
    of a column of theirs, or the sum of a product of two; a column that equals one of the row that keys lead to, over
    up to three of them; a date or number that is never before, or never after, one there; and two keys that lead to
    one row (a payment's customer is its rental's). A rule is what all real rows keep and chance alone would have kept
    once in a million at most. The value is the number of rows (of parents, for totals) that break one. Nothing is
    searched in the rows of a table under ``epsilon``. ``rules`` are demanded of the synthetic rows alone.
    """
    if (none := no_family(context)) is not None:
        return none
    searched = context.training is None
    if not searched and not params.rules:
        return AuditResult(None, "skipped", "max 0", message="nothing is searched in rows that epsilon protects")
    found = links(context)
    if not found.rows("synthetic", found.family.table):
        return AuditResult(None, "skipped", "max 0", message="there are no rows to look at")
    shown = [text for text in (_shown(found) if searched else ()) if text not in params.leave_out]
    counts = {text: broken_in(found, text) for text in dict.fromkeys((*params.rules, *shown))}
    broken = {text: n for text, n in counts.items() if n[0]}
    failing = sum(n for n, _ in counts.values())
    results = sorted((_result(text, *n) for text, n in counts.items()), key=lambda r: -(r.value or 0))
    many = f"{len(counts)} rule{'s' * (len(counts) != 1)} across tables"
    if broken:
        worst = sorted(broken, key=lambda t: -broken[t][0])[:SHOWN]
        said = listed([f"'{t}' in {broken[t][0]:,} of {broken[t][1]:,}" for t in worst])
        message = f"{len(broken)} of {many} broken: {said}"
    else:
        message = f"{many} hold" if counts else "the real rows show no rule across tables"
    status: Status = "fail" if broken else "pass"
    details: dict[str, object] = {"rules": {text: {"broken": n, "of": of} for text, (n, of) in counts.items()}}
    if params.rules:
        details["declared"] = {text: counts[text][0] for text in params.rules}
    return AuditResult(
        failing, status, "max 0", failing, failing, message=message, columns=tuple(results), details=details
    )


def _result(text: str, broken: int, _: int) -> ColumnResult:
    return ColumnResult(text, broken, "fail" if broken else "pass", broken, broken)


def _shown(found: Links) -> Iterator[str]:
    """The rules that the real rows show, of those that go by the table's keys."""
    family = found.family
    keys = [k for k in family.keys if not k.cut]
    reached = {family.table}
    for _ in range(DEEPEST):
        reached |= {k.references for k in keys if k.table in reached}
    ways = [
        Way(k.table, Hop(k.columns, k.references, family.parent_key(k)), k.owner)
        for k in keys
        if {k.table, k.references} <= reached
    ]
    fields = {name: [c.name for c in comparable(found, name) if c.format is None] for name in reached}
    numbered = {}
    for name in reached:
        foreign = {c for w in ways if w.table == name for c in w.hop.columns}
        primary = family.members[name].synthetic.schema.primary_key
        numbered[name] = [c for c in primary if c not in foreign and len(primary) > 1]
    tables = {}
    for name in reached:
        named = {c for w in ways for c in (w.hop.columns if w.table == name else ())}
        named |= {c for w in ways if w.hop.table == name for c in w.hop.named}
        tables[name] = found.world("real", name, tuple(sorted({*fields[name], *numbered[name], *named})))
    across = find_across(Looked(tables, ways, fields, numbered=numbered), of=[family.table])
    yield from (str(one.rule) for one in (*across.shown, *across.contrary))
