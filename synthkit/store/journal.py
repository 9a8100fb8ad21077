"""The journal of a folder of published tables: several receipts that stand from one instant on, all or none.

```
warehouse/<target>/.publishing.json
```

Each receipt is a file of its own, and no rename replaces two. So what is published together is written into one file
first, whose rename is the moment of publication; from then on readers believe it rather than the receipts that it is
about, until these are replaced, one after another, and it goes. A process that is killed in between leaves it to the
next one. Of receipts that came otherwise meanwhile (a ``git pull``) it says nothing: it names what it replaces.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from synthkit.files import parsed_json, write_json_atomic, write_text_atomic
from synthkit.records.receipt import Receipt
from synthkit.store.versions.git import RECEIPT

FILE = ".publishing.json"
Identity = tuple[int, int, int]  # of a file's state: its inode, its time in nanoseconds, its size


@dataclass(frozen=True)
class Journal:
    """What was published together, and is not yet in receipts of its own.

    Args:
        texts: table → its receipt, as its file is to hold it.
        receipts: the same, read.
    """

    texts: Mapping[str, str]
    receipts: Mapping[str, Receipt] = field(compare=False)

    @staticmethod
    def of(receipts: Mapping[str, Receipt]) -> Journal:
        return Journal({name: text_of(receipt) for name, receipt in receipts.items()}, dict(receipts))

    def stands(self, directory: Path) -> bool:
        """Whether each receipt's file is the one that it replaces, or already the new one: nobody came between."""
        return all(
            _content(directory / f"{name}{RECEIPT}") in (self.receipts[name].previous, _sha256(text.encode()))
            for name, text in self.texts.items()
        )


def identity(path: Path) -> Identity | None:
    """The state of a file, which is another one after each replacement; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def journal_of(directory: Path) -> Journal | None:
    """What is being published in a folder, or was when a process was killed; None for nothing, and for what is void."""
    while True:
        state = identity(directory / FILE)
        if state is None:
            return None
        found = _read(directory / FILE, *state)
        if found is None or not found.stands(directory):
            # Its own process may have ended meanwhile, and the next one published some of these tables.
            if identity(directory / FILE) != state:
                continue
            return None
        return found


def write(directory: Path, receipts: Mapping[str, Receipt]) -> None:
    """Publish the tables of these receipts at this instant. Raises BuildError; nothing is published then."""
    write_json_atomic(directory / FILE, {"receipts": dict(Journal.of(receipts).texts)})


def settle(directory: Path) -> tuple[str, ...]:
    """Put what the journal says into the receipts' files, and remove it. Returns the tables.

    Raises:
        BuildError: a file cannot be written; the journal stands.
    """
    if identity(directory / FILE) is None:
        return ()
    found = journal_of(directory)
    if found is not None:
        for name, text in found.texts.items():
            write_text_atomic(directory / f"{name}{RECEIPT}", text)
    (directory / FILE).unlink(missing_ok=True)
    return () if found is None else tuple(found.texts)


@lru_cache(maxsize=16)
def _read(path: Path, *_: int) -> Journal | None:
    """The journal, once for each state of its file."""
    try:
        data = parsed_json(path.read_text("utf-8"))
        texts = {str(name): str(text) for name, text in data["receipts"].items()}
        return Journal(texts, {name: Receipt.from_json(parsed_json(text)) for name, text in texts.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def text_of(receipt: Receipt) -> str:
    """As :func:`synthkit.files.write_json_atomic` writes it."""
    return json.dumps(receipt.to_json(), indent=2, ensure_ascii=False, default=str) + "\n"


def _content(path: Path) -> str | None:
    try:
        return _sha256(path.read_bytes())
    except OSError:
        return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
