"""Answers that arrive in pieces: those that may take longer than a request without a sign of life is waited for.

The SDK expects 128,000 tokens an hour, and refuses an unstreamed request that may then take more than ten minutes.
Idle connections of that length are dropped on the way, so what is longer is streamed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from synthkit.llm.messages import Message, Payload

if TYPE_CHECKING:
    from anthropic import APIStatusError, AsyncAnthropic

TOKENS_AN_HOUR = 128_000
MOST_UNSTREAMED = TOKENS_AN_HOUR // 6
# Errors that another attempt would meet again. The others, such as overloaded_error, pass.
LASTING = (
    "authentication_error",
    "billing_error",
    "invalid_request_error",
    "not_found_error",
    "permission_error",
    "request_too_large",
)


def is_streamed(payload: Payload) -> bool:
    """Whether the answer to ``payload``, arguments of ``messages.create``, has to be streamed."""
    return payload["max_tokens"] > MOST_UNSTREAMED


def longest(payload: Payload, timeout: float) -> float:
    """Seconds that one attempt may take: ``timeout``, or what a streamed answer of full length needs."""
    return max(timeout, payload["max_tokens"] * 3600 / TOKENS_AN_HOUR) if is_streamed(payload) else timeout


async def streamed_message(sdk: AsyncAnthropic, payload: Payload) -> tuple[Message, str]:
    """The whole message, and the id of the request.

    Raises:
        ValueError: the stream is not what the API promises, or ends before the message does.
    """
    async with sdk.messages.stream(**cast(Any, payload)) as stream:
        try:
            message = (await stream.get_final_message()).to_dict(mode="json")
        except (AssertionError, LookupError, RuntimeError) as error:
            # What the SDK makes of events that are missing or out of order.
            raise ValueError(f"the events of the stream make no message: {error!r}") from error
        if message.get("stop_reason") is None:
            raise ValueError("the stream ended before the message did")
        return cast(Message, message), stream.request_id or ""


def breaks_off(error: APIStatusError) -> bool:
    """Whether ``error`` came as an event of a stream, in place of the rest of an answer, and another attempt may do."""
    return error.status_code < 400 and error.type not in LASTING
