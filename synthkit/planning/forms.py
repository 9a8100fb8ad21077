"""How the columns of a model's table are written, as far as it is known before a build: no row is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from synthkit.compiler import ModelNode, SourceNode
from synthkit.formats.detect import plural
from synthkit.formats.language import parse_form
from synthkit.records.receipt import AuditedTable


@dataclass(frozen=True)
class WrittenForm:
    """The form of one column.

    Args:
        known: because it is declared, or because the table that stands has it: the next build looks again.
    """

    column: str
    form: str
    known: Literal["declared", "published"]

    def __str__(self) -> str:
        whence = "declared" if self.known == "declared" else "as the rows had it at the last build"
        return f"{self.column}: {plural(parse_form(self.form))} written {self.form} ({whence})"

    def to_json(self) -> dict[str, Any]:
        return {"column": self.column, "format": self.form, "known": self.known}


def written_forms(model: ModelNode, source: SourceNode | None, state: AuditedTable | None) -> tuple[WrittenForm, ...]:
    """What is declared, and what was found when the table was last built, in the order of its columns."""
    said = [*(() if source is None else source.spec.columns), *model.spec.columns]
    settled = {c.name for c in said if c.type is not None or c.format is not None or c.pii is not None}
    before = {} if state is None else {c.name: c.format for c in state.table_schema.columns}
    found = []
    for column in model.schema.columns:
        if column.format is not None and column.pii is None:
            found.append(WrittenForm(column.name, column.format, "declared"))
        elif (form := before.get(column.name)) is not None and column.name not in settled:
            found.append(WrittenForm(column.name, form, "published"))
    return tuple(found)
