"""Azure Blob Storage's own emulator (Azurite, from npm) on loopback, with a proxy before it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from unittest import mock

import pytest

from tests.objects.proxy import Proxy

# Of every Azurite, and published by its makers: no secret.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_CONTAINERS = itertools.count(1)


@dataclass(frozen=True)
class Azure:
    """The server, as :class:`tests.objects.servers.S3` is one."""

    url: str
    proxy: Proxy
    env: dict[str, str]

    def bucket(self) -> str:
        """A new container; returns its address."""
        name = f"shop-{os.getpid()}-{next(_CONTAINERS)}"
        self._create(name)
        return f"az://{name}"

    def _create(self, container: str) -> None:
        """A signed request: the client of the tables makes no containers."""
        date, version = formatdate(usegmt=True), "2021-08-06"
        headers = f"x-ms-date:{date}\nx-ms-version:{version}\n"
        resource = f"/{ACCOUNT}/{ACCOUNT}/{container}\nrestype:container"
        signed = hmac.new(base64.b64decode(KEY), ("PUT" + "\n" * 12 + headers + resource).encode(), hashlib.sha256)
        authorization = f"SharedKey {ACCOUNT}:{base64.b64encode(signed.digest()).decode()}"
        request = urllib.request.Request(
            f"{self.url}/{ACCOUNT}/{container}?restype=container",
            method="PUT",
            headers={"x-ms-date": date, "x-ms-version": version, "Authorization": authorization},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 201

    def keys(self, address: str) -> list[str]:
        """All objects below an address, by keys that count from it; past the proxy."""
        import obstore
        from obstore.store import AzureStore

        container, _, prefix = address.removeprefix("az://").partition("/")
        with mock.patch.dict(os.environ, {"AZURITE_BLOB_STORAGE_URL": self.url}):
            store = AzureStore(container, client_options={"allow_http": True})
        found = [str(o["path"]) for page in obstore.list(store, prefix or None) for o in page]
        return sorted(key.removeprefix(prefix).lstrip("/") for key in found)


def command() -> str | None:
    """Azurite's, which ``make long`` installs beside the environment where there is npm."""
    beside = Path(sys.prefix) / "azurite" / "node_modules" / ".bin" / "azurite-blob"
    return str(beside) if beside.exists() else shutil.which("azurite-blob")


@contextmanager
def azure_server(folder: Path) -> Iterator[Azure]:
    pytest.importorskip("obstore")
    program = command()
    if program is None:
        pytest.skip("there is no Azurite: npm install --prefix .venv/azurite azurite")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    server = subprocess.Popen([program, *where, "--silent", "--skipApiVersionCheck", "--disableTelemetry"])
    proxy = Proxy(("127.0.0.1", port))
    env = {
        "AZURE_STORAGE_USE_EMULATOR": "true",
        "AZURITE_BLOB_STORAGE_URL": proxy.url,
        "SYNTH_OBJECT_TIMEOUT": "20",
    }
    try:
        for _ in range(200):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        with mock.patch.dict(os.environ, env):
            yield Azure(f"http://127.0.0.1:{port}", proxy, env)
    finally:
        proxy.close()
        server.terminate()
        server.wait(20)
