"""Where each model's table stands: the last audited state of it, here or at another commit, and against today's YAML.

Against another commit: its ``manifest.json`` and receipts in a folder.

A receipt decides where there is one: its hashes are of all that makes rows and verdicts, source content included.
Without one (an ephemeral model, or one that did not pass there) the compiled declaration is compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from synthkit.compiler import Manifest, ModelNode
from synthkit.errors import SynthError
from synthkit.files import parsed_json
from synthkit.planning.fingerprint import Fingerprint, RecordedFingerprinter
from synthkit.project.decides import fields_deciding
from synthkit.project.types import ColumnSpec, ModelSpec
from synthkit.records.parts import Made
from synthkit.records.receipt import AuditedTable, Receipt
from synthkit.store.staging import StagedRows, Staging
from synthkit.store.target import Tables
from synthkit.store.warehouse import read_receipt, receipts_in

# Of a model: what it is called by, where it stands, and what follows from keys that are compared themselves.
_SAYS_NOTHING = {"file", "guarantees", "lineage", *fields_deciding(ModelSpec, "nothing")}


# none: there is no table; stale: its rows are others than the YAML says; unaudited: its audits are others.
Standing = Literal["none", "stale", "unaudited", "current"]


def state_of(target: Tables, staging: Staging, model: ModelNode) -> AuditedTable | None:
    """The last audited state of a model: its receipt, or an ephemeral model's staged record."""
    return staging.audited(model.name) if model.spec.ephemeral else target.published(model.name)


def rows_of(target: Tables, staging: Staging, model: ModelNode) -> StagedRows | None:
    """The rows of that state: published, or staged."""
    if not model.spec.ephemeral:
        return target.rows(model.name)
    state = state_of(target, staging, model)
    return None if state is None else staging.staged(model.name, state.fingerprints.sample)


def standing(state: Made | None, now: Fingerprint) -> Standing:
    """Where a recorded state stands against what the YAML (and all else that decides rows) says now."""
    if state is None:
        return "none"
    if state.fingerprints.sample != now.sample:
        return "stale"
    return "current" if state.fingerprints.audit == now.audit else "unaudited"


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
    upstream = {f"model:{name}": r.fingerprints.sample for name, r in receipts.items()}
    fingerprinter = RecordedFingerprinter(manifest, sources=True)
    found = {}
    for model in manifest.models.values():
        known = then["models"].get(model.name)
        receipt = receipts.get(model.name)
        if known is None and receipt is None:
            found[model.name] = frozenset({"new", "modified"})
            continue
        if receipt is not None and all(_has(p.id, upstream) for p in model.parents):
            same = standing(receipt, fingerprinter.recorded(model, upstream, receipt.inputs)) == "current"
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
        data = parsed_json(path.read_text("utf-8"))
    except OSError:
        raise SynthError(f"--state {directory} holds no manifest.json", hint=hint) from None
    except ValueError:
        raise SynthError(f"{path} is not JSON", hint=hint) from None
    if not isinstance(data, dict) or not isinstance(data.get("models"), dict):
        raise SynthError(f"{path} is no manifest of synthkit", hint=hint)
    return data


def _receipts(directory: Path, target: str) -> dict[str, Receipt]:
    found = {}
    for folder in (directory / "warehouse" / target, directory):
        for name, path in receipts_in(folder).items():
            receipt = read_receipt(path)
            if receipt is not None:
                found[name] = receipt
    return found


def _declaration(model: ModelNode, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of the model and of the real tables that it reads."""
    own = {k: v for k, v in manifest["models"][model.name].items() if k not in _SAYS_NOTHING}
    audits = [{k: v for k, v in a.items() if k != "location"} for a in own.get("audits", ())]
    generator = {k: v for k, v in own.get("generator", {}).items() if k != "reason"}
    sources = manifest.get("sources", {})
    reads = [p for p in manifest.get("parents", {}).get(model.id, ()) if p.startswith("source:")]
    parents = manifest.get("parents", {}).get(model.id)
    return {
        **own,
        "generator": generator,
        "audits": audits,
        "schema": _undescribed(own.get("schema")),
        "settings": manifest.get("settings"),
        "parents": parents,
        "sources": {
            s: [_undescribed(sources.get(s, {}).get("schema")), sources.get(s, {}).get("declared")] for s in reads
        },
    }


def _undescribed(schema: Any) -> Any:
    """A schema without what is for people."""
    if not isinstance(schema, dict):
        return schema
    words = fields_deciding(ColumnSpec, "nothing")
    return {**schema, "columns": [{k: v for k, v in c.items() if k not in words} for c in schema["columns"]]}
