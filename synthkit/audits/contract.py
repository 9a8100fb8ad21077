"""What an audit is: a function from a context and its parameters to a result with an error bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from math import inf
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from synthkit.errors import SynthError
from synthkit.extras import TRAIN
from synthkit.project.types import Relation
from synthkit.records.audit import Better as Better
from synthkit.records.audit import Decide as Decide
from synthkit.records.audit import Severity as Severity
from synthkit.records.audit import Status as Status
from synthkit.schema import NUMERIC, TEMPORAL

if TYPE_CHECKING:
    from synthkit.audits.context import AuditContext
    from synthkit.audits.repeats import Repeats

Needs = Literal["train", "holdout"]
# What a table is among others: one with keys to others, one that keys of others name, the one that a family's size is
# of, one whose rows follow one another.
Stands = Literal["child", "parent", "root", "sequence"]


class NamesColumn:
    """Marks a parameter that holds a column name, or several: the compiler checks that they exist."""


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


ColumnName = Annotated[str, NamesColumn()]
ColumnNames = Annotated[
    tuple[str, ...],
    NamesColumn(),
    Field(min_length=1),
    BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...]),
]


class NamesRelation:
    """Marks a parameter that holds a ``ref()`` or ``source()``: it becomes an edge of the graph."""


def _reference(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(
            "a table is named by a reference: \"{{ ref('model') }}\" or \"{{ source('group', 'table') }}\""
        )
    return value


RelationName = Annotated[
    Relation,
    NamesRelation(),
    BeforeValidator(_reference),
    WithJsonSchema({"type": "string", "pattern": r"\{\{.*\}\}"}),
]


class HoldsCondition:
    """Marks a parameter that holds a SQL condition on the audited table's columns."""


Condition = Annotated[str, HoldsCondition()]


class AuditParams(BaseModel):
    """Base of every audit's own parameters: frozen, and a misspelt name is an error.

    ``severity``, ``where``, ``warn_if``, ``error_if``, ``name`` and the like are common to all
    audits and are not repeated here (see :class:`synthkit.project.types.AuditSpec`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    @property
    def trains(self) -> bool:
        """Whether the audit trains the model's generator on its real rows again: never under ``epsilon``."""
        return False

    @property
    def joins(self) -> bool:
        """Whether the audit looks at rows beside those that they hang together with, so that none may be left out."""
        return False


@dataclass(frozen=True)
class ColumnResult:
    """The part of a verdict that one column (or pair, or group) answers for.

    >>> ColumnResult("age", 0.12, "fail", ci_low=0.09, ci_high=0.15, floor=0.02).status
    'fail'
    """

    column: str
    value: float | None
    status: Status
    ci_low: float | None = None
    ci_high: float | None = None
    floor: float | None = None
    message: str = ""


@dataclass(frozen=True)
class AuditResult:
    """What an audit found.

    Args:
        value: the measure; None where it could not be taken.
        ci_low, ci_high: its 95 % confidence interval; equal to the value where there is no sampling error.
        threshold: what it is held against, as text ("max 0.1"), or None for a report only. It is published of
            private tables: it holds what is declared and no figure of rows; what a floor makes of it is ``limit``.
        floor: the same measure of real rows against real rows, where that has a meaning.
        status: ``inconclusive`` says "too few rows to tell".
        message: one sentence for a person: what failed, where, and what to try.
        columns: the columns responsible, worst first.
        details: anything else, JSON-able.
        limit: the number that the measure is held against; None for a report only.
        better: on which side of it the measure is to be.
        decide: what of the measure is held against it (see :mod:`.gate`).
        failing_rows: a SELECT of the failing rows among the audited ones, for ``store_failures``; None where
            none fails, or where the audit judges no single rows.
    """

    value: float | None
    status: Status
    threshold: str | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    floor: float | None = None
    message: str = ""
    columns: tuple[ColumnResult, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)
    limit: float | None = None
    better: Better | None = None
    decide: Decide | None = None
    failing_rows: str | None = None


