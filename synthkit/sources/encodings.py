"""Files in other encodings than UTF-8, rewritten in it: DuckDB itself knows but two more."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from synthkit.errors import BuildError, SynthError, did_you_mean
from synthkit.project.types import SourceTableSpec
from synthkit.sources.location import location

# Named in errors; every encoding that Python knows can be declared.
_COMMON = ("utf-8", "utf-16", "latin-1", "cp1252", "cp1251", "cp850", "shift_jis", "gb18030", "big5", "euc_kr")
CHUNK = 1 << 20  # characters


def encoding_of(spec: SourceTableSpec) -> str:
    """Python's name of the declared encoding, by default "utf-8". Raises SynthError for one that there is not."""
    given = str(spec.options.get("encoding", "utf-8"))
    try:
        "".encode(given)  # LookupError also for what is no encoding of text, such as base64
        return codecs.lookup(given).name
    except LookupError:
        where = location(spec, "options", "encoding")
        hint = did_you_mean(given, _COMMON, "an encoding, such as one")
        raise SynthError(f"there is no encoding {given!r}", where, hint) from None


def utf8_files(spec: SourceTableSpec, files: list[Path], scratch: Path) -> list[Path]:
    """The files themselves, or copies of them in ``scratch`` where another encoding is declared.

    Raises BuildError where a file is not in the declared encoding.
    """
    encoding = encoding_of(spec)
    if encoding == "utf-8":
        return files
    scratch.mkdir(parents=True, exist_ok=True)
    names = [file.name.removesuffix(".gz").removesuffix(".zst") for file in files]
    return [_rewritten(spec, f, scratch / f"{i}-{name}") for i, (f, name) in enumerate(zip(files, names, strict=True))]


@contextmanager
def opened_bytes(file: Path) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked where its name ends in .gz or .zst. Raises OSError."""
    if file.suffix == ".gz":
        with gzip.open(file, "rb") as unpacked:
            yield cast(IO[bytes], unpacked)
    elif file.suffix == ".zst":
        import pyarrow as pa

        with pa.input_stream(str(file), compression="zstd") as stream:
            yield io.BufferedReader(stream)
    else:
        with file.open("rb") as plain:
            yield plain


def _rewritten(spec: SourceTableSpec, file: Path, copy: Path) -> Path:
    try:
        # newline="": line ends are part of quoted values.
        with opened_bytes(file) as stored, copy.open("w", encoding="utf-8", newline="") as taken:
            given = io.TextIOWrapper(stored, encoding_of(spec), newline="")
            while part := given.read(CHUNK):
                taken.write(part)
    except UnicodeError as error:
        hint = "declare the encoding it has: options: {encoding: …}; without it, UTF-8 is read"
        what = f"{file.name} is not in {spec.options['encoding']}: {error}"
        raise BuildError(what, location(spec, "options", "encoding"), hint) from None
    return copy
