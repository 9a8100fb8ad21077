"""Anthropic's SDK, and nothing else of it than one attempt at a time (:mod:`.transport`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast, get_args

from synthkit.llm.keys import ANTHROPIC, address, foreign_headers
from synthkit.llm.messages import Message, Payload
from synthkit.llm.streaming import breaks_off, is_streamed, longest, streamed_message
from synthkit.llm.transport import Attempts, BatchItem, Pools, Reply, object_of

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from pydantic import BaseModel

HINTS = {
    401: "ANTHROPIC_API_KEY is not a key of this API: set it to one that is",
    402: "the account cannot pay: add credit to it",
    403: "this key may not use the model: ask for access, or use another model",
    404: "check the model's name and teacher.base_url",
    413: "the request is too large: use shorter seeds or fewer of them",
}


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
        import anthropic
        import httpx2
        from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

        self.timeout = timeout
        certificates = httpx2.create_ssl_context()
        url, headers = address(base_url), foreign_headers(base_url, ANTHROPIC)

        def make() -> AsyncAnthropic:
            # A redirect would take rows, and the key, to a host that nobody named.
            http = DefaultAsyncHttpxClient(verify=certificates, follow_redirects=False)
            return AsyncAnthropic(
                api_key=key,
                base_url=url,
                # an Omit takes out what the environment has
                default_headers={name: anthropic.Omit() for name in headers},  # type: ignore[misc]
                max_retries=0,
                timeout=timeout,
                http_client=http,
            )

        self._sdks = Pools(make)
        self._attempts = Attempts(anthropic, timeout, HINTS, breaks_off)

    async def ask(self, payload: Payload) -> Reply:
        """Ask for one message.

        Raises:
            Transient: worth another attempt.
            BuildError: no attempt can succeed.
        """
        with self._sdks.idle() as sdk:

            async def call() -> Reply:
                if is_streamed(payload):
                    return _reply(*await streamed_message(sdk, payload))
                raw = await sdk.messages.with_raw_response.create(**cast(Any, payload))
                return _reply(object_of(raw.http_response.text), raw.request_id or "")

            return await self._attempts.one(call, paid=True, seconds=longest(payload, self.timeout))

    async def create_batch(self, requests: Mapping[str, Payload]) -> str:
        """Send requests, by their keys, as one Message Batch; its id."""

        async def call() -> str:
            items: Any = [{"custom_id": key, "params": dict(payload)} for key, payload in requests.items()]
            raw = await self._sdks.clients[0].messages.batches.with_raw_response.create(requests=items)
            return str(object_of(raw.http_response.text)["id"])

        return await self._attempts.one(call, paid=True)

    async def batch_ended(self, batch: str) -> bool:
        """Whether all requests of a batch have their result."""

        async def call() -> bool:
            raw = await self._sdks.clients[0].messages.batches.with_raw_response.retrieve(batch)
            return bool(object_of(raw.http_response.text)["processing_status"] == "ended")

        return await self._attempts.one(call, paid=False)

    async def batch_results(self, batch: str) -> Sequence[BatchItem]:
        """The results of a batch that has ended, in the order of the server."""

        async def call() -> Sequence[BatchItem]:
            found = []
            async for line in await self._sdks.clients[0].messages.batches.results(batch):
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

        return await self._attempts.one(call, paid=False)

    async def close(self) -> None:
        for sdk in self._sdks.clients:
            await sdk.close()


def _reply(message: Message, request_id: str) -> Reply:
    if message.get("type") != "message" or not isinstance(message.get("content"), list):
        raise ValueError("no message")
    usage = message.get("usage")
    if not isinstance(usage, dict) or not isinstance(usage.get("output_tokens"), int):
        raise ValueError("no usage")
    return Reply(message, request_id or str(message.get("id", "")))
