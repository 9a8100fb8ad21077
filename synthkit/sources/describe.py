"""The columns of a source without its rows: headers, footers, catalogues. Cached, as it runs at every compile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthkit.errors import BuildError, SynthError, did_you_mean
from synthkit.formats.form import Form
from synthkit.formats.language import parse_form
from synthkit.formats.words import Words
from synthkit.project.decides import deciding
from synthkit.project.types import ColumnSpec, ConnectionSpec, SourceTableSpec
from synthkit.schema import Column, Schema
from synthkit.sources.cache import recall, remember
from synthkit.sources.files import TYPED, file_format, located
from synthkit.sources.location import column_location, location
from synthkit.sources.options import check_options
from synthkit.sources.scan import opened
from synthkit.sources.standing import standing
from synthkit.sources.types import at_rest, declared_sql_type, provisional_type, written_sql_type

VERSION = 6  # of what is cached


def describe(
    spec: SourceTableSpec,
    *,
    root: Path,
    connections: Mapping[str, ConnectionSpec],
    cache: Path | None,
    declared: bool = False,
) -> Schema:
    """Names and types of a source's columns; logical types that are not declared are provisional.

    Args:
        cache: a folder for results, keyed by how the files stand; None describes anew.
        declared: only trainings under a budget read it: of a file of text the header and the declaration say all,
            so that no row decides, or prevents, anything.

    Raises:
        SynthError: the source, or a column that is declared for it, is not there.
    """
    return described(spec, _cached(spec, root, connections, cache, declared))


def described(spec: SourceTableSpec, columns: Mapping[str, str]) -> Schema:
    """The schema of a source that has these columns (name → SQL type). Raises SynthError as :func:`describe` does."""
    _check_declared(spec, list(columns))
    return typed(spec, columns)


def typed(spec: SourceTableSpec, columns: Mapping[str, str]) -> Schema:
    """A schema from the found SQL types and what the YAML declares."""
    declared = {c.name: c for c in spec.columns}
    keys = {spec.entity, *(name for key in spec.foreign_keys or () for name in key.names)}
    found = []
    for name, sql_type in columns.items():
        c = declared.get(name)
        wanted = at_rest(sql_type) if c is None else declared_sql_type(c, sql_type)
        kind = provisional_type(wanted) if c is None or c.type is None else c.type
        form = None if c is None or c.pii is not None or c.format is None else parse_form(c.format)
        kind = kind if form is None else form.type
        if (spec.primary_key == (name,) or name in keys) and (c is None or c.type is None):
            kind = "id"
        found.append(
            Column(
                name=name,
                type=kind,
                sql_type=wanted,
                nullable=True if c is None or c.nullable is None else c.nullable,
                pii=None if c is None else c.pii,
                bounds=None if c is None else c.bounds,
                values=_values(c, form, wanted),
                decimals=None if c is None else c.decimals,
                description=None if c is None else c.description,
                format=None if form is None else form.text,
                rare=None if c is None else c.rare,
            )
        )
    return Schema(tuple(found), spec.primary_key, spec.privacy_unit, spec.order_by, spec.entity)


def _values(c: ColumnSpec | None, form: Form | None, sql_type: str) -> tuple[Any, ...] | None:
    """What is declared of a column's values: also by a form that names both of them (``yes/no``)."""
    if c is not None and c.values is None and isinstance(form, Words):
        return form.values if sql_type == "VARCHAR" else tuple(int(v) for v in form.values)
    return None if c is None else c.values


def _cached(
    spec: SourceTableSpec, root: Path, connections: Mapping[str, ConnectionSpec], cache: Path | None, declared: bool
) -> dict[str, str]:
    found = standing(spec, root, connections)
    if cache is None:
        return _look(spec, root, connections, declared)
    reading = deciding(spec, "rows")
    key = hashlib.sha256(
        json.dumps([VERSION, None if found is None else found.key, reading, declared], sort_keys=True).encode()
    ).hexdigest()
    file = cache / f"{key[:32]}.json"
    if found is not None and (known := recall(file)) is not None:
        return known
    columns = _look(spec, root, connections, declared)
    if found is not None and found.settled and standing(spec, root, connections) == found:
        remember(file, columns)
    return columns


def _look(
    spec: SourceTableSpec, root: Path, connections: Mapping[str, ConnectionSpec], declared: bool
) -> dict[str, str]:
    if spec.path is not None:
        kind = file_format(spec, located(spec, root))
        check_options(spec, kind)  # before DuckDB is imported
        if declared and kind not in TYPED:
            return _by_declaration(spec, root, connections)
    with opened(spec, root=root, connections=connections) as source:
        return {name: found.sql_type for name, found in source.found().items()}


def _by_declaration(spec: SourceTableSpec, root: Path, connections: Mapping[str, ConnectionSpec]) -> dict[str, str]:
    """Of a file of text: the columns that its header names, or JSON lines declare, in the types that are declared.

    What no declaration gives a type is looked up in the rows for the fault that demands one, as far as they are read.
    """
    with opened(spec, root=root, connections=connections, lenient=True) as source:
        names = source.names
    said = {c.name: c for c in spec.columns}
    untyped = [n for n in names if (n not in said or said[n].type is said[n].pii is None) and spec.primary_key != (n,)]
    if untyped:
        try:
            found = _look(spec, root, connections, False)
            return {n: found.get(n, "VARCHAR") for n in names}
        except BuildError:
            pass  # a row that is not as the others are
    fixed = {n: written_sql_type(said[n]) if n in said else None for n in names}
    return {n: sql_type or "VARCHAR" for n, sql_type in fixed.items()}


def _check_declared(spec: SourceTableSpec, names: list[str]) -> None:
    for column in spec.columns:
        if column.name not in names:
            hint = did_you_mean(column.name, names, "a column")
            where = column_location(spec, column.name)
            raise SynthError(f"source table {spec.name!r} has no column {column.name!r}", where, hint)
    single = ("privacy_unit", "order_by", "entity")
    for key, listed in (("primary_key", spec.primary_key), *((k, (getattr(spec, k),)) for k in single)):
        for name in listed:
            if name is not None and name not in names:
                hint = did_you_mean(name, names, "a column")
                raise SynthError(f"source table {spec.name!r} has no column {name!r}", location(spec, key), hint)
    for index, foreign in enumerate(spec.foreign_keys or ()):
        for name in foreign.names:
            if name not in names:
                hint = did_you_mean(name, names, "a column")
                where = spec.origin.at("foreign_keys", index, "column" if foreign.column is not None else "columns")
                raise SynthError(f"source table {spec.name!r} has no column {name!r}", where, hint)
