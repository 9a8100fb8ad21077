"""What the stand-in says: bodies of the Messages API."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.llm.grammar import fill

KNOWN = {
    "model", "max_tokens", "messages", "system", "output_config", "stream", "metadata", "stop_sequences", "thinking",
    "service_tier", "tools", "tool_choice", "cache_control",
}  # fmt: skip
CACHED_FROM = 256
# A message's frame, and the words that explain a JSON form.
FRAME, EXPLAINED = 10, 300


@dataclass(frozen=True)
class Shares:
    """Shares of requests that are refused, cut, or thought about first."""

    refusals: float
    cuts: float
    thinking: float


def refused(body: dict[str, Any]) -> tuple[int, str, str] | None:
    """Status, kind and words for a body that the API would not take."""
    unknown = sorted(set(body) - KNOWN)
    if unknown:
        return 400, "invalid_request_error", f"{unknown[0]}: extra inputs are not permitted"
    missing = [name for name in ("model", "max_tokens", "messages") if name not in body]
    if missing:
        return 400, "invalid_request_error", f"{missing[0]}: field required"
    if not str(body["model"]).startswith("claude-"):
        return 404, "not_found_error", f"model: {body['model']}"
    open_objects = [
        n for n in _nodes(_schema(body)) if n.get("type") == "object" and n.get("additionalProperties") is not False
    ]
    if open_objects:
        return 400, "invalid_request_error", "output_config.format.schema: additionalProperties must be false"
    return None


def batch_refused(body: dict[str, Any]) -> tuple[int, str, str] | None:
    names = [r.get("custom_id", "") for r in body.get("requests", [])]
    if not names or len(names) != len(set(names)) or not all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", n) for n in names):
        return 400, "invalid_request_error", "requests: custom_id must be given, well formed and unique"
    return next((wrong for r in body["requests"] if (wrong := refused(r["params"]))), None)


def answer(body: dict[str, Any], seed: int, name: str, shares: Shares) -> dict[str, Any]:
    """The message for a request: a function of ``seed`` and the request, which ``name`` stands for."""
    random = Random(f"{seed} {name}")
    draw, thinks, text = random.random(), random.random() < shares.thinking, ""
    stop, content = "end_turn", []
    if draw < shares.refusals:
        stop, thinks = "refusal", False
    else:
        schema = _schema(body)
        asked = _text(body["messages"][-1]["content"])
        text = json.dumps(fill(schema, random, asked), ensure_ascii=False) if schema else f"You said: {asked[:200]}"
    thought = "The question has two sides. " * random.randint(1, 6) if thinks else ""
    tokens = (len(text.encode()) + len(thought)) // 4 + 2
    limit = int(body["max_tokens"])
    if stop == "refusal" and draw < shares.refusals / 2:
        text = "I can write the first of th"  # it stops in the middle, as classifiers do
    if stop != "refusal" and (tokens > limit or draw > 1 - shares.cuts):
        stop, text = "max_tokens", text[: min(len(text) // 2, limit * 4)]
        tokens = min(tokens, limit)
    if thinks:
        content.append({"type": "thinking", "thinking": thought, "signature": "c2lnbmF0dXJl"})
    if text:
        content.append({"type": "text", "text": text, "citations": None})
    return {
        "id": f"msg_{name[:24]}", "type": "message", "role": "assistant", "model": body["model"], "content": content,
        "stop_reason": stop, "stop_sequence": None, "usage": _usage(body, name, 1 if stop == "refusal" else tokens),
    }  # fmt: skip


def prompt_tokens(body: dict[str, Any]) -> int:
    return _system_tokens(body) + _user_tokens(body)


def _usage(body: dict[str, Any], name: str, output: int) -> dict[str, Any]:
    """The system text is cached from some length on. Which requests write it is drawn from their names, not from their
    order, so that two runs cost the same."""
    system = _system_tokens(body)
    cached = system if system >= CACHED_FROM else 0
    written = cached if int(name[:2], 16) < 32 else 0
    return {
        "input_tokens": prompt_tokens(body) - cached, "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached - written, "output_tokens": output, "service_tier": "standard",
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
    }  # fmt: skip


def _system_tokens(body: dict[str, Any]) -> int:
    return len(_text(body.get("system", "")).encode()) // 4


def _user_tokens(body: dict[str, Any]) -> int:
    schema = _schema(body)
    form = len(json.dumps(schema)) // 4 + EXPLAINED if schema else 0
    return sum(len(_text(m["content"]).encode()) // 4 + FRAME for m in body["messages"]) + form


def _schema(body: dict[str, Any]) -> dict[str, Any]:
    return dict(body.get("output_config", {}).get("format", {}).get("schema", {}))


def _nodes(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [n for v in node for n in _nodes(v)]
    return [node, *(n for v in node.values() for n in _nodes(v))] if isinstance(node, dict) else []


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
