"""Git runs nothing that a repository names, and works as before in every kind of repository."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from synthkit.errors import SynthError
from synthkit.records.parts import Git
from synthkit.store.versions.git import commit_at, commit_files, committed_receipts, git_state, is_dirty, origin, prefix
from synthkit.store.versions.gitdir import git_directory
from tests.receipts import receipt
from tests.store.versions.test_versions import QUIET, run

RECEIPT = "shop/warehouse/dev/t.receipt.json"


def start(folder: Path, *options: str) -> Path:
    folder.mkdir(parents=True)
    run(folder, "git", "init", "-q", "-b", "main", *options)
    (folder / "shop" / "warehouse" / "dev").mkdir(parents=True)
    (folder / RECEIPT).write_text('{"md5": "0"}\n')  # no receipt any more; the file that it names is not old
    run(folder, "git", "add", "-A")
    run(folder, "git", "commit", "-qm", "one")
    return folder


def change(folder: Path, text: str) -> None:
    (folder / RECEIPT).write_text(json.dumps(receipt(md5=text).to_json()) + "\n")


def commit_one(folder: Path, text: str) -> str:
    change(folder, text)
    made = commit_files(folder / "shop", ["warehouse/dev/t.receipt.json"], f"the {text}")
    assert made is not None
    assert made == run(folder, "git", "rev-parse", "HEAD").strip()
    assert run(folder, "git", "status", "--porcelain") == ""
    assert run(folder, "git", "log", "-1", "--format=%s") == f"the {text}\n"
    return made


def as_git_sees(folder: Path, text: str = "7") -> None:
    """Everything that is asked of git, held against git itself."""
    head = run(folder, "git", "rev-parse", "HEAD").strip()
    assert git_state(folder / "shop") == Git(commit=head, dirty=False)
    assert prefix(folder / "shop") == "shop/"
    assert prefix(folder) == ""
    before = [c.md5 for c in committed_receipts(folder / "shop", all_branches=True)]
    change(folder, "99")
    assert is_dirty(folder / "shop")
    run(folder, "git", "checkout", "-q", "--", RECEIPT)
    made = commit_one(folder, text)
    assert next(iter(committed_receipts(folder / "shop"))).md5 == text
    everywhere = [c.md5 for c in committed_receipts(folder / "shop", all_branches=True)]
    assert sorted(everywhere) == sorted([text, *before])
    assert commit_at(folder, "HEAD~1").sha == head
    assert commit_at(folder / "shop", made[:10]).receipts("warehouse/dev") == {"t": receipt(md5=text)}
    assert made[:7] in run(folder, "git", "reflog")


@pytest.fixture(autouse=True)
def committer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)


def test_a_plain_repository_whose_refs_are_packed(tmp_path: Path) -> None:
    folder = start(tmp_path / "repo")
    run(folder, "git", "branch", "other")
    run(folder, "git", "gc", "-q")
    as_git_sees(folder)


def test_a_detached_head_moves(tmp_path: Path) -> None:
    folder = start(tmp_path / "repo")
    run(folder, "git", "checkout", "-q", "--detach")
    before = run(folder, "git", "rev-parse", "main")
    as_git_sees(folder)
    assert run(folder, "git", "rev-parse", "main") == before


def test_another_work_tree(tmp_path: Path) -> None:
    folder = start(tmp_path / "repo")
    run(folder, "git", "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    as_git_sees(tmp_path / "side")
    assert run(folder, "git", "status", "--porcelain") == ""


def test_a_submodule_and_what_holds_it(tmp_path: Path) -> None:
    start(tmp_path / "part")
    whole = start(tmp_path / "whole")
    run(whole, "git", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "part"), "part")
    run(whole, "git", "commit", "-qm", "with a part")
    as_git_sees(whole / "part")
    assert is_dirty(whole)
    run(whole, "git", "commit", "-qam", "the part moved")
    as_git_sees(whole)


def test_a_git_directory_elsewhere_is_for_the_machines_owner_to_allow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = start(tmp_path / "repo", f"--separate-git-dir={tmp_path / 'kept'}")
    with pytest.raises(SynthError, match="does not say that it belongs there"):
        git_state(folder)
    monkeypatch.setenv("SYNTH_OUTSIDE", str(tmp_path / "kept"))
    as_git_sees(folder)


def test_sha256_shallow_and_split_index(tmp_path: Path) -> None:
    folder = start(tmp_path / "repo", "--object-format=sha256")
    commit_one(folder, "2")
    run(folder, "git", "update-index", "--split-index")
    as_git_sees(folder)
    run(tmp_path, "git", "clone", "-q", "--depth", "1", folder.as_uri(), "shallow")
    shallow = tmp_path / "shallow"
    assert origin(shallow) == folder.as_uri()
    as_git_sees(shallow, "8")


def test_who_commits_is_who_git_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = start(tmp_path / "repo")
    (tmp_path / "work").write_text("[user]\n    name = At Work\n    email = at@work\n")
    (tmp_path / "global").write_text(
        f'[includeIf "gitdir:{tmp_path.resolve()}/repo/"]\n    path = {tmp_path / "work"}\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "global"))
    for name in QUIET:
        monkeypatch.delenv(name)
    author = ("git", "log", "-1", "--format=%an <%ae>")
    change(folder, "2")
    commit_files(folder, [RECEIPT], "two")
    assert run(folder, *author) == "At Work <at@work>\n"
    run(folder, "git", "config", "user.name", "Of The Repository")
    change(folder, "3")
    commit_files(folder, [RECEIPT], "three")
    assert run(folder, *author) == "Of The Repository <at@work>\n"


def test_an_ignored_file_and_a_merge_are_refused_with_gits_reason(tmp_path: Path) -> None:
    folder = start(tmp_path / "repo")
    (folder / ".git" / "info" / "exclude").write_text("/out\n")
    (folder / "out").write_text("x")
    with pytest.raises(SynthError, match="git add refused: The following paths are ignored"):
        commit_files(folder, ["out"], "no")
    run(folder, "git", "checkout", "-qb", "side")
    commit_one(folder, "2")
    run(folder, "git", "checkout", "-q", "main")
    commit_one(folder, "3")
    subprocess.run(["git", "merge", "-q", "side"], cwd=folder, capture_output=True, check=False)
    change(folder, "4")
    with pytest.raises(SynthError, match=r"git commit refused: .*during a merge"):
        commit_files(folder, [RECEIPT], "no")


def test_a_git_directory_that_belongs_elsewhere(tmp_path: Path) -> None:
    other = start(tmp_path / "other")
    for name in ("linked", "named"):
        (tmp_path / name).mkdir()
    (tmp_path / "linked" / ".git").symlink_to(other / ".git")
    (tmp_path / "named" / ".git").write_text(f"gitdir: {other / '.git'}\n")
    with pytest.raises(SynthError, match="is a link to"):
        git_directory(tmp_path / "linked")
    with pytest.raises(SynthError, match="does not say that it belongs there"):
        git_directory(tmp_path / "named" / "below")


def test_nothing_is_committed_through_a_link(tmp_path: Path) -> None:
    folder = start(tmp_path / "repo")
    (tmp_path / "elsewhere").mkdir()
    run(folder, "git", "gc", "-q")
    (folder / ".git" / "objects" / "00").symlink_to(tmp_path / "elsewhere")
    change(folder, "2")
    with pytest.raises(SynthError, match=r"objects/00 is a link to .*elsewhere"):
        commit_files(folder, [RECEIPT], "no")


def test_an_unborn_branch_and_no_repository(tmp_path: Path) -> None:
    assert git_directory(tmp_path) is None
    run(tmp_path, "git", "init", "-q")
    assert git_state(tmp_path) is None
    assert git_directory(tmp_path) is not None
