"""Who is asked, and on what terms."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

STREAMED_FROM = 21_333  # max_tokens above which the SDK refuses an answer in one piece under its default time-out


class TeacherParams(BaseModel):
    """A teacher model and its provider.

    Args:
        model: the provider's name of it.
        max_tokens: of one answer, thinking included.
        intended_use: what the rows are for, in words. The provider's terms forbid, without permission, training models
            that compete with its own: whoever reads the receipt must be able to see what was meant.
        terms_ack: true: the one who builds has read those terms.
        base_url: of the service; default: what ANTHROPIC_BASE_URL says, else the provider's own.
        timeout: seconds for one try of a request.
        patience: seconds for all tries of a request together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Literal["anthropic"] = "anthropic"
    model: str = Field(min_length=1)
    max_tokens: int = Field(default=8000, ge=1)
    intended_use: str = Field(min_length=1)
    terms_ack: bool
    base_url: str | None = None
    timeout: float = Field(default=300.0, gt=0)
    patience: float = Field(default=900.0, gt=0)

    @field_validator("intended_use")
    @classmethod
    def _said(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("say what the rows are for: the provider's terms depend on it")
        return value

    @field_validator("terms_ack")
    @classmethod
    def _acknowledged(cls, value: bool) -> bool:
        if not value:
            raise ValueError(
                "the provider's terms forbid training competing models on its answers without permission: read them, "
                "and write terms_ack: true"
            )
        return value

    @field_validator("max_tokens")
    @classmethod
    def _in_one_piece(cls, value: int) -> int:
        if value > STREAMED_FROM:
            raise ValueError(f"answers come in one piece, so at most {STREAMED_FROM:,}; ask for fewer items at once")
        return value


class SpendingParams(BaseModel):
    """What asking a teacher may cost, and how much is asked at once.

    Args:
        max_usd: a hard stop: no request is sent that could pass it, whatever is still unanswered.
        max_requests: another one, in requests of this table.
        concurrency: requests in flight. It changes the speed, not the rows.
        batch_api: send message batches: half the price, within a day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    # What decides when and how fast answers come, not what they are.
    CHANGES_NO_ROW: ClassVar[Mapping[str, Any]] = {
        "concurrency": True,
        "batch_api": True,
        "teacher": {"base_url", "timeout", "patience"},
    }

    teacher: TeacherParams
    max_usd: Decimal = Field(gt=0)
    max_requests: int | None = Field(default=None, ge=1)
    concurrency: int = Field(default=8, ge=1, le=64)
    batch_api: bool = False


def known_models() -> tuple[str, ...]:
    """The model names that the installed SDK knows."""
    from anthropic.types.model import Model

    return tuple(name for part in get_args(Model) for name in get_args(part))


def model_warning(name: str) -> str | None:
    """What to tell of a model that the SDK does not know: it may be newer than the SDK, so it is no error."""
    known = known_models()
    if name in known:
        return None
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"the installed anthropic package does not know the model {name!r}, so a request may fail{hint}"
