"""The columns of every table: sources are described, generated models inherit, queries are bound."""

from __future__ import annotations

from dataclasses import replace

from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.compiler.manifest import SourceNode
from synthkit.compiler.sqlmodels import Describer, query_location
from synthkit.errors import SynthError
from synthkit.formats.columns import said_otherwise
from synthkit.generators.base import Query, Taught
from synthkit.project.types import Relation, SourceTableSpec
from synthkit.schema import Column, Schema
from synthkit.sources.describe import describe, described
from synthkit.sources.files import may_bring_columns
from synthkit.sources.types import provisional_type
from synthkit.sql.types import NoPlaceError, is_nested


def describe_sources(draft: Draft) -> None:
    """Names and types of the real tables, from headers and catalogues; a missing file is a fault."""
    used = {r.id for m in draft.models.values() for r in m.parents if r.source is not None}
    for id_, (relation, spec) in draft.tables.items():
        # An unused source is described too, as its file may be misspelt, but a database is not called for it.
        if spec.connection is not None and id_ not in used:
            continue
        try:
            schema = _looked_up(draft, id_, spec) if draft.opens else _recorded(draft, id_, spec)
        except SynthError as error:
            key = "path" if spec.path is not None else "table"
            draft.fault(error.message, error.where or spec.origin.at(key), hint=error.hint)
            continue
        if schema is not None:
            draft.sources[id_] = SourceNode(relation, spec, schema)


def _looked_up(draft: Draft, id_: str, spec: SourceTableSpec) -> Schema | None:
    project = draft.project
    connections, cache = project.spec.connections, project.describe_cache
    try:
        declared = _only_private(draft, id_)
        return describe(spec, root=project.root, connections=connections, cache=cache, declared=declared)
    except SynthError as error:
        if draft.recorded is None:
            raise
        draft.absent[id_] = error.message
        return _recorded(draft, id_, spec)


def _only_private(draft: Draft, id_: str) -> bool:
    """Whether trainings under a budget read the source, and nothing else does."""
    readers = [m for m in draft.models.values() if any(r.source is not None and r.id == id_ for r in m.parents)]
    private = [m.spec.epsilon is not None and m.spec.source is not None and m.spec.source.id == id_ for m in readers]
    return bool(private) and all(private)


def _recorded(draft: Draft, id_: str, spec: SourceTableSpec) -> Schema | None:
    """As receipts have it; None where none tells of it."""
    columns = (draft.recorded or {}).get(id_)
    return None if columns is None else described(spec, columns)


def derive_schemas(draft: Draft) -> None:
    """Columns of the models, in topological order."""
    describer = Describer()
    for name in draft.order:
        model = draft.models[name]
        if model.broken or model.generator is None:
            continue
        if isinstance(model.generator, Query):
            _describe_query(draft, model, describer)
        elif model.spec.source is not None:
            schema = draft.schema_of(model.spec.source)
            if schema is not None and model.spec.epsilon is not None:
                schema = _declared_columns(draft, model.spec.source, schema)
            if schema is None or _learns_nested(draft, model, schema):
                model.broken = True
            elif isinstance(model.generator, Taught):
                _derive_columns(draft, model, model.generator, schema)
            else:
                model.schema = _described(schema, model)


def _declared_columns(draft: Draft, source: Relation, schema: Schema) -> Schema:
    """Of a source in which a row may bring a column of its own, the declared columns in their declared order: under a
    budget no row decides what columns a table has."""
    if source.id not in draft.tables or not may_bring_columns(draft.tables[source.id][1]):
        return schema
    declared = [c.name for c in draft.tables[source.id][1].columns]
    return replace(schema.select(declared), columns=tuple(schema.by_name[n] for n in declared))


def _learns_nested(draft: Draft, model: ModelDraft, schema: Schema) -> bool:
    """Whether the model would learn a list, struct or map, which is a fault: generators make single values."""
    assert model.generator is not None
    assert model.spec.source is not None
    found = [c for c in schema.columns if is_nested(c.sql_type)]
    for column in found[:1]:
        what = f"column {column.name!r} of {model.spec.source.id.replace(':', ' ')} is {column.sql_type}"
        ways = f"{column.name}.x AS {column.name}_x for a field, {column.name}[1] for an entry, ::JSON for its text"
        message = f"{what}, and {model.generator.name} learns single values"
        draft.fault(message, model.spec.origin.at("source"), hint=f"put an SQL model between that selects {ways}")
    return bool(found)


def _derive_columns(draft: Draft, model: ModelDraft, generator: Taught, schema: Schema) -> None:
    """Columns that the generator makes of the source's."""
    try:
        model.schema = _described(generator.columns(model.params, schema), model)
    except ValueError as error:
        draft.fault(str(error), model.spec.origin.at("source"))
        model.broken = True


def _describe_query(draft: Draft, model: ModelDraft, describer: Describer) -> None:
    where = query_location(model)
    inherited: dict[str, Column] = {}
    for relation in model.sql_relations:
        schema = draft.schema_of(relation)
        if schema is None:
            model.broken = True
            return
        describer.add(relation.sql, schema)
        for column in schema.columns:
            inherited.setdefault(column.name, column)
    try:
        found = describer.published(model.sql or "")
    except NoPlaceError as error:
        draft.fault(f"{model.spec.name!r}: {error}", where, hint=error.hint)
        model.broken = True
        return
    except ValueError as error:
        draft.fault(f"the query of {model.spec.name!r} does not work: {error}", where, hint="see target/compiled/")
        model.broken = True
        return
    columns = []
    for name, sql_type in found.items():
        parent = inherited.get(name)
        if parent is not None and parent.sql_type == sql_type:
            columns.append(replace(parent, nullable=True, bounds=None, values=None))
        else:
            columns.append(Column(name, provisional_type(sql_type), sql_type))
    model.schema = _described(Schema(tuple(columns)), model)


def _described(schema: Schema, model: ModelDraft) -> Schema:
    """The schema with what the model's own ``columns:`` say about it."""
    said = {c.name: c for c in model.spec.columns}
    columns = []
    for column in schema.columns:
        spec = said.get(column.name)
        if spec is not None:
            column = replace(column, description=spec.description or column.description)
            column = said_otherwise(column, type=spec.type, format=spec.format, pii=spec.pii, rare=spec.rare)
        columns.append(column)
    return replace(schema, columns=tuple(columns))
