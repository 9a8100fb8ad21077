"""Checks that look at one model at a time: its budget, its columns, its conditions; and the exposures."""

from __future__ import annotations

from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.compiler.graph import check_relation
from synthkit.compiler.private import source_table
from synthkit.encoding.faker import known_pii, provider_names
from synthkit.encoding.locales import ALIASES, LOCAL, Pii, lacking, locales
from synthkit.errors import Location, did_you_mean
from synthkit.extras import installed
from synthkit.formats.columns import as_read, conditions_as_read, form_fault, forms_of
from synthkit.generators import registry
from synthkit.generators.base import Trained
from synthkit.generators.exact.conditions import check_conditions as condition_problems
from synthkit.project.counts import apart
from synthkit.project.types import ColumnSpec
from synthkit.schema import Column, Schema


def check_epsilon(draft: Draft) -> None:
    """``epsilon`` on a generator that cannot honour it is refused, never ignored."""
    for model in draft.models.values():
        spec = model.spec
        if spec.delta is not None and spec.epsilon is None:
            draft.fault("delta without epsilon", spec.origin.at("delta"), spec.delta, "add epsilon, or drop delta")
        if spec.epsilon is None or model.generator is None:
            continue
        if model.generator.supports_epsilon:
            continue
        able = registry.private_names()
        instead = f"choose one that can ({', '.join(able)})" if able else "no generator of this version can"
        draft.fault(
            f"generator {model.generator.name!r} gives no differential privacy, so it cannot honour epsilon",
            spec.origin.at("epsilon"),
            spec.epsilon,
            f"{instead}, or drop epsilon: the table then carries no formal guarantee, and says so",
        )


def check_columns(draft: Draft) -> None:
    """Columns that a model describes must exist."""
    for model in draft.models.values():
        if model.schema is None:
            continue
        for index, column in enumerate(model.spec.columns):
            if column.name not in model.schema.by_name:
                where = model.spec.origin.at("columns", index, "name")
                hint = did_you_mean(column.name, model.schema.names, "a column")
                draft.fault(f"model {model.spec.name!r} has no column {column.name!r}", where, column.name, hint)


def check_formats(draft: Draft) -> None:
    """``format:`` stands on columns that are text, or whole numbers where it names one (``%Y%m%d``)."""
    said: list[tuple[ColumnSpec, Schema]] = []
    for id_, (_, table) in draft.tables.items():
        said += [(c, draft.sources[id_].schema) for c in table.columns if id_ in draft.sources]
    for model in draft.models.values():
        said += [(c, model.schema) for c in model.spec.columns if model.schema is not None]
    for spec, schema in said:
        column = schema.by_name.get(spec.name)
        fault = None if column is None or spec.format is None else form_fault(column)
        if fault is not None:
            message = f"column {spec.name!r} has no written form: {fault}"
            draft.fault(message, spec.origin.at("format"), spec.format, "drop format")


def check_pii(draft: Draft) -> None:
    """``pii:`` names something that Faker can make up, of a locale that has it, or of a country that the row says."""
    columns: list[ColumnSpec] = [c for _, table in draft.tables.values() for c in table.columns]
    columns += [c for model in draft.models.values() for c in model.spec.columns]
    for column in columns:
        if column.pii is None:
            continue
        where, said = column.origin.at("pii"), Pii.of(column.pii)
        if not known_pii(column.pii):
            hint = did_you_mean(said.kind, {*ALIASES, *provider_names()}, "a kind")
            draft.fault(f"column {column.name!r}: Faker makes no {column.pii!r}", where, column.pii, hint)
        elif said.locale is not None and installed("faker"):
            _check_locale(draft, column, said, where)
    for model in draft.models.values():
        if model.schema is not None:
            for made in model.schema.columns:
                _check_country(draft, model, made, model.schema)


def _check_country(draft: Draft, model: ModelDraft, made: Column, schema: Schema) -> None:
    """The column that a made-up one's country is of is there, and before it."""
    said = Pii.of(made.pii or "")
    if said.column is None:
        return
    by = schema.by_name.get(said.column)
    locale = f"say a locale, as in pii: {said.kind} in de_DE"
    fault: tuple[str, str] | None = None
    if by is None:
        found = did_you_mean(said.column, schema.names, "the country's column")
        fault = f"is made up by {said.column!r}, which is no column of it", found
    elif made.name in schema.primary_key:
        why = "no row lacks a primary key, and rows of a country that Faker does not know would have none"
        fault = f"is made up by {by.name!r}: {why}", locale
    elif not by.modelled and not _says_countries(by):
        why = f"pii: {by.pii}" if by.pii is not None else f"type: {by.type}"
        fault = f"is made up by {by.name!r}, which is made up itself ({why}) and names no country", locale
    if fault is not None:
        table = source_table(draft, model)
        specs = (*model.spec.columns, *(() if table is None else table[1].columns))
        spec = next((c for c in specs if c.name == made.name and c.pii is not None), None)
        where = model.spec.origin.at("source") if spec is None else spec.origin.at("pii")
        draft.fault(f"column {made.name!r} of {model.spec.name!r} {fault[0]}", where, made.pii, fault[1])


def _says_countries(column: Column) -> bool:
    """Whether a made-up column is there before those that are of one person, and names countries."""
    said = Pii.of(column.pii or "")
    return said.provider in ("country", "country_code") and said.locale is None and said.column is None


def _check_locale(draft: Draft, column: ColumnSpec, said: Pii, where: Location) -> None:
    """A locale that Faker has, and that has the kind of its own: what it borrows would be another country's."""
    assert said.locale is not None
    if said.locale not in locales():
        hint = did_you_mean(said.locale, locales(), "a locale")
        draft.fault(f"column {column.name!r}: Faker has no locale {said.locale!r}", where, column.pii, hint)
    elif (why := lacking(said.locale, said.provider)) is not None:
        own = [k for k in LOCAL if lacking(said.locale, k) is None]
        message = f"column {column.name!r}: {said.locale} has no {said.kind} of its own: {why}"
        draft.fault(message, where, column.pii, f"it has {', '.join(own)}; or say another locale (docs/locales.md)")


def check_conditions(draft: Draft) -> None:
    """Conditions name columns that exist and shares that add up."""
    for model in draft.models.values():
        spec = model.spec
        if not spec.conditions or model.schema is None or model.generator is None:
            continue
        if not isinstance(model.generator, Trained) or not model.generator.supports_conditions:
            draft.fault(
                f"generator {model.generator.name!r} takes no conditions",
                spec.origin.at("conditions", key=True),
                hint="drop conditions, or choose a generator that models the table",
            )
            continue
        if model.generator.sequences and model.schema.entity is not None and model.family is None:
            draft.fault(
                f"conditions are of rows, and those of one {model.schema.entity!r} follow one another in {spec.name!r}",
                spec.origin.at("conditions", key=True),
                hint="drop conditions, or give the entities a table of their own (owner: true) and ask there",
            )
            continue
        about = spec.conditions if model.family is None else apart(spec.conditions, model.schema.by_name)[0]
        wanted, schema = conditions_as_read(about, forms_of(model.schema)), as_read(model.schema)
        for path, message, hint in condition_problems(wanted, schema):
            draft.fault(message, spec.origin.at("conditions", *path), hint=hint)


def check_exposures(draft: Draft) -> None:
    """What an exposure depends on must exist."""
    for exposure in draft.project.exposures:
        for index, relation in enumerate(exposure.depends_on):
            check_relation(draft, relation, exposure.origin.at("depends_on", index))
