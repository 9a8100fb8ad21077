"""What reports say of tables that are published together, key by key, and of tables that will not join."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from synthkit.records.audit import AuditRecord
from synthkit.records.joins import Join, of_receipts
from synthkit.records.receipt import Receipt
from synthkit.report.page import Block, Code, Heading, Line, Paragraph, Rows, Span, line
from synthkit.report.style import apart_in_words, number, plural, verdicts_in_words
from synthkit.results import ModelResult, RunResults

_MOST = 50  # families, keys or tables that a section lists
NOTHING = "no audit"


@dataclass(frozen=True)
class Standing:
    """A table among those that it joins, as a receipt or a run has it.

    Args:
        run: that published it; None where it was not published by what is reported.
        sample: the hash of its rows.
    """

    family: str | None
    keys: tuple[Join, ...]
    audits: tuple[AuditRecord, ...]
    rows: int | None
    run: str | None = None
    sample: str | None = None


Standings = Mapping[str, Standing]


def of_published(receipts: Mapping[str, Receipt]) -> dict[str, Standing]:
    """Tables as their receipts have them."""
    keys = of_receipts(receipts)
    return {
        name: Standing(
            None if r.family is None else r.family.name,
            keys.get(name, ()),
            r.audits,
            r.rows,
            r.run_id,
            r.fingerprints.sample,
        )
        for name, r in receipts.items()
    }


def of_run(run: RunResults) -> dict[str, Standing]:
    """Tables as a run has them."""
    return {r.model: _of_result(r, run.run_id) for r in run.results}


def _of_result(result: ModelResult, run: str) -> Standing:
    published = run if result.published else None
    sample = result.fingerprints.get("sample")
    return Standing(result.family, result.keys, result.audits, result.rows, published, sample)


def run_families(run: RunResults, before: Mapping[str, Receipt] | None, base: str) -> Iterator[Block]:
    """A section for each family of which the run did something, or found something; and what will not join."""
    now = of_run(run)
    then = None if before is None else of_published(before)
    busy = {r.family for r in run.results if r.family is not None and r.status != "reused"}
    for name in list(_families(now))[:_MOST]:
        if name in busy:
            members = _of(name, now)
            results = [r for r in run.results if r.family == name]
            # What a run has not looked at is not gone.
            known = None if then is None else {n: s for n, s in then.items() if n in members}
            yield from _section(name, members, known, base, [_outcome(results)])
    yield from apart_section(now)


def review_families(
    after: Mapping[str, Receipt], before: Mapping[str, Receipt] | None, base: str | None
) -> Iterator[Block]:
    """A section for each family, against a base of each that is not as it was; and what will not join."""
    now, then = of_published(after), None if before is None else of_published(before)
    families = _families(now) if then is None else dict.fromkeys((*_families(now), *_families(then)))
    changed = [n for n in families if then is None or _of(n, now) != _of(n, then)]
    for name in changed[:_MOST]:
        members = _of(name, now)
        lines = [] if members else [line("No table of it is published any more.")]
        known = None if then is None else _of(name, then)
        yield from _section(name, members, known, base or "", [*lines, *_news(members, then, base or "")])
    yield from apart_section(now)


def _families(tables: Standings) -> dict[str, None]:
    return dict.fromkeys(s.family for s in tables.values() if s.family is not None)


def _of(family: str, tables: Standings) -> dict[str, Standing]:
    return {n: s for n, s in tables.items() if s.family == family}


def _section(
    name: str, members: Standings, before: Standings | None, base: str, said: Sequence[Line]
) -> Iterator[Block]:
    yield Heading(f"Family {name}")
    first: Line = (f"{plural(len(members), 'table')} that are published together, or not at all: ", *_listed(members))
    yield Paragraph((*([first] if members else []), *said))
    keys = [(table, key) for table, standing in members.items() for key in standing.keys if key.holds]
    gone = [
        (table, key)
        for table, standing in (before or {}).items()
        for key in standing.keys
        if key.holds and _same(members.get(table), key) is None
    ]
    if keys or gone:
        rows = [_key(table, key, members[table], before) for table, key in keys[:_MOST]]
        rows += [_cells(table, key, "gone") for table, key in gone]
        yield Rows(("key", "names rows of", "kind", f"verdict, {base} → now" if before else "verdict"), tuple(rows))


def _key(table: str, key: Join, now: Standing, before: Standings | None) -> tuple[Line, ...]:
    verdict = _verdicts(key, now)
    if before is not None:
        then = before.get(table)
        old = None if then is None else _same(then, key)
        if old is None or then is None:
            verdict = f"new: {verdict}"
        elif (was := _verdicts(old, then)) != verdict:
            verdict = f"{was} → {verdict}"
    return _cells(table, key, verdict)


def _cells(table: str, key: Join, verdict: str) -> tuple[Line, ...]:
    return (Code(_named(table, key)),), (Code(key.target),), line(key.kind), line(verdict)


def _same(standing: Standing | None, key: Join) -> Join | None:
    found = () if standing is None else standing.keys
    return next((k for k in found if (k.columns, k.references) == (key.columns, key.references) and k.holds), None)


def _named(table: str, key: Join) -> str:
    return f"{table}.{', '.join(key.columns)}"


def _verdicts(key: Join, standing: Standing) -> str:
    return verdicts_in_words(key, standing.audits) or NOTHING


def _listed(members: Standings) -> Iterator[Span]:
    for index, (name, standing) in enumerate(list(members.items())[:_MOST]):
        rows = "" if standing.rows is None else f" ({number(standing.rows)} rows)"
        yield from (", " if index else "", Code(name), rows)
    yield f" and {len(members) - _MOST} more." if len(members) > _MOST else "."


def _outcome(results: Sequence[ModelResult]) -> Line:
    """What became of a family in a run."""
    published = [r.model for r in results if r.published]
    bad = [r.model for r in results if r.failed]
    if bad:
        return ("Not published, as ", *_codes(bad), " did not pass: what was published before stays, of every table.")
    if len(published) == len(results):
        return line("All were published at one instant.")
    if published:
        return ("Audited again and published: ", *_codes(published), "; the others are as they were.")
    return line("None was published.")


def _news(members: Standings, before: Standings | None, base: str) -> Iterator[Line]:
    """What is published together now that was not before."""
    runs = {s.run for s in members.values()}
    if before is None or not members:
        if len(runs) == 1 and None not in runs:
            yield (f"Published by run {next(iter(runs))}.",)
        return
    known = {n: before[n] for n in members if n in before}
    joined = [n for n in members if n not in known or known[n].family != members[n].family]
    left = [n for n, s in before.items() if s.family == next(iter(members.values())).family and n not in members]
    if len(joined) == len(members):
        yield (f"These are published together for the first time since {base}.",)
    elif joined:
        yield ("Newly published together with the others: ", *_codes(joined), ".")
    if left:
        yield ("No longer among them: ", *_codes(left), ".")
    drawn = [n for n, s in known.items() if n not in joined and s.sample != members[n].sample]
    audited = [n for n, s in known.items() if n not in joined and n not in drawn and s.run != members[n].run]
    if drawn:
        yield ("Drawn again and published together: ", *_codes(drawn), ".")
    if audited:
        yield ("Audited again, with the same rows: ", *_codes(audited), ".")


def _codes(names: Sequence[str]) -> Iterator[Span]:
    for index, name in enumerate(names[:_MOST]):
        yield from (", " if index else "", Code(name))
    if len(names) > _MOST:
        yield f" and {len(names) - _MOST} more"


def apart_section(tables: Standings) -> Iterator[Block]:
    """Tables whose keys lead to tables that are made apart from them."""
    found = [(name, key) for name, s in tables.items() for key in s.keys if not key.holds]
    if not found:
        return
    yield Heading("Tables that will not join")
    lines: list[Line] = [
        (Code(_named(name, key)), " names no row of ", Code(key.references), f": {apart_in_words(name, key)}.")
        for name, key in found[:_MOST]
    ]
    if len(found) > _MOST:
        lines.append(line(f"… and {plural(len(found) - _MOST, 'key')} more."))
    yield Paragraph(tuple(lines), "warning")