@dataclass(frozen=True)
class Takes:
    """What a parameter that names columns takes: of others the audit cannot say anything, whatever their rows.

    Args:
        kinds: logical types.
        words: the same for people: "numbers".
        hint: what to do about a column of another type.
        meant: whether the type counts that a column is declared to mean; else the one that it is held in.
        unless: a parameter and the value under which any column is taken.
    """

    kinds: frozenset[str]
    words: str
    hint: str
    meant: bool = False
    unless: tuple[str, str] | None = None

    def applies(self, params: BaseModel) -> bool:
        return self.unless is None or getattr(params, self.unless[0]) != self.unless[1]


_ORDERED = NUMERIC | TEMPORAL
ORDERED = Takes(_ORDERED, "numbers, dates and times", "use accepted_values, or cast the column in the model")
MEASURED = Takes(
    _ORDERED, "numbers, dates and times", "leave it out of the columns, or compare categories with chi_square", True
)
BANDED = Takes(NUMERIC, "numbers to cut into bands", "bands need a number: name the column without widths", True)
CLASSES = Takes(
    frozenset({"integer", "boolean", "categorical", "text", "id"}),
    "the target of a classification",
    "task: classification, or derive a column such as income > 50000 in an SQL model",
    meant=True,
    unless=("task", "classification"),
)

Range = tuple[float, float]
SHARE: Range = (0.0, 1.0)  # a share, a distance between distributions, an AUC
GAP: Range = (-1.0, 1.0)  # a difference of two shares
POSITIVE: Range = (0.0, inf)  # a count, a ratio
RISK: Range = (-inf, 1.0)  # of an attack beyond its control's, below 0 where the control does better
REAL: Range = (-inf, inf)


class Run(Protocol):
    def __call__(self, context: AuditContext, params: Any) -> AuditResult: ...


@dataclass(frozen=True)
class Audit:
    """A named check.

    ``needs`` says which real rows it reads; ``version`` enters the audit hash; ``private`` says that it judges a
    training under a budget, and so only a model with ``epsilon``; ``rows`` that it judges single rows, and so
    can say which ones fail (:attr:`AuditResult.failing_rows`); ``between`` is the range of its value, in which the
    ends of its interval lie too; ``as_read`` that columns with a written form (``format:``) are to be what they mean,
    not the text that is published; ``stands_on`` what a table must be for it, one of these: of the audits that a family
    lists, each of its tables has those that stand on it; ``samples`` that of a large table a sample is enough, as its
    interval tells (:mod:`.rows.sampled`), and ``samples_real`` that one of the real rows is, too, as none of them is
    looked for; ``earlier`` that it holds the table against the version published before;
    ``takes`` which types of columns its parameters take, of those that do not take every type; ``apart`` names its
    costly work: audits that share it have one name for it, and those of several names may be run side by side, by jobs
    of their own; ``repeats`` are the trainings that it repeats, which jobs may carry out before it (:mod:`.repeats`).
    """

    name: str
    params: type[AuditParams]
    run: Run
    version: int = 1
    needs: frozenset[Needs] = frozenset()
    family: str = "integrity"
    summary: str = ""
    private: bool = False
    rows: bool = False
    between: Range = REAL
    as_read: bool = False
    stands_on: frozenset[Stands] = frozenset()
    samples: bool = False
    samples_real: bool = False
    severity: Severity = "error"
    earlier: bool = False
    takes: Mapping[str, Takes] = field(default_factory=dict)
    apart: str | None = None
    repeats: Repeats | None = None

    @property
    def judged_as(self) -> int:
        """The version that verdicts are kept under: its own, raised by that of the sample which it looks at."""
        return self.version + (SAMPLING if self.samples else 0)

    @property
    def extra(self) -> str | None:
        """Of this package, without which it cannot be run; a third party's brings its own packages."""
        ours = self.run.__module__.startswith("synthkit.")
        return TRAIN if ours and self.name not in BY_SQL_ALONE else None


