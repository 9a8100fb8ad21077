"""What a generator is: a value with a few functions, and nothing of YAML, files or DuckDB in it."""

from __future__ import annotations

import warnings as python
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from synthkit.errors import BuildError, SynthError
from synthkit.extras import TRAIN
from synthkit.generators.functions import (
    Budget,
    Compose,
    Fit,
    Mechanisms,
    NoisyCounts,
    Params,
    Progress,
    Quota,
    Related,
    Sample,
    Save,
    Survey,
    Workplace,
    silent,
)
from synthkit.privacy.accounting.mechanisms import Mechanism
from synthkit.schema import Schema

__all__ = [
    "Budget",
    "Compose",
    "Fit",
    "Generator",
    "Mechanisms",
    "NoisyCounts",
    "Params",
    "Progress",
    "Query",
    "Quota",
    "Related",
    "Sample",
    "Save",
    "Survey",
    "Taught",
    "Trained",
    "Workplace",
    "silent",
]


def none_to_tell(params: Any) -> Sequence[str]:
    """The warnings of a generator that has none."""
    del params
    return ()


def without_extras(params: Any) -> Sequence[str]:
    """The extras of a generator that works with what everybody installs."""
    del params
    return ()


def with_train(params: Any) -> Sequence[str]:
    """Those of a native one."""
    del params
    return (TRAIN,)


def unpriced(params: Any, rows: int, root: Path) -> Sequence[str]:
    """The estimate of a teacher that cannot tell what it will cost."""
    del params, rows, root
    return ()


def to_a_third_party(params: Any) -> str | None:
    """Who sees the rows that a teacher is shown, where it does not say."""
    del params
    return "a third party"


def nothing_lacks(params: Any, root: Path) -> SynthError | None:
    """Of a teacher that needs nothing on this machine."""
    del params, root
    return None


def nothing_unpriced(params: Any, root: Path) -> Sequence[str]:
    """Of a teacher who does not say whose price is unknown."""
    del params, root
    return ()


def as_the_source(params: Any, schema: Schema) -> Schema:
    """The columns of a teacher that changes none."""
    del params
    return schema


