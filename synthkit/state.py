"""What a branch changes: this project against another commit's ``manifest.json`` and receipts in a folder.

A receipt decides where there is one: its hashes are of all that makes rows and verdicts, source content included.
Without one (an ephemeral model, or one that did not pass there) the compiled declaration is compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthkit.compiler import Manifest, ModelNode
from synthkit.errors import SynthError
from synthkit.fingerprint import RecordedFingerprinter
from synthkit.store.warehouse import read_receipt, receipts_in

_SAYS_NOTHING = ("file", "description", "tags", "meta", "guarantees", "lineage")  # of a model: it makes the same rows


def states_against(manifest: Manifest, directory: Path) -> dict[str, frozenset[str]]:
    """For each model: new, modified or unmodified against the state in ``directory``.

    ``directory`` holds ``manifest.json`` (as ``synth compile`` and ``build`` write it to ``target/``), and receipts
    there or below ``warehouse/<target>/``.

    Raises:
        SynthError: it holds no manifest.
    """
    then = _manifest(directory)
    now = json.loads(json.dumps(manifest.to_json(), default=str))
    receipts = _receipts(directory, manifest.project.target_name)
    upstream = {f"model:{name}": str(r["fingerprints"].get("sample")) for name, r in receipts.items()}
    fingerprinter = RecordedFingerprinter(manifest, sources=True)
    found = {}
    for model in manifest.models.values():
        known = then["models"].get(model.name)
        receipt = receipts.get(model.name)
        if known is None and receipt is None:
            found[model.name] = frozenset({"new", "modified"})
            continue
        if receipt is not None and all(_has(p.id, upstream) for p in model.parents):
            same = fingerprinter.recorded(model, upstream, receipt["inputs"]).hashes() == receipt["fingerprints"]
        else:
            same = known is not None and _declaration(model, now) == _declaration(model, then)
        found[model.name] = frozenset({"unmodified" if same else "modified"})
    return found


def _has(node: str, upstream: Mapping[str, str]) -> bool:
    return node.startswith("source:") or node in upstream


def _manifest(directory: Path) -> Mapping[str, Any]:
    path = directory / "manifest.json"
    hint = "synth compile on the other branch writes target/manifest.json: pass that folder"
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError:
        raise SynthError(f"--state {directory} holds no manifest.json", hint=hint) from None
    except ValueError:
        raise SynthError(f"{path} is not JSON", hint=hint) from None
    if not isinstance(data, dict) or not isinstance(data.get("models"), dict):
        raise SynthError(f"{path} is no manifest of synthkit", hint=hint)
    return data


def _receipts(directory: Path, target: str) -> dict[str, dict[str, Any]]:
    found = {}
    for folder in (directory / "warehouse" / target, directory):
        for name, path in receipts_in(folder).items():
            data = read_receipt(path)
            if data is not None and isinstance(data["fingerprints"], dict):
                data.setdefault("inputs", {})
                found[name] = data
    return found


def _declaration(model: ModelNode, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of the model and of the real tables that it reads."""
    own = {k: v for k, v in manifest["models"][model.name].items() if k not in _SAYS_NOTHING}
    audits = [{k: v for k, v in a.items() if k != "location"} for a in own.get("audits", ())]
    sources = manifest.get("sources", {})
    reads = [p for p in manifest.get("parents", {}).get(model.id, ()) if p.startswith("source:")]
    parents = manifest.get("parents", {}).get(model.id)
    return {
        **own,
        "audits": audits,
        "settings": manifest.get("settings"),
        "parents": parents,
        "sources": {s: [sources.get(s, {}).get(k) for k in ("schema", "declared")] for s in reads},
    }
