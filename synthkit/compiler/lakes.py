"""Whether a lake that is published to has a place for each table, before anything is trained."""

from __future__ import annotations

from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.compiler.servers import SHOWN
from synthkit.extras import absent
from synthkit.project.targets import DELTA, ICEBERG
from synthkit.sql import lakes
from synthkit.sql.serveraddress import is_schema
from synthkit.sql.types import NoPlaceError

# Kind of target → what it is called, and the types that it has not.
LACKING = {DELTA: ("Delta", lakes.DELTA), ICEBERG: ("Iceberg", lakes.ICEBERG)}


def check_lakes(draft: Draft) -> None:
    """A lake needs its library, one of Iceberg a catalogue, and each column of a table a type there."""
    project = draft.project
    kind, name = project.target.kind, project.target_name
    if project.target.catalog is not None and kind != ICEBERG:
        at = project.spec.origin.at("targets", name, "catalog", key=True)
        draft.fault(f"a target of type {kind} has no catalogue", at, "catalog", "drop it")
    if kind not in LACKING:
        return
    lacking = absent(f"target {name}", kind, where=project.spec.origin.at("targets", name, key=True))
    if lacking is not None:
        draft.fault(lacking.message, lacking.where, None, lacking.hint)
    elif kind == ICEBERG:
        _check_catalogue(draft)
    for model in draft.models.values():
        if model.spec.materialized in SHOWN and model.schema is not None and not model.broken:
            _check_model(draft, model)


def _check_catalogue(draft: Draft) -> None:
    """The namespace, and the catalogue by name."""
    project = draft.project
    target, origin, name = project.target, project.spec.origin, project.target_name
    at = origin.at("targets", name, key=True)
    if target.schema_name is None:
        hint = "add schema: NAME, the namespace in the catalogue"
        draft.fault("it is not said which schema holds the tables", at, name, hint)
    elif not is_schema(target.schema_name):
        where = origin.at("targets", name, "schema")
        hint = "letters, digits and _, at most 51 of them"
        draft.fault(f"{target.schema_name!r} is no name for a schema of a target", where, target.schema_name, hint)
    if target.catalog is not None:
        from pyiceberg.utils.config import Config

        if Config().get_catalog_config(target.catalog) is None:
            where = origin.at("targets", name, "catalog")
            hint = (
                f"set PYICEBERG_CATALOG__{target.catalog.upper()}__URI, or write it in .pyiceberg.yaml (docs/lakes.md)"
            )
            draft.fault(f"pyiceberg is configured for no catalogue {target.catalog!r}", where, target.catalog, hint)
    elif target.address is not None:
        hint = "add catalog: NAME, which pyiceberg is configured for (docs/lakes.md)"
        draft.fault("an Iceberg lake at an address needs a catalogue", at, name, hint)


def _check_model(draft: Draft, model: ModelDraft) -> None:
    """The types of one table."""
    assert model.schema is not None
    called, lacking = LACKING[draft.project.target.kind]
    for column in model.schema.columns:
        try:
            lakes.check_type(column.sql_type, lacking, called)
        except NoPlaceError as error:
            message = f"target {draft.project.target_name}: the column {column.name!r}: {error}"
            draft.fault(message, model.spec.origin.at("name"), model.spec.name, error.hint)
