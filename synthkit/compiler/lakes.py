"""Whether a lake that is published to has a place for each table, before anything is trained."""

from __future__ import annotations

from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.compiler.servers import SHOWN
from synthkit.extras import absent
from synthkit.project.targets import DELTA
from synthkit.sql.lakes import DELTA as DELTA_LACKS
from synthkit.sql.lakes import check_type
from synthkit.sql.types import NoPlaceError

LACKING = {DELTA: ("Delta", DELTA_LACKS)}  # kind of target → what it is called, and the types that it has not


def check_lakes(draft: Draft) -> None:
    """A lake needs its library, and each column of a table a type there."""
    project = draft.project
    kind, name = project.target.kind, project.target_name
    if kind not in LACKING:
        return
    lacking = absent(f"target {name}", kind, where=project.spec.origin.at("targets", name, key=True))
    if lacking is not None:
        draft.fault(lacking.message, lacking.where, None, lacking.hint)
    for model in draft.models.values():
        if model.spec.materialized in SHOWN and model.schema is not None and not model.broken:
            _check_model(draft, model)


def _check_model(draft: Draft, model: ModelDraft) -> None:
    """The types of one table."""
    assert model.schema is not None
    called, lacking = LACKING[draft.project.target.kind]
    for column in model.schema.columns:
        try:
            check_type(column.sql_type, lacking, called)
        except NoPlaceError as error:
            message = f"target {draft.project.target_name}: the column {column.name!r}: {error}"
            draft.fault(message, model.spec.origin.at("name"), model.spec.name, error.hint)
