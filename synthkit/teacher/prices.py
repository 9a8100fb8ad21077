"""What tokens cost, exactly: decimals of a dollar, never floats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from synthkit.errors import BuildError

OVERRIDE = "prices.yml"  # at a project's root
MILLION = Decimal(1_000_000)
_CACHE = {"cache_write": Decimal("1.25"), "cache_write_1h": Decimal(2), "cache_read": Decimal("0.1")}


@dataclass(frozen=True)
class Usage:
    """Tokens of one answer, or of many; the fields add up, none is part of another."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    cache_read: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def to_json(self) -> dict[str, int]:
        return dict(vars(self))


class Price(BaseModel):
    """USD per million tokens of each kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)
    cache_write: Decimal | None = Field(default=None, ge=0)
    cache_write_1h: Decimal | None = Field(default=None, ge=0)
    cache_read: Decimal | None = Field(default=None, ge=0)

    def of(self, kind: str) -> Decimal:
        found: Decimal | None = getattr(self, kind)
        return self.input * _CACHE[kind] if found is None else found

    @property
    def dearest_input(self) -> Decimal:
        """What an input token costs at most, cached or not."""
        return max(self.input, *(self.of(kind) for kind in _CACHE))


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: Decimal | None = Field(default=None, gt=0, le=1)
    models: Mapping[str, Price] = {}


class Prices:
    """The shipped list, with what the project's file says instead."""

    def __init__(self, models: Mapping[str, Price], batch: Decimal) -> None:
        self.models, self.batch = models, batch

    @classmethod
    def load(cls, root: Path) -> Prices:
        """Raises BuildError where the project's file is not such a list."""
        shipped = _read(Path(__file__).with_name("prices.yml"))
        own = _read(root / OVERRIDE) if (root / OVERRIDE).exists() else _File()
        assert shipped.batch is not None
        return cls({**shipped.models, **own.models}, own.batch or shipped.batch)

    def of(self, model: str) -> Price:
        """Raises BuildError where nothing says what the model costs: then no limit could be kept."""
        if model not in self.models:
            raise BuildError(
                f"nothing says what the model {model!r} costs, so max_usd could not be kept",
                hint=f"add it to {OVERRIDE} at the project's root: models: {{{model}: {{input: 2, output: 10}}}}",
            )
        return self.models[model]

    def cost(self, model: str, usage: Usage, *, batch: bool = False) -> Decimal:
        """USD."""
        price = self.of(model)
        total = sum((price.of(f.name) * getattr(usage, f.name) for f in fields(usage)), Decimal(0)) / MILLION
        return total * self.batch if batch else total


def _read(path: Path) -> _File:
    try:
        data: Any = yaml.safe_load(path.read_text("utf-8"))
        return _File.model_validate(data or {})
    except yaml.YAMLError as error:
        raise BuildError(f"{path} is no YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BuildError(f"{path}: {where}: {first['msg']}", hint="prices are USD per million tokens") from error
