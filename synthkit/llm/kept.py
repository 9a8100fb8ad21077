"""What was paid for: every complete answer on disk, and every attempt whose end is unknown.

SQLite with a write-ahead log. An answer is committed with ``synchronous=FULL``, so it outlives a power cut before
anybody sees it; a torn last commit fails its checksum and is dropped when the log is read
(https://sqlite.org/wal.html). An attempt is noted before it is sent, with ``synchronous=NORMAL``, which outlives the
death of the process. Commits that wait for each other are made as one. Several processes may use one store, on a
local file system.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from synthkit.errors import BuildError
from synthkit.llm.answers import Kept
from synthkit.llm.requests import Prompt

_T = TypeVar("_T")

TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, message TEXT NOT NULL,
    request_id TEXT NOT NULL, cost TEXT NOT NULL, batch INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempts (
    ticket INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, worst TEXT NOT NULL, batch TEXT
);
CREATE INDEX IF NOT EXISTS attempts_by_key ON attempts (key);
"""
WAIT_SECONDS = 60.0

Operation = Callable[[sqlite3.Connection], Any]


class RequestStore:
    """Answers by their prompts' keys, in ``directory``. Close it, or use it in a ``with`` block.

    Raises:
        BuildError: the directory or its database cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "requests.sqlite"
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[tuple[Operation, bool, Future[Any]] | None] = queue.SimpleQueue()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._reader = self._connect()
            self._writer = self._connect()
            self._writer.executescript(TABLES)
        except (OSError, sqlite3.Error) as error:
            raise BuildError(
                f"the kept answers cannot be opened: {self.path}: {error}",
                hint="give the directory back its rights, or restore the file from a copy; "
                "without it, every answer in it is paid for again",
            ) from error
        self._thread = threading.Thread(target=self._write, name="kept-answers", daemon=True)
        self._thread.start()

    def __enter__(self) -> RequestStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End when all that was handed in is written."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
            self._writer.close()
            self._reader.close()

    def get(self, key: str) -> Kept | None:
        """The answer to the prompt ``key``, if there is one."""
        rows = self._read("SELECT message, request_id, cost, batch FROM answers WHERE key = ?", key)
        if not rows:
            return None
        message, request_id, cost, batch = rows[0]
        return Kept(key, json.loads(message), request_id, Decimal(cost), bool(batch))

    def spent(self) -> Decimal:
        """USD that all answers kept here have cost."""
        return sum((Decimal(cost) for (cost,) in self._read("SELECT cost FROM answers")), Decimal(0))

    def count(self) -> int:
        """Number of answers kept."""
        return int(self._read("SELECT count(*) FROM answers")[0][0])

    def lost(self) -> Decimal:
        """USD that attempts whose answer never arrived may have cost, those under way among them."""
        rows = self._read("SELECT worst FROM attempts WHERE batch IS NULL")
        return sum((Decimal(worst) for (worst,) in rows), Decimal(0))

    def open_batch(self, key: str) -> str | None:
        """The batch that was sent with ``key`` in it and whose results were not fetched yet."""
        rows = self._read("SELECT batch FROM attempts WHERE key = ? AND batch IS NOT NULL ORDER BY ticket", key)
        return str(rows[-1][0]) if rows else None

    def sending(self, keys: Iterable[tuple[str, Decimal]]) -> Future[list[int]]:
        """Note that prompts are about to be sent, each with its worst case in USD; one ticket for each."""
        rows = list(keys)

        def note(db: sqlite3.Connection) -> list[int]:
            sql = "INSERT INTO attempts (key, worst) VALUES (?, ?)"
            return [int(db.execute(sql, (key, str(worst))).lastrowid or 0) for key, worst in rows]

        return self._submit(note)

    def returned(self, tickets: Sequence[int]) -> Future[None]:
        """The attempts ended without an answer and without cost."""
        return self._submit(lambda db: _forget(db, tickets))

    def put(self, prompt: Prompt, kept: Kept, ticket: int | None = None) -> Future[Kept]:
        """Keep an answer and close its attempt. The future holds what the store has from then on: when two
        processes asked the same, the first answer stays."""
        request = json.dumps({"label": prompt.label, "nonce": prompt.nonce, **prompt.payload()}, ensure_ascii=False)
        message = json.dumps(kept.message, ensure_ascii=False)

        def keep(db: sqlite3.Connection) -> Kept:
            row = (kept.key, request, message, kept.request_id, str(kept.cost), kept.batch)
            fresh = db.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?)", row).rowcount
            _forget(db, [] if ticket is None else [ticket])
            if fresh:
                return kept
            sql = "SELECT message, request_id, cost, batch FROM answers WHERE key = ?"
            first = db.execute(sql, (kept.key,)).fetchone()
            return Kept(kept.key, json.loads(first[0]), first[1], Decimal(first[2]), bool(first[3]))

        return self._submit(keep, durable=True)

    def sent_batch(self, batch: str, tickets: Sequence[int]) -> Future[None]:
        """The attempts went out as the batch ``batch``."""

        def note(db: sqlite3.Connection) -> None:
            db.executemany("UPDATE attempts SET batch = ? WHERE ticket = ?", [(batch, ticket) for ticket in tickets])

        return self._submit(note, durable=True)

    def end_batch(self, batch: str, keys: Sequence[str], lost: bool = False) -> Future[None]:
        """The results of ``keys`` in ``batch`` are in; ``lost``: they are gone for good, and were perhaps billed."""
        sql = "UPDATE attempts SET batch = NULL" if lost else "DELETE FROM attempts"

        def note(db: sqlite3.Connection) -> None:
            db.executemany(f"{sql} WHERE batch = ? AND key = ?", [(batch, key) for key in keys])

        return self._submit(note, durable=True)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        return db

    def _read(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._reader.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise _unusable(self.path, error) from error

    def _submit(self, operation: Callable[[sqlite3.Connection], _T], durable: bool = False) -> Future[_T]:
        future: Future[_T] = Future()
        # From here on it cannot be cancelled: what is handed in is written, whether or not somebody still waits.
        future.set_running_or_notify_cancel()
        self._queue.put((operation, durable, future))
        return future

    def _write(self) -> None:
        while (first := self._queue.get()) is not None:
            group, last = [first], False
            while not self._queue.empty():
                if (item := self._queue.get()) is None:
                    last = True
                    break
                group.append(item)
            self._commit(group)
            if last:
                return

    def _commit(self, group: list[tuple[Operation, bool, Future[Any]]]) -> None:
        db = self._writer
        results: list[Any] = []
        try:
            db.execute(f"PRAGMA synchronous = {'FULL' if any(durable for _, durable, _ in group) else 'NORMAL'}")
            db.execute("BEGIN IMMEDIATE")
            results = [operation(db) for operation, _, _ in group]
            db.execute("COMMIT")
        except BaseException as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            failure = _unusable(self.path, error) if isinstance(error, sqlite3.Error) else error
            for _, _, future in group:
                future.set_exception(failure)
        else:
            for (_, _, future), result in zip(group, results, strict=True):
                future.set_result(result)


def _forget(db: sqlite3.Connection, tickets: Sequence[int]) -> None:
    db.executemany("DELETE FROM attempts WHERE ticket = ?", [(ticket,) for ticket in tickets])


def _unusable(path: Path, error: BaseException) -> BuildError:
    return BuildError(
        f"the kept answers cannot be used: {path}: {error}",
        hint="see to room on the disk and to the rights of the file; what is kept stays kept",
    )
