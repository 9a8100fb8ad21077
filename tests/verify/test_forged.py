"""A receipt with any one field changed is named by `verify`, but for the fields that docs/review.md says it cannot check."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthkit.audits import registry
from synthkit.audits.contract import Audit
from synthkit.compiler import compile_project
from synthkit.project.project import load_project
from synthkit.verify.consistent import UNCHECKED, unchecked
from synthkit.verify.receipts import ReceiptFile, read_receipt, read_receipts, source_columns
from synthkit.verify.review import Checks
from tests.synth import make_project
from tests.verify.shop import Shop, verify

Capture = pytest.CaptureFixture[str]
Place = tuple[str | int, ...]


def leaves(value: Any, place: Place = ()) -> Iterator[Place]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from leaves(part, (*place, key))
    elif isinstance(value, list) and value:
        for index, part in enumerate(value):
            yield from leaves(part, (*place, index))
    else:
        yield place


def shape(place: Place) -> tuple[str, ...]:
    return tuple("[]" if isinstance(k, int) else k for k in place)


def other(value: Any) -> Any:
    """Another value of the same type, near the old one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("0" if value.endswith("1") else "1") if value else "x"
    return {None: "x"}.get(value, 1) if value is None else ({"x": "x"} if isinstance(value, dict) else ["x"])


def changed(data: Mapping[str, Any], place: Place) -> dict[str, Any]:
    fresh = copy.deepcopy(dict(data))
    at: Any = fresh
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = other(at[place[-1]])
    return fresh


@pytest.fixture(scope="module")
def committed(built: Shop) -> tuple[Any, dict[str, ReceiptFile]]:
    receipts = read_receipts(built.root / "warehouse" / "dev")
    return compile_project(load_project(built.root), source_columns(receipts.values())), receipts


@pytest.mark.parametrize("model", ["customers", "fake"])
def test_every_changed_field_is_named(
    committed: tuple[Any, dict[str, ReceiptFile]], model: str, tmp_path: Path
) -> None:
    whole, receipts = committed
    manifest = replace(whole, models={model: whole.models[model]}, exposures={})
    told = {str(f) for f in Checks(manifest, receipts, full=True).run()}
    data, missed, seen = receipts[model].said.to_json(), [], set[tuple[str, ...]]()
    for place in leaves(data):
        pattern = shape(place)
        if pattern in seen or unchecked(pattern) is not None:
            continue  # one of each list: each item is looked at alike
        seen.add(pattern)
        path = tmp_path / f"{model}.receipt.json"
        path.write_text(json.dumps(changed(data, place), indent=2), "utf-8")
        forged = replace(read_receipt(path), path=receipts[model].path)
        full = pattern[0] in ("audits", "sha256", "md5")
        found = [f for f in Checks(manifest, {**receipts, model: forged}, full=full).run() if str(f) not in told]
        if not any(f.level == "error" and (f.model == model or model in f.message) for f in found):
            missed.append(".".join(pattern))
    assert not missed
    assert len(seen) > 40


def test_a_count_that_agrees_with_itself_but_not_with_the_file(shop: Shop, capsys: Capture) -> None:
    def forge(data: dict[str, Any]) -> None:
        data["rows"] += 1
        for record in data["audits"]:
            if record["name"] == "row_count":
                record |= {"value": data["rows"], "ci": [data["rows"]] * 2}

    shop.forge("customers", forge)
    found = verify(shop, capsys)
    assert found.code == 1
    assert any("rows, and customers/" in message for message in found.errors)


def test_a_counted_figure_is_counted_again(tmp_path: Path, capsys: Capture) -> None:
    make_project(tmp_path / "open").ok("build")
    project = Shop(tmp_path / "open")
    project.forge("customers", lambda data: data["audits"][0].update(value=3, ci=[3, 3]))
    assert verify(project, capsys).code == 0  # without the file's rows nobody can tell
    assert any("'not_null'" in message for message in verify(project, capsys, "--full").errors)


@pytest.mark.parametrize("by", [1, -1])
def test_an_audit_of_another_synthkit_is_told_as_changed_and_not_as_forged(
    by: int, shop: Shop, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = registry.get

    def other_version(name: str) -> Audit:
        found = asked(name)
        return replace(found, version=found.version + by) if name == "ks" else found

    monkeypatch.setattr(registry, "get", other_version)
    found = verify(shop, capsys)
    assert not [message for message in found.errors if "not that of its hash" in message]
    assert "it must be audited again" in found.text


def test_the_page_lists_what_cannot_be_checked() -> None:
    page = (Path(__file__).parents[2] / "docs" / "review.md").read_text("utf-8")
    for field in UNCHECKED:
        assert f"`{field}`" in page, field
