"""A stand-in for Snowflake: fakesnow (Apache-2.0), Snowflake's HTTP protocol over DuckDB, in a process of its own.

Snowflake's own connector talks to it over HTTP, as it does to Snowflake. fakesnow wants another version of sqlglot than
synthkit has, so it lies in a folder of its own (``make`` puts it into ``.venv/fakesnow``), which that process alone sees.
Use the fixture ``snowflake`` (``from tests.snowflake_server import snowflake``); tests that do so carry the marker
``snowflake`` and are skipped with a message where the folder is not there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.postgres_server import PASSWORD, free_port

USER, SCHEMA = "tester", "PUBLIC"
_NUMBERS = count(1)
_SERVE = (
    "import fakesnow, time\nwith fakesnow.server(port={port}):\n    print('ready', flush=True)\n    time.sleep(7200)"
)


@dataclass(frozen=True)
class Server:
    """A running server; ``url`` is of the schema ``PUBLIC`` of a database, password included."""

    port: int
    database: str = "SHOP"

    def url_of(self, password: str = PASSWORD, more: str = "") -> str:
        where = f"account:{self.port}/{self.database}/{SCHEMA}?host=localhost&protocol=http"
        return f"snowflake://{USER}:{quote(password, safe='')}@{where}{more}"

    @property
    def url(self) -> str:
        return self.url_of()

    def connect(self) -> Any:
        import snowflake.connector

        return snowflake.connector.connect(
            user=USER,
            password=PASSWORD,
            account="account",
            host="localhost",
            port=self.port,
            protocol="http",
            database=self.database,
            schema=SCHEMA,
            network_timeout=10,
        )

    def execute(self, *statements: str) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def _folder() -> Path | None:
    """Where fakesnow lies: in the virtual environment, or that whose packages it uses."""
    near = (Path(p).parents[2] / "fakesnow" for p in sys.path if p.endswith("site-packages"))
    return next((folder for folder in near if folder.is_dir()), None)


@pytest.fixture(scope="session")
def _snowflake() -> Iterator[Server]:
    folder = _folder()
    if folder is None:
        pytest.skip("there is no fakesnow: make puts it into .venv/fakesnow")
    port = free_port()
    env = {**os.environ, "PYTHONPATH": str(folder)}
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE.format(port=port)], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        server = Server(port)
        for _ in range(50):
            try:
                server.execute("SELECT 1")
                break
            except Exception:
                time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def snowflake(_snowflake: Server) -> Server:
    """The server, with an empty database: the first who names one makes it."""
    return Server(_snowflake.port, f"SHOP{next(_NUMBERS)}")
