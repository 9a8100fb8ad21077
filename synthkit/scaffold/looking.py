"""One table, looked at: its rows at rest while the look lasts, what they show, and what its columns were taken for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.scaffold.targets import named_target
from synthkit.schema import Column, Schema, Table
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.infer import Profile, profile
from synthkit.sources.ingest import ingest
from synthkit.sources.keys.seen import Seen

if TYPE_CHECKING:
    import duckdb

_NEVER_SHARED = ("email", "ssn", "iban")
FEWEST_PEOPLE = 10  # different values, of which each stands in as many rows and more: nobody's own street or name
_PII = {
    r"(^|_)e?mail(_address)?$": "email",
    r"(^|_)(phone|fax|mobile)(_number)?$": "phone_number",
    r"(^|_)first_?name$": "first_name",
    r"(^|_)(last_?name|surname)$": "last_name",
    r"(^|_)(full_?name|contact_name)$": "name",
    r"(^|_)(street|address)$": "street_address",
    r"(^|_)ssn$": "ssn",
    r"(^|_)iban$": "iban",
}


@dataclass(frozen=True)
class Look:
    """A table that was looked at.

    Args:
        name: of the source table.
        train: its rows, in a folder of the looker's.
        pii: column → the kind of personal data that its name says it is.
        written: column → in what form a date, a time or a number stood in a file of text, where it was read as such.
    """

    name: str
    train: Table
    profiles: Mapping[str, Profile]
    pii: Mapping[str, str]
    written: Mapping[str, str] = field(default_factory=dict)

    @property
    def schema(self) -> Schema:
        return self.train.schema

    @property
    def rows(self) -> int:
        return self.train.rows

    @property
    def seen(self) -> Seen:
        return Seen.of(self.train, self.profiles)

    @property
    def learnt(self) -> Schema:
        """The columns that are not made up as personal data."""
        return Schema(tuple(c for c in self.schema.columns if c.name not in self.pii))

    def target(self) -> str | None:
        """The column that a classifier or a regression would predict, by its name."""
        return named_target(self.schema, self.profiles)


def look(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    *,
    root: Path,
    scratch: Path,
    connections: Mapping[str, ConnectionSpec],
) -> Look:
    """Read all rows into ``scratch``, none held out, as a build reads them. Raises SynthError, BuildError."""
    hashed = content_hash(spec, root=root, connections=connections, cache=None)
    folder = scratch / quote(spec.name, safe="")  # whoever passes a table calls it as he likes
    split = ingest(spec, root=root, connections=connections, holdout=0.0, directory=folder, source_hash=hashed)
    profiles = profile(connection, split.schema, split.train.paths[0])
    pii = {c.name: kind for c in split.schema.columns if (kind := _pii(c, profiles[c.name])) is not None}
    return Look(spec.name, split.train, profiles, pii, split.inferred)


def _pii(column: Column, seen: Profile) -> str | None:
    """The kind of personal data that a column's name says it is, where its values may be such: two values are no
    street addresses."""
    if column.type not in ("text", "id", "categorical") or not column.sql_type.startswith("VARCHAR"):
        return None
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.name).lower()
    kind = next((kind for pattern, kind in _PII.items() if re.search(pattern, name)), None)
    shared = seen.distinct <= FEWEST_PEOPLE and seen.distinct * FEWEST_PEOPLE <= seen.rows
    return None if shared and kind not in _NEVER_SHARED else kind
