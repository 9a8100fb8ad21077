"""Requests and their answers, kept under what was asked, so that nothing is paid for twice.

An SQLite file in write-ahead mode. An answer is on disk (``synchronous=FULL``) before it is used; that a request was
sent is noted before it is, so that one whose answer was lost with the process is known and counted. Many answers that
come at once share one flush.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from synthkit.errors import BuildError
from synthkit.teacher.answers import Answer
from synthkit.teacher.requests import Prompt

FOLDER = ".synth/requests"  # below a project's root: outside target/, as synth clean must not cost money
_TABLES = """
create table if not exists answers (key text primary key, label text, prompt text, answer text, batch integer);
create table if not exists sent (key text, attempt text, usd text, primary key (key, attempt));
create table if not exists batches (id text primary key, keys text, usd text);
"""


@dataclass(frozen=True)
class _Write:
    sql: str
    values: tuple[object, ...]
    durable: bool
    done: Future[None]


class RequestStore:
    """The store of one project. Use it in a ``with`` block.

    Raises:
        BuildError: the file cannot be opened or written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "requests.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._reader = self._open()
            self._reader.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise BuildError(f"cannot open {self.path}: {error}", hint="move the file out of the way") from error
        self._writes: queue.Queue[_Write | None] = queue.Queue()
        self._thread = threading.Thread(target=self._write, name="requests", daemon=True)
        self._thread.start()

    def __enter__(self) -> RequestStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Everything that was put is written first."""
        self._writes.put(None)
        self._thread.join()
        self._reader.close()

    # -- reading: by the thread that opened the store ------------------------------------------------

    def get(self, key: str) -> tuple[Answer, bool] | None:
        """The kept answer, and whether it came in a batch."""
        row = self._reader.execute("select answer, batch from answers where key = ?", (key,)).fetchone()
        return None if row is None else (Answer.from_json(json.loads(row[0])), bool(row[1]))

    def lost(self, key: str) -> list[Decimal]:
        """What each request of the key that was sent, and of which nothing came back, may have cost."""
        rows = self._reader.execute("select usd from sent where key = ?", (key,)).fetchall()
        return [Decimal(usd) for (usd,) in rows]

    def batches(self) -> list[tuple[str, list[str]]]:
        """Batches that were sent and not yet taken in: id, keys."""
        rows = self._reader.execute("select id, keys from batches order by rowid").fetchall()
        return [(id_, json.loads(keys)) for id_, keys in rows]

    # -- writing: from any thread ---------------------------------------------------------------------

    def sending(self, key: str, attempt: str, worst: Decimal) -> Future[None]:
        """Note that a request goes out. Not flushed: it outlives a killed process, and only a power cut takes it."""
        return self._put("insert or replace into sent values (?, ?, ?)", (key, attempt, str(worst)), durable=False)

    def refused(self, key: str, attempt: str) -> Future[None]:
        """The provider answered that it did not do it: nothing was paid."""
        return self._put("delete from sent where key = ? and attempt = ?", (key, attempt), durable=False)

    def keep(self, prompt: Prompt, answer: Answer, attempt: str, *, batch: bool = False) -> Future[None]:
        """Keep an answer; the future ends when it is on disk."""
        self.refused(prompt.key, attempt)
        values = (prompt.key, prompt.label, prompt.user, json.dumps(answer.to_json(), ensure_ascii=False), int(batch))
        return self._put("insert or ignore into answers values (?, ?, ?, ?, ?)", values, durable=True)

    def batch_sent(self, id_: str, keys: Sequence[str], worst: Decimal) -> Future[None]:
        return self._put("insert into batches values (?, ?, ?)", (id_, json.dumps(keys), str(worst)), durable=True)

    def batch_taken(self, id_: str) -> Future[None]:
        return self._put("delete from batches where id = ?", (id_,), durable=True)

    def _put(self, sql: str, values: tuple[object, ...], *, durable: bool) -> Future[None]:
        done: Future[None] = Future()
        self._writes.put(_Write(sql, values, durable, done))
        return done

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=60, isolation_level=None)
        connection.execute("pragma journal_mode = wal")
        return connection

    def _write(self) -> None:
        connection = self._open()
        ending = False
        while not ending:
            batch = [self._writes.get()]
            while not self._writes.empty():
                batch.append(self._writes.get())
            ending = None in batch
            writes = [w for w in batch if w is not None]
            try:
                durable = any(w.durable for w in writes)
                connection.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
                connection.execute("begin immediate")
                for write in writes:
                    connection.execute(write.sql, write.values)
                connection.execute("commit")
            except sqlite3.Error as error:
                if connection.in_transaction:
                    connection.execute("rollback")
                for write in writes:
                    write.done.set_exception(BuildError(f"cannot write {self.path}: {error}"))
            else:
                for write in writes:
                    write.done.set_result(None)
        connection.close()
