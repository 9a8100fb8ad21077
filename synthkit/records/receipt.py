"""What is recorded of a table: of any that passed its audits, and its receipt where it is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from synthkit.records.audit import AuditRecord
from synthkit.records.columns import ColumnOrigin, PublishedColumn, TypedColumns
from synthkit.records.parts import (
    ChargeRecord,
    Demand,
    Environment,
    FamilyRecord,
    Fingerprints,
    GeneratorRecord,
    Git,
    Holdout,
    Inputs,
    KeyRecord,
    Promise,
    Promoted,
    Rendering,
    Restored,
    State,
    Teaching,
)
from synthkit.records.record import Count, Md5, NamedTexts, Record, Seconds, Several, Sha256, Size, When, absent
from synthkit.records.usage import Usage

Materialized = Literal["table", "view", "parquet", "ephemeral"]


class AuditedTable(Record):
    """A table whose audits passed, published or (of an ephemeral model) not.

    Args:
        model: the table's name.
        run_id: the run that published it.
        published_at: UTC.
        rows: of the table.
        source_rows: withheld (null) of a table under epsilon.
        table_schema: its columns, with their logical and SQL types.
        columns: their names and SQL types.
        fingerprints: the hashes of what trains it, draws from it and audits it.
        inputs: what the hashes were made of.
        uses: what the YAML was rendered with; of environment variables the names alone.
        seed: of its random numbers, privacy noise aside.
        generator: what drew the rows.
        source: the node that it learnt from.
        family: the tables that it is published together with, or not at all.
        keys: of a drawn table, those of its source table. Which published tables they lead to follows from the others'
            receipts (:func:`synthkit.records.joins.of_receipts`).
        holdout: the held-out rows that judged the table.
        epsilon: what it was trained under; null: no differential privacy.
        delta: the δ beside it.
        privacy: what the ledger was charged for the training that drew the rows.
        guarantees: towards each account that it descends from.
        rules: that the training rows show and the table keeps; withheld (null) where figures of the rows are.
        contains_real_rows: whether rows of a source are in it.
        descends_from: the sources whose rows are in it or behind it.
        teacher: who was asked for the rows, for what use, and at what cost.
        materialized: what it is published as.
        description: for people, from the YAML.
        column_descriptions: column → what it is, from the YAML.
        usage: its data sheet, from the YAML.
        column_origins: of a drawn table, what was learnt and what is made up.
        required: the audits that it had to pass.
        source_columns: source → its columns and types.
        ephemeral: the ephemeral tables behind it.
        audits: what each audit found.
        seconds: phase → how long it took.
        versions: of synthkit, Python and the packages that compute.
        git: of the project, where it is in git.
        device: where it was trained.
        environment: where the rows were computed: elsewhere their bytes may differ.
        promoted: which target had it before; how it was made and judged is as it was there.
    """

    model: str
    run_id: str
    published_at: When
    rows: Count
    source_rows: Count | None = None
    table_schema: TypedColumns = Field(alias="schema")
    columns: Several[PublishedColumn]
    fingerprints: Fingerprints
    inputs: Inputs = Inputs()
    uses: Several[Rendering] | None = absent()
    seed: int
    generator: GeneratorRecord
    source: str | None
    family: FamilyRecord | None = absent()
    keys: Several[KeyRecord] | None = absent()
    holdout: Holdout | None = None
    epsilon: Size | None
    delta: Size | None
    privacy: ChargeRecord | None = None
    guarantees: Several[Promise] | None = None
    rules: Several[str] | None = None
    contains_real_rows: bool
    descends_from: Several[str]
    teacher: Teaching | None = absent()
    materialized: Materialized
    description: str | None
    column_descriptions: NamedTexts = Field(default_factory=dict)
    usage: Usage | None = absent()
    column_origins: Several[ColumnOrigin] | None = absent()
    required: Several[Demand] | None = absent()
    source_columns: Mapping[str, NamedTexts] = Field(default_factory=dict)
    ephemeral: Mapping[str, State] = Field(default_factory=dict)
    audits: Several[AuditRecord]
    seconds: Seconds = Field(default_factory=dict)
    versions: NamedTexts = Field(default_factory=dict)
    git: Git | None = None
    device: str | None = absent()
    environment: Environment | None = None
    promoted: Promoted | None = absent()

    @property
    def version(self) -> str:
        """What names these very rows: of a published table the hash of its file, else their sample hash."""
        return self.fingerprints.sample

    @property
    def made_by(self) -> str:
        """The generator, and what its rows come from, for people: ``circuit from crm.customers``."""
        origin = (self.source or ", ".join(self.descends_from)).replace("source:", "").replace("model:", "")
        return f"{self.generator.name} from {origin}" if origin else self.generator.name

    def looked_at(self, column: str) -> tuple[str, ...]:
        """The audits that say something of a column, or were told of it: by name, in their order."""
        told = {d.name for d in self.required or () if column in _texts(d.params)}
        parts = {a.name for a in self.audits if column in (a.column, *(c.column for c in a.columns))}
        return tuple(dict.fromkeys(a.name for a in self.audits if a.name in told | parts))


def _texts(value: Any) -> set[str]:
    """Every text in the parameters of an audit."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, Mapping):
        value = list(value.values())
    return {text for item in value for text in _texts(item)} if isinstance(value, Sequence) else set()


class Receipt(AuditedTable):
    """A published table: what its ``<model>.receipt.json`` says.

    Args:
        file: the Parquet file, seen from the receipt's folder.
        sha256: of the Parquet file.
        md5: by which DVC names the file.
        bytes: of the Parquet file.
        previous: of the receipt that it replaced.
        restored: where an old version was published again.
        signature: an SSH signature of the rest of the receipt: docs/review.md.

    >>> receipt = synthkit.open(shop).table("by_tier").receipt
    >>> receipt.model, receipt.rows, [c.name for c in receipt.columns], receipt.generator.name
    ('by_tier', 3, ['tier', 'n'], 'sql')
    >>> receipt.to_json()["file"] == receipt.file == f"by_tier/{receipt.sha256[:16]}.parquet"
    True
    """

    file: str
    sha256: Sha256
    md5: Md5 | None = absent()
    bytes: Count
    previous: Sha256 | None = None
    restored: Restored | None = absent()
    signature: str | None = absent()

    @property
    def version(self) -> str:
        return self.sha256


# What every receipt says; a file that does not is none (a merge gone wrong, say), and the model is built again.
REQUIRED = frozenset(f.alias or name for name, f in Receipt.model_fields.items() if f.is_required())
