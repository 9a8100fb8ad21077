"""The guarantee of rows as they were really made: by the ledger's entries that they descend from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synthkit.building.provenance import guarantees_of
from synthkit.compiler import Manifest
from synthkit.errors import BuildError
from synthkit.privacy.guarantee import in_words
from synthkit.privacy.ledger.entries import Charged
from synthkit.privacy.ledger.ledger import FILE, open_ledger
from synthkit.records.parts import ChargeRecord, Promise
from synthkit.schema import Schema, Table
from synthkit.store.staging import StagedRows
from tests.compiler import test_guarantees as graphs
from tests.privacy.ledger.test_ledger import CHARGE
from tests.private import PrivateProject, private_project
from tests.receipts import audited

registered = graphs.registered
PAIR = {
    "private": f"{graphs.CUSTOMERS}, epsilon: 1",
    "old": graphs.sql("select tier from {{ ref('private') }}"),
    "both": graphs.sql("select a.tier from {{ ref('private') }} a, {{ ref('old') }} b"),
}


def charged(manifest: Manifest, count: int) -> list[str]:
    """``count`` trainings in the ledger of the project; the hashes of their entries."""
    found = []
    for _ in range(count):
        with open_ledger(manifest.project.root / FILE) as writer:
            found.append(writer.append(CHARGE).hash)
    return found


def charged_as(entry: str) -> Charged:
    """What is kept of the charge with this hash."""
    return Charged(entry, CHARGE.account, CHARGE.privacy_unit, CHARGE.max_rows_per_unit, CHARGE.mechanisms)


def rows(*guarantees: Promise | None) -> StagedRows:
    known = None if guarantees == (None,) else tuple(g for g in guarantees if g is not None)
    return StagedRows(Table(Schema(()), (), 0), "s", None, None, known)


def of(*entries: str, **more: Any) -> Promise:
    source = "source:crm.customers"
    known = {"account": "crm.customers", "sources": [source], "epsilon": 1.0, "delta": 1e-6, "releases": ["private"]}
    return Promise.from_json({**known, "unprotected": [], "entries": list(entries), **more})


def test_rows_of_one_training_have_its_guarantee(tmp_path: Path) -> None:
    manifest = graphs.compiled(tmp_path, PAIR)
    (entry,) = charged(manifest, 1)
    (own,) = guarantees_of(manifest, manifest.models["private"], charged_as(entry), lambda _name: rows())
    assert (own.epsilon, own.delta, own.entries, own.account) == (1, CHARGE.delta, (entry,), "crm.customers")
    (joined,) = guarantees_of(manifest, manifest.models["both"], None, lambda _name: rows(of(entry)))
    assert (joined.epsilon, joined.entries) == (1, (entry,))


def test_rows_of_two_trainings_of_one_model_reveal_both(tmp_path: Path) -> None:
    """As where one table was built before its model was trained again: the declarations alone would count one."""
    models = {**PAIR, "both": PAIR["both"] + ", privacy: {max_epsilon: 1}"}
    manifest = graphs.compiled(tmp_path, PAIR)
    assert manifest.models["both"].guarantees[0].epsilon == 1
    older, newer = charged(manifest, 2)
    upstream = {"private": rows(of(newer)), "old": rows(of(older))}
    (found,) = guarantees_of(manifest, manifest.models["both"], None, upstream.__getitem__)
    assert found.entries == tuple(sorted((older, newer)))
    assert 1 < found.epsilon <= 2
    assert found.delta == manifest.accounts["crm.customers"].delta
    strict = graphs.compiled(tmp_path, models)
    with pytest.raises(BuildError, match="2 trainings that add up to ε = ") as caught:
        guarantees_of(strict, strict.models["both"], None, upstream.__getitem__)
    assert "synth build --select +both" in str(caught.value.hint)


def test_rows_of_which_nothing_is_recorded_promise_nothing(tmp_path: Path) -> None:
    manifest = graphs.compiled(tmp_path, PAIR)
    (found,) = guarantees_of(manifest, manifest.models["old"], None, lambda _name: rows(None))
    assert found.to_json()["epsilon"] is None
    assert found.unprotected == ("model:private", "source:crm.customers")


def test_unprotected_rows_stay_so(tmp_path: Path) -> None:
    manifest = graphs.compiled(tmp_path, PAIR)
    open_ended = of(epsilon=None, delta=None, releases=[], unprotected=["source:crm.customers"])
    (found,) = guarantees_of(manifest, manifest.models["old"], None, lambda _name: rows(open_ended))
    assert found.unprotected == ("model:private", "source:crm.customers")


def test_an_entry_that_the_ledger_lacks_stops_the_build(tmp_path: Path) -> None:
    manifest = graphs.compiled(tmp_path, PAIR)
    with pytest.raises(BuildError, match=r"descend from the training abcdef.* not in privacy/ledger\.jsonl"):
        guarantees_of(manifest, manifest.models["old"], None, lambda _name: rows(of("abcdef" * 10)))


def test_what_a_receipt_says_in_words() -> None:
    plain = audited(guarantees=[of("x")])
    charged = ChargeRecord(entry="x", account="crm.customers", mechanisms=(), insecure_seed=3)
    assert in_words(plain) == "(1, 1e-06)-differential privacy for crm.customers"
    assert "insecure" in in_words(plain.having(privacy=charged))
    assert "no formal" in in_words(plain.having(guarantees=[of("x"), of(epsilon=None)]))
    assert "no formal" in in_words(plain.having(guarantees=[]))
    assert "no formal" in in_words(plain.having(guarantees=None))
    assert in_words(plain.having(contains_real_rows=True)) == "none: the table contains real rows"


@pytest.mark.slow
def test_a_table_that_was_not_rebuilt_counts_with_its_own_training(tmp_path: Path) -> None:
    models = f"""
        version: 1
        models:
          - {{name: private, {graphs.CUSTOMERS}, epsilon: 1, size: 20}}
          - {{name: old, {PAIR["old"]}}}
          - {{name: both, {PAIR["both"]}}}
    """
    shop: PrivateProject = private_project(tmp_path / "shop", {"models/customers.yml": models})
    shop.ok("build", "--select", "private", "--select", "old")
    shop.ok("build", "--select", "private", "--full-refresh")
    shop.ok("build", "--select", "both")
    first, second = (e["hash"] for e in shop.entries())
    guarantees = {
        n: json.loads(shop.ok("show", n, "--format", "json"))["guarantees"] for n in ("private", "old", "both")
    }
    assert {n: g[0]["entries"] for n, g in guarantees.items()} == {
        "private": [second],
        "old": [first],
        "both": sorted([first, second]),
    }
    assert guarantees["old"][0]["epsilon"] == 1
    assert 1 < guarantees["both"][0]["epsilon"] < 2
