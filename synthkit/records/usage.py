"""What a table may be used for, as its receipt has it."""

from __future__ import annotations

from synthkit.records.record import Record, Several


class Responsible(Record):
    """Who answers for a table.

    Args:
        name: of a person or team.
        email: of the same.
    """

    name: str | None = None
    email: str | None = None

    def __str__(self) -> str:
        both = self.name and self.email
        return f"{self.name} <{self.email}>" if both else self.name or self.email or ""


class Usage(Record):
    """A table's data sheet, from the YAML.

    Args:
        intended: what the table is made for.
        not_for: what it must not be used for.
        owner: who answers for it.
        licence: under which it may be used.
        retention: how long it may be kept after it was published, or its last day.
        contact: where questions go.

    >>> Usage.from_json({"intended": ["load tests"], "owner": {"email": "a@example.org"}}).facts()
    [('intended', 'load tests'), ('owner', 'a@example.org')]
    """

    intended: Several[str] = ()
    not_for: Several[str] = ()
    owner: Responsible | None = None
    licence: str | None = None
    retention: str | None = None
    contact: str | None = None

    def facts(self) -> list[tuple[str, str]]:
        """What is said, each with the words that reports put before it."""
        found = [
            ("intended", "; ".join(self.intended)),
            ("not for", "; ".join(self.not_for)),
            ("owner", str(self.owner or "")),
            ("licence", self.licence or ""),
            ("retention", self.retention or ""),
            ("contact", self.contact or ""),
        ]
        return [(name, value) for name, value in found if value]


UNSAID = Usage()
