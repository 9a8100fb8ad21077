"""What a project says about its teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from synthkit.errors import SynthError, nearest
from synthkit.llm.client import known_models
from synthkit.llm.keys import ANTHROPIC, OPENAI, address, host_of, is_encrypted, is_loopback

if TYPE_CHECKING:
    from synthkit.llm.requests import Prompt

Provider = Literal["anthropic", "openai", "local"]
Reach = Literal["none", "loopback", "network"]
APIS = {"anthropic": ANTHROPIC, "openai": OPENAI}
LOCAL_TOKENS = 200  # of a text of a model on this machine, where nothing is said
OTHERS = {"temperature": None, "stream": False, "structured": True}  # what is not Anthropic's, and its defaults


class TeacherParams(BaseModel):
    """The block ``teacher:`` of a generator.

    Args:
        provider: whose model it is. ``openai`` is any server of OpenAI's chat API, OpenAI's own where no ``base_url``
            says another. ``local`` is a small model that the build itself runs, for text columns.
        model: the provider's, or the server's, id of the model; of ``local`` its folder, or with ``revision`` its name
            on the Hugging Face hub.
        revision: of ``local``: a commit on the hub, 40 hexadecimal digits.
        max_tokens: most tokens of one answer, thinking included. Answers of more than 21,333 are streamed. Of ``local``
            those of one text, 200 by itself; 8,000 of the others.
        intended_use: what the published table is for; goes into the receipt.
        terms_ack: true says that the provider's terms, or the model's licence, were read and allow this use.
        base_url: where the API is, when not at the provider's. ANTHROPIC_API_KEY and OPENAI_API_KEY are not sent there:
            the host has a variable of its own for its key, which the error names. ANTHROPIC_BASE_URL and
            OPENAI_BASE_URL in the environment name an address that gets the provider's key. Servers of OpenAI's API
            may do without a key.
        timeout: seconds that one attempt may take; when it is streamed, seconds without a word.
        patience: seconds that one request may take with all its retries.
        temperature: how freely the model chooses its words, 0 to 2; by itself the server's own, and of ``local`` 0,
            which always takes the likeliest. Current models of Anthropic take none.
        stream: of ``openai``: have every answer streamed, so that a slow one may take longer than ``timeout``.
        structured: of ``openai``: have the server hold answers to a JSON schema. One that refuses is asked in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    provider: Provider = "anthropic"
    model: str = Field(min_length=1)
    revision: str | None = Field(default=None, pattern="^[0-9a-f]{40}$")
    max_tokens: int | None = Field(default=None, ge=1)
    intended_use: str = Field(default="", validate_default=True)
    terms_ack: bool = Field(default=False, validate_default=True)
    base_url: str | None = None
    timeout: float = Field(default=300.0, gt=0)
    patience: float = Field(default=600.0, gt=0)
    temperature: float | None = Field(default=None, ge=0, le=2)
    stream: bool = False
    structured: bool = True

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

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        try:
            if value:
                host_of(value)
        except SynthError as error:
            raise ValueError(f"{error.message}: {error.hint}") from error
        return value

    @model_validator(mode="after")
    def _of_the_provider(self) -> TeacherParams:
        if self.provider == "anthropic":
            for name, by_itself in OTHERS.items():
                if getattr(self, name) != by_itself:
                    raise ValueError(f"{name}: Anthropic's models take none; drop it, or name another provider")
        if self.provider == "local":
            for name, by_itself in {"base_url": None, "stream": False, "structured": True}.items():
                if getattr(self, name) != by_itself:
                    raise ValueError(f"{name}: a model on this machine takes none; drop it")
        elif self.revision is not None:
            raise ValueError("revision: it is of provider: local alone; drop it")
        return self

    @property
    def most(self) -> int:
        """Tokens of one answer."""
        return self.max_tokens or (LOCAL_TOKENS if self.provider == "local" else 8000)

    @property
    def url(self) -> str:
        """Where requests go. Raises SynthError where that is no address."""
        api = APIS[self.provider]
        found = address(self.base_url, api) or api.own
        host_of(found)
        return found

    @property
    def reach(self) -> Reach:
        """How far what is shown goes."""
        if self.provider == "local":
            return "none"
        return "loopback" if is_loopback(self.url) else "network"

    @property
    def apart(self) -> tuple[Any, ...]:
        """What its questions say beside the model and its most tokens, as JSON (:attr:`.requests.Prompt.asked_of`)."""
        return () if self.provider == "anthropic" else (self.provider, self.temperature)

    def prompt(
        self,
        system: str,
        user: str,
        form: type[BaseModel],
        label: str = "",
        nonce: int = 0,
        judge: tuple[str, int] | None = None,
    ) -> Prompt:
        """A question to this teacher; or to its ``judge``: a model and its most tokens, told no temperature."""
        from synthkit.llm.requests import Prompt

        model, most = judge or (self.model, self.most)
        temperature = None if judge else self.temperature
        return Prompt(model, system, user, form, most, label, nonce, self.provider, temperature)

    def prompt_of_rows(
        self,
        system: str,
        rows: Sequence[str],
        columns: Mapping[str, str],
        number: str,
        form: type[BaseModel],
        label: str,
        nonce: int,
        seed: int,
    ) -> Prompt:
        """A question to a model on this machine: texts for rows, each in JSON; columns and what they hold."""
        from synthkit.llm.requests import Prompt

        drawn = seed if self.temperature else None
        warm = self.temperature or None
        said = tuple(columns.items())
        return Prompt(
            self.model, system, "\n".join(rows), form, self.most, label, nonce, "local", warm, drawn, said, number
        )


def model_warning(model: str) -> str | None:
    """A warning when the installed SDK does not know ``model``; None when it does. Never a reason to refuse."""
    names = known_models()
    if model in names:
        return None
    close = nearest(model, names)
    suffix = f" (did you mean {close!r}?)" if close else ""
    return f"the installed anthropic package does not know a model {model!r}{suffix}; it is asked for all the same"


def address_warning(params: TeacherParams) -> str | None:
    """A warning where what is shown travels unencrypted."""
    try:
        if params.reach == "network" and not is_encrypted(params.url):
            return f"what {params.model!r} is shown goes unencrypted to {host_of(params.url)}: write https://"
    except SynthError as error:
        return error.message
    return None


def third_party(params: Any) -> str | None:
    """Who gets the rows that a teacher is shown, in words; None: nobody beside this build."""
    teacher: TeacherParams = params.teacher
    if teacher.provider == "local":
        return None
    try:
        if teacher.reach == "loopback":
            return f"the server at {host_of(teacher.url)}, which is on this machine and may pass them on"
    except SynthError:
        pass  # whoever that is, it is somebody else
    return "a third party"
