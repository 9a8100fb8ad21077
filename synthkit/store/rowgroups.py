"""Parquet files put one behind the other, row group by row group, without reading a row.

The bytes of a row group do not depend on where it stands; only the footer says that. So the files' row groups are
copied as they are, and one footer is written for all of them: what a single writer would have written that was given
the same groups. The footer is a structure of the Thrift compact protocol
(https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), whose fields are those of
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthkit.errors import BuildError
from synthkit.files import replacing
from synthkit.store.hashing import HashedFile
from synthkit.store.parquet import Written

MAGIC = b"PAR1"
CHUNK = 4 * 2**20  # bytes copied at once

_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(13)
# Fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData.
_ROWS, _GROUPS = 3, 4
_CHUNKS, _GROUP_OFFSET, _ORDINAL = 1, 5, 7
_CHUNK_OFFSET, _CHUNK_META, _OFFSET_INDEX, _COLUMN_INDEX = 2, 3, 4, 6
_PAGES = (9, 10, 11, 14)  # first data page, index page, dictionary page, Bloom filter

Struct = dict[int, tuple[int, Any]]  # field → (type, value)


@dataclass(frozen=True)
class Part:
    """A Parquet file, and the SHA-256 that it was written with."""

    path: Path
    sha256: str


class AnotherFileError(BuildError):
    """A file is not what was written; ``path`` says which."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not what was written", hint="build again: it is drawn anew")
        self.path = path


def joined(parts: Sequence[Part], path: Path) -> Written:
    """Write the files' row groups, in their order, as one file, whole or not at all. Memory: what footers say of them.

    Raises:
        AnotherFileError: a file is not what was written.
        BuildError: a file has other columns than the first; the disk does not take it.
    """
    with replacing(path) as temporary, temporary.open("wb") as plain, HashedFile(plain) as out:
        out.write(MAGIC)
        whole: Struct | None = None
        at = len(MAGIC)
        for part in parts:
            footer, length = _copied(part, out)
            groups = _moved(footer, at - len(MAGIC), 0 if whole is None else len(whole[_GROUPS][1][1]))
            at += length
            if whole is None:
                whole = footer
                continue
            if _said(whole) != _said(footer):
                raise BuildError(
                    f"{part.path} has other columns than {parts[0].path}", hint="run synth clean, and build"
                )
            whole[_GROUPS][1][1].extend(groups)
            whole[_ROWS] = (_I64, whole[_ROWS][1] + footer[_ROWS][1])
        assert whole is not None
        written = bytearray()
        _write_struct(whole, written)
        out.write(bytes(written) + struct.pack("<I", len(written)) + MAGIC)
        out.close()
    return Written(whole[_ROWS][1], out.hashes)


def _copied(part: Part, out: HashedFile) -> tuple[Struct, int]:
    """Copy a file's row groups; its footer, and how many bytes were copied."""
    sha256 = hashlib.sha256()
    with part.path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        tail = file.read()
        length = struct.unpack("<I", tail[:4])[0] if len(tail) == 8 else size
        end = size - 8 - length
        if tail[4:] != MAGIC or end < len(MAGIC):
            raise AnotherFileError(part.path)
        file.seek(0)
        head = file.read(len(MAGIC))
        sha256.update(head)
        left = end - len(MAGIC)
        while left:
            chunk = file.read(min(CHUNK, left))
            if not chunk:
                raise AnotherFileError(part.path)
            sha256.update(chunk)
            out.write(chunk)
            left -= len(chunk)
        rest = file.read()
        sha256.update(rest)
    if head != MAGIC or sha256.hexdigest() != part.sha256:
        raise AnotherFileError(part.path)
    return _Reader(rest[:length]).struct(), end - len(MAGIC)


def _said(footer: Struct) -> Struct:
    """What a footer says beside its row groups: columns, types, metadata, who wrote it."""
    return {field: said for field, said in footer.items() if field not in (_ROWS, _GROUPS)}


def _moved(footer: Struct, by: int, before: int) -> list[Struct]:
    """A file's row groups, its offsets ``by`` bytes further on, after so many other groups; changed in place."""
    groups: list[Struct] = footer[_GROUPS][1][1]
    for number, group in enumerate(groups, before):
        _shift(group, (_GROUP_OFFSET,), by)
        if _ORDINAL in group:
            group[_ORDINAL] = (_I16, number)
        for chunk in group[_CHUNKS][1][1]:
            _shift(chunk, (_CHUNK_OFFSET, _OFFSET_INDEX, _COLUMN_INDEX), by)
            _shift(chunk[_CHUNK_META][1], _PAGES, by)
    return groups


def _shift(of: Struct, fields: Iterable[int], by: int) -> None:
    for field in fields:
        if field in of and of[field][1] > 0:  # 0 stands for none: no page is where the magic is
            of[field] = (of[field][0], of[field][1] + by)


# -- the compact protocol ----------------------------------------------------------------------------------


class _Reader:
    """Reads structures as they are, whatever their fields mean."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def struct(self) -> Struct:
        found: Struct = {}
        field = 0
        while True:
            header = self._byte()
            if header == _STOP:
                return found
            kind, delta = header & 15, header >> 4
            field = field + delta if delta else self._signed()
            found[field] = (kind, kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind))

    def _value(self, kind: int) -> Any:
        if kind in (_I16, _I32, _I64):
            return self._signed()
        if kind == _BINARY:
            return self._bytes(self._unsigned())
        if kind in (_LIST, _SET):
            header = self._byte()
            inner, size = header & 15, header >> 4
            size = self._unsigned() if size == 15 else size
            return inner, [self._byte() if inner in (_TRUE, _FALSE) else self._value(inner) for _ in range(size)]
        if kind == _STRUCT:
            return self.struct()
        if kind == _BYTE:
            return self._byte()
        if kind == _DOUBLE:
            return self._bytes(8)
        raise ValueError(f"a footer with a field of type {kind}")

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _bytes(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]

    def _unsigned(self) -> int:
        found = shift = 0
        while True:
            byte = self._byte()
            found |= (byte & 127) << shift
            if byte < 128:
                return found
            shift += 7

    def _signed(self) -> int:
        found = self._unsigned()
        return found >> 1 ^ -(found & 1)


def _write_struct(fields: Struct, out: bytearray) -> None:
    last = 0
    for field, (kind, value) in fields.items():
        said = (_TRUE if value else _FALSE) if kind in (_TRUE, _FALSE) else kind
        if 0 < field - last < 16:
            out.append(field - last << 4 | said)
        else:
            out.append(said)
            _write_signed(field, out)
        if kind not in (_TRUE, _FALSE):
            _write(kind, value, out)
        last = field
    out.append(_STOP)


def _write(kind: int, value: Any, out: bytearray) -> None:
    if kind in (_I16, _I32, _I64):
        _write_signed(value, out)
    elif kind == _BINARY:
        _write_unsigned(len(value), out)
        out += value
    elif kind in (_LIST, _SET):
        inner, values = value
        out.append((len(values) if len(values) < 15 else 15) << 4 | inner)
        if len(values) >= 15:
            _write_unsigned(len(values), out)
        for one in values:
            if inner in (_TRUE, _FALSE):
                out.append(one)
            else:
                _write(inner, one, out)
    elif kind == _STRUCT:
        _write_struct(value, out)
    elif kind == _BYTE:
        out.append(value)
    else:
        out += value


def _write_unsigned(value: int, out: bytearray) -> None:
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def _write_signed(value: int, out: bytearray) -> None:
    _write_unsigned(value << 1 if value >= 0 else (-value << 1) - 1, out)
