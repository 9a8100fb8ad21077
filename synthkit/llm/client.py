"""The provider's SDK, and nothing else of it than one attempt at a time.

Retries are ours (:mod:`.retrying`): the SDK's own honour a ``retry-after`` of any length, and do not
cover a body that is no JSON. Bodies are parsed here, from their text, so that an answer that was paid for never goes
down with an error of the SDK's models.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args

from synthkit.errors import BuildError
from synthkit.llm.keys import address, foreign_headers
from synthkit.llm.messages import Message, Payload
from synthkit.llm.streaming import breaks_off, is_streamed, longest, streamed_message

if TYPE_CHECKING:
    from anthropic import APIStatusError, AsyncAnthropic
    from pydantic import BaseModel

_T = TypeVar("_T")

# Statuses of a gateway that gave up on a server which may have answered, and billed, all the same.
UNCERTAIN = (502, 504, 524)
RETRIED = (408, 409, 429)
REQUESTS_OF_A_POOL = 4
HINTS = {
    401: "ANTHROPIC_API_KEY is not a key of this API: set it to one that is",
    402: "the account cannot pay: add credit to it",
    403: "this key may not use the model: ask for access, or use another model",
    404: "check the model's name and teacher.base_url",
    413: "the request is too large: use shorter seeds or fewer of them",
}


class Transient(Exception):  # noqa: N818 - it is caught and retried, no error of the user's
    """One attempt failed in a way that another may not.

    Args:
        wait: seconds that the server asks to wait, if it does.
        lost: an answer may have been made, and billed, without reaching us.
    """

    def __init__(self, message: str, wait: float | None = None, lost: bool = False) -> None:
        super().__init__(message)
        self.wait = wait
        self.lost = lost


class Gone(Exception):  # noqa: N818 - the batch is asked again
    """The server does not have the batch, or not its results any more."""


@dataclass(frozen=True)
class Reply:
    """A complete message of the API."""

    message: Message
    request_id: str


@dataclass(frozen=True)
class BatchItem:
    """One result of a batch: a reply, or the reason why there is none."""

    key: str
    reply: Reply | None
    kind: str
    detail: str = ""


@lru_cache(maxsize=1)
def known_models() -> frozenset[str]:
    """The model ids that the installed SDK names."""
    from anthropic.types import model

    return frozenset(name for part in get_args(model.Model) for name in get_args(part))


@lru_cache(maxsize=64)
def transformed_schema(form: type[BaseModel]) -> str:
    """The JSON schema of ``form`` as structured output takes it, as JSON text."""
    import anthropic

    return json.dumps(anthropic.transform_schema(form), ensure_ascii=False)


class Client:
    """One attempt of each call. To be made, used and closed in one event loop."""

    def __init__(self, key: str, base_url: str | None, timeout: float) -> None:
        import httpx2

        self.timeout = timeout
        self._key, self._base_url, self._headers = key, address(base_url), foreign_headers(base_url)
        self._certificates = httpx2.create_ssl_context()
        self._sdks: list[AsyncAnthropic] = []
        self._busy: list[int] = []
        self._sdk = self._sdks[self._idle()]

    def _idle(self) -> int:
        """An SDK client with few requests under way. Its pool looks at all its connections for each request, which with
        dozens of them takes longer than all the rest."""
        from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

        for index, busy in enumerate(self._busy):
            if busy < REQUESTS_OF_A_POOL:
                return index
        http = DefaultAsyncHttpxClient(verify=self._certificates)
        self._sdks.append(
            AsyncAnthropic(
                api_key=self._key,
                base_url=self._base_url,
                default_headers=cast(Any, self._headers),  # an Omit takes out what the environment has
                max_retries=0,
                timeout=self.timeout,
                http_client=http,
            )
        )
        self._busy.append(0)
        return len(self._sdks) - 1

    async def ask(self, payload: Payload) -> Reply:
        """Ask for one message.

        Raises:
            Transient: worth another attempt.
            BuildError: no attempt can succeed.
        """

        index = self._idle()
        sdk = self._sdks[index]

        async def call() -> Reply:
            if is_streamed(payload):
                return _reply(*await streamed_message(sdk, payload))
            raw = await sdk.messages.with_raw_response.create(**cast(Any, payload))
            return _reply(_object(raw.http_response.text), raw.request_id or "")

        self._busy[index] += 1
        try:
            return await self._attempt(call, paid=True, seconds=longest(payload, self.timeout))
        finally:
            self._busy[index] -= 1

    async def create_batch(self, requests: Mapping[str, Payload]) -> str:
        """Send requests, by their keys, as one Message Batch; its id."""

        async def call() -> str:
            items: Any = [{"custom_id": key, "params": dict(payload)} for key, payload in requests.items()]
            raw = await self._sdk.messages.batches.with_raw_response.create(requests=items)
            return str(_object(raw.http_response.text)["id"])

        return await self._attempt(call, paid=True)

    async def batch_ended(self, batch: str) -> bool:
        """Whether all requests of a batch have their result."""

        async def call() -> bool:
            raw = await self._sdk.messages.batches.with_raw_response.retrieve(batch)
            return bool(_object(raw.http_response.text)["processing_status"] == "ended")

        return await self._attempt(call, paid=False)

    async def batch_results(self, batch: str) -> Sequence[BatchItem]:
        """The results of a batch that has ended, in the order of the server."""

        async def call() -> Sequence[BatchItem]:
            found = []
            async for line in await self._sdk.messages.batches.results(batch):
                result = line.result
                if result.type == "succeeded":
                    message = cast(Message, result.message.model_dump(mode="json"))
                    found.append(BatchItem(line.custom_id, Reply(message, message.get("id") or batch), "succeeded"))
                elif result.type == "errored":
                    error = result.error.error
                    found.append(BatchItem(line.custom_id, None, str(error.type), str(error.message)))
                else:
                    found.append(BatchItem(line.custom_id, None, result.type))
            return found

        return await self._attempt(call, paid=False)

    async def close(self) -> None:
        for sdk in self._sdks:
            await sdk.close()

    async def _attempt(self, call: Callable[[], Awaitable[_T]], paid: bool, seconds: float | None = None) -> _T:
        """``paid``: the call makes something that is billed. ``seconds``: that it may take, when not the time-out."""
        import anthropic

        try:
            # The SDK's time-out is for each read; a server that sends a byte now and then would outlast any of it.
            async with asyncio.timeout(seconds or self.timeout):
                return await call()
        except anthropic.APIStatusError as error:
            if error.status_code == 404 and not paid:
                raise Gone(error.message) from error
            if breaks_off(error):
                raise Transient(f"the answer broke off: {error.message}", lost=paid) from error
            raise _explained(error, paid) from error
        except (anthropic.APITimeoutError, TimeoutError) as error:
            raise Transient(f"no answer within {self.timeout:g} s", lost=paid and not _is_unsent(error)) from error
        except anthropic.APIConnectionError as error:
            raise Transient(
                f"connection lost: {error.__cause__ or error}", lost=paid and not _is_unsent(error)
            ) from error
        except (anthropic.APIError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise Transient(f"the body is not what the API promises: {error}", lost=paid) from error
        except Exception as error:
            # A body that breaks off while it is read comes as the transport's own error.
            if type(error).__module__.split(".")[0] not in ("httpx2", "httpcore2", "h11"):
                raise
            if "Timeout" in type(error).__name__:
                raise Transient(f"nothing came for {self.timeout:g} s", lost=paid) from error
            raise Transient(f"connection lost: {error!r}", lost=paid) from error


def _object(text: str) -> Any:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value


def _reply(message: Message, request_id: str) -> Reply:
    if message.get("type") != "message" or not isinstance(message.get("content"), list):
        raise ValueError("no message")
    usage = message.get("usage")
    if not isinstance(usage, dict) or not isinstance(usage.get("output_tokens"), int):
        raise ValueError("no usage")
    return Reply(message, request_id or str(message.get("id", "")))


def _is_unsent(error: BaseException) -> bool:
    """Whether the request never reached the server: there was no connection."""
    seen: BaseException | None = error
    while seen is not None:
        if type(seen).__name__ in ("ConnectError", "ConnectTimeout", "PoolTimeout"):
            return True
        seen = seen.__cause__
    return False


def _explained(error: APIStatusError, paid: bool) -> Exception:
    status, headers = error.status_code, error.response.headers
    said = headers.get("x-should-retry")
    if said == "true" or (said != "false" and (status in RETRIED or status >= 500)):
        return Transient(f"HTTP {status}: {error.message}", _wait(headers), lost=paid and status in UNCERTAIN)
    return BuildError(
        f"the teacher refuses the request (HTTP {status}): {error.message}",
        hint=HINTS.get(status, "see the provider's message; what was answered so far is kept, and is not paid again"),
    )


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: ``retry-after-ms``, or ``retry-after`` in seconds."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            wait = float(headers[name]) / unit
        except (KeyError, ValueError):
            continue
        if 0 <= wait < float("inf"):
            return wait
    return None
