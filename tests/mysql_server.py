"""A real MariaDB server for tests: made in a temporary folder, started on a free port, stopped afterwards.

Use the fixture ``mysql`` (``from tests.mysql_server import mysql``). Tests that do so carry the marker ``mysql`` and are
skipped with a message where the server is not installed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.postgres_server import PASSWORD, free_port

USER = "tester"
_SETTINGS = (
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-fast-shutdown=2",
    "--performance-schema=OFF",
    "--skip-log-bin",
    "--bind-address=127.0.0.1",
)


@dataclass(frozen=True)
class Server:
    """A running server; ``url`` is of its database ``shop``, password included."""

    port: int
    folder: Path

    def url_of(self, user: str = USER, password: str = PASSWORD, database: str = "shop", more: str = "") -> str:
        return f"mysql://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}{more}"

    @property
    def url(self) -> str:
        return self.url_of()

    def connect(self, **more: Any) -> Any:
        import pymysql

        given = {
            "user": USER,
            "password": PASSWORD.encode(),
            "database": "shop",
            "autocommit": True,
            "charset": "utf8mb4",
        }
        return pymysql.connect(host="127.0.0.1", port=self.port, **{**given, **more})

    def execute(self, *statements: str) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def empty(self) -> None:
        """Make the database ``shop`` anew."""
        self.execute("DROP DATABASE IF EXISTS shop", "CREATE DATABASE shop CHARACTER SET utf8mb4")


def _owner() -> str | None:
    """Whom the server runs as where the tests run as root; None: as we do."""
    if os.geteuid() != 0:
        return None
    names = {p.pw_name for p in pwd.getpwall()}
    return next((n for n in ("mysql", "nobody") if n in names), None)


def _programs() -> tuple[str, str] | None:
    server = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    install = shutil.which("mariadb-install-db")
    return None if server is None or install is None else (server, install)


@pytest.fixture(scope="session")
def mysql() -> Iterator[Server]:
    """A server of its own for the tests of this process."""
    pytest.importorskip("pymysql")
    programs = _programs()
    if programs is None:
        pytest.skip("MariaDB is not installed (Debian: apt-get install mariadb-server)")
    owner = _owner()
    folder = Path(tempfile.mkdtemp(prefix="my-"))
    try:
        if owner is not None:
            shutil.chown(folder, owner)
        yield from _served(*programs, folder, owner)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _served(server: str, install: str, folder: Path, owner: str | None) -> Iterator[Server]:
    data, log = folder / "data", folder / "log.err"
    user = [] if owner is None else [f"--user={owner}"]
    plain = ["--no-defaults", *user, f"--datadir={data}"]
    made = subprocess.run(
        [install, *plain, "--skip-test-db", "--auth-root-authentication-method=normal"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    if made.returncode != 0:
        pytest.fail(f"{install}: {made.stdout}{made.stderr}")
    first = folder / "first.sql"
    first.write_text(
        f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
        "CREATE DATABASE shop CHARACTER SET utf8mb4;\n",
        "utf-8",
    )
    first.chmod(0o644)
    port = free_port()
    places = [f"--socket={folder / 'socket'}", f"--port={port}", f"--pid-file={folder / 'pid'}", f"--log-error={log}"]
    places.append(f"--tmpdir={folder}")  # a server that starts removes temporary tables of all that share its folder
    options = [
        *plain,
        *places,
        *_SETTINGS,
        f"--init-file={first}",
        "--character-set-server=utf8mb4",
        *_certificate(folder),
    ]
    running = subprocess.Popen([server, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(running, Server(port, folder), log)
        yield Server(port, folder)
    finally:
        running.kill()
        running.wait(30)


def _wait(running: subprocess.Popen[bytes], server: Server, log: Path) -> None:
    import pymysql

    said = ""
    for _ in range(600):
        if running.poll() is not None:
            pytest.fail(f"mariadbd ended: {log.read_text(errors='replace') if log.exists() else ''}")
        try:
            server.rows("SELECT 1")
            return
        except pymysql.Error as error:
            said = str(error)
            time.sleep(0.05)
    pytest.fail(f"mariadbd does not answer: {said} {log.read_text(errors='replace')}")


def _certificate(folder: Path) -> list[str]:
    """TLS by a certificate of the server's own, ``ca.pem``, for the name localhost."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    for file in ("ca.pem", "key.pem"):
        (folder / file).chmod(0o644)
    return [f"--ssl-cert={folder / 'ca.pem'}", f"--ssl-key={folder / 'key.pem'}"]
