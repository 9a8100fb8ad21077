"""Which name each table of a family has, so that ``ref('family', 'table')`` finds it while files are still read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from synthkit.errors import SynthError
from synthkit.project.spec import Group


def default_name(family: str, table: str) -> str:
    """Of a member that is given no name.

    >>> default_name("synthetic_shop", "orders")
    'synthetic_shop_orders'
    """
    return re.sub(r"\W+", "_", f"{family}_{table}")


class Members:
    """The families of a project by name, each with the names that it gives to tables."""

    def __init__(self) -> None:
        self._named: dict[str, Mapping[str, str]] = {}

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(self._named)

    def add(self, family: str, named: Mapping[str, str]) -> None:
        """``named``: source table → the member's own name, where one is given."""
        self._named.setdefault(family, dict(named))

    def name_of(self, family: str, table: str) -> str:
        """The model that stands for a table of a family. Raises LookupError where there is no such family."""
        return self._named[family].get(table) or default_name(family, table)


def name_members(document: Any, members: Members, rendered: Callable[[str], Any]) -> None:
    """Note the families in a file, before anything that may refer to them is rendered.

    What is wrong with a model here is said where the model is read.

    Args:
        rendered: the value of a text in YAML; raises SynthError.
    """

    def value(text: Any) -> Any:
        try:
            return rendered(text) if isinstance(text, str) else None
        except SynthError:
            return None

    models = document.get("models") if isinstance(document, Mapping) else None
    for model in models if isinstance(models, list) else ():
        if not isinstance(model, Mapping):
            continue
        config = model.get("config")
        model = {**config, **model} if isinstance(config, Mapping) else model
        if not isinstance(value(model.get("source")), Group):
            continue
        tables = model.get("tables")
        entries = [t for t in tables if isinstance(t, Mapping)] if isinstance(tables, list) else []
        said = [(value(t.get("table")), value(t.get("name"))) for t in entries]
        named = {table: name for table, name in said if isinstance(table, str) and isinstance(name, str)}
        members.add(str(value(model.get("name"))), named)
