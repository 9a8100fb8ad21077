"""The record of what builds used, ``target/consumption.jsonl``: a line for each model that a run did something for.

A line is written when its model is done, and one for all that a run reused when it ends. Lines that are none (a build
was killed, or the disk was full, while it wrote one) are passed over. The record is kept short (:func:`shorten`), and
so are the histories beside it: of each table its latest lines stay.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthkit.errors import SynthError
from synthkit.files import append_line, explained, parsed_json, write_text_atomic
from synthkit.records.consumption import ConsumptionEntry, ReusedEntry
from synthkit.records.history import HistoryEntry

CONSUMED, HISTORY, RUNS = "consumption.jsonl", "history.jsonl", "runs.jsonl"
MOST_BYTES = 8 * 2**20  # of each of them; beyond, it is cut to half of that
_MOST_LINES = 4096  # of one table, where it is cut


@dataclass(frozen=True)
class Kept:
    """What the record says, the oldest first.

    Args:
        used: a model in a run that did something for it.
        reused: the models that a run did nothing for.
        judged: what the audits of a table found in a run, as far as it may be published.
    """

    used: tuple[ConsumptionEntry, ...] = ()
    reused: tuple[ReusedEntry, ...] = ()
    judged: tuple[HistoryEntry, ...] = ()


def append(folder: Path, entry: ConsumptionEntry | ReusedEntry) -> str | None:
    """Add a line, after the end of one that a killed build left half; why it could not be written, where it could not.

    A record is no reason to end a build.
    """
    path = folder / CONSUMED
    try:
        with explained(path):
            _end_line(path)
        append_line(path, json.dumps(entry.to_json(), default=str))
    except SynthError as error:
        return error.message
    return None


def read(folder: Path) -> Kept:
    """What there is below a project's ``target``; nothing is no error."""
    judged = []
    for line in _objects(folder / HISTORY):
        try:
            judged.append(HistoryEntry.from_json(line))
        except ValueError:
            continue
    return replace(read_consumed(folder), judged=tuple(sorted(judged, key=lambda e: e.ended_at)))


def read_consumed(folder: Path) -> Kept:
    """The same without what audits found, which is a file of its own."""
    used: list[ConsumptionEntry] = []
    reused: list[ReusedEntry] = []
    for line in _objects(folder / CONSUMED):
        try:
            if "reused" in line:
                reused.append(ReusedEntry.from_json(line))
            else:
                used.append(ConsumptionEntry.from_json(line))
        except ValueError:
            continue
    return Kept(tuple(sorted(used, key=lambda e: e.at)), tuple(sorted(reused, key=lambda e: e.at)))


def shorten(folder: Path, most: int = MOST_BYTES) -> None:
    """Cut each history that is longer than ``most`` bytes to half of that. Hold the build's lock.

    Of every table the same number of its latest lines stay, as many as there is room for: one that is built once a
    month is not pushed out by one that is built every hour.
    """
    for name, subject in ((CONSUMED, _subject), (HISTORY, _subject), (RUNS, lambda _line: "")):
        path = folder / name
        if path.is_file() and path.stat().st_size > most:
            write_text_atomic(path, "".join(_latest(path, subject, most // 2)))


def _subject(line: dict[str, Any]) -> str:
    return f"{line.get('target', '')}/{line.get('model', '')}"


def _latest(path: Path, subject: Callable[[dict[str, Any]], str], room: int) -> list[str]:
    """Whole lines, in their order, of at most ``room`` bytes together."""
    lines = [json.dumps(line) + "\n" for line in _objects(path)]
    of = [subject(json.loads(line)) for line in lines]
    size = [len(line.encode()) for line in lines]
    each = _MOST_LINES
    while True:
        counts: dict[str, int] = defaultdict(int)
        taken = []
        for number in range(len(lines) - 1, -1, -1):
            counts[of[number]] += 1
            if counts[of[number]] <= each:
                taken.append(number)
        if sum(size[n] for n in taken) <= room:
            return [lines[n] for n in reversed(taken)]
        if each == 1:  # more tables than there is room for: those of the latest runs
            return _tail(lines, size, taken, room)
        each //= 2


def _tail(lines: list[str], size: list[int], taken: list[int], room: int) -> list[str]:
    found: list[str] = []
    for number in taken:  # the latest first
        room -= size[number]
        if room < 0:
            break
        found.append(lines[number])
    return found[::-1]


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file that are JSON objects."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            found = parsed_json(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


def _end_line(path: Path) -> None:
    try:
        with path.open("rb+") as file:
            if file.seek(0, 2):
                file.seek(-1, 2)
                if file.read(1) != b"\n":
                    file.write(b"\n")
    except FileNotFoundError:
        return
