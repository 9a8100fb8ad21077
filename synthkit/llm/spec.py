"""What a project says about its teacher."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from synthkit.errors import nearest
from synthkit.llm.client import known_models


class TeacherParams(BaseModel):
    """The block ``teacher:`` of a generator.

    Args:
        provider: whose model it is.
        model: the provider's model id.
        max_tokens: most tokens of one answer, thinking included. Answers of more than 21,333 are streamed.
        intended_use: what the published table is for; goes into the receipt.
        terms_ack: true says that the provider's terms were read and allow this use.
        base_url: where the API is, when not at the provider's. ANTHROPIC_API_KEY is not sent there: the host has a
            variable of its own for its key, which the error names. ANTHROPIC_BASE_URL in the environment names an
            address that gets ANTHROPIC_API_KEY.
        timeout: seconds that one attempt may take; when it is streamed, seconds without a word.
        patience: seconds that one request may take with all its retries.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Literal["anthropic"] = "anthropic"
    model: str = Field(min_length=1)
    max_tokens: int = Field(default=8000, ge=1)
    intended_use: str = Field(default="", validate_default=True)
    terms_ack: bool = Field(default=False, validate_default=True)
    base_url: str | None = None
    timeout: float = Field(default=300.0, gt=0)
    patience: float = Field(default=600.0, gt=0)

    @field_validator("intended_use")
    @classmethod
    def _says_what_for(cls, value: str) -> str:
        if not value.strip():
            raise ValueError(
                "say what the table is for: the provider's terms forbid some uses of its output "
                "(training a competing model, for one), and the receipt has to show that yours is none of them"
            )
        return value.strip()

    @field_validator("terms_ack")
    @classmethod
    def _terms_were_read(cls, value: bool) -> bool:
        if not value:
            raise ValueError(
                "must be true: read the provider's terms, which forbid training competing models on its output "
                "without permission, and say with `terms_ack: true` that your intended_use is within them"
            )
        return value


def model_warning(model: str) -> str | None:
    """A warning when the installed SDK does not know ``model``; None when it does. Never a reason to refuse."""
    names = known_models()
    if model in names:
        return None
    close = nearest(model, names)
    suffix = f" (did you mean {close!r}?)" if close else ""
    return f"the installed anthropic package does not know a model {model!r}{suffix}; it is asked for all the same"
