"""What lies between a client and an object store's server on loopback: passes requests on, and breaks some of them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONDITIONS = ("if-none-match", "x-goog-if-generation-match")  # of a write: of S3, of Google


@dataclass(frozen=True)
class Request:
    """One request as it comes in; ``number`` counts from 1. ``key`` is its path without the bucket, and its query."""

    number: int
    method: str
    key: str
    conditional: bool
    size: int


@dataclass(frozen=True)
class Fault:
    """What becomes of a request.

    Args:
        status: is answered, and nothing is passed on.
        before: the connection is closed, and nothing is passed on.
        after: it is passed on, and the connection is closed before the answer: the answer is lost.
        torn: half of the body is passed on, and both connections are closed.
        broken: the answer breaks off in the middle of its body.
        delay: seconds, before anything else.
        unconditional: it is passed on without its condition.
    """

    status: int | None = None
    before: bool = False
    after: bool = False
    torn: bool = False
    broken: bool = False
    delay: float = 0.0
    unconditional: bool = False


Rule = Callable[[Request], Fault | None]


@dataclass
class Proxy:
    """A server on loopback in front of another one. ``rule`` may be replaced at any time; ``seen`` is what came."""

    upstream: tuple[str, int]
    rule: Rule = lambda request: None
    seen: list[Request] = field(default_factory=list)
    authorization: str = ""  # of the last request
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments: object) -> None:
                pass

            def handle_any(self) -> None:
                proxy._handle(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, address: object) -> None:
                """A client that was killed has closed its end."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self, rule: Rule | None = None) -> None:
        self.rule = rule or (lambda request: None)
        self.seen.clear()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        with self._lock:
            key = "/".join(handler.path.split("/")[2:])
            conditional = any(name in handler.headers for name in CONDITIONS)
            request = Request(len(self.seen) + 1, str(handler.command), key, conditional, length)
            self.seen.append(request)
            self.authorization = handler.headers.get("Authorization") or ""
        body = handler.rfile.read(length) if length else b""
        fault = self.rule(request) or Fault()
        if fault.delay:
            time.sleep(fault.delay)
        if fault.before:
            return self._close(handler)
        if fault.status is not None:
            return self._answer(handler, fault.status, b"<Error><Code>SlowDown</Code></Error>")
        if fault.torn:
            self._tear(handler, body)
            return self._close(handler)
        upstream = HTTPConnection(*self.upstream, timeout=60)
        try:
            headers = dict(handler.headers)
            if fault.unconditional:
                headers = {k: v for k, v in headers.items() if k.lower() not in CONDITIONS}
            upstream.request(str(handler.command), handler.path, body or None, headers)
            answer = upstream.getresponse()
            content = answer.read()
        except (OSError, HTTPException):
            return self._close(handler)
        finally:
            upstream.close()
        if fault.after:
            return self._close(handler)
        headers = {k: v for k, v in answer.getheaders() if k.lower() not in ("transfer-encoding", "connection")}
        handler.send_response_only(answer.status)
        if handler.command != "HEAD":
            headers = {k: v for k, v in headers.items() if k.lower() != "content-length"}
            headers["Content-Length"] = str(len(content))
        for key, value in headers.items():
            handler.send_header(key, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content[: len(content) // 2] if fault.broken else content)
        if fault.broken:
            self._close(handler)
        return None

    def _tear(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Begin the request at the server, and leave in the middle of its body."""
        with socket.create_connection(self.upstream, timeout=10) as upstream:
            lines = [f"{handler.command} {handler.path} HTTP/1.1", *(f"{k}: {v}" for k, v in handler.headers.items())]
            upstream.sendall("\r\n".join([*lines, "", ""]).encode() + body[: len(body) // 2])

    def _answer(self, handler: BaseHTTPRequestHandler, status: int, content: bytes) -> None:
        handler.send_response_only(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content)

    def _close(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.connection.close()
