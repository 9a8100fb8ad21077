"""The tables of a context as they are read: columns with a written form as what they mean, on every side alike.

Audits of distributions, models and attacks look at these; audits of what is published (``schema``, ``accepted_values``,
SQL of one's own) look at the text itself. Conditions (``where:``) are about what is published in both.
Of texts of several parts (e-mail addresses, lists of tags) those parts that were learnt stand beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from synthkit.audits.context import AuditContext
from synthkit.audits.family import Family, Member
from synthkit.encoding.apart import TakenApart
from synthkit.encoding.exchanging import with_parts
from synthkit.encoding.tagged import TagsApart
from synthkit.encoding.takingapart import taken_apart
from synthkit.encoding.writtenform import read_view
from synthkit.formats.columns import composed_of, form_of
from synthkit.schema import Column, Schema, Table

Apart = tuple[TakenApart | TagsApart, ...]


def as_read(context: AuditContext, folder: Path) -> AuditContext:
    """The context over tables as they are read, which are written to ``folder``; itself where nothing is written so.

    What a form does not fit is missing there. Keys of a family are keys whatever they are declared as.
    """
    context = _with_keys(context)
    family = None if context.family is None else _family_read(context.family, folder)
    forms = _forms(context.schema, context.train)
    if not forms:
        return context if family is context.family else replace(context, family=family, _cache={})
    apart = _apart(context.train, forms)
    inner = tuple(c for step in apart for c in step.schema(_alone(step.inner.values(), forms)).columns)
    synthetic = _read(context.synthetic, forms, folder / "synthetic.parquet", apart)
    columns = (*(synthetic.schema.by_name.get(c.name, c) for c in context.schema.columns), *inner)
    earlier = context.previous

    def real(side: Literal["train", "holdout"]) -> Table | None:
        table = context.side(side)
        return None if table is None else _read(table, forms, folder / f"{side}.parquet", apart)

    return replace(
        context,
        schema=replace(context.schema, columns=columns),
        synthetic=synthetic,
        train=real("train"),
        holdout=real("holdout"),
        previous=None
        if earlier is None
        else replace(earlier, table=_read(earlier.table, forms, folder / "previous.parquet")),
        published={s: t.paths for s in ("synthetic", "train", "holdout") if (t := context.side(s)) is not None},
        family=family,
        _cache={},
    )


def _with_keys(context: AuditContext) -> AuditContext:
    """The context with the keys of the family taken for such: one that is written in a form is made up all the same."""
    if context.family is None:
        return context
    family = context.family
    members = {name: _member_with_keys(member, family.named(name)) for name, member in family.members.items()}
    mine = family.named(family.table)
    schema = _schema_with_keys(context.schema, mine)
    if schema == context.schema and members == dict(family.members):
        return context

    def keyed(table: Table | None) -> Table | None:
        return None if table is None else replace(table, schema=_schema_with_keys(table.schema, mine))

    return replace(
        context,
        schema=schema,
        synthetic=replace(context.synthetic, schema=_schema_with_keys(context.synthetic.schema, mine)),
        train=keyed(context.train),
        holdout=keyed(context.holdout),
        family=replace(family, members=members),
        _cache={},
    )


def _member_with_keys(member: Member, keys: frozenset[str]) -> Member:
    def keyed(table: Table) -> Table:
        return replace(table, schema=_schema_with_keys(table.schema, keys))

    sides = (None if t is None else keyed(t) for t in (member.train, member.holdout))
    return Member(keyed(member.synthetic), *sides)


def _schema_with_keys(schema: Schema, keys: frozenset[str]) -> Schema:
    columns = tuple(replace(c, type="id", format=None) if c.name in keys else c for c in schema.columns)
    return schema if columns == schema.columns else replace(schema, columns=columns)


def _family_read(family: Family, folder: Path) -> Family:
    """The family over tables as they are read; itself where nothing is written in a form."""
    members: dict[str, Member] = {}
    for index, (name, member) in enumerate(family.members.items()):
        forms = _forms(member.synthetic.schema, member.train)
        if not forms:
            members[name] = member
            continue
        tables = {side: getattr(member, side) for side in ("synthetic", "train", "holdout")}
        read = {
            side: None if table is None else _read(table, forms, folder / f"{index}-{side}.parquet")
            for side, table in tables.items()
        }
        assert read["synthetic"] is not None
        members[name] = Member(read["synthetic"], read["train"], read["holdout"])
    return family if members == dict(family.members) else replace(family, members=members)


def _forms(ours: Schema, train: Table | None) -> dict[str, Column]:
    """The columns with a written form, as the synthetic table has them, or the real one."""
    known = ours.by_name
    real = () if train is None else train.schema.columns
    forms = {c.name: c for c in real if c.name not in known or known[c.name].modelled} | dict(known)
    return {name: c for name, c in forms.items() if form_of(c) is not None or composed_of(c) is not None}


def _read(table: Table, forms: dict[str, Column], path: Path, apart: Apart = ()) -> Table:
    schema = replace(table.schema, columns=tuple(_with_form(c, forms) for c in table.schema.columns))
    known = read_view(replace(table, schema=schema), look="form").learn(table, path)
    return with_parts(known, apart, path.with_suffix(".parts.parquet"))


def _apart(train: Table | None, forms: Mapping[str, Column]) -> Apart:
    """How texts of several parts are taken apart, decided by the training rows: no audit sees a whole text."""
    if train is None or all(composed_of(c) is None for c in forms.values()):
        return ()
    columns = [_with_form(c, forms) for c in train.schema.columns]
    return taken_apart(replace(train, schema=replace(train.schema, columns=tuple(columns))))


def _alone(names: Iterable[str], forms: Mapping[str, Column]) -> Schema:
    """A schema of these columns alone."""
    return Schema(tuple(forms[name] for name in dict.fromkeys(names)))


def _with_form(column: Column, forms: Mapping[str, Column]) -> Column:
    known = forms.get(column.name)
    return column if known is None else replace(column, format=known.format, type=known.type, pii=known.pii)
