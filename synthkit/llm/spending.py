"""What a generator that asks a teacher has in common with the others: limits, where answers are kept, what is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from synthkit.extras import LOCAL_TEXT, OPENAI, TEACHER
from synthkit.llm.keys import host_of
from synthkit.llm.spec import TeacherParams, address_warning, model_warning

if TYPE_CHECKING:
    from synthkit.llm.estimate import Estimate
    from synthkit.llm.prices import Prices
    from synthkit.llm.session import Teacher

AHEAD = 64  # requests that may be unanswered when the next one is decided
FOLDER = ".synth/requests"  # below a project's root: outside target/, as synth clean must not cost money
PRICES = "prices.yml"  # at a project's root: its own prices
EXTRAS: Mapping[str, str] = {"anthropic": TEACHER, "openai": OPENAI, "local": LOCAL_TEXT}


class SpendingParams(BaseModel):
    """What asking a teacher may cost, and how much is asked at once.

    Args:
        teacher: whom to ask, and on which terms.
        max_usd: a hard stop: no request is sent that could pass it, whatever is still unanswered. Anthropic's models
            are not asked without; others may be, and what they cost is unknown then, unless ``prices.yml`` says it.
        max_requests: another one, in requests of this table.
        concurrency: requests under way. It changes the speed, not the rows.
        batch_api: send message batches: half the price, within a day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    # What decides when and how fast answers come, not what they are.
    CHANGES_NO_ROW: ClassVar[Mapping[str, bool | set[str]]] = {
        "concurrency": True,
        "batch_api": True,
        "teacher": {"base_url", "timeout", "patience", "stream", "structured"},
    }

    teacher: TeacherParams
    max_usd: Decimal | None = Field(default=None, gt=0)
    max_requests: int | None = Field(default=None, ge=1)
    concurrency: int = Field(default=8, ge=1, le=64)
    batch_api: bool = False

    @field_validator("max_usd", "batch_api")
    @classmethod
    def _of_its_provider(cls, value: Any, info: ValidationInfo) -> Any:
        teacher = info.data.get("teacher")  # none where it has faults of its own
        provider = None if teacher is None else teacher.provider
        if info.field_name == "batch_api" and value and provider in ("openai", "local"):
            raise ValueError("message batches are Anthropic's; drop it")
        if info.field_name == "max_usd" and value is not None and provider == "local":
            raise ValueError("a model on this machine is paid nothing; drop it, or say max_requests")
        return value

    @model_validator(mode="after")
    def _has_a_limit(self) -> SpendingParams:
        if self.teacher.provider == "anthropic" and self.max_usd is None:
            raise ValueError("max_usd is missing: say what the table may cost at most, in USD")
        return self

    @property
    def extra(self) -> str:
        """Without which nobody can be asked (:mod:`synthkit.extras`)."""
        return EXTRAS[self.teacher.provider]

    @property
    def models(self) -> tuple[str, ...]:
        """The models that are asked."""
        return (self.teacher.model,)


@contextmanager
def teacher_of(
    params: SpendingParams,
    root: Path,
    requests: Path,
    paid: Callable[[Decimal], None] = lambda _usd: None,
    device: Callable[[], Any] = lambda: "cpu",
) -> Iterator[Teacher]:
    """A teacher whose answers are kept in the folder ``requests``, at the prices that hold in the project ``root``.

    Args:
        paid: is told what the answers of now have cost, when they are all there.
        device: finds the one on which a model on this machine runs.

    Raises:
        BuildError: a model on this machine is not there.
    """
    from synthkit.llm.folder import content_of, refuse_unusable
    from synthkit.llm.kept import RequestStore
    from synthkit.llm.local import LocalModel
    from synthkit.llm.session import Teacher

    local = params.teacher.provider == "local"
    if local:
        # Another model under the same name is another one, and was asked nothing yet.
        refuse_unusable(params.teacher, root)
        requests /= (params.teacher.revision or content_of(params.teacher.model, root) or "")[:16]
    with (
        RequestStore(requests) as store,
        Teacher(
            params.teacher,
            store,
            prices_of(root, params),
            concurrency=params.concurrency,
            max_usd=params.max_usd,
            batch_api=params.batch_api,
            request_limit=params.max_requests,
            connect=(lambda: LocalModel(params.teacher, root, device)) if local else None,
        ) as teacher,
    ):
        try:
            yield teacher
        finally:
            try:
                teacher.close()  # what is under way arrives, and costs, too
            finally:
                paid(teacher.paid_now)


