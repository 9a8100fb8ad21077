"""A stand-in for the Messages API: a real HTTP server on loopback that answers as the installed SDK expects.

What it answers is a function of the request's body alone; which try of it fails, and how, is drawn from the seed, the
body and the number of the try, so that every request succeeds in the end. It counts what a provider would bill.

    python -m tests.teacher.standin --latency 0.05 --faults 0.2
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.teacher import grammar

KEY = "test-key"
FAULTS = ("429", "429ms", "500", "529", "slow", "dropped before", "dropped after", "malformed", "408")
REFUSED, CUT = 0.03, 0.03  # of the requests, whatever the try


class StandIn:
    """The server and its books. Use it in a ``with`` block; ``url`` is where it listens."""

    def __init__(
        self, latency: float = 0.0, faults: float = 0.0, seed: int = 0, port: int = 0, refused: float = REFUSED
    ):
        self.latency, self.faults, self.seed, self.refused = latency, faults, seed, refused
        self.tries: Counter[str] = Counter()
        self.delivered: Counter[str] = Counter()  # whole answers, by request
        self.failed: Counter[str] = Counter()  # faults, by kind
        self.tokens: Counter[str] = Counter()  # by model and kind, of whole answers
        self.cached: set[str] = set()
        self.bodies: list[dict[str, Any]] = []
        self.batches: dict[str, list[dict[str, Any]]] = {}
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"standin": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> StandIn:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def fault(self, digest: str) -> str | None:
        """How this try of the request fails, if it does; the fifth try never does."""
        with self.lock:
            self.tries[digest] += 1
            number = self.tries[digest]
        rng = random.Random(f"{self.seed}:{digest}:{number}")
        if number >= 5 or rng.random() >= self.faults:
            return None
        kind = rng.choice(FAULTS)
        with self.lock:
            self.failed[kind] += 1
        return kind

    def message(self, body: dict[str, Any], digest: str) -> dict[str, Any]:
        """The answer to a request, always the same one."""
        rng = random.Random(f"answer:{digest}")
        text, stop = self._text(body, rng), "end_turn"
        content: list[dict[str, Any]] = [{"type": "thinking", "thinking": "Let me see.", "signature": "x"}]
        chance = random.Random(f"stop:{digest}").random()
        if chance < self.refused:
            content, stop, text = [], "refusal", ""
        elif chance < self.refused + (CUT if self.refused else 0):
            text, stop = text[: len(text) // 2], "max_tokens"
        if stop != "refusal":
            content.append({"type": "text", "text": text})
        return {
            "id": f"msg_{digest[:20]}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": self._usage(body, text),
        }

    def _text(self, body: dict[str, Any], rng: random.Random) -> str:
        asked = body["messages"][-1]["content"]
        schema = body.get("output_config", {}).get("format", {}).get("schema", {})
        properties = schema.get("properties", {})
        count = int(found.group(1)) if (found := re.search(r"(?:Write|Score|Fill) (\d+) items", asked)) else 3
        if "scores" in properties:
            return json.dumps(grammar.scores(rng, count))
        if "items" in properties and "instruction" in json.dumps(schema):
            topic = re.search(r"^Topic: (.+)$", asked, re.MULTILINE)
            return json.dumps(grammar.drafts(rng, count, topic.group(1) if topic else None))
        return json.dumps(grammar.filled(rng, schema, schema.get("$defs", {}), asked))

    def _usage(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        system = "".join(block["text"] for block in body.get("system", []))
        sent, known = len(json.dumps(body["messages"])) // 4, system in self.cached
        with self.lock:
            self.cached.add(system)
        prefix = len(system) // 4
        return {
            "input_tokens": sent,
            "cache_creation_input_tokens": 0 if known else prefix,
            "cache_read_input_tokens": prefix if known else 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0 if known else prefix, "ephemeral_1h_input_tokens": 0},
            "output_tokens": max(1, len(text) // 4),
        }

    def bill(self, body: dict[str, Any], message: dict[str, Any], digest: str) -> None:
        usage = message["usage"]
        with self.lock:
            self.delivered[digest] += 1
            for kind in ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"):
                self.tokens[f"{body['model']} {kind}"] += usage[kind]


def digest_of(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    standin: StandIn

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        standin = self.standin
        if self.path == "/counts":
            books = {k: dict(getattr(standin, k)) for k in ("tries", "delivered", "failed", "tokens")}
            return self._send(200, books)
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[:3] == ["v1", "messages", "batches"] and len(parts) == 4:
            return self._send(200, self._batch(parts[3]))
        if parts[:3] == ["v1", "messages", "batches"] and len(parts) == 5:
            lines = []
            for one in reversed(standin.batches[parts[3]]):  # in no order that a client may count on
                digest = digest_of(one["params"])
                message = standin.message(one["params"], digest)
                standin.bill(one["params"], message, digest)
                lines.append(
                    json.dumps({"custom_id": one["custom_id"], "result": {"type": "succeeded", "message": message}})
                )
            return self._raw(200, ("\n".join(lines) + "\n").encode(), "application/x-jsonl")
        return self._error(404, "not_found_error", "there is nothing here")

    def do_POST(self) -> None:
        standin = self.standin
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        if self.headers.get("x-api-key") != KEY and self.headers.get("authorization") != f"Bearer {KEY}":
            return self._error(401, "authentication_error", "invalid x-api-key")
        path = self.path.partition("?")[0]
        if path == "/v1/messages/batches":
            id_ = f"msgbatch_{digest_of(body)[:16]}"
            standin.batches[id_] = body["requests"]
            return self._send(200, self._batch(id_))
        if path == "/v1/messages/count_tokens":
            return self._send(200, {"input_tokens": len(json.dumps(body)) // 4})
        if path != "/v1/messages":
            return self._error(404, "not_found_error", "there is nothing here")
        digest = digest_of(body)
        with standin.lock:
            standin.bodies.append(body)
        time.sleep(standin.latency)
        fault = standin.fault(digest)
        if fault is not None and self._fail(fault):
            return None
        message = standin.message(body, digest)
        standin.bill(body, message, digest)
        if body.get("stream"):
            return self._stream(message)
        return self._send(200, message)

    def _fail(self, kind: str) -> bool:
        """Fail in one way; False where the answer follows after all."""
        if kind == "slow":
            time.sleep(0.3)
            return False
        if kind.startswith("dropped"):
            if kind == "dropped after":
                self.wfile.write(
                    b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{"id":'
                )
                self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return True
        if kind == "malformed":
            self._raw(200, b'{"id": "msg_x", "type": "mess', "application/json")
        elif kind == "429":
            self._error(429, "rate_limit_error", "slow down", {"retry-after": "0"})
        elif kind == "429ms":
            self._error(429, "rate_limit_error", "slow down", {"retry-after-ms": "20"})
        else:
            names = {"500": "api_error", "529": "overloaded_error", "408": "timeout_error"}
            self._error(int(kind), names[kind], f"a fault of kind {kind}")
        return True

    def _batch(self, id_: str) -> dict[str, Any]:
        count = len(self.standin.batches[id_])
        return {
            "id": id_,
            "type": "message_batch",
            "processing_status": "ended",
            "request_counts": {"processing": 0, "succeeded": count, "errored": 0, "canceled": 0, "expired": 0},
            "created_at": "2026-01-01T00:00:00Z",
            "expires_at": "2026-01-02T00:00:00Z",
            "ended_at": "2026-01-01T00:00:01Z",
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{self.standin.url}/v1/messages/batches/{id_}/results",
        }

    def _stream(self, message: dict[str, Any]) -> None:
        opening = {**message, "content": [], "stop_reason": None}
        events: list[tuple[str, dict[str, Any]]] = [("message_start", {"message": opening})]
        texts = [block for block in message["content"] if block["type"] == "text"]
        for index, block in enumerate(texts):
            events.append(("content_block_start", {"index": index, "content_block": {"type": "text", "text": ""}}))
            delta = {"type": "text_delta", "text": block["text"]}
            events.append(("content_block_delta", {"index": index, "delta": delta}))
            events.append(("content_block_stop", {"index": index}))
        usage = {"output_tokens": message["usage"]["output_tokens"]}
        ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
        events += [("message_delta", {"delta": ending, "usage": usage}), ("message_stop", {})]
        lines = (f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n" for name, data in events)
        self._raw(200, "".join(lines).encode(), "text/event-stream")

    def _error(self, code: int, kind: str, text: str, headers: dict[str, str] | None = None) -> None:
        self._send(code, {"type": "error", "error": {"type": kind, "message": text}}, headers)

    def _send(self, code: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._raw(code, json.dumps(body).encode(), "application/json", headers)

    def _raw(self, code: int, data: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in {"content-type": kind, "content-length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("request-id", f"req_{time.time_ns()}")
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--faults", type=float, default=0.0, help="share of the tries that fail")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    standin = StandIn(given.latency, given.faults, given.seed, given.port)
    print(f"ANTHROPIC_BASE_URL={standin.url} ANTHROPIC_API_KEY={KEY}", flush=True)
    standin.server.serve_forever()


if __name__ == "__main__":
    main()
