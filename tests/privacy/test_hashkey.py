"""The secret that keys published hashes: made once, kept from git, and held to one rule wherever it comes from."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from synthkit.errors import SynthError
from synthkit.privacy.hashkey import KEY_FILE, VARIABLE, hash_key, keyed

GOOD = "0123456789abcdef0123456789abcdef"


def test_the_key_is_made_once_kept_from_git_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: hash_key(tmp_path), range(8)))
    assert len(keys) == 1
    file = tmp_path / KEY_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.name in (file.parent / ".gitignore").read_text("utf-8").split()
    assert [p.name for p in file.parent.iterdir() if p.name not in (".gitignore", file.name)] == []
    (key,) = keys
    assert keyed("abc", key) == keyed("abc", hash_key(tmp_path))
    monkeypatch.setenv(VARIABLE, "another key that the whole team shares")
    assert keyed("abc", key) != keyed("abc", hash_key(tmp_path))


@pytest.mark.parametrize("where", ["file", "variable"])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("k", "no key of at least 32 characters"),
        ("", "no key of at least 32 characters"),
        (GOOD[:-1], "no key of at least 32 characters"),
        (" " * 40 + GOOD[:10], "no key of at least 32 characters"),
        ("a" * 64, "1 different characters"),
        ("1234567" * 10, "7 different characters"),
    ],
)
def test_one_rule_holds_for_the_file_and_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, text: str, why: str
) -> None:
    _give(tmp_path, monkeypatch, where, text)
    with pytest.raises(SynthError, match=f"holds .*{why}") as caught:
        hash_key(tmp_path)
    assert (VARIABLE in caught.value.message) == (where == "variable")
    assert len(text) < 10 or text.strip() not in str(caught.value)


def test_the_same_text_is_the_same_key_in_the_file_and_in_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for where in ("file", "variable"):
        _give(tmp_path, monkeypatch, where, f"{GOOD}\n")
        found.append(hash_key(tmp_path))
    assert found == [GOOD.encode()] * 2


def _give(root: Path, monkeypatch: pytest.MonkeyPatch, where: str, text: str) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    (root / "privacy").mkdir(exist_ok=True)
    if where == "file":
        (root / KEY_FILE).write_text(text)
    else:
        (root / KEY_FILE).unlink(missing_ok=True)
        monkeypatch.setenv(VARIABLE, text)


def test_the_earlier_name_of_the_variable_counts_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "another key that the whole team shares"
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("SYNTHKIT_HASH_KEY", key)
    with pytest.warns(FutureWarning, match="SYNTHKIT_HASH_KEY is now called SYNTH_HASH_KEY"):
        assert hash_key(tmp_path) == key.encode()
    monkeypatch.setenv(VARIABLE, f"{key}, and this one wins")
    assert hash_key(tmp_path) == f"{key}, and this one wins".encode()
