"""Any server of OpenAI's chat API, by OpenAI's SDK: one attempt at a time (:mod:`.transport`).

What goes in and comes out has the form of :mod:`.messages`, as from the other providers. Servers differ in what they
take: what one refuses by name (JSON by a schema, a newer name of a limit) it is not asked again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from synthkit.llm.keys import OPENAI, address, foreign_headers, is_loopback, variable_of
from synthkit.llm.messages import Message, Payload
from synthkit.llm.streaming import is_streamed
from synthkit.llm.transport import Attempts, BatchItem, Pools, Reply, object_of

if TYPE_CHECKING:
    from openai import AsyncOpenAI

# Why a model stopped, in the words of this API and of servers that have words of their own → in those of messages.
STOPS = {
    "stop": "end_turn",
    "eos": "end_turn",
    "eos_token": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "content_filter": "refusal",
}
REFUSED = (400, 404, 415, 422, 500, 501)  # statuses with which servers turn a parameter down
SCHEMA_WORDS = ("response_format", "json_schema", "structured output", "grammar", "guided")


class ChatClient:
    """One attempt of each call. To be made, used and closed in one event loop.

    Args:
        key: "" where none is sent.
        patience: seconds that a streamed answer may take, however steadily it comes.
        structured: ask for JSON by a schema, as long as the server takes that.
        stream: have all answers streamed, and not long ones alone.
    """

    def __init__(
        self,
        key: str,
        base_url: str | None,
        timeout: float,
        patience: float,
        structured: bool = True,
        stream: bool = False,
    ) -> None:
        import httpx2
        import openai
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Omit

        self.timeout, self.patience = timeout, patience
        self.structured, self.stream = structured, stream
        url = address(base_url, OPENAI) or OPENAI.own
        self._limit = "max_completion_tokens" if url == OPENAI.own else "max_tokens"
        self._usage_asked = True
        without = [*foreign_headers(base_url, OPENAI)]
        # Without a key the SDK wants to be told with each request that it needs none.
        self._headers = {} if key else {"Authorization": Omit()}
        if base_url and url != OPENAI.own:  # whose organization it is goes to nobody else
            without += ["OpenAI-Organization", "OpenAI-Project"]
        certificates = httpx2.create_ssl_context()

        def make() -> AsyncOpenAI:
            # Neither a redirect nor, from here to here, a proxy takes rows to a host that nobody named.
            http = DefaultAsyncHttpxClient(verify=certificates, follow_redirects=False, trust_env=not is_loopback(url))
            return AsyncOpenAI(
                api_key=key or "none",
                base_url=url,
                default_headers={name: Omit() for name in without},  # type: ignore[misc]
                max_retries=0,
                timeout=timeout,
                http_client=http,
            )

        variable = variable_of(base_url, OPENAI)
        hints = {
            401: f"{variable} is not a key of this server" if key else f"the server wants a key: put it in {variable}",
            402: "the account cannot pay: add credit to it",
            403: "this key may not use the model: ask for access, or use another model",
            404: "check the model's name and teacher.base_url, which ends with /v1 for most servers",
            413: "the request is too large: ask for fewer rows or items in a request",
        }
        self._sdks = Pools(make)
        self._attempts = Attempts(openai, timeout, hints, final=_unpaid)

    async def ask(self, payload: Payload) -> Reply:
        """Ask for one message.

        Raises:
            Transient: worth another attempt.
            BuildError: no attempt can succeed.
        """
        with self._sdks.idle() as sdk:
            streamed = self.stream or is_streamed(payload)

            async def call() -> Reply:
                while True:
                    arguments = self._arguments(payload, streamed)
                    try:
                        return await (_streamed if streamed else _whole)(sdk, arguments)
                    except Exception as error:
                        if not self._taught_by(error, arguments):
                            raise

            seconds = max(self.timeout, self.patience) if streamed else self.timeout
            return await self._attempts.one(call, paid=True, seconds=seconds)

    def _arguments(self, payload: Payload, streamed: bool) -> dict[str, Any]:
        """Those of ``chat.completions.create``."""
        system = "\n\n".join(block["text"] for block in payload.get("system", ()))
        said = [{"role": "system", "content": system}] if system else []
        found: dict[str, Any] = {
            "model": payload["model"],
            "messages": [*said, *payload["messages"]],
            self._limit: payload["max_tokens"],
            "extra_headers": self._headers,
        }
        if "temperature" in payload:
            found["temperature"] = payload["temperature"]
        if streamed:
            found["stream"] = True
            if self._usage_asked:
                found["stream_options"] = {"include_usage": True}
        if self.structured and "output_config" in payload:
            schema = {"name": "answer", "strict": True, "schema": payload["output_config"]["format"]["schema"]}
            found["response_format"] = {"type": "json_schema", "json_schema": schema}
        return found

    def _taught_by(self, error: Exception, arguments: Mapping[str, Any]) -> bool:
        """Whether a refusal says what the server does not take, so that it is asked otherwise from now on."""
        if getattr(error, "status_code", None) not in REFUSED:
            return False
        text = str(error).lower()
        if "max_completion_tokens" in text and "max_tokens" in arguments:
            self._limit = "max_completion_tokens"
        elif "stream_options" in text and "stream_options" in arguments:
            self._usage_asked = False
        elif "response_format" in arguments and any(word in text for word in SCHEMA_WORDS):
            self.structured = False
        else:
            return False
        return True

    async def create_batch(self, requests: Mapping[str, Payload]) -> str:
        raise NotImplementedError  # refused by SpendingParams: few of these servers have batches

    async def batch_ended(self, batch: str) -> bool:
        raise NotImplementedError

    async def batch_results(self, batch: str) -> Sequence[BatchItem]:
        raise NotImplementedError

    async def close(self) -> None:
        for sdk in self._sdks.clients:
            await sdk.close()


async def _whole(sdk: AsyncOpenAI, arguments: Mapping[str, Any]) -> Reply:
    raw = await sdk.chat.completions.with_raw_response.create(**arguments)
    body = object_of(raw.http_response.text)
    if not body.get("choices"):
        failure = body.get("error")
        said = failure.get("message") if isinstance(failure, dict) else failure
        raise ValueError(f"no choice{f': {said}' if said else ''}")
    choice = body["choices"][0]
    message = choice["message"]
    return _reply(
        body.get("id"),
        body.get("model"),
        _text(message.get("content")),
        message.get("refusal"),
        choice.get("finish_reason"),
        body.get("usage"),
        raw.headers.get("x-request-id"),
    )


async def _streamed(sdk: AsyncOpenAI, arguments: Mapping[str, Any]) -> Reply:
    """The whole answer, put together of its pieces."""
    stream = await sdk.chat.completions.create(**cast(Any, arguments))
    texts: list[str] = []
    refusals: list[str] = []
    found: dict[str, Any] = {}
    async with stream:
        async for chunk in stream:
            piece = chunk.to_dict(mode="json")
            for name in ("id", "model", "usage"):
                found[name] = piece.get(name) or found.get(name)
            for choice in cast(list[dict[str, Any]], piece.get("choices") or [])[:1]:
                delta = choice.get("delta") or {}
                texts.append(_text(delta.get("content")))
                refusals.append(delta.get("refusal") or "")
                found["stop"] = choice.get("finish_reason") or found.get("stop")
        if found.get("stop") is None:
            raise ValueError("the stream ended before the message did")
        return _reply(
            found["id"],
            found["model"],
            "".join(texts),
            "".join(refusals),
            found["stop"],
            found["usage"],
            stream.response.headers.get("x-request-id"),
        )


def _text(content: Any) -> str:
    """Of a message: a text, or parts of which some are texts."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if part.get("type") == "text")
    return str(content or "")


def _reply(made: Any, model: Any, text: str, refusal: Any, stop: Any, usage: Any, request_id: str | None) -> Reply:
    """A message in the form that all providers' have here. Where the server does not say what was used, usage is left
    out (:meth:`.requests.Prompt.billed` takes the most that it can be)."""
    message: dict[str, Any] = {
        "id": str(made or ""),
        "type": "message",
        "model": model,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "refusal" if refusal else STOPS.get(str(stop), str(stop)),
    }
    if refusal:
        message["stop_details"] = {"explanation": str(refusal)}
    if isinstance(usage, dict) and isinstance(usage.get("completion_tokens"), int):
        sent, cached = int(usage.get("prompt_tokens") or 0), (usage.get("prompt_tokens_details") or {})
        read = min(sent, int(cached.get("cached_tokens") or 0))
        message["usage"] = {
            "input_tokens": sent - read,
            "cache_read_input_tokens": read,
            "output_tokens": usage["completion_tokens"],
        }
    return Reply(cast(Message, message), request_id or str(made or ""))


def _unpaid(error: Any) -> bool:
    """OpenAI says 429 also where an account has no money left."""
    return bool(getattr(error, "code", None) == "insufficient_quota")
