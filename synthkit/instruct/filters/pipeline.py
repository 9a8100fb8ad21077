"""The stages in their order, for one table: what is rejected, why, and how often."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from synthkit.instruct.filters.base import Finding, Rejection, Stage, StageParams
from synthkit.instruct.filters.contamination import Contamination, ContaminationParams
from synthkit.instruct.filters.domain import Domain, DomainParams
from synthkit.instruct.filters.exact import Exact, ExactParams
from synthkit.instruct.filters.harmful import Harmful, HarmfulParams
from synthkit.instruct.filters.language import Language, LanguageParams
from synthkit.instruct.filters.lengths import LengthParams, Lengths
from synthkit.instruct.filters.near_duplicates import NearDuplicateParams, NearDuplicates
from synthkit.instruct.filters.paraphrases import ParaphraseParams, Paraphrases
from synthkit.instruct.filters.pii import Pii, PiiParams
from synthkit.instruct.filters.refusals import RefusalParams, Refusals
from synthkit.instruct.items.item import Item


def _switched(value: Any) -> Any:
    """``true`` is the defaults, ``false`` is off."""
    return {} if value is True else None if value is False else value


def _or_switch(params: type[StageParams]) -> BeforeValidator:
    return BeforeValidator(_switched, json_schema_input_type=params | bool | None)


class FilterParams(StageParams):
    """The stages in the order in which they judge, the cheap ones first; ``false`` or ``null`` switches one off.

    Args:
        lengths: too short or too long.
        refusals: responses that refuse, talk about the model or are a form to fill in.
        harmful: words of harm.
        pii: identifiers of people.
        exact: items that were there before.
        contamination: runs of words of held-out rows.
        near_duplicates: items too like an earlier one.
        language: other languages than the seeds'.
        domain: other subjects than the seeds'.
        paraphrases: an earlier task in other words. Off unless asked for: it needs an extra, and is slow.
    """

    lengths: Annotated[LengthParams | None, _or_switch(LengthParams)] = Field(default=LengthParams())
    refusals: Annotated[RefusalParams | None, _or_switch(RefusalParams)] = Field(default=RefusalParams())
    harmful: Annotated[HarmfulParams | None, _or_switch(HarmfulParams)] = Field(default=HarmfulParams())
    pii: Annotated[PiiParams | None, _or_switch(PiiParams)] = Field(default=PiiParams())
    exact: Annotated[ExactParams | None, _or_switch(ExactParams)] = Field(default=ExactParams())
    contamination: Annotated[ContaminationParams | None, _or_switch(ContaminationParams)] = Field(
        default=ContaminationParams()
    )
    near_duplicates: Annotated[NearDuplicateParams | None, _or_switch(NearDuplicateParams)] = Field(
        default=NearDuplicateParams()
    )
    language: Annotated[LanguageParams | None, _or_switch(LanguageParams)] = Field(default=LanguageParams())
    domain: Annotated[DomainParams | None, _or_switch(DomainParams)] = Field(default=DomainParams())
    paraphrases: Annotated[ParaphraseParams | None, _or_switch(ParaphraseParams)] = None

    @property
    def extras(self) -> tuple[str, ...]:
        """What these stages need beside what asks a teacher (:mod:`synthkit.extras`)."""
        return () if self.paraphrases is None else ("embeddings",)


def stages(params: FilterParams, seeds: Sequence[Item], held_out: Sequence[Item]) -> dict[str, Stage]:
    """The stages that are on, by name, in the order of :class:`FilterParams`."""
    makers: Mapping[str, Callable[[Any], Stage]] = {
        "lengths": Lengths,
        "refusals": Refusals,
        "harmful": Harmful,
        "pii": Pii,
        "exact": lambda p: Exact(p, seeds),
        "contamination": lambda p: Contamination(p, held_out),
        "language": lambda p: Language(p, seeds),
        "domain": lambda p: Domain(p, seeds),
        "near_duplicates": lambda p: NearDuplicates(p, seeds),
        "paraphrases": lambda p: Paraphrases(p, seeds),
    }
    chosen = {name: getattr(params, name) for name in FilterParams.model_fields}
    return {name: makers[name](p) for name, p in chosen.items() if p is not None}


class Filters:
    """Judges items one by one. What it says depends on what was accepted before, and on nothing else.

    Give it the same items in the same order, and it rejects the same ones. It draws nothing at random, loads nothing
    from a network and keeps nothing on disk.

    Args:
        seeds: hand-written items: never repeated, and the measure of language and domain.
        held_out: items that a model is to be tested with, of which nothing may leak.
    """

    def __init__(self, params: FilterParams, seeds: Sequence[Item], held_out: Sequence[Item] = ()) -> None:
        self.params = params
        self._stages = stages(params, seeds, held_out)
        self._rejected: Counter[str] = Counter()
        self._accepted = 0

    def reject(self, item: Item) -> Rejection | None:
        """The first stage that the item does not pass, which is counted; None where it passes all."""
        return self._first({name: stage.look for name, stage in self._stages.items()}, item)

    def reject_task(self, item: Item) -> Rejection | None:
        """The same for an item without its response yet, by the stages that can judge a task."""
        return self._first({name: stage.look_task for name, stage in self._stages.items()}, item)

    def reject_response(self, item: Item) -> Rejection | None:
        """The same for an item that has its response now, and whose task was accepted before."""
        return self._first({name: stage.look_response for name, stage in self._stages.items()}, item)

    def _first(self, looks: Mapping[str, Callable[[Item], Finding]], item: Item) -> Rejection | None:
        for name, look in looks.items():
            found = look(item)
            if found.reason is not None:
                self._rejected[name] += 1
                return Rejection(name, found.reason, found.score, found.other)
        return None

    def accept(self, item: Item) -> None:
        """Take an item in: from now on it is one that others must not repeat."""
        self._accepted += 1
        self.accept_task(item)

    def accept_task(self, item: Item) -> None:
        """Take in an item that has no response yet."""
        for stage in self._stages.values():
            stage.accept(item)

    def accept_response(self, item: Item) -> None:
        """Take in the response of an item whose task was taken in before."""
        self._accepted += 1
        for stage in self._stages.values():
            stage.accept_response(item)

    def verdicts(self, item: Item) -> dict[str, Finding]:
        """What every stage makes of an item, whatever the ones before it say. Nothing is counted."""
        return {name: stage.look(item) for name, stage in self._stages.items()}

    @property
    def counts(self) -> dict[str, int]:
        """How many items each stage rejected, in the stages' order, and how many were accepted."""
        return {**{name: self._rejected[name] for name in self._stages}, "accepted": self._accepted}

    def fingerprint(self) -> str:
        """Parameters and versions that decide, as canonical JSON; seeds and held-out items are not in it."""
        versions = {name: stage.fingerprint() for name, stage in self._stages.items()}
        both = {"params": self.params.model_dump(mode="json"), "versions": {n: v for n, v in versions.items() if v}}
        return json.dumps(both, sort_keys=True, ensure_ascii=False)
