"""The tables of a context as they are read: columns with a written form as what they mean, on every side alike.

Audits of distributions, models and attacks look at these; audits of what is published (``schema``, ``accepted_values``,
SQL of one's own) look at the text itself. Conditions (``where:``) are about what is published in both.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from synthkit.audits.context import AuditContext
from synthkit.encoding.writtenform import read_view
from synthkit.formats.columns import form_of
from synthkit.schema import Column, Table


def as_read(context: AuditContext, folder: Path) -> AuditContext:
    """The context over tables as they are read, which are written to ``folder``; itself where nothing is written so.

    What a form does not fit is missing there.
    """
    ours = context.schema.by_name
    real = () if context.train is None else context.train.schema.columns
    forms = {c.name: c for c in real if c.name not in ours or ours[c.name].modelled} | dict(ours)
    forms = {name: column for name, column in forms.items() if form_of(column) is not None}
    if not forms:
        return context

    def read(table: Table, name: str) -> Table:
        schema = replace(table.schema, columns=tuple(_with_form(c, forms) for c in table.schema.columns))
        return read_view(replace(table, schema=schema), look="form").learn(table, folder / f"{name}.parquet")

    synthetic = read(context.synthetic, "synthetic")
    columns = tuple(synthetic.schema.by_name.get(c.name, c) for c in context.schema.columns)
    earlier = context.previous
    return replace(
        context,
        schema=replace(context.schema, columns=columns),
        synthetic=synthetic,
        train=None if context.train is None else read(context.train, "train"),
        holdout=None if context.holdout is None else read(context.holdout, "holdout"),
        previous=None if earlier is None else replace(earlier, table=read(earlier.table, "previous")),
        published={s: t.paths for s in ("synthetic", "train", "holdout") if (t := context.side(s)) is not None},
        _cache={},
    )


def _with_form(column: Column, forms: dict[str, Column]) -> Column:
    known = forms.get(column.name)
    return column if known is None else replace(column, format=known.format, type=known.type, pii=known.pii)
