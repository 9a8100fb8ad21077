"""The parts of a receipt that have a fixed shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field

from synthkit.records.record import (
    Count,
    NamedTexts,
    Record,
    Several,
    Sha256,
    Size,
    absent,
)


class Fingerprints(Record):
    """The three hashes of a table.

    Args:
        train: of what trains it.
        sample: of what draws from it.
        audit: of what audits it.
    """

    train: Sha256
    sample: Sha256
    audit: Sha256


class Inputs(Record):
    """What the hashes were made of; empty where an older version did not say.

    Args:
        train: of the train hash.
        sample: of the sample hash.
        audit: of the audit hash.
    """

    train: Mapping[str, Any] = Field(default_factory=dict)
    sample: Mapping[str, Any] = Field(default_factory=dict)
    audit: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def sources(self) -> Mapping[str, str]:
        """Node that the rows are made from → the hash of its rows."""
        found = self.train.get("sources")
        return {str(node): str(rows) for node, rows in found.items()} if isinstance(found, Mapping) else {}


class State(Record):
    """What an ephemeral table behind a published one was: it leaves no receipt of its own.

    Args:
        fingerprints: its hashes.
        inputs: what they were made of.
    """

    fingerprints: Fingerprints
    inputs: Inputs = Inputs()

    @property
    def uses(self) -> None:
        """What it was rendered with is not kept."""

    @property
    def required(self) -> None:
        """Nor the audits that it had to pass."""


class Rendering(Record):
    """What a value was rendered with; of environment variables the names alone.

    Args:
        path: the key, from the model down.
        template: of the text before rendering.
        vars: name → value.
        env_vars: names alone.
        macros: name → hash of its text.
        project: of the seed: the project's, where the model has none.
    """

    path: Several[str]
    template: Sha256 | None = absent()
    vars: Mapping[str, Any] = Field(default_factory=dict)
    env_vars: Several[str] = ()
    macros: Mapping[str, Sha256] = Field(default_factory=dict)
    project: int | None = absent()


class FamilyRecord(Record):
    """The tables that a table is made, audited and published together with.

    Args:
        name: of the model that makes them.
        members: the tables, this one too, in the order in which their keys name each other.
    """

    name: str
    members: Several[str]


class KeyRecord(Record):
    """Columns of a table that name rows of another, or of itself, as its source table declares them.

    Args:
        columns: of the table, in the order of the other one's primary key.
        references: the node of the source table whose rows they name.
        owner: whether a row belongs to the one that it names.
        cut: whether it is matched last, as keys run in a circle.
    """

    columns: Several[str]
    references: str
    owner: bool = False
    cut: bool = False


class GeneratorRecord(Record):
    """What drew the rows.

    Args:
        name: by which the YAML names it.
        params: its parameters, defaults too.
        version: is raised when the same seed gives other rows.
    """

    name: str
    params: Mapping[str, Any] = Field(default_factory=dict)
    version: int | None = absent()


class Holdout(Record):
    """The held-out rows that judged a table.

    Args:
        share: of the rows; 0: none was held out.
        of: the node whose rows are divided.
        through: SQL models that its held-out rows were put through.
        why: why no source's held-out rows judge it.
    """

    share: Size
    of: str
    through: Several[str] | None = absent()
    why: str | None = absent()


class ChargeRecord(Record):
    """What the ledger was charged for the training that drew the rows.

    Args:
        entry: the hash of the ledger's entry.
        account: whose privacy was spent: a source table or a population.
        privacy_unit: the column that says whose row it is; null: each row is one's own.
        max_rows_per_unit: rows of one unit that were read at most.
        mechanisms: what was released, and with how much noise.
        insecure_seed: of noise that whoever knows it can repeat.
    """

    entry: Sha256
    account: str
    privacy_unit: str | None = None
    max_rows_per_unit: Annotated[int, Field(json_schema_extra={"minimum": 1})] = 1
    mechanisms: Several[Mapping[str, Any]]
    insecure_seed: int | None = None


class Promise(Record):
    """What rows may reveal about one account, as they were made.

    Args:
        account: a source table or a population.
        sources: of that account, behind the table.
        epsilon: null: there is no bound.
        delta: the δ beside it.
        releases: the trained tables that it is made from.
        unprotected: the ways by which rows reach it without ε.
        entries: of the ledger.
    """

    account: str
    sources: Several[str]
    epsilon: Size | None
    delta: Size | None
    releases: Several[str] = ()
    unprotected: Several[str] = ()
    entries: Several[Sha256] = ()


class Teaching(Record):
    """Who was asked for the rows, for what use, and at what cost.

    Args:
        provider: whose model it is.
        model: the provider's model id.
        reach: how far what was shown went: nowhere, as the model ran in the build ("none"); to a server on this
            machine, which may have passed it on ("loopback"); to another machine ("network"). Absent of tables that
            were made before this was noted.
        intended_use: what the table is for.
        terms_ack: the provider's terms were read and allow this use.
        usd: exact, so a text; null where the model has no price.
        max_usd: what it may cost at most.
        usage: tokens by kind; none, as of the fields below, where what is shown is protected.
        requests: how many were answered.
        counts: items asked for, accepted and rejected, by stage.
        stopped: why it ended early.
    """

    provider: str
    model: str
    reach: Literal["none", "loopback", "network"] | None = absent()
    intended_use: str
    terms_ack: bool = False
    usd: Annotated[str, Field(json_schema_extra={"pattern": "^[0-9.E+-]+$"})] | None
    max_usd: str | None = absent()
    usage: Mapping[str, Count]
    requests: Count | None
    counts: Mapping[str, Count] = Field(default_factory=dict)
    stopped: str | None = None


class Demand(Record):
    """An audit that a table had to pass, as it was then.

    Args:
        name: what reports call it.
        audit: the registered audit's name; null: a custom one.
        sql: a custom audit's SELECT of failing rows.
        params: the registered audit's parameters.
        severity: whether a failure keeps the table from being published.
        where: the rows that it was about.
        warn_if, error_if: the project's own condition on the value.
        on_inconclusive: what it came to where it could not tell.
        hash: of all that decides its verdict besides the rows.
    """

    name: str
    audit: str | None = None
    sql: str | None = None
    params: Mapping[str, Any] = Field(default_factory=dict)
    severity: str = "error"
    where: str | None = None
    warn_if: str | None = None
    error_if: str | None = None
    on_inconclusive: str = "ignore"
    hash: str = ""


class Said(Protocol):
    """What a table is made of and held to; None where an older version did not say it."""

    @property
    def inputs(self) -> Inputs: ...
    @property
    def uses(self) -> Sequence[Rendering] | None: ...
    @property
    def required(self) -> Sequence[Demand] | None: ...


class Made(Said, Protocol):
    """That of rows that were made, with their hashes: a recorded table, or an ephemeral one behind it."""

    @property
    def fingerprints(self) -> Fingerprints: ...


class Environment(Record):
    """Where the rows were computed: elsewhere their bytes may differ.

    Args:
        platform: system and kind of processor.
        processor: by its maker's name.
        threads: of the linear algebra of one training.
        held: variables that hold libraries to one set of instructions.
        kernels: what the loaded libraries compute with.
    """

    platform: str
    processor: str
    threads: Annotated[int, Field(json_schema_extra={"minimum": 1})]
    held: NamedTexts
    kernels: NamedTexts


class Git(Record):
    """The state of the project's repository.

    Args:
        commit: its hash.
        dirty: whether anything was not committed.

    >>> Git(commit="0123456789abcdef", dirty=True).short
    '0123456789ab with changes'
    """

    commit: str = ""
    dirty: bool = False

    @property
    def short(self) -> str:
        return self.commit[:12] + (" with changes" if self.dirty else "")


class Promoted(Record):
    """Where a table was published and audited before it was published here, with the same bytes.

    Args:
        target: of the project.
        run_id: that published it there.
        published_at: there, UTC.
    """

    target: str
    run_id: str
    published_at: str


class Restored(Record):
    """Where an old version was published again.

    Args:
        at: when.
        commit: where it was read from git.
    """

    at: str
    commit: str | None
