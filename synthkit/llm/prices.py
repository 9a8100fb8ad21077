"""Prices: a dated file that comes with the package, and a project's own on top of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from synthkit.errors import SynthError, did_you_mean
from synthkit.llm.usage import Usage
from synthkit.project.yamlfile import parse_file

LISTED = Path(__file__).with_name("prices.yml")
MILLION = Decimal(1_000_000)


class Price(BaseModel):
    """USD per million tokens. Cache prices left out follow from ``input`` by the provider's factors.

    ``long_above``: prompts of more tokens than this cost ``long_factor`` times as much, their output too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    input: Decimal = Field(ge=0, allow_inf_nan=False)
    output: Decimal = Field(ge=0, allow_inf_nan=False)
    cache_write_5m: Decimal = Field(ge=0, allow_inf_nan=False)
    cache_write_1h: Decimal = Field(ge=0, allow_inf_nan=False)
    cache_read: Decimal = Field(ge=0, allow_inf_nan=False)
    long_above: int | None = None
    long_factor: Decimal = Field(default=Decimal(1), ge=1, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _exact(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        # YAML's 0.1 is a binary float; its shortest decimal form is the price that was written.
        exact = {k: Decimal(str(v)) if isinstance(v, (int, float)) else v for k, v in value.items()}
        base = exact.get("input")
        if isinstance(base, Decimal):
            factors = {"cache_write_5m": "1.25", "cache_write_1h": "2", "cache_read": "0.1"}
            exact = {k: base * Decimal(f) for k, f in factors.items()} | exact
        return exact

    def cost(self, usage: Usage) -> Decimal:
        """USD, exact."""
        total = (
            self.input * usage.input
            + self.output * usage.output
            + self.cache_write_5m * usage.write_5m
            + self.cache_write_1h * usage.write_1h
            + self.cache_read * usage.read
        )
        prompt = usage.input + usage.write_5m + usage.write_1h + usage.read
        long = self.long_above is not None and prompt > self.long_above
        return total * (self.long_factor if long else 1) / MILLION


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: Any = None
    source: str | None = None
    batch_factor: float | None = Field(default=None, ge=0, le=1)
    models: dict[str, Price] = {}


@dataclass(frozen=True)
class Prices:
    """Prices by model id; ``as_of`` and ``source`` are those of the listed file, ``override`` the project's own. Of the
    models ``unknown`` nobody knows what they cost: they count as nothing."""

    models: Mapping[str, Price]
    batch_factor: Decimal
    as_of: str
    source: str
    override: Path | None = None
    unknown: frozenset[str] = frozenset()

    @classmethod
    def load(cls, override: Path | None = None) -> Prices:
        """The listed prices with those of ``override`` on top.

        Raises:
            SynthError: the override file is missing or does not have the form of the listed one.
        """
        listed = _read(LISTED)
        own = _read(override) if override else _File()
        factor = own.batch_factor if own.batch_factor is not None else listed.batch_factor
        return cls(
            models={**listed.models, **own.models},
            batch_factor=Decimal(str(factor)),
            as_of=str(listed.as_of),
            source=str(listed.source),
            override=override,
        )

    def without(self, models: Iterable[str], known: bool = False) -> Prices:
        """These, and for those of ``models`` that have none nothing. ``known``: that is what they all cost."""
        lacking = [model for model in models if known or model not in self.models]
        nothing = Price(input=Decimal(0), output=Decimal(0))  # type: ignore[call-arg]
        unknown = self.unknown if known else self.unknown.union(lacking)
        return replace(self, models={**self.models, **dict.fromkeys(lacking, nothing)}, unknown=unknown)

    @cached_property
    def fingerprint(self) -> dict[str, dict[str, str]]:
        """All prices as text, for a receipt."""
        return {name: {k: str(v) for k, v in price.model_dump().items()} for name, price in self.models.items()}

    def of(self, model: str) -> Price:
        """The price of ``model``.

        Raises:
            SynthError: it has none; a limit in money cannot be held then.
        """
        if model not in self.models:
            raise SynthError(
                f"there is no price for the model {model!r}, and without one a limit in USD cannot be held",
                where=None,
                hint=f"{did_you_mean(model, self.models)} Or declare it in the project's price file: "
                f"models: {{{model}: {{input: <USD per million tokens>, output: <USD per million tokens>}}}}. "
                "Of another provider than anthropic, max_usd may be left out, and max_requests be the limit.",
            )
        return self.models[model]

    def cost(self, model: str, usage: Usage, batch: bool = False) -> Decimal:
        """USD that ``usage`` of ``model`` costs, exact; in a Message Batch at ``batch_factor``."""
        return self.of(model).cost(usage) * (self.batch_factor if batch else 1)


def _read(path: Path) -> _File:
    document = parse_file(path)
    try:
        if document.faults:
            raise ValueError(document.faults[0].message)
        return _File.model_validate(document.value or {})
    except ValueError as error:  # pydantic's, too
        raise SynthError(
            f"the price file {path} cannot be used: {error}",
            hint="write it as: models: {<model id>: {input: 2, output: 10}} (USD per million tokens)",
        ) from error
