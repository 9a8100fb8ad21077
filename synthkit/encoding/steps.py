"""The kinds of steps between a table and what is learnt of it, by the name that their JSON has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from synthkit.encoding.apart import TakenApart
from synthkit.encoding.kept.step import KeptRules
from synthkit.encoding.tagged import TagsApart
from synthkit.encoding.tails import RareTails
from synthkit.encoding.view import Step, View
from synthkit.encoding.writtenform import WrittenForms
from synthkit.files import Json

_KINDS: Mapping[str, Callable[[Json], Step]] = {
    WrittenForms.KIND: WrittenForms.from_json,
    TakenApart.KIND: TakenApart.from_json,
    TagsApart.KIND: TagsApart.from_json,
    KeptRules.KIND: KeptRules.from_json,
    RareTails.KIND: RareTails.from_json,
}


def view_from_json(data: Sequence[Json]) -> View:
    """The inverse of :meth:`.view.View.to_json`."""
    return View(tuple(_KINDS[step["kind"]](step) for step in data))
