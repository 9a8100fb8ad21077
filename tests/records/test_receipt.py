"""A receipt is read into a typed value, and written back as it was: every byte, whatever version wrote it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synthkit.records.receipt import REQUIRED, AuditedTable, Receipt
from synthkit.records.record import shallow
from synthkit.store.warehouse import read_receipt
from tests.receipts import FILE, MADE, receipt

EXPECTED = sorted(Path(__file__).parents[1].glob("projects/*/expected/receipts/*.json"))
# What the written down receipts leave out, as it is another one on each machine and in each run.
MACHINE = {"platform": "Linux x86_64", "processor": "x", "threads": 1, "held": {}, "kernels": {}}


def whole(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    data["seconds"] = dict.fromkeys(data["seconds"], 0.5)
    data["environment"] = MACHINE
    for audit in data["audits"]:
        audit["seconds"] = None if audit["seconds"] is None else 0.5
    return data


@pytest.mark.parametrize("path", EXPECTED, ids=lambda p: f"{p.parents[2].name}-{p.stem}")
def test_what_a_build_wrote_comes_back_byte_for_byte(path: Path, tmp_path: Path) -> None:
    text = json.dumps(whole(path), indent=2, ensure_ascii=False)
    (tmp_path / "t.receipt.json").write_text(text, "utf-8")
    found = read_receipt(tmp_path / "t.receipt.json")
    assert found is not None
    assert json.dumps(found.to_json(), indent=2, ensure_ascii=False) == text
    assert json.dumps(found, indent=2, ensure_ascii=False, default=shallow) == text
    assert found.table_schema.as_schema().names == tuple(c.name for c in found.columns)


def test_there_are_receipts_of_every_kind() -> None:
    found = [Receipt.from_json(whole(p)) for p in EXPECTED]
    assert any(r.privacy is not None for r in found)
    assert any(r.holdout is not None and r.holdout.share for r in found)
    assert any(r.ephemeral for r in found)
    assert any(r.source is None for r in found)


def test_of_an_older_version_the_required_fields_are_enough() -> None:
    older = {k: v for k, v in {**MADE, **FILE}.items() if k in REQUIRED}
    found = Receipt.from_json(older)
    assert (found.uses, found.required, found.guarantees, found.holdout, found.inputs.train) == (
        None,
        None,
        None,
        None,
        {},
    )
    assert not found.says("holdout")
    assert found.to_json() == older
    for name in REQUIRED:
        with pytest.raises(ValueError, match=name if name != "schema" else "schema"):
            Receipt.from_json({k: v for k, v in older.items() if k != name})


def test_what_a_later_version_wrote_is_kept_in_its_place() -> None:
    audit = {"later": [1], "name": "ks", "status": "pass", "value": 1}
    later = {"later": {"a": 1}, **MADE, **FILE, "audits": [audit]}
    found = Receipt.from_json(later)
    assert json.dumps(found.to_json()) == json.dumps(later)
    assert json.dumps(found.audits[0].to_json()) == json.dumps(audit)
    assert json.dumps(found.having(rows=4).to_json()) == json.dumps({**later, "rows": 4})


def test_numbers_stay_as_they_were_written() -> None:
    found = receipt(
        epsilon=1, delta=1e-5, audits=[{"name": "row_count", "status": "pass", "value": 60, "ci": [60, 60.0]}]
    )
    assert json.dumps(found.to_json()["epsilon"]) == "1"
    assert f"{found.audits[0].value:,}" == "60"
    assert json.dumps(found.audits[0].to_json()["ci"]) == "[60, 60.0]"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"rows": "3"}, "rows"),
        ({"fingerprints": {"train": "a", "sample": "b"}}, "fingerprints.audit"),
        ({"audits": [{"name": "x", "status": "great"}]}, "audits.0.status"),
        ({"guarantees": [{"account": "a"}]}, "guarantees.0.sources"),
        ({"materialized": "heap"}, "materialized"),
    ],
)
def test_what_is_none_says_where(change: dict[str, Any], place: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=place):
        receipt(**change)
    path = tmp_path / "m.receipt.json"
    path.write_text(json.dumps({**MADE, **FILE, **change}))
    assert read_receipt(path) is None


def test_two_are_equal_where_all_that_they_say_is() -> None:
    assert receipt(rows=3) == receipt(rows=3)
    assert receipt(rows=3) != receipt(rows=4)
    assert receipt(later=1) != receipt(later=2)
    assert receipt(audits=[{"name": "ks", "status": "pass"}]) != receipt(audits=[{"name": "ks", "status": "warn"}])


def test_values_do_not_change() -> None:
    found = receipt()
    with pytest.raises(ValueError, match="frozen"):
        found.rows = 4  # type: ignore[misc]


def test_what_names_the_rows() -> None:
    assert receipt(sha256="a" * 64).version == "a" * 64
    assert AuditedTable.from_json(MADE).version == MADE["fingerprints"]["sample"]


def test_programs_of_before_read_it_as_a_mapping() -> None:
    found: Any = receipt(audits=[{"name": "ks", "status": "pass", "value": None}])
    assert found["rows"] == 3
    assert (found.audits[0]["status"], found.audits[0]["value"]) == ("pass", None)
    with pytest.raises(KeyError):
        found["nothing"]