def prices_of(root: Path, params: SpendingParams) -> Prices:
    """The shipped prices, and those of the project's own file, if it has one. Where nothing is to be held, a model of
    another provider than Anthropic needs none."""
    from synthkit.llm.prices import Prices

    own = root / PRICES
    prices = Prices.load(own if own.exists() else None)
    known = params.teacher.provider == "local"  # to cost nothing
    return prices.without(params.models, known) if params.max_usd is None else prices


def unpriced(prices: Prices, params: SpendingParams) -> list[str]:
    """Of the models that are asked, those of which nobody knows what they cost."""
    return [model for model in dict.fromkeys(params.models) if model in prices.unknown]


def without_price(params: SpendingParams, root: Path) -> list[str]:
    """As :func:`unpriced`, of a project. Raises SynthError where its prices cannot be read."""
    return unpriced(prices_of(root, params), params)


def model_warnings(params: SpendingParams) -> list[str]:
    """One for each model that the installed SDK does not know, and one for an address without encryption."""
    if params.teacher.provider != "anthropic":
        found = [address_warning(params.teacher)]
    else:
        found = [model_warning(model) for model in dict.fromkeys(params.models)]
    return [text for text in found if text is not None]


def progress_note(teacher: Teacher, params: SpendingParams, rejected: int) -> str:
    if params.teacher.provider == "local" or unpriced(teacher.prices, params):
        return f"{sum(teacher.counts.values()):,} answers, {rejected} rejected"
    most = "" if params.max_usd is None else f" of ${params.max_usd:.2f}"
    return f"${teacher.spent:.2f}{most}, {rejected} rejected"


def told(teacher: Teacher, params: SpendingParams) -> dict[str, Any]:
    """What the receipt says: the same for a build that paid and for one that found all answers kept."""
    spec = params.teacher
    return {
        "provider": spec.provider,
        "model": spec.model,
        "reach": spec.reach,
        "intended_use": spec.intended_use,
        "terms_ack": spec.terms_ack,
        "usd": None if unpriced(teacher.prices, params) else str(teacher.spent),
        **({} if params.max_usd is None else {"max_usd": str(params.max_usd)}),
        "usage": dict(vars(teacher.usage)),
        "requests": sum(teacher.counts.values()),
        "prices_of": teacher.prices.as_of,
    }


def in_words(parts: Sequence[Estimate], params: SpendingParams, prices: Prices, assumed: str) -> list[str]:
    """Lines for ``synth plan``: requests, tokens and USD of all ``parts``; what that rests on; and, where it is not
    Anthropic, who gets what is shown."""
    requests = sum(part.requests for part in parts)
    sent = sum(part.input_tokens for part in parts)
    got = sum(part.output_tokens for part in parts)
    low, likely, high = (sum((part.usd[i] for part in parts), Decimal(0)) for i in range(3))
    if params.teacher.provider == "local":
        said = f"about {requests:,} requests to {params.teacher.model}"
        return [f"{said}, which the build runs itself: nothing is paid, and nothing shown leaves it"]
    if lacking := unpriced(prices, params):
        money = f"cost unknown: no price of {', '.join(lacking)} in {PRICES}"
    elif params.max_usd is None:
        money = f"${likely:.2f} (${low:.2f} to ${high:.2f}); without a limit"
    else:
        end = "max_usd stops it before" if likely > params.max_usd else f"never more than ${params.max_usd:.2f}"
        money = f"${likely:.2f} (${low:.2f} to ${high:.2f}); {end}"
    return [
        f"about {requests:,} requests, {sent:,} tokens in and {got:,} out, {money}",
        f"assumed: {assumed}; {'; '.join(parts[0].assumptions[2:])}",
        *([] if params.teacher.provider == "anthropic" else [f"what is shown goes to {_whereto(params.teacher)}"]),
    ]


def _whereto(teacher: TeacherParams) -> str:
    host = host_of(teacher.url)
    return f"{host}, on this machine" if teacher.reach == "loopback" else f"{host}, which is not this machine"
