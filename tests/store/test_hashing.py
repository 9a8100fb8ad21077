"""What is written in pieces is hashed as one, and told where it ends."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from synthkit.store.hashing import PIECE, HashedFile


@pytest.mark.parametrize("sizes", [[], [0, 1], [PIECE], [PIECE - 1, 2, 3], [10, 5 * PIECE + 7, 1], [300_000] * 30])
def test_hashes_are_those_of_the_file(tmp_path: Path, sizes: list[int]) -> None:
    path, reused = tmp_path / "file", bytearray(6 * PIECE)
    with path.open("wb") as plain, HashedFile(plain) as file:
        for number, size in enumerate(sizes):
            reused[:size] = bytes([number]) * size  # as writers do that have one buffer
            assert file.write(memoryview(reused)[:size]) == size
            assert file.tell() == sum(sizes[: number + 1])
        before = file.hashes
    written = path.read_bytes()
    assert written == b"".join(bytes([number]) * size for number, size in enumerate(sizes))
    assert file.hashes == before == (hashlib.sha256(written).hexdigest(), hashlib.md5(written).hexdigest())


def test_what_was_flushed_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as plain, HashedFile(plain) as file:
        file.write(b"abc")
        file.flush()
        assert path.read_bytes() == b"abc"
