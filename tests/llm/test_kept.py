from __future__ import annotations

import json
import multiprocessing
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from synthkit.errors import BuildError
from synthkit.llm.answers import Kept
from synthkit.llm.kept import RequestStore
from tests.llm.asking import prompt


def kept(number: int, note: str = "") -> Kept:
    return Kept(prompt(number).key, {"content": [], "note": note}, f"req{number}", Decimal("0.0125"))


def fill(folder: Path, start: int, count: int) -> None:
    with RequestStore(folder) as store:
        for number in range(start, start + count):
            (ticket,) = store.sending([(prompt(number).key, Decimal(1))]).result()
            store.put(prompt(number), kept(number, str(start)), ticket).result()


def test_an_answer_comes_back_as_it_was(tmp_path: Path) -> None:
    with RequestStore(tmp_path) as store:
        assert store.get(prompt(1).key) is None
        answer = Kept(prompt(1).key, {"text": "ü ☃ \u2028"}, "req", Decimal("0.000001"), batch=True)
        store.put(prompt(1), answer).result()
    with RequestStore(tmp_path) as store:
        assert store.get(prompt(1).key) == answer
        assert store.spent() == Decimal("0.000001")
    row = sqlite3.connect(tmp_path / "requests.sqlite").execute("SELECT request FROM answers").fetchone()
    assert json.loads(row[0])["messages"] == prompt(1).payload()["messages"]


def test_the_first_answer_stays(store: RequestStore) -> None:
    assert store.put(prompt(1), kept(1, "first")).result() == kept(1, "first")
    assert store.put(prompt(1), kept(1, "second")).result() == kept(1, "first")
    assert store.spent() == Decimal("0.0125")


def test_an_attempt_without_an_end_is_lost(tmp_path: Path) -> None:
    key = prompt(1).key
    with RequestStore(tmp_path) as store:
        first, second, third = (store.sending([(key, Decimal(2))]).result()[0] for _ in range(3))
        store.returned([first]).result()
        store.put(prompt(1), kept(1), second).result()
    with RequestStore(tmp_path) as store:
        assert store.lost() == 2
        store.sent_batch("b1", [third]).result()
        assert (store.lost(), store.open_batch(key)) == (0, "b1")
        store.end_batch("b1", [key], lost=True).result()
        assert (store.lost(), store.open_batch(key)) == (2, None)


def test_two_processes_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=fill, args=(tmp_path, start, 40)) for start in (0, 20)]
    for process in others:
        process.start()
    for process in others:
        process.join(60)
    assert [p.exitcode for p in others] == [0, 0]
    with RequestStore(tmp_path) as store:
        assert store.count() == 60
        assert all(store.get(prompt(n).key) for n in range(60))


@pytest.mark.parametrize("cut", [1, 300, 5000])
def test_a_torn_end_is_dropped(tmp_path: Path, cut: int) -> None:
    live, copy = tmp_path / "live", tmp_path / "copy"
    copy.mkdir()
    with RequestStore(live) as store:
        for number in range(10):
            store.put(prompt(number), kept(number)).result()
        for file in live.glob("requests.sqlite*"):
            if not file.name.endswith("-shm"):
                (copy / file.name).write_bytes(file.read_bytes())
    log = copy / "requests.sqlite-wal"
    log.write_bytes(log.read_bytes()[:-cut])
    with RequestStore(copy) as store:
        found = [n for n in range(10) if store.get(prompt(n).key) == kept(n)]
        assert found == list(range(len(found)))
        assert 7 <= len(found) < 10
        store.put(prompt(11), kept(11)).result()
        assert store.get(prompt(11).key) == kept(11)


def test_a_broken_store_says_so(tmp_path: Path) -> None:
    (tmp_path / "requests.sqlite").write_bytes(b"no database" * 500)
    with pytest.raises(BuildError, match="paid for again"):
        RequestStore(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match="cannot be opened"):
        RequestStore(tmp_path / "file")
