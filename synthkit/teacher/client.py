"""The provider's SDK: one request, tried until there is an answer or patience ends. The only importer of anthropic."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from synthkit.errors import BuildError
from synthkit.teacher.answers import Answer, read
from synthkit.teacher.kept import RequestStore
from synthkit.teacher.requests import Prompt
from synthkit.teacher.spec import TeacherParams

if TYPE_CHECKING:
    import anthropic

T = TypeVar("T")
KEY_VARIABLE = "ANTHROPIC_API_KEY"
URL_VARIABLE = "ANTHROPIC_BASE_URL"
FIRST_WAIT = 0.5  # seconds; doubled from try to try
LONGEST_WAIT = 60.0
_RETRIED = frozenset({408, 409, 429})


@dataclass(frozen=True)
class Failed:
    """A try without an answer. ``lost``: it may have been paid for, as nothing says that it was not done."""

    reason: str
    lost: bool
    wait: float | None = None  # seconds that the provider asks for


class Client:
    """Asks one provider. ``may_lose`` is asked before a request is sent again whose answer was lost: it raises where
    paying for it a second time could pass the limit."""

    def __init__(
        self, params: TeacherParams, store: RequestStore, may_lose: Callable[[Prompt, Decimal], None], connections: int
    ) -> None:
        import anthropic

        key = os.environ.get(KEY_VARIABLE)
        if not key:
            raise BuildError(
                f"{KEY_VARIABLE} is not set, so {params.model} cannot be asked",
                hint="set it in the environment or in .env, or leave the model out: enabled: "
                "\"{{ env_var('ANTHROPIC_API_KEY', '') != '' }}\"",
            )
        self.params, self.store, self.may_lose = params, store, may_lose
        self.slots = asyncio.Semaphore(connections)
        self.sdk = anthropic.AsyncAnthropic(
            api_key=key,
            base_url=params.base_url or os.environ.get(URL_VARIABLE) or None,
            timeout=params.timeout,
            max_retries=0,  # its own retries have no limit in time, and would hide what was paid for and lost
            http_client=anthropic.DefaultAsyncHttpxClient(limits=_limits(connections)),
        )

    async def close(self) -> None:
        await self.sdk.close()

    async def ask(self, prompt: Prompt, worst: Decimal) -> Answer:
        """The answer, on disk.

        Raises:
            BuildError: patience is at its end, or asking again would be in vain (the key, the model, the request).
        """
        attempt = ""

        async def once() -> Answer:
            nonlocal attempt
            async with self.slots:  # while it is asked; not while its answer is written down
                attempt = f"{os.getpid()}-{time.time_ns()}"
                self.store.sending(prompt.key, attempt, worst)
                message = await self.sdk.messages.create(**prompt.payload())
            return read(prompt, message, getattr(message, "_request_id", None) or message.id)

        def failed(why: Failed) -> None:
            if why.lost:
                self.may_lose(prompt, worst)
            else:
                self.store.refused(prompt.key, attempt)

        answer = await self.patiently(repr(prompt.label), once, failed)
        await asyncio.wrap_future(self.store.keep(prompt, answer, attempt))
        return answer

    async def patiently(
        self, what: str, once: Callable[[], Awaitable[T]], failed: Callable[[Failed], None] = lambda _: None
    ) -> T:
        """Try until it works. ``failed`` hears of each try that did not, and may raise.

        Raises:
            BuildError: as :meth:`ask` does.
        """
        deadline = time.monotonic() + self.params.patience
        tries = 0
        while True:
            tries += 1
            outcome = await self._try(once)
            if not isinstance(outcome, Failed):
                return outcome
            failed(outcome)
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(tries - 1, 20)) * random.uniform(0.5, 1.0)
            wait = wait if outcome.wait is None else outcome.wait
            if time.monotonic() + wait > deadline:
                raise BuildError(
                    f"{self.params.model} gave no answer to {what} in {tries} tries "
                    f"and {self.params.patience:g} seconds: {outcome.reason}",
                    hint="what was answered is kept: build again, and it goes on from there",
                )
            await asyncio.sleep(wait)

    async def _try(self, once: Callable[[], Awaitable[T]]) -> T | Failed:
        import anthropic

        try:
            return await once()
        except anthropic.APIStatusError as error:
            return self._status(error)
        except anthropic.APITimeoutError:
            return Failed(f"no answer within {self.params.timeout:g} seconds", lost=True)
        except anthropic.APIConnectionError as error:
            return Failed(f"the connection failed: {error.__cause__ or error}", lost=not _never_sent(error))
        except (anthropic.APIError, ValueError, AttributeError, TypeError, KeyError) as error:
            # a body that is not what it says: the SDK raises JSONDecodeError or AttributeError, and retries none
            return Failed(f"the answer is broken: {type(error).__name__}: {error}", lost=True)

    def _status(self, error: anthropic.APIStatusError) -> Failed:
        code, said = error.status_code, error.response.headers
        if code == 401:
            raise BuildError(f"{_said(error)} (401)", hint=f"look at {KEY_VARIABLE}: it is wrong, or was revoked")
        retried = code in _RETRIED or code >= 500
        if (wish := said.get("x-should-retry")) in ("true", "false"):
            retried = wish == "true"
        if not retried:
            hints = {403: "this key may not use that model", 404: f"is there a model {self.params.model!r}?"}
            hint = hints.get(code, "look at the parameters of the teacher")
            raise BuildError(f"the provider refuses the request: {_said(error)} ({code})", hint=hint)
        return Failed(f"{code}: {_said(error)}", lost=False, wait=_asked_wait(said))


def _limits(connections: int) -> Any:
    import httpx2

    return httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)


def _said(error: anthropic.APIStatusError) -> str:
    body = error.body
    inner = body.get("error") if isinstance(body, dict) else None
    return str(inner.get("message")) if isinstance(inner, dict) and inner.get("message") else str(error.message)


def _never_sent(error: anthropic.APIConnectionError) -> bool:
    """Whether there was no connection at all, so that nothing can have been done."""
    import httpx2

    return isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)


def _asked_wait(headers: Any) -> float | None:
    """Seconds by ``retry-after-ms`` or ``retry-after`` (a number or a date); None where neither makes sense."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        if "retry-after" in headers:
            value = headers["retry-after"]
            try:
                return max(0.0, float(value))
            except ValueError:
                return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        pass
    return None
