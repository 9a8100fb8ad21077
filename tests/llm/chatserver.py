"""A server on loopback that speaks OpenAI's chat API to the real SDK, with faults on purpose.

An answer is a function of the request's body. Faults are forced one by one (:attr:`ChatServer.forced`); what the server
does not know, or holds no model to, is set for good (:attr:`ChatServer.lacks`).
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

from tests.llm.grammar import fill

ERRORS = {
    "400": (400, "the request was refused", {}),
    "403": (403, "not for this key", {}),
    "429": (429, "too many requests", {"retry-after": "0.01"}),
    "503": (503, "loading the model", {}),
    "504": (504, "the upstream gave up", {}),
}


class ChatServer:
    """``with ChatServer() as server: ... server.url``; it runs in threads of its own.

    Args:
        key: what it wants to be sent; None: it lets anybody in.
        lacks: "json_schema": it refuses to hold answers to a schema; "max_tokens": it knows the newer name alone;
            "stream_options", "usage": it tells no usage.

    Attributes:
        forced: kinds of faults for the next attempts ("ok" is none).
        seen, headers: of each request.
        tokens: sent and generated, of each answer made.
    """

    def __init__(self, key: str | None = None, lacks: frozenset[str] = frozenset()) -> None:
        self.key, self.lacks = key, lacks
        self.slow, self.pause = 0.3, 0.0
        self.forced: deque[str] = deque()
        self.seen: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.kinds: Counter[str] = Counter()
        self.tokens: list[tuple[int, int]] = []
        self.elsewhere = "http://192.0.2.1/v1"  # where a redirect leads

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> ChatServer:
        state = self

        class Handler(_Handler):
            server_state = state

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(10)

    def refused(self, body: dict[str, Any]) -> str | None:
        """What is wrong with a body, as such a server would say it."""
        if "json_schema" in self.lacks and "response_format" in body:
            return "response_format of type json_schema is not supported by this model"
        if "max_tokens" in self.lacks and "max_tokens" in body:
            return "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        if "stream_options" in self.lacks and "stream_options" in body:
            return "unknown field: stream_options"
        for node in _nodes(_schema(body)):
            names = set(node.get("properties", ()))
            if names and (node.get("additionalProperties") is not False or set(node["required"]) != names):
                return "Invalid schema for response_format: every key is required, and none besides"
            if unknown := {"minLength", "maxLength", "title", "default"} & {k for k in node if k != "properties"}:
                return f"Invalid schema for response_format: {unknown} is not permitted"
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: ChatServer

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        state = self.server_state
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        state.headers.append({k.lower(): v for k, v in self.headers.items()})
        state.seen.append(body)
        if self.path != "/v1/chat/completions":
            return self._error(404, f"no such path: {self.path}")
        if state.key is not None and self.headers.get("authorization") != f"Bearer {state.key}":
            return self._error(401, "wrong key")
        if wrong := state.refused(body):
            return self._error(400, wrong)
        kind = state.forced.popleft() if state.forced else "ok"
        state.kinds[kind] += 1
        if kind in ERRORS:
            status, text, headers = ERRORS[kind]
            return self._error(status, text, headers)
        if kind == "quota":
            return self._error(429, "You exceeded your current quota", code="insufficient_quota")
        if kind == "redirect":
            return self._send(307, b"", {"location": f"{state.elsewhere}/chat/completions"})
        if kind == "html":
            return self._send(200, b"<html>please log in</html>", {"content-type": "text/html"})
        if kind == "no choice":
            return self._json(200, {"error": {"message": "the model crashed"}})
        if kind == "drop":
            return self._hang_up()
        if kind == "slow":
            time.sleep(state.slow)
        answer = _answer(body, kind)
        usage = answer["usage"]
        state.tokens.append((usage["prompt_tokens"], usage["completion_tokens"]))
        if "usage" in state.lacks or kind == "no usage":
            answer["usage"] = None
        if body.get("stream"):
            return self._stream(body, answer, kind)
        raw = json.dumps(answer).encode()
        if kind == "torn":
            self.send_response(200)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw[: len(raw) // 2])
            return self._hang_up()
        return self._send(200, raw, {"content-type": "application/json", "x-request-id": f"req_{answer['id']}"})

    def _stream(self, body: dict[str, Any], answer: dict[str, Any], kind: str) -> None:
        """The answer in pieces of a few characters."""
        choice, usage = answer["choices"][0], answer["usage"]
        base = {"id": answer["id"], "object": "chat.completion.chunk", "created": 1, "model": answer["model"]}
        text, refusal = choice["message"]["content"] or "", choice["message"]["refusal"]
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": text[at : at + 50]} for at in range(0, len(text), 50)]
        deltas += [{"refusal": refusal}] if refusal else []
        chunks = [{**base, "choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
        chunks.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
        if body.get("stream_options", {}).get("include_usage") and usage is not None:
            chunks.append({**base, "choices": [], "usage": usage})
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]
        if kind == "malformed":
            lines[len(lines) // 2] = 'data: {"id": "x", "choi\n\n'
        elif kind in ("torn", "unfinished"):
            lines = lines[: len(lines) // 2]
        elif kind == "error event":
            lines[len(lines) // 2] = 'data: {"error": {"message": "out of memory"}}\n\n'
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for line in lines:
            raw = line.encode()
            self.wfile.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")
            self.wfile.flush()
            time.sleep(self.server_state.pause)
        if kind == "torn":
            return self._hang_up()
        self.wfile.write(b"0\r\n\r\n")
        return None

    def _error(self, status: int, text: str, headers: dict[str, str] | None = None, code: str | None = None) -> None:
        self._json(status, {"error": {"message": text, "type": "error", "code": code}}, headers)

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode(), {"content-type": "application/json", **(headers or {})})

    def _send(self, status: int, raw: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()


def _answer(body: dict[str, Any], kind: str) -> dict[str, Any]:
    asked = {k: v for k, v in body.items() if not k.startswith("stream")}
    name = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    schema, user = _schema(body) or _told(body), body["messages"][-1]["content"]
    value = fill(schema, Random(name), user)
    text, stop, refusal = json.dumps(value, ensure_ascii=False), "stop", None
    if kind == "fenced":
        text = f"<think>They want {{JSON}}.</think>Here you are:\n```json\n{text}\n```\nAnything else?"
    elif kind == "bare list":
        text = json.dumps(next(iter(value.values())))
    elif kind == "prose":
        text = "I would rather tell you a story."
    elif kind == "refusal":
        text, refusal = "", "I can't help with that."
    elif kind == "filtered":
        text, stop = text[:10], "content_filter"
    elif kind == "cut":
        text, stop = text[: len(text) // 2], "length"
    sent = sum(len(m["content"]) for m in body["messages"]) // 4 + 10
    return {
        "id": f"chatcmpl-{name[:16]}", "object": "chat.completion", "created": 1, "model": body["model"],
        "choices": [{
            "index": 0, "finish_reason": stop,
            "message": {"role": "assistant", "content": text or None, "refusal": refusal},
        }],
        "usage": {
            "prompt_tokens": sent, "completion_tokens": len(text) // 4 + 1, "total_tokens": sent + len(text) // 4 + 1,
            "prompt_tokens_details": {"cached_tokens": sent // 2},
        },
    }  # fmt: skip


def _schema(body: dict[str, Any]) -> dict[str, Any]:
    return dict(body.get("response_format", {}).get("json_schema", {}).get("schema", {}))


def _told(body: dict[str, Any]) -> dict[str, Any]:
    """The schema that the system message tells, as a model reads it."""
    return dict(json.loads(body["messages"][0]["content"].rpartition("JSON schema:\n")[2]))


def _nodes(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [n for v in node for n in _nodes(v)]
    return [node, *(n for v in node.values() for n in _nodes(v))] if isinstance(node, dict) else []
