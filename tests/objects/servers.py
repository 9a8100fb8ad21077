"""An S3 server on loopback (moto, which keeps the conditions of writes), with a proxy before it."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import pytest

from tests.objects.proxy import Proxy

_BUCKETS = itertools.count(1)


@dataclass(frozen=True)
class S3:
    """The server's ``url``, a proxy before it, and what a process needs to be its client through the proxy."""

    url: str
    proxy: Proxy
    env: dict[str, str]

    def client(self):  # type: ignore[no-untyped-def]
        """boto3's, past the proxy: what anybody else sees."""
        import boto3

        return boto3.client("s3", endpoint_url=self.url, region_name="us-east-1")

    def bucket(self) -> str:
        """A new one; returns its address."""
        name = f"shop-{os.getpid()}-{next(_BUCKETS)}"
        self.client().create_bucket(Bucket=name)
        return f"s3://{name}"

    def keys(self, address: str) -> list[str]:
        """All objects below an address, by keys that count from it."""
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found = [o["Key"].removeprefix(prefix).lstrip("/") for page in pages for o in page.get("Contents", ())]
        return sorted(found)


@contextmanager
def s3_server() -> Iterator[S3]:
    pytest.importorskip("obstore")
    server_module = pytest.importorskip("moto.server")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    proxy = Proxy((host, port))
    env = {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": proxy.url,
        "SYNTH_OBJECT_TIMEOUT": "20",
    }
    try:
        with mock.patch.dict(os.environ, env):
            yield S3(f"http://{host}:{port}", proxy, env)
    finally:
        proxy.close()
        server.stop()
