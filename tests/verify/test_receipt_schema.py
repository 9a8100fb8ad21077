"""Receipts as builds write them fit their JSON Schema; what does not fit is reported by `verify`, with its place."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from synthkit.store.valueschema import receipt_schema
from synthkit.verify.shape import KNOWN, fitting, misfits
from tests.verify.shop import Shop, verify

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def receipts(built: Shop) -> list[Any]:
    found = [json.loads(p.read_text("utf-8")) for p in sorted((built.root / "warehouse/dev").glob("*.receipt.json"))]
    assert {r["model"] for r in found} == {"customers", "by_tier", "busy", "fake"}
    return found


def test_receipts_fit(receipts: list[Any]) -> None:
    validator = jsonschema.Draft202012Validator(receipt_schema())
    for receipt in receipts:
        assert not list(validator.iter_errors(receipt))
        assert not list(misfits(receipt, receipt_schema()))
        unknown = receipt.keys() - receipt_schema()["properties"].keys()
        assert not unknown, f"the schema does not tell of {unknown}"


def test_the_short_check_knows_every_keyword_of_the_schema() -> None:
    def keywords(schema: Any) -> Iterator[str]:
        for key, part in schema.items():
            yield key
            if key == "properties":
                for inner in part.values():
                    yield from keywords(inner)
            elif key in ("items", "additionalProperties"):
                yield from keywords(part)
            elif key == "anyOf":
                for inner in part:
                    yield from keywords(inner)

    assert set(keywords(receipt_schema())) <= KNOWN


def test_the_short_check_agrees_with_a_whole_validator(receipts: list[Any]) -> None:
    """On 400 receipts with one value replaced or removed (seed 5), most of which do not fit."""
    rng, validator = random.Random(5), jsonschema.Draft202012Validator(receipt_schema())
    odd = (None, -1, 1.5, 2.0, True, "", "fail", [], [1], {}, {"a": 1}, "0" * 64, math.nan)
    fits = fitting(receipt_schema())
    bad = 0
    for _ in range(400):
        receipt = copy.deepcopy(rng.choice(receipts))
        place, key = rng.choice(list(_places(receipt)))
        if rng.random() < 0.2 and isinstance(place, dict):
            del place[key]
        else:
            place[key] = rng.choice(odd)
        whole = validator.is_valid(receipt)
        assert whole == (not any(misfits(receipt, receipt_schema()))), f"{key} in {place}"
        assert whole == fits(receipt), f"{key} in {place}"
        bad += not whole
    assert 100 <= bad <= 390


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield value, key
        yield from _places(part)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "abc"}, "sha256 does not match"),
        ({"rows": "60"}, "rows is not of type integer"),
        ({"materialized": "heap"}, "materialized is none of"),
        ({"guarantees": [{"account": "a"}]}, "guarantees[0] lacks sources; guarantees[0] lacks epsilon"),
        ({"audits": [{"name": "x", "status": "great"}]}, "audits[0].status is none of pass"),
        ({"privacy": {"entry": "1"}}, "privacy lacks account"),
    ],
)
def test_verify_reports_a_receipt_that_does_not_fit(
    shop: Shop, capsys: Capture, change: dict[str, Any], message: str
) -> None:
    shop.forge("fake", lambda receipt: receipt.update(change))
    (error,) = [e for e in verify(shop, capsys).errors if "does not fit" in e]
    assert message in error
