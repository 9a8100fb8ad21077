"""The lines of a text file, each decoded by itself: bytes that are none of the encoding spoil no line but their own."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from synthkit.errors import BuildError
from synthkit.project.types import SourceTableSpec
from synthkit.sources.encodings import encoding_of, opened_bytes, utf8_files
from synthkit.sources.location import location

_BOM = "\ufeff"


@contextmanager
def text_lines(spec: SourceTableSpec, file: Path, scratch: Path) -> Iterator[Iterator[str]]:
    """The lines of ``file`` in the declared encoding, each with its end (LF, or CR and LF), without a byte order mark.

    Bytes that are none of the encoding become U+FFFD. In UTF-16 and the like a lost byte would move all that follow:
    such a file is rewritten whole, and BuildError raised where it is not what it is declared to be; or is cut short.
    """
    encoding = encoding_of(spec)
    if encoding == "utf-8-sig":
        encoding = "utf-8"
    if "\n".encode(encoding) != b"\n":  # the byte ends a line, and is part of no other character
        (file,), encoding = utf8_files(spec, [file], scratch), "utf-8"
    try:
        with opened_bytes(file) as opened:
            yield _decoded(opened, encoding)
    except (OSError, EOFError, zlib.error) as error:  # pyarrow's errors of a stream are OSErrors, too
        what = f"{file.name} cannot be read to its end: {error}"
        hint = "it is cut short, or packed otherwise than its name says"
        raise BuildError(what, location(spec, "path"), hint) from None


def _decoded(opened: IO[bytes], encoding: str) -> Iterator[str]:
    first = True
    for line in opened:
        text = line.decode(encoding, "replace")
        if first:
            text, first = text.removeprefix(_BOM), False
        # UTF-7 can write halves of surrogate pairs, which no text holds.
        yield text if encoding == "utf-8" else text.encode("utf-8", "replace").decode("utf-8")
