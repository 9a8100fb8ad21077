"""Objects in a folder: of several writers one is first, and what cannot be looked at is no empty folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from synthkit.errors import BuildError
from synthkit.objects.folder import Folder


def refused(*_: Any, **__: Any) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_of_several_writers_one_is_first_also_where_an_answer_was_lost(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.create("log/1.json", b"mine")
    assert not folder.create("log/1.json", b"another's")
    assert folder.create("log/1.json", b"mine")
    assert not folder.creates_twice("log/1.json", b"mine")
    assert folder.get("log/1.json") == b"mine"
    assert [one.key for one in folder.list("log")] == ["log/1.json"]


def test_a_file_system_without_hard_links_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", refused)
    with pytest.raises(BuildError, match=r"the file system of .*log has no hard links"):
        Folder(tmp_path).create("log/1.json", b"mine")
    assert not list((tmp_path / "log").iterdir())


def test_a_folder_that_cannot_be_looked_at_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(Folder(tmp_path).list("log")) == []
    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(BuildError, match=r"cannot read .*log: Operation not permitted"):
        list(Folder(tmp_path).list("log"))
