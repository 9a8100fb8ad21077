"""A server on loopback that speaks the Messages API to the real SDK, with faults on purpose.

    python -m tests.llm.standin --port 0 --latency 0.05 --faults 0.2 --seed 1

An answer is a function of the request's body and the seed; so are its usage, refusals and cuts. Transient faults are
drawn for each request and attempt, and end after :data:`MOST_FAULTS` of them. ``GET /stats`` tells what it did.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import threading
from collections import Counter, defaultdict, deque
from random import Random
from typing import Any

from tests.llm import messages, streams

TRANSIENT = ("429", "429ms", "408", "500", "529", "slow", "drop_before", "drop_after", "torn", "malformed")
# Faults in which an answer was generated, and is billed.
BILLED = ("slow", "drop_after", "torn", "malformed", *streams.FAULTS)
MOST_FAULTS = 4


class Standin:
    """The server. In a test: ``with Standin(faults=0.2) as server: ... server.url``; it runs in its own thread.

    Args:
        latency: seconds before each answer. faults: share of attempts that fail for a while. slow: seconds of a slow
            answer. refusals, cuts, thinking: shares of requests. batch_seconds: how long a batch takes.
        wait: seconds of retry-after.

    Attributes:
        forced: kinds of faults for the next attempts, before any that are drawn ("ok" is none).
        delivered: complete answers sent, by request. billed: usage of each answer generated, with its model.
    """

    def __init__(
        self, latency: float = 0.0, faults: float = 0.0, seed: int = 1, key: str = "test-key", slow: float = 0.3,
        refusals: float = 0.0, cuts: float = 0.0, thinking: float = 0.2, batch_seconds: float = 0.2, wait: float = 0.02,
        port: int = 0,
    ) -> None:  # fmt: skip
        self.latency, self.faults, self.seed, self.key, self.slow = latency, faults, seed, key, slow
        self.shares = messages.Shares(refusals, cuts, thinking)
        self.batch_seconds, self.wait, self.port = batch_seconds, wait, port
        self.pause = 0.0  # seconds between the events of a stream
        self.forced: deque[str] = deque()
        self.delivered: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.billed: list[tuple[str, dict[str, Any], bool]] = []
        self.batches: dict[str, dict[str, Any]] = {}
        self.most_at_once = self.at_once = 0
        self.headers: list[dict[str, str]] = []  # of each request
        self.seen: dict[str, list[dict[str, Any]]] = defaultdict(list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Standin:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.open(), self.loop).result(10)
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    async def open(self) -> asyncio.Server:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=2**26)
        self.port = self.server.sockets[0].getsockname()[1]
        return self.server

    async def _end(self) -> None:
        self.server.close()
        others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def stats(self) -> dict[str, Any]:
        return {
            "delivered": dict(self.delivered),
            "faults": dict(self.kinds),
            "billed": self.billed,
            "batches": len(self.batches),
        }

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").split("\r\n")
                verb, path, _ = first.split(" ", 2)
                headers = {k.strip().lower(): v.strip() for k, _, v in (x.partition(":") for x in lines if x)}
                self.headers.append(headers)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                keep = await self._answer(reader, writer, verb, path.split("?")[0], headers, body)
                await writer.drain()
                if not keep:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        verb: str,
        path: str,
        headers: dict[str, str],
        raw: bytes,
    ) -> bool:
        if path == "/stats":
            return _send(writer, 200, self.stats())
        given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if given != self.key:
            return _error(writer, 401, "authentication_error", "invalid x-api-key")
        body = json.loads(raw) if raw else {}
        if path == "/v1/messages" and verb == "POST":
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                return await self._message(reader, writer, body)
            finally:
                self.at_once -= 1
        if path == "/v1/messages/count_tokens" and verb == "POST":
            return _send(writer, 200, {"input_tokens": messages.prompt_tokens(body)})
        if path.startswith("/v1/messages/batches"):
            return self._batches(writer, verb, path.removeprefix("/v1/messages/batches").strip("/"), body)
        return _error(writer, 404, "not_found_error", f"no such path: {path}")

    def fault(self, name: str, streamed: bool = False) -> str:
        self.attempts[name] += 1
        if self.forced:
            kind = self.forced.popleft()
        else:
            draw = Random(f"{self.seed} {name} {self.attempts[name]}")
            fails = self.attempts[name] <= MOST_FAULTS and draw.random() < self.faults
            kind = draw.choice(TRANSIENT + streams.FAULTS * streamed) if fails else "ok"
        self.kinds[kind] += 1
        return kind

    async def _message(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: dict[str, Any]) -> bool:
        wrong = messages.refused(body)
        if wrong:
            return _error(writer, *wrong)
        name = name_of(body)
        self.seen[name].append(body)
        kind = self.fault(name, bool(body.get("stream")))
        await asyncio.sleep(self.slow if kind == "slow" else self.latency)
        if kind in ("429", "429ms"):
            after = {"retry-after": f"{self.wait:g}"} if kind == "429" else {"retry-after-ms": f"{self.wait * 1000:g}"}
            return _error(writer, 429, "rate_limit_error", "too many requests", after)
        if kind in ("400", "403"):
            return _error(writer, int(kind), "invalid_request_error", "the request was refused")
        if kind == "500no":
            return _error(writer, 500, "api_error", "do not come back", {"x-should-retry": "false"})
        if kind in ("408", "409", "500", "504", "529"):
            return _error(
                writer,
                int(kind),
                "overloaded_error" if kind == "529" else "api_error",
                "try again",
                {"retry-after-ms": "5"},
            )
        if kind == "drop_before":
            return False
        message = messages.answer(body, self.seed, name, self.shares)
        self.billed.append((body["model"], message["usage"], False))
        if kind == "drop_after":
            return False
        if body.get("stream"):
            whole = await streams.send(writer, message, kind, f"req_{name[:20]}", self.pause)
            self.delivered[name] += whole and not reader.at_eof()
            return whole
        if kind == "malformed":
            return _raw(writer, 200, b'{"id": "msg_1", "type": "message", "content": [{"typ', "application/json")
        payload = json.dumps(message).encode()
        if kind == "torn":
            head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(payload)}\r\n\r\n"
            writer.write(head.encode() + payload[: len(payload) // 2])
            return False
        self.delivered[name] += not reader.at_eof()  # a client that has hung up gets nothing
        return _raw(writer, 200, payload, "application/json", {"request-id": f"req_{name[:20]}"})

    def _batches(self, writer: asyncio.StreamWriter, verb: str, rest: str, body: dict[str, Any]) -> bool:
        now = asyncio.get_running_loop().time()
        if not rest and verb == "POST":
            wrong = messages.batch_refused(body)
            if wrong:
                return _error(writer, *wrong)
            kind = self.fault("batch " + name_of(body))
            if kind in ("429", "500", "529"):
                return _error(writer, int(kind), "api_error", "try again", {"retry-after-ms": "5"})
            made = f"msgbatch_{len(self.batches):04d}"
            self.batches[made] = {"ready": now + self.batch_seconds, "requests": body["requests"], "canceled": False}
            return kind != "drop_after" and _send(writer, 200, self._batch(made, now))
        if not rest:
            rows = [self._batch(name, now) for name in self.batches]
            return _send(writer, 200, {"data": rows, "has_more": False, "first_id": None, "last_id": None})
        made, _, action = rest.partition("/")
        if made not in self.batches:
            return _error(writer, 404, "not_found_error", f"no such batch: {made}")
        if action == "results":
            return _raw(writer, 200, self._results(made), "application/x-jsonl")
        if action == "cancel" and verb == "POST":
            self.batches[made] |= {"canceled": True, "ready": now}
        return _send(writer, 200, self._batch(made, now))

    def _batch(self, name: str, now: float) -> dict[str, Any]:
        batch = self.batches[name]
        ended, count = now >= batch["ready"], len(batch["requests"])
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        counts["succeeded" if ended else "processing"] = count
        return {
            "id": name, "type": "message_batch", "processing_status": "ended" if ended else "in_progress",
            "request_counts": counts, "created_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-02T00:00:00Z",
            "ended_at": "2026-01-01T00:01:00Z" if ended else None, "archived_at": None, "cancel_initiated_at": None,
            "results_url": f"{self.url}/v1/messages/batches/{name}/results" if ended else None,
        }  # fmt: skip

    def _results(self, name: str) -> bytes:
        """The lines of the results, out of order, and the same each time."""
        batch = self.batches[name]
        if "lines" not in batch:
            lines = []
            for request in batch["requests"]:
                params, kind = (
                    request["params"],
                    "canceled" if batch["canceled"] else self.fault(name_of(request["params"])),
                )
                if kind == "canceled" or kind.startswith("drop"):
                    result: dict[str, Any] = {"type": "canceled" if kind == "canceled" else "expired"}
                elif kind in ("500", "529"):
                    error = {"type": "overloaded_error" if kind == "529" else "api_error", "message": "try again"}
                    result = {"type": "errored", "error": {"type": "error", "error": error, "request_id": None}}
                else:
                    message = messages.answer(params, self.seed, name_of(params), self.shares)
                    self.billed.append((params["model"], message["usage"], True))
                    self.delivered[name_of(params)] += 1
                    result = {"type": "succeeded", "message": message}
                lines.append(json.dumps({"custom_id": request["custom_id"], "result": result}))
            Random(f"{self.seed} {name}").shuffle(lines)
            batch["lines"] = "\n".join(lines).encode() + b"\n"
        return bytes(batch["lines"])


def name_of(body: dict[str, Any]) -> str:
    """A hash that names a request, streamed or not."""
    asked = {k: v for k, v in body.items() if k != "stream"}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _send(writer: asyncio.StreamWriter, status: int, value: Any, headers: dict[str, str] | None = None) -> bool:
    return _raw(writer, status, json.dumps(value).encode(), "application/json", headers)


def _error(
    writer: asyncio.StreamWriter, status: int, kind: str, text: str, headers: dict[str, str] | None = None
) -> bool:
    return _send(writer, status, {"type": "error", "error": {"type": kind, "message": text}}, headers)


def _raw(
    writer: asyncio.StreamWriter, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None
) -> bool:
    own = "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{own}\r\n"
    writer.write(head.encode() + body)
    return True


async def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in of the Messages API on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--key", default="test-key")
    for name, default in (("latency", 0.05), ("faults", 0.0), ("refusals", 0.0), ("cuts", 0.0), ("thinking", 0.2)):
        parser.add_argument(f"--{name}", type=float, default=default)
    standin = Standin(**vars(parser.parse_args()))
    server = await standin.open()
    print(standin.url, flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
