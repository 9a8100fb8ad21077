"""Bind unit tests: find what each one tests, render its SQL, and match the given rows with the tables that it reads."""

from __future__ import annotations

from synthkit.compiler.draft import Draft
from synthkit.compiler.manifest import GivenTable, UnitTest
from synthkit.errors import Location, SynthError, did_you_mean
from synthkit.generators.base import Query
from synthkit.project.render import RenderedSql
from synthkit.project.types import Relation
from synthkit.project.unittests import GivenSpec, UnitTestSpec

THIS = '"synthetic"'  # what a custom audit's {{ this }} is called in its unit test


def bind_unit_tests(draft: Draft) -> None:
    """Unit tests of the project; what is wrong with one becomes faults."""
    for spec in draft.project.unit_tests:
        rendered = _rendered(draft, spec)
        if rendered is None:
            continue
        before = len(draft.faults)
        given = tuple(_given(draft, spec, index, one, rendered) for index, one in enumerate(spec.given))
        named = {one.input for one in spec.given}
        for relation in sorted(rendered.relations - named, key=lambda r: r.id):
            draft.fault(
                f"unit test {spec.name!r} reads {relation}, of which no rows are given",
                spec.origin.at("given", key=True),
                hint=f"add - {{input: {relation}, rows: []}}",
            )
        if len(draft.faults) == before:
            kind = "model" if spec.model is not None else "audit" if spec.audit is not None else "query"
            subject = kind if kind == "query" else f"{kind} {getattr(spec, kind)}"
            draft.unit_tests.append(
                UnitTest(spec.name, subject, rendered.text, given, spec.expect.rows, _location(draft, spec))
            )


def _rendered(draft: Draft, spec: UnitTestSpec) -> RenderedSql | None:
    if spec.model is not None:
        return _of_model(draft, spec, spec.model)
    if spec.audit is not None:
        files = draft.project.sql_audits
        if spec.audit not in files:
            hint = did_you_mean(spec.audit, files, "a custom audit")
            draft.fault(f"there is no custom audit {spec.audit!r}", spec.origin.at("audit"), spec.audit, hint)
            return None
        file = files[spec.audit]
        text, where, package = file.text, Location(file.file, 1, 1), file.package
    else:
        text, where, package = spec.query or "", spec.origin.at("query"), None
    if spec.params and spec.audit is None:
        draft.fault("params are a custom audit's", spec.origin.at("params", key=True), hint="drop params")
    this = THIS if spec.audit is not None else None
    try:
        return draft.project.renderer.sql(text, this=this, extra=dict(spec.params), package=package)
    except SynthError as error:
        draft.fault(f"unit test {spec.name!r}: {error.message}", error.where or where, hint=error.hint)
        return None


def _of_model(draft: Draft, spec: UnitTestSpec, name: str) -> RenderedSql | None:
    where, model = spec.origin.at("model"), draft.models.get(name)
    if model is None:
        draft.fault(f"there is no model {name!r}", where, name, did_you_mean(name, draft.models, "a model"))
        return None
    if model.generator is not None and not isinstance(model.generator, Query):
        hint = "audit what it draws; given rows → expected rows is for SQL"
        draft.fault(f"{name!r} is no SQL model: its rows are drawn, not computed", where, name, hint)
        return None
    return None if model.sql is None else RenderedSql(model.sql, frozenset(model.sql_relations))


def _given(draft: Draft, spec: UnitTestSpec, index: int, given: GivenSpec, rendered: RenderedSql) -> GivenTable:
    """The table of an input: the columns of the one that it stands for, where that is known."""
    relation, where = given.input, spec.origin.at("given", index, "input")
    if not isinstance(relation, Relation):
        if spec.audit is None:
            draft.fault("'this' is what a custom audit judges", where, "this", "name a ref() or source()")
        return GivenTable(THIS, given.rows, dict(given.types))
    if relation not in rendered.relations:
        hint = did_you_mean(str(relation), map(str, rendered.relations), "an input")
        draft.fault(f"unit test {spec.name!r} does not read {relation}", where, str(relation), hint)
    schema = draft.schema_of(relation)
    types = {} if schema is None else {c.name: c.sql_type for c in schema.columns}
    for number, row in enumerate(given.rows):
        for column in row:
            if types and column not in types:
                where = spec.origin.at("given", index, "rows", number, column, key=True)
                hint = did_you_mean(column, types, "a column")
                draft.fault(f"{relation} has no column {column!r}", where, column, hint)
    return GivenTable(relation.sql, given.rows, {**types, **given.types})


def _location(draft: Draft, spec: UnitTestSpec) -> str:
    where, root = spec.origin.at("name"), draft.project.root
    file = where.file.relative_to(root).as_posix() if where.file.is_relative_to(root) else str(where.file)
    return f"{file}:{where.line}:{where.column}"
