"""The stand-in's streamed answers: a message as server-sent events, and what can go wrong between them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

# Faults that only a stream has: an error where the next event should be, and an end before the message's end.
FAULTS = ("error_event", "unfinished")
OVERLOADED = {"type": "overloaded_error", "message": "Overloaded"}
HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nrequest-id: {}\r\n\r\n"


async def send(
    writer: asyncio.StreamWriter, message: dict[str, Any], fault: str, request_id: str, pause: float
) -> bool:
    """Send ``message`` event by event, ``pause`` seconds apart; whether all of it was sent."""
    steps = [event(step["type"], step) for step in events(message)]
    half = max(1, len(steps) // 2)
    if fault == "error_event":
        steps = [*steps[:half], event("error", {"type": "error", "error": OVERLOADED})]
    elif fault == "malformed":
        steps = [*steps[:half], b'event: content_block_delta\ndata: {"type": "content_bl\n\n', *steps[half:]]
    elif fault in ("torn", "unfinished", "stalled"):
        steps = steps[:half]
    writer.write(HEAD.format(request_id).encode())
    for step in steps:
        writer.write(f"{len(step):x}\r\n".encode() + step + b"\r\n")
        await writer.drain()
        await asyncio.sleep(pause)
    if fault == "stalled":
        await asyncio.sleep(2)
    if fault in ("torn", "stalled"):
        return False
    writer.write(b"0\r\n\r\n")
    return fault in ("ok", "slow")


def event(name: str, value: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(value)}\n\n".encode()


def events(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The message in steps; text and thinking come in pieces."""
    start = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    steps: list[dict[str, Any]] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(message["content"]):
        field = block["type"]
        empty = {**block, field: ""} | ({"signature": ""} if field == "thinking" else {})
        steps.append({"type": "content_block_start", "index": index, "content_block": empty})
        for at in range(0, len(block[field]), 400):
            delta = {"type": f"{field}_delta", field: block[field][at : at + 400]}
            steps.append({"type": "content_block_delta", "index": index, "delta": delta})
        if field == "thinking":
            delta = {"type": "signature_delta", "signature": block["signature"]}
            steps.append({"type": "content_block_delta", "index": index, "delta": delta})
        steps.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    steps.append(
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": message["usage"]["output_tokens"]}}
    )
    steps.append({"type": "message_stop"})
    return steps
