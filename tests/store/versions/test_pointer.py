"""DVC's pointer is read back as it was written; what names no single file is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthkit.store.versions.pointer import Pointer, read_pointer, write_pointer
from tests.receipts import receipt


def test_a_pointer_is_that_of_its_receipt(tmp_path: Path) -> None:
    path = tmp_path / "m.dvc"
    assert write_pointer(path, receipt(md5="9" * 32, bytes=7))
    assert not write_pointer(path, receipt(md5="9" * 32, bytes=7, rows=5))  # of the same file
    assert read_pointer(path) == Pointer("9" * 32, 7, "m/0.parquet")  # also where YAML takes the MD5 for a number


@pytest.mark.parametrize(
    "text",
    ["", "[", "outs: []\n", "outs:\n- md5: a\n", "outs:\n- {md5: a, size: x}\n", "outs:\n- {md5: a, size: 1}\n- {}\n"],
)
def test_what_names_no_file_is_no_pointer(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.dvc"
    path.write_text(text)
    assert read_pointer(path) is None
    assert read_pointer(tmp_path / "other.dvc") is None
