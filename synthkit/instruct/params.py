"""The parameters of ``self_instruct``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, field_validator, model_validator

from synthkit.errors import did_you_mean
from synthkit.instruct.filters import FilterParams
from synthkit.instruct.rows import COLUMNS
from synthkit.llm.spec import TeacherParams
from synthkit.llm.spending import SpendingParams
from synthkit.project.shares import Share


def _known(name: str) -> str:
    if name not in COLUMNS:
        raise ValueError(f"there is no column {name!r}: {did_you_mean(name, COLUMNS)}")
    return name


ItemColumn = Annotated[str, AfterValidator(_known), WithJsonSchema({"enum": list(COLUMNS), "type": "string"})]


class JudgeParams(BaseModel):
    """A second model that scores every item.

    Args:
        model: of the same provider, or server, as the teacher.
        min_score: of 1 to 5; what scores less is dropped.
        max_tokens: most tokens of one answer, thinking included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    model: str
    min_score: int = Field(default=4, ge=1, le=5)
    max_tokens: int = Field(default=4000, ge=1)


class SelfInstructParams(SpendingParams):
    """Self-Instruct with a teacher model (Wang et al. 2023, https://arxiv.org/abs/2212.10560).

    Args:
        domain: what the instructions are about, in words for the teacher.
        per_request: items asked for in one request.
        topics: topic → share of the rows, exact; the shares may have any sum.
        responses: ``together``: an answer has instructions and responses. ``separate``: the two steps of the paper;
            instructions first, and the responses, by requests of their own, to those that pass the filters.
        evolve: share of the items that are rewritten into harder ones.
        judge: critique by a second call.
        examples: seeds and accepted items shown in one request; a quarter of them accepted ones, as in the paper.
        yield_floor: stop when fewer than this share of the items of the last requests is new and passes the filters.
        filters: the stages that an item must pass.
        columns: of the published table, in this order; default: all.
    """

    domain: str = Field(min_length=1)
    per_request: int = Field(default=20, ge=1, le=100)
    topics: Mapping[str, Share] = {}
    responses: Literal["together", "separate"] = "together"
    evolve: float = Field(default=0.0, ge=0, le=1)
    judge: JudgeParams | None = None
    examples: int = Field(default=8, ge=1, le=50)
    yield_floor: float = Field(default=0.05, ge=0, lt=1)
    filters: FilterParams = FilterParams()
    columns: tuple[ItemColumn, ...] | None = Field(default=None, min_length=1)

    @property
    def models(self) -> tuple[str, ...]:
        return (*super().models, *(() if self.judge is None else (self.judge.model,)))

    @field_validator("teacher")
    @classmethod
    def _writes_instructions(cls, value: TeacherParams) -> TeacherParams:
        if value.provider == "local":
            raise ValueError(
                "provider: local writes text columns (llm_columns) and no instructions, which take a larger model; "
                "provider: openai asks a server on this machine by its base_url"
            )
        return value

    @model_validator(mode="after")
    def _positive(self) -> SelfInstructParams:
        for topic, share in self.topics.items():
            if not share > 0:
                raise ValueError(
                    f"the share of topic {topic!r} is {share:g}; give it a positive one, or drop the topic"
                )
        if self.columns is not None and len(set(self.columns)) < len(self.columns):
            raise ValueError("a column is named twice")
        return self
