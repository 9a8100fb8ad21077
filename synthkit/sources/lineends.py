"""A text file but for how its lines end: CRLF instead of LF is no change of rows, nor is a byte order mark.

Inside quotes a line end is part of a value, and stays. Where a quote opens is known only in the usual dialect: a quote
that follows a delimiter or a line end (or, within quotes, another quote). A file that is written otherwise, or read
with options that say so, counts byte by byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHUNK = 1 << 20  # bytes
BOM = b"\xef\xbb\xbf"
_UNUSUAL = ("quote", "escape", "comment", "skip", "encoding")  # options of the reader with which a quote may be a value
_DELIMITERS = b",;\t|"


@dataclass(frozen=True)
class Text:
    """How a text file is written. ``quoting`` is False where no line end can be part of a value (JSON lines)."""

    quoting: bool
    delimiter: str | None = None

    @staticmethod
    def of(kind: str, options: dict[str, object] | None = None) -> Text | None:
        """Of a file of this format, read with these options; None where its bytes are all that is known of it."""
        options = options or {}
        if kind not in ("csv", "jsonl") or any(key in options for key in _UNUSUAL):
            return None
        if kind == "jsonl":
            return Text(quoting=False)
        given = options.get("delimiter")
        if given is not None and (not isinstance(given, str) or len(given.encode()) != 1):
            return None
        return Text(quoting=True, delimiter=given)


class _UnusualError(Exception):
    """A quote stands where none opens in the usual dialect."""


def file_digest(path: Path, text: Text | None) -> str:
    """SHA-256 (hex) of a file; of a ``text`` without its byte order mark and with LF where it has CRLF."""
    plain = hashlib.sha256()
    returns = quotes = mark = False
    with path.open("rb") as file:
        for chunk in _chunks(file):
            mark = mark or (not returns and not quotes and file.tell() == len(chunk) and chunk.startswith(BOM))
            returns = returns or b"\r" in chunk
            quotes = quotes or b'"' in chunk
            plain.update(chunk)
        if text is None or path.suffix in (".gz", ".zst") or not (returns or mark):
            return plain.hexdigest()
        file.seek(len(BOM) if mark else 0)
        usual = hashlib.sha256()
        try:
            for part in _quoted(file, text) if quotes and text.quoting else _unquoted(file):
                usual.update(part)
        except _UnusualError:
            return plain.hexdigest()
    return usual.hexdigest()


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The chunks, none of which ends between CR and LF."""
    rest = b""
    for chunk in _chunks(file):
        chunk = rest + chunk
        rest = b"\r" if chunk.endswith(b"\r") else b""
        yield chunk[: len(chunk) - len(rest)]
    if rest:
        yield rest


def _unquoted(file: IO[bytes]) -> Iterator[bytes]:
    return (chunk.replace(b"\r\n", b"\n") for chunk in _lines(file))


def _quoted(file: IO[bytes], text: Text) -> Iterator[bytes]:
    """LF for CRLF outside quotes. Raises _UnusualError."""
    import numpy as np

    inside, before = False, ord("\n")  # as if a line had ended before the first
    first = True
    delimiter = b"" if text.delimiter is None else text.delimiter.encode()
    for chunk in _lines(file):
        if not chunk:
            continue
        if first:
            delimiter = delimiter or _delimiter(chunk)
            first = False
        data = np.frombuffer(chunk, np.uint8)
        quote = data == ord('"')
        within = np.logical_xor.accumulate(quote)  # from an opening quote to before the closing one
        if inside:
            within = ~within
        previous = np.concatenate((np.array([before], np.uint8), data[:-1]))
        opening = previous[quote & within]
        if not np.isin(opening, np.frombuffer(delimiter + b'\n"', np.uint8)).all():
            raise _UnusualError
        keep = np.ones(len(data), bool)
        keep[:-1] = (data[:-1] != ord("\r")) | (data[1:] != ord("\n")) | within[:-1]
        yield data[keep].tobytes()
        inside, before = bool(within[-1]), int(data[-1])
    if inside:
        raise _UnusualError


def _delimiter(start: bytes) -> bytes:
    """The delimiter that the reader takes by the first line. Raises _UnusualError where two are as frequent."""
    bare = b"".join(start.lstrip(b"\r\n").split(b"\n", 1)[0].split(b'"')[::2])
    counts = [bare.count(bytes([d])) for d in _DELIMITERS]
    most = max(counts)
    if most == 0:
        return b","
    chosen = bytes(d for d, n in zip(_DELIMITERS, counts, strict=True) if n == most)
    if len(chosen) > 1:
        raise _UnusualError
    return chosen
