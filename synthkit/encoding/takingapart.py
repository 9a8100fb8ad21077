"""What is learnt of texts of several parts, decided by the training rows: which parts people share, and which tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from synthkit.encoding.apart import ApartColumn, LearntPart, TakenApart, which_form
from synthkit.encoding.shapes import digest
from synthkit.encoding.states import LEAST_SHARE, own_name, rows_of, shared, state_of
from synthkit.encoding.tagged import TagColumn, TagsApart
from synthkit.formats.columns import composed_of
from synthkit.formats.composed import INVENTED, Composed
from synthkit.formats.tags import Tags
from synthkit.schema import MIN_COUNT, Table

OWN_TAGS = 40  # with a column of their own, at most
OWN_PEOPLE = 30  # of each of them, at least
SHARED = 0.5  # of the rows have a value of the part that several people have, or it is made up


def taken_apart(table: Table) -> tuple[TakenApart | TagsApart, ...]:
    """The steps for the columns of a table that are texts of several parts."""
    composed, tagged = [], []
    schema = table.schema
    keys = {*schema.primary_key, schema.privacy_unit, schema.entity, schema.order_by}
    for column in schema.columns:
        form = None if column.name in keys else composed_of(column)
        if isinstance(form, Composed) and (one := _composed(table, column.name, form)) is not None:
            composed.append(one)
        if isinstance(form, Tags) and (listed := _tagged(table, column.name, form)) is not None:
            tagged.append(listed)
    steps = (TakenApart(tuple(composed)),) if composed else ()
    return (*steps, TagsApart(tuple(tagged))) if tagged else steps


def _composed(table: Table, name: str, form: Composed) -> ApartColumn | None:
    """How a column is taken apart; None where most of its values do not have the form."""
    import pyarrow.compute as pc

    texts, people = rows_of(table, name)
    read = [shape.read(texts) for shape in form.shapes]
    which = which_form([fits for _, fits in read])
    if len(which) - which.null_count < max(1, LEAST_SHARE * (len(texts) - texts.null_count)):
        return None
    taken = set(table.schema.names)
    learnt: list[LearntPart] = []
    lengths: list[tuple[int, str, tuple[tuple[int, int], ...]]] = []
    for number, shape in enumerate(form.shapes):
        here = pc.fill_null(pc.equal(which, number), False)
        whose = None if people is None else people.filter(here)
        for part in shape.parts:
            values = read[number][0][part.name].filter(here)
            if part.said.endswith("…") and part.code:
                long = Counter(pc.utf8_length(values).to_pylist())
                kept = tuple(sorted((n, rows) for n, rows in long.items() if rows >= MIN_COUNT))
                lengths.append((number, part.name, kept or tuple(sorted(long.items()))[:1]))
            inner = own_name(f"{name} ({part.name}{f' {number + 1}' if number else ''})", taken)
            if part.number is not None and len(values):
                learnt.append(LearntPart(number, part.name, inner, None, len(values) < len(texts)))
            elif part.said not in INVENTED:
                common = shared(values, whose)
                if len(common) and sum(common.values()) >= SHARED * len(values):
                    lacking = sum(common.values()) < len(texts)
                    learnt.append(LearntPart(number, part.name, inner, tuple(common), lacking))
            taken.add(inner)
    known = texts.drop_null()
    every = sum(len(shape.parts) for shape in form.shapes) == len(learnt)
    return ApartColumn(
        name,
        form.text,
        state_of(name, texts, which, people, always=not learnt),
        tuple(learnt),
        tuple(lengths),
        frozenset() if every else frozenset(digest(t) for t in known.to_pylist()),
        pc.count_distinct(known).as_py() == len(known),
    )


def _tagged(table: Table, name: str, form: Tags) -> TagColumn | None:
    """How a column's lists are learnt; None where most of its values are none, or no tag may come back."""
    import pyarrow as pa

    texts, people = rows_of(table, name)
    lists = [None if text is None else form.split(text) for text in texts.to_pylist()]
    which = pa.array([None if tags is None else 0 for tags in lists], pa.int64())
    if len(which) - which.null_count < max(1, LEAST_SHARE * (len(texts) - texts.null_count)):
        return None
    rows = [i for i, tags in enumerate(lists) for _ in tags or ()]
    tags = pa.array([tag for one in lists for tag in one or ()], pa.string())
    common = shared(tags, None if people is None else people.take(pa.array(rows, pa.int64())))
    if not common:
        return None
    own = [tag for tag, n in common.items() if n >= OWN_PEOPLE][:OWN_TAGS] or list(common)[:OWN_TAGS]
    rest = tuple((tag, n) for tag, n in common.items() if tag not in set(own))
    taken: Collection[str] = set(table.schema.names)
    others = any(set(one) - set(own) for one in lists if one) and bool(rest)
    return TagColumn(
        name,
        form.text,
        state_of(name, texts, which, people, always=False),
        tuple((tag, own_name(f"{name}: {tag}", taken)) for tag in own),
        own_name(f"{name} (others)", taken) if others else None,
        rest,
        _order(lists, common),
    )


def _order(lists: list[tuple[str, ...] | None], common: Collection[str]) -> tuple[str, ...]:
    """The tags in the order that lists have them in: by how many others stand before each, on average."""
    before: Counter[str] = Counter()
    beside: Counter[str] = Counter()
    seen: dict[str, Any] = {}
    for tags in lists:
        for place, tag in enumerate(tags or ()):
            before[tag] += place
            beside[tag] += len(tags or ()) - 1
            seen.setdefault(tag, len(seen))
    alphabetical = all(list(tags) == sorted(tags) for tags in lists if tags)
    if alphabetical:
        return tuple(sorted(common))
    return tuple(sorted(common, key=lambda t: (before[t] / max(1, beside[t]), seen[t])))