class _Kinds(type):
    """Has ``Generator(…)``, which once made every kind, make the kind that its arguments are those of."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Generator:
            return _earlier(*args, **kwargs)
        return super().__call__(*args, **kwargs)


@dataclass(frozen=True, kw_only=True)
class Generator(metaclass=_Kinds):
    """What every generator says of itself: one is :class:`Trained`, :class:`Query` or :class:`Taught`.

    Args:
        version: enters the train hash: raise it when the same input would give other rows.
        params: the class of its parameters, whose docstring says what each means.
        summary: a line for people.
        warnings: what in the parameters is worth a look.
        licence: of a package that it needs, where that is no free one.
        packages: distributions whose versions decide the rows.
        extras: of this package, without which nothing can be made by these parameters (:mod:`synthkit.extras`).
    """

    name: str
    version: int
    params: type[BaseModel]
    summary: str = ""
    warnings: Callable[[Any], Sequence[str]] = none_to_tell
    licence: str | None = None
    packages: tuple[str, ...] = ()
    extras: Callable[[Any], Sequence[str]] = without_extras

    @property
    def supports_epsilon(self) -> bool:
        """Whether its tables can keep a differential privacy guarantee."""
        return isinstance(self, Trained) and self.mechanisms is not None


@dataclass(frozen=True, kw_only=True)
class Trained(Generator):
    """A family of models that learn a table and draw rows of it.

    Args:
        load: the model that ``save`` wrote into a folder.
        mechanisms: what a fit under a budget will spend, from declared knowledge alone (the schema holds the modelled
            columns): exactly this is charged to the ledger before the training. None: it honours no ``epsilon``. It
            does not import torch.
        budgeted: whether it learns under a budget alone.
        supports_conditions: whether ``sample`` takes quotas.
        counts: (model that was just trained under a budget, column of declared values) → noisy counts of these values
            as the training released them, and their noise's standard deviation. None: it releases none.
        resumes: whether ``fit`` also takes a :class:`.checkpoint.Checkpoint` as ``checkpoint``, goes on from what is
            saved there, and ends with the same model as a training that was never stopped.
        partitions: whether rows drawn by several processes, each with a seed of its own, are as good as those of one.
        related: how it learns several tables at once; None: it learns one alone (:mod:`.related`).
        sequences: whether it heeds ``entity`` and ``order_by`` of a table's schema: it is given the entity's column,
            and draws an entity's rows together, in their order. Otherwise rows are learnt each by itself.
        survey: what ``fit`` needs of one column of a large table, so that columns are read side by side; None: it reads
            the table itself.
    """

    fit: Fit
    sample: Sample
    save: Save
    load: Callable[[Path], Any]
    mechanisms: Mechanisms | None = None
    budgeted: bool = False
    supports_conditions: bool = True
    counts: NoisyCounts | None = None
    resumes: bool = False
    partitions: bool = False
    related: Related | None = None
    sequences: bool = False
    survey: Survey | None = None


@dataclass(frozen=True, kw_only=True)
class Query(Generator):
    """A SELECT over other tables, which are all that its rows come from."""


@dataclass(frozen=True, kw_only=True)
class Taught(Generator):
    """Rows that a teacher writes, who is shown rows of the source.

    Args:
        shown_to: who gets these, in words: a third party; None: nobody beside the build.
        brought: what else decides rows, as ``packages`` do: distributions, and ``model:PATH`` for a folder.
        lacks: what nothing can be asked without, where it is not there, below the project's root.
        columns: the table's, from those of its source; raises ValueError where it cannot be made from these.
        estimate: lines on what asking for so many rows may cost; the path is the project's root.
        without_price: models that are asked and of which nobody knows what they cost, below the project's root.
    """

    compose: Compose
    shown_to: Callable[[Any], str | None] = to_a_third_party
    brought: Callable[[Any], Sequence[str]] = without_extras
    lacks: Callable[[Any, Path], SynthError | None] = nothing_lacks
    columns: Callable[[Any, Schema], Schema] = as_the_source
    estimate: Callable[[Any, int, Path], Sequence[str]] = unpriced
    without_price: Callable[[Any, Path], Sequence[str]] = nothing_unpriced


def _earlier(
    name: str,
    version: int,
    params: type[BaseModel],
    fit: Fit | None = None,
    sample: Sample | None = None,
    save: Save | None = None,
    load: Callable[[Path], Any] | None = None,
    kind: Literal["model", "query", "teacher"] = "model",
    compose: Compose | None = None,
    columns: Callable[[Any, Schema], Schema] | None = None,
    estimate: Callable[[Any, int, Path], Sequence[str]] | None = None,
    warnings: Callable[[Any], Sequence[str]] | None = None,
    supports_epsilon: bool = False,
    mechanisms: Mechanisms | None = None,
    supports_conditions: bool = True,
    resumes: bool = False,
    summary: str = "",
    licence: str | None = None,
    packages: tuple[str, ...] = (),
) -> Generator:
    """A generator as packages said it before there were three kinds."""
    now = {"model": "Trained", "query": "Query", "teacher": "Taught"}[kind]
    message = f"Generator(…), which says what {name!r} is, is now called synthkit.generators.base.{now}(…)"
    python.warn(message, FutureWarning, stacklevel=3)
    said: dict[str, Any] = {"name": name, "version": version, "params": params, "summary": summary}
    said |= {"warnings": warnings or none_to_tell, "licence": licence, "packages": packages}
    if kind == "query":
        return Query(**said)
    if kind == "teacher":
        if compose is None:
            raise TypeError(f"{name!r} has no compose, which asks the teacher")
        return Taught(**said, compose=compose, columns=columns or as_the_source, estimate=estimate or unpriced)
    if fit is None or sample is None:
        raise TypeError(f"{name!r} has no fit and sample, which learn and draw")

    def unkept(*_given: Any) -> Any:
        raise BuildError(f"the generator {name!r} cannot keep its models", hint="its package must say save and load")

    def unsaid(params: Any, budget: Budget, schema: Schema) -> tuple[Mechanism, ...]:
        del params, budget, schema
        message = f"generator {name!r} claims to honour epsilon, but does not say what it would spend"
        raise SynthError(message, hint="update its package, or choose another generator")

    return Trained(
        **said,
        fit=fit,
        sample=sample,
        save=save or unkept,
        load=load or unkept,
        mechanisms=(mechanisms or unsaid) if supports_epsilon else None,
        supports_conditions=supports_conditions,
        resumes=resumes,
    )
