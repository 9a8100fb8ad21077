"""A real PostgreSQL server for tests: made in a temporary folder, started on a free port, stopped afterwards.

Use the fixture ``postgres`` (``from tests.postgres_server import postgres``). Tests that do so carry the marker
``postgres`` and are skipped with a message where the server is not installed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

USER = "tester"
PASSWORD = "s3cret:wörd"
_SETTINGS = {"fsync": "off", "shared_buffers": "16MB", "max_connections": "20", "listen_addresses": "127.0.0.1"}


@dataclass(frozen=True)
class Server:
    """A running server; ``url`` is of its database ``postgres``, password included."""

    port: int

    @property
    def url(self) -> str:
        from urllib.parse import quote

        return f"postgresql://{USER}:{quote(PASSWORD)}@127.0.0.1:{self.port}/postgres"

    def execute(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl, or None: Debian keeps them out of PATH."""
    config = shutil.which("pg_config")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if config is not None:
        folders.insert(0, Path(subprocess.run([config, "--bindir"], capture_output=True, text=True).stdout.strip()))
    if (found := shutil.which("initdb")) is not None:
        folders.append(Path(found).parent)
    return next((f for f in folders if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


def _run(command: Sequence[str | Path], folder: Path, owner: str | None) -> None:
    """Run a server program; as root, in the name of ``owner``, as PostgreSQL refuses root."""
    prefix = () if owner is None else ("runuser", "-u", owner, "--")
    done = subprocess.run([*prefix, *map(str, command)], cwd=folder, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        log = folder / "log"
        pytest.fail(f"{command[0]}: {done.stdout}{done.stderr}{log.read_text() if log.exists() else ''}")


def _owner() -> str | None:
    """Whom the server runs as where the tests run as root; None: as we do."""
    if os.geteuid() != 0:
        return None
    names = {p.pw_name for p in pwd.getpwall()}
    name = next((n for n in ("postgres", "nobody") if n in names), None)
    if name is None or shutil.which("runuser") is None:
        pytest.skip("PostgreSQL refuses to run as root, and there is no other user to run it as")
    return name


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server of its own for the tests of this process."""
    with postgres_server(_SETTINGS) as server:
        yield server


@contextmanager
def postgres_server(settings: Mapping[str, str]) -> Iterator[Server]:
    """A server in a folder of its own. Skips where it is not installed."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    owner = _owner()
    # Not pytest's folder: that one may be closed to the server's user, and too long for a socket's path.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        (folder / "password").write_text(PASSWORD, "utf-8")
        if owner is not None:
            for path in (folder, folder / "password"):
                shutil.chown(path, owner)
        data, port = folder / "data", free_port()
        initdb = [programs / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", "--no-sync", "--locale=C"]
        _run([*initdb, "-E", "UTF8", f"--pwfile={folder / 'password'}"], folder, owner)
        options = " ".join(f"-c {k}={v}" for k, v in settings.items())
        start = ["-o", f"-p {port} -k {folder} {options}", "-l", folder / "log", "-w", "start"]
        _run([programs / "pg_ctl", "-D", data, *start], folder, owner)
        try:
            yield Server(port)
        finally:
            _run([programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], folder, owner)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