# Built-in audits that DuckDB alone does: what a table of SQL needs is in everybody's installation.
BY_SQL_ALONE = frozenset(
    {
        "accepted_range", "accepted_values", "expression", "inequality", "max_cost", "max_seconds", "not_null",
        "refusal_rate", "relationships", "row_count", "schema", "unique", "volume",
    }
)  # fmt: skip
SAMPLING = 1  # version of how large tables are sampled (rows/sampled.py): raise it when other rows are looked at
AS_READ = ("fidelity", "utility", "fairness", "privacy", "drift")  # families
COMPARED = ("fidelity", "utility", "fairness")  # families that hold distributions and models against each other
F = TypeVar("F", bound=Run)
_declared: dict[str, Audit] = {}


def audit(
    name: str,
    params: type[AuditParams],
    *,
    family: str,
    version: int = 1,
    needs: tuple[Needs, ...] = (),
    private: bool = False,
    rows: bool = False,
    between: Range = REAL,
    as_read: bool | None = None,
    stands_on: tuple[Stands, ...] = (),
    samples: bool | None = None,
    samples_real: bool | None = None,
    severity: Severity = "error",
    earlier: bool | None = None,
    takes: Mapping[str, Takes] | None = None,
    apart: str | None = None,
    repeats: Repeats | None = None,
) -> Callable[[F], F]:
    """Declare the decorated function as the audit ``name``.

    Its docstring's first line becomes the summary in ``synth`` help and in docs/audits. The
    module is found through the entry-point group ``synthkit.audits`` (see ``registry.py``). ``as_read`` defaults to
    whether the family compares distributions, models or attacks, and so does ``samples``, but of an audit that stands
    on how tables or rows hang together: a sample would tear apart what belongs to one. ``samples_real`` defaults to
    whether it compares distributions or models, of the audits of this package. ``earlier`` is taken for granted of an
    audit that is not of this package and does not say.

    Raises SynthError where another module declares the same name: a plugin must not take the place of
    a gate that people rely on.
    """

    def declare(run: F) -> F:
        module = getattr(run, "__module__", "?")
        known = _declared.get(name)
        owner = module if known is None else getattr(known.run, "__module__", "?")
        if owner != module:
            raise SynthError(f"two audits are named {name!r}: in {owner} and in {module}", hint="rename one of them")
        summary = (run.__doc__ or "").strip().splitlines()[0] if run.__doc__ else ""
        read = family in AS_READ if as_read is None else as_read
        cut, real = _within(run, between), frozenset(needs)
        stands = frozenset(stands_on)
        some = family in AS_READ and not stands if samples is None else samples
        ours = module.startswith("synthkit.")
        all_sides = some and ours and family in COMPARED if samples_real is None else samples_real
        before = not ours if earlier is None else earlier
        found = Audit(
            name,
            params,
            cut,
            version,
            real,
            family,
            summary,
            private,
            rows,
            between,
            read,
            stands,
            some,
            all_sides,
            severity,
            before,
            takes or {},
            apart,
            repeats,
        )
        _declared[name] = found
        return run

    return declare


def _within(run: Run, between: Range) -> Run:
    """The audit with every value and interval cut to its range: an interval for a share, by whatever approximation it
    was found, holds the truth no less often without what is no share."""

    def cut(value: float | None) -> float | None:
        # Compared, not clipped: a count stays a whole number, and NaN what it is.
        if value is None or not (value < between[0] or value > between[1]):
            return value
        return between[0] if value < between[0] else between[1]

    @wraps(run)
    def bounded(context: AuditContext, params: Any) -> AuditResult:
        found = run(context, params)
        columns = tuple(
            replace(c, value=cut(c.value), ci_low=cut(c.ci_low), ci_high=cut(c.ci_high)) for c in found.columns
        )
        low, high = cut(found.ci_low), cut(found.ci_high)
        return replace(found, value=cut(found.value), ci_low=low, ci_high=high, columns=columns)

    return run if between == REAL else bounded


def declared() -> Mapping[str, Audit]:
    """The audits of the modules imported so far."""
    return _declared


def shown_limit(text: str, value: float | None) -> str:
    """A limit in words, and the number that it comes to where that follows from a floor."""
    head, found, tail = text.partition(" for ")
    return text if value is None or "floor" not in head else f"{head} = {value:.3g}{found}{tail}"
