"""Send events, in order, without holding up the build or failing it."""

from __future__ import annotations

import logging
import queue
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from synthkit.project.projectfile import LineageSpec

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import RunEvent
    from openlineage.client.transport.transport import Transport

DEFAULT_FILE = "target/lineage.jsonl"
_REASON = re.compile(r"\[Errno -?\d+\] ([^'\")\]]+)")
# One more try after a broken connection or a busy server; the client's own five can take half a minute an event.
_RETRY = {
    "total": 1,
    "connect": 1,
    "read": False,  # what was read late was perhaps taken; and the time is up
    "backoff_factor": 0.2,
    "status_forcelist": [429, 502, 503, 504],
    "allowed_methods": ["POST"],
    "raise_on_status": False,
}


class Sender:
    """A queue of events and a thread that sends them.

    An event that cannot be sent is lost, and the next one is tried: a server that comes back sees the end of the run.
    Nothing is raised; :meth:`close` tells what was lost.

    Args:
        root: the project's folder, from which the file's path counts.
    """

    def __init__(self, spec: LineageSpec, root: Path) -> None:
        self.where = _where(spec, root)
        self._spec, self._root = spec, root
        self._events: queue.SimpleQueue[RunEvent | None] = queue.SimpleQueue()
        self._sent = self._given = 0
        self._cause: str | None = None
        self._thread = threading.Thread(target=self._work, name="synth-lineage", daemon=True)
        self._thread.start()

    def send(self, event: RunEvent) -> None:
        self._given += 1
        self._events.put(event)

    def close(self) -> str | None:
        """Wait for what is still to be sent, twice the time of one event at most; the warning, where any was lost."""
        self._events.put(None)
        self._thread.join(2 * self._spec.timeout + 1)
        cause = self._cause
        if self._thread.is_alive():
            cause = cause or f"no answer within {self._spec.timeout:g} s"
        lost = self._given - self._sent
        if not lost:
            return None
        return f"lineage: {lost} of {self._given} events did not reach {self.where}: {cause}"

    def _work(self) -> None:
        client: OpenLineageClient | None = None
        while (event := self._events.get()) is not None:
            try:
                client = client or _client(self._spec, self._root)
                client.emit(event)
                self._sent += 1
            except Exception as error:
                self._cause = self._cause or _reason(error, self._spec.timeout)
        if client is not None:
            client.close()


def _client(spec: LineageSpec, root: Path) -> OpenLineageClient:
    from openlineage.client import OpenLineageClient

    # Without a handler Python prints a library's warnings on stderr; what goes wrong is said once, by `close`.
    logging.getLogger("openlineage").addHandler(logging.NullHandler())
    transport = _file(root / (spec.path or DEFAULT_FILE)) if spec.transport == "file" else _http(spec)
    # The client would add the git remote as it is written, with a password that may be in it.
    own: dict[str, Any] = {"facets": {"source_code_location": {"disabled": True}}}
    return OpenLineageClient(transport=transport, config=own)


def _file(path: Path) -> Transport:
    from openlineage.client.transport.file import FileConfig, FileTransport

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:  # a killed build may have left half a line
        if file.tell():
            file.seek(-1, 2)
            if file.read() != b"\n":
                file.write(b"\n")
    return FileTransport(FileConfig(str(path), append=True))


def _http(spec: LineageSpec) -> Transport:
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

    assert spec.url is not None
    key = None if spec.api_key is None else spec.api_key.get_secret_value()
    auth = ApiKeyTokenProvider({"apiKey": key}) if key else TokenProvider({})
    base = spec.url.strip().rstrip("/") + "/"  # so that a path in the url is kept
    endpoint = (spec.endpoint or "api/v1/lineage").lstrip("/")
    return HttpTransport(HttpConfig(base, endpoint, timeout=spec.timeout, auth=auth, retry=_RETRY))


def _where(spec: LineageSpec, root: Path) -> str:
    """Where events go, for a message: without user, password and query, which may be secrets."""
    if spec.transport == "file":
        return str(root / (spec.path or DEFAULT_FILE))
    parts = urlsplit(spec.url or "")
    return f"{parts.scheme}://{parts.hostname}{'' if parts.port is None else f':{parts.port}'}{parts.path.rstrip('/')}"


def _reason(error: Exception, timeout: float) -> str:
    """A clause about an error of requests or of the file: their own messages are a screen long, or hold the url."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code} {error.response.reason}".rstrip()
    if isinstance(error, requests.Timeout):
        return f"no answer within {timeout:g} s"
    found = _REASON.search(f"{error} {error.__cause__}")
    if found is not None:
        return found[1].strip().lower()
    if isinstance(error, requests.RequestException):
        return type(error).__name__
    return f"{type(error).__name__}: {error}"
