"""The ledger's file: a chain that shows what was changed, appends that survive a crash, two writers at once."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.errors import BuildError
from synthkit.privacy.accounting.mechanisms import BoundedRange, DiscreteGaussian, Gaussian
from synthkit.privacy.ledger.entries import GENESIS, Charge, Entry, Ledger, LedgerError, parse_ledger
from synthkit.privacy.ledger.ledger import open_ledger, read_ledger

CHARGE = Charge(
    time="2026-01-31T12:00:00.000Z",
    run_id="r",
    model="fake_\N{LATIN SMALL LETTER E WITH ACUTE}",
    sources=("crm.customers",),
    account="crm.customers",
    privacy_unit="customer_id",
    max_rows_per_unit=3,
    mechanisms=(DiscreteGaussian(12.5, 1.0, 40), BoundedRange(0.1, 7), Gaussian(3.0)),
    epsilon=1.0,
    delta=1e-6,
    train="ab" * 32,
)


def filled(path: Path, count: int = 4) -> list[bytes]:
    """A ledger of ``count`` entries of models m0, m1, …; its lines with their newlines."""
    for i in range(count):
        with open_ledger(path) as writer:
            writer.append(replace(CHARGE, model=f"m{i}"))
    return path.read_bytes().splitlines(keepends=True)


def test_no_file_is_an_empty_ledger(tmp_path: Path) -> None:
    assert read_ledger(tmp_path / "privacy" / "ledger.jsonl") == Ledger()
    assert not (tmp_path / "privacy").exists()


def test_entries_come_back_as_they_were_charged(tmp_path: Path) -> None:
    path = tmp_path / "privacy" / "ledger.jsonl"
    seeded = replace(CHARGE, insecure_seed=5, privacy_unit=None)
    for charge in (CHARGE, seeded):
        with open_ledger(path) as writer:
            entry = writer.append(charge)
        assert entry == read_ledger(path).entries[-1]
    found = read_ledger(path)
    assert [e.charge for e in found.entries] == [CHARGE, seeded]
    assert found.entries[0].previous == GENESIS
    assert [e.line for e in found.entries] == [1, 2]
    assert found.note is None
    assert path.stat().st_size == found.end


def test_a_charge_is_flushed_before_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "privacy" / "ledger.jsonl"
    seen: list[str] = []
    for name in ("write", "fsync"):
        real = getattr(__import__("os"), name)
        monkeypatch.setattr(f"os.{name}", lambda *a, name=name, real=real: (seen.append(name), real(*a))[1])
    with open_ledger(path) as writer:
        writer.append(CHARGE)
        assert seen == ["write", "fsync", "fsync", "fsync"]  # the line at once; the file, its folder, the project's


@pytest.mark.parametrize("line", range(4))
def test_a_changed_entry_is_found_with_its_line(tmp_path: Path, line: int) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = filled(path)
    lines[line] = lines[line].replace(b'"epsilon":1.0', b'"epsilon":0.1')
    path.write_bytes(b"".join(lines))
    with pytest.raises(LedgerError, match=f"line {line + 1} .* was changed") as caught:
        read_ledger(path)
    assert caught.value.where is not None
    assert (caught.value.where.file, caught.value.where.line) == (path, line + 1)
    with pytest.raises(LedgerError), open_ledger(path) as writer:
        writer.append(CHARGE)


def test_a_change_with_a_hash_made_to_fit_breaks_the_next_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = filled(path)
    other = tmp_path / "other.jsonl"
    with open_ledger(other) as writer:
        for i, epsilon in enumerate((1.0, 0.1)):
            writer.append(replace(CHARGE, model=f"m{i}", epsilon=epsilon))
    forged = other.read_bytes().splitlines(keepends=True)
    assert forged[0] == lines[0]
    path.write_bytes(lines[0] + forged[1] + b"".join(lines[2:]))
    with pytest.raises(LedgerError, match=r"line 3 .* before it was changed or removed"):
        read_ledger(path)


@pytest.mark.parametrize("line", range(3))  # that the last is gone, a chain cannot show
def test_a_removed_entry_is_found(tmp_path: Path, line: int) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = filled(path)
    path.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    with pytest.raises(LedgerError, match=f"line {line + 1} .* does not follow .* changed or removed"):
        read_ledger(path)


@pytest.mark.parametrize(("order", "line"), [((1, 0, 2, 3), 1), ((0, 2, 1, 3), 2), ((0, 1, 1, 2, 3), 3)])
def test_reordered_and_doubled_entries_are_found(tmp_path: Path, order: tuple[int, ...], line: int) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = filled(path)
    path.write_bytes(b"".join(lines[i] for i in order))
    with pytest.raises(LedgerError, match=f"line {line} .* reordered or put in"):
        read_ledger(path)


def branch(base: list[bytes], name: str, count: int, folder: Path) -> list[bytes]:
    """The lines that another clone appends to a ledger."""
    path = folder / f"{name}.jsonl"
    path.write_bytes(b"".join(base))
    for i in range(count):
        with open_ledger(path) as writer:
            writer.append(replace(CHARGE, model=f"{name}{i}"))
    return path.read_bytes().splitlines(keepends=True)[len(base) :]


def test_the_lines_of_two_branches_stand_together_and_the_next_charge_joins_them(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    base = filled(path, 2)
    ours, theirs = branch(base, "a", 2, tmp_path), branch(base, "b", 1, tmp_path)
    path.write_bytes(b"".join(base + ours + theirs))
    found = read_ledger(path)
    assert [e.charge.model for e in found.entries] == ["m0", "m1", "a0", "a1", "b0"]
    assert found.heads == tuple(hashlib.sha256(line.rstrip()).hexdigest() for line in (ours[-1], theirs[-1]))
    assert "2 branches were merged" in str(found.note)
    with open_ledger(path) as writer:
        joined = writer.append(replace(CHARGE, model="after"))
    assert (joined.previous, joined.joins) == (found.heads[1], found.heads[:1])
    after = read_ledger(path)
    assert (after.entries[-1], len(after.heads), after.note) == (joined, 1, None)
    # What is joined cannot go any more, not even the end of a branch.
    lines = path.read_bytes().splitlines(keepends=True)
    for gone in range(len(lines) - 1):
        path.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
        with pytest.raises(LedgerError, match=r"does not follow .* changed or removed"):
            read_ledger(path)


def test_two_branches_that_each_began_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"".join(branch([], "a", 2, tmp_path) + branch([], "b", 2, tmp_path)))
    assert [e.charge.model for e in read_ledger(path).entries] == ["a0", "a1", "b0", "b1"]


def test_marks_of_an_unfinished_merge_are_called_that(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    base = filled(path, 1)
    sides = branch(base, "a", 1, tmp_path), branch(base, "b", 1, tmp_path)
    path.write_bytes(b"".join([*base, b"<<<<<<< HEAD\n", *sides[0], b"=======\n", *sides[1], b">>>>>>> b\n"]))
    with pytest.raises(LedgerError, match=r"line 2 .* is a mark of git, '<<<<<<< HEAD'") as caught:
        read_ledger(path)
    assert "merge=union" in str(caught.value.hint)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_of_merged_branches_only_the_very_ends_can_go_unseen(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("merged")
    path = folder / "ledger.jsonl"
    base = filled(path, 1)
    for round_ in range(data.draw(st.integers(1, 3), label="merges")):
        sides = [branch(base, f"{round_}{side}", data.draw(st.integers(1, 2)), folder) for side in "ab"]
        base = [*base, *sides[0], *sides[1]]
        if data.draw(st.booleans(), label="charged after the merge"):
            base = [*base, *branch(base, f"{round_}c", 1, folder)]
    whole = parse_ledger(b"".join(base), path)
    assert len(whole.entries) == len(base)
    gone = data.draw(st.integers(0, len(base) - 1), label="line that is removed")
    rest = b"".join(base[:gone] + base[gone + 1 :])
    if hashlib.sha256(base[gone].rstrip()).hexdigest() in whole.heads:
        assert len(parse_ledger(rest, path).entries) == len(base) - 1
    else:
        with pytest.raises(LedgerError):
            parse_ledger(rest, path)


def test_an_entry_of_a_newer_version_is_not_skipped(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    filled(path, 1)
    from synthkit.privacy.ledger.entries import canonical, sha256

    data = json.loads(path.read_bytes())
    data["mechanisms"][0]["mechanism"] = "of the future"
    data["hash"] = sha256(canonical({k: v for k, v in data.items() if k != "hash"}))
    path.write_bytes(canonical(data) + b"\n")
    with pytest.raises(LedgerError, match=r"line 1 .* is not understood: unknown mechanism 'of the future'"):
        read_ledger(path)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_whatever_is_cut_off_an_append_leaves_the_entries_before_it(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("torn") / "ledger.jsonl"
    lines = filled(path, 3)
    kept = data.draw(st.integers(1, len(lines[2]) - 2), label="bytes of the last line, neither all nor none")
    path.write_bytes(lines[0] + lines[1] + lines[2][:kept])
    found = read_ledger(path)
    assert [e.charge.model for e in found.entries] == ["m0", "m1"]
    assert found.torn == kept
    assert "line 3 is cut short" in str(found.note)
    with open_ledger(path) as writer:  # the next charge takes its place
        writer.append(replace(CHARGE, model="m3"))
    after = read_ledger(path)
    assert [e.charge.model for e in after.entries] == ["m0", "m1", "m3"]
    assert after.note is None


def test_an_entry_that_only_lacks_its_newline_stays_charged(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = filled(path, 2)
    path.write_bytes(b"".join(lines)[:-1])  # as an editor saves it
    found = read_ledger(path)
    assert len(found.entries) == 2
    assert "counts as charged" in str(found.note)
    with open_ledger(path) as writer:
        writer.append(CHARGE)
    assert len(read_ledger(path).entries) == 3


def test_a_changed_last_line_is_no_torn_one_for_want_of_a_newline(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = filled(path, 2)
    path.write_bytes(lines[0] + lines[1].replace(b'"epsilon":1.0', b'"epsilon":0.1').rstrip())
    with pytest.raises(LedgerError, match=r"line 2 .* was changed"):
        read_ledger(path)


@settings(deadline=None, max_examples=200)
@given(place=st.integers(0), byte=st.integers(0, 255))
def test_no_changed_byte_goes_unseen(tmp_path_factory: pytest.TempPathFactory, place: int, byte: int) -> None:
    """But in the last line: there a cut is an append that was cut short."""
    path = tmp_path_factory.mktemp("changed") / "ledger.jsonl"
    lines = filled(path, 3)
    whole = b"".join(lines)
    place %= len(whole) - len(lines[2])
    if whole[place] == byte:
        return
    with pytest.raises(LedgerError):
        parse_ledger(whole[:place] + bytes([byte]) + whole[place + 1 :], path)


def test_an_entry_that_does_not_fit_the_disk_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    path = tmp_path / "ledger.jsonl"
    filled(path, 1)
    before = path.read_bytes()
    write = os.write
    monkeypatch.setattr("os.write", lambda handle, data: write(handle, data[:10]))
    with pytest.raises(BuildError, match="only a part"), open_ledger(path) as writer:
        writer.append(CHARGE)
    assert path.read_bytes() == before


def _append(path: Path, worker: int, count: int) -> None:
    for i in range(count):
        with open_ledger(path) as writer:
            writer.append(replace(CHARGE, model=f"w{worker}_{i}"))


def test_processes_that_charge_at_once_leave_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "privacy" / "ledger.jsonl"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append, args=(path, w, 20)) for w in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    found = {e.charge.model for e in read_ledger(path).entries}
    assert found == {f"w{w}_{i}" for w in range(3) for i in range(20)}


def test_entries_are_found_by_account_and_by_source() -> None:
    entries = tuple(
        entry_of(i, account, sources)
        for i, (account, sources) in enumerate(
            [("crm.a", ("crm.a",)), ("people", ("crm.b",)), ("crm.c", ("crm.c",)), ("people", ("old.b",))]
        )
    )
    ledger = Ledger(entries)
    assert [e.line for e in ledger.of("crm.a", ["crm.a"])] == [0]
    assert [e.line for e in ledger.of("people", ["crm.a", "crm.b"])] == [0, 1, 3]  # a moved in later, old.b is gone
    assert [e.line for e in ledger.of("crm.b", ["crm.b"])] == [1]  # no longer of a population: spent all the same


def entry_of(line: int, account: str, sources: tuple[str, ...]) -> Entry:
    return Entry(replace(CHARGE, account=account, sources=sources), GENESIS, "", line)
