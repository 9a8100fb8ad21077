"""Does a receipt agree with itself, with the file that it names, and with what the YAML says of the table?

Whatever of a receipt follows from something else that is committed is computed again and held against what it says: the
hashes from their inputs, the rows and columns from the footer of the Parquet file, the verdicts from their figures.
What follows from nothing here is listed in :data:`UNCHECKED`; a signature covers that too (:mod:`.signatures`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from synthkit import __version__
from synthkit.audits import registry
from synthkit.audits.gate import limit_of
from synthkit.audits.runner import BoundAudit, audit_hash, check_condition, conditioned
from synthkit.compiler import ModelNode
from synthkit.digests import digest
from synthkit.errors import SynthError
from synthkit.verify.findings import Finding, Kind
from synthkit.verify.receipts import Receipt
from synthkit.verify.verdicts import gate_of, possible_verdicts

# Fields that nothing else in the repository decides, with why; ``[]`` stands for any item, ``*`` for any key below.
UNCHECKED: Mapping[str, str] = {
    "run_id": "a name",
    "published_at": "a time",
    "previous": "the receipt before lies in git's history",
    "source_rows": "the source is not here",
    "source_columns.*": "the source is not here (a changed type mostly ends in another finding)",
    "schema.columns[].*": "logical types, ranges and the like, as they were seen in the rows",
    "schema.primary_key[]": "of an SQL model, as its source had it",
    "schema.privacy_unit": "of an SQL model, as its source had it",
    "uses[].*": "what values were rendered with then",
    "generator.params.*": "of an SQL model, and what changes no row: as they were written then",
    "description": "for people; reports show that of the YAML",
    "column_descriptions.*": "for people; reports show that of the YAML",
    "materialized": "the DuckDB file follows the YAML",
    "required[].location": "a place in a file as it was then",
    "required[].failures_limit": "decides no verdict where no rows are kept",
    "audits[].value": "of an audit that reads real rows: within what its verdict allows",
    "audits[].ci[]": "of an audit that reads real rows: within what its verdict allows",
    "audits[].floor": "of an audit that reads real rows",
    "audits[].limit": "where it is the audit's default",
    "audits[].threshold": "where it is the audit's default, or another version wrote it",
    "audits[].columns[].*": "of an audit that reads real rows",
    "audits[].details.*": "for people",
    "audits[].message": "for people",
    "audits[].column": "for people",
    "audits[].seconds": "a time",
    "audits[].better": "for people",
    "audits[].decide": "for people",
    "audits[].compares": "for people: whether it held real rows against it",
    "seconds.*": "times",
    "teacher.*": "what the provider's bill says",
    "versions.*": "of what ran then",
    "git.*": "of what ran then",
    "device": "of what ran then",
    "environment.*": "of what ran then: the machine",
    "restored.*": "of a rollback: when, and from which commit",
}
_FORGED = "it was changed by hand: restore it from git, or synth build --select {name}"


def agrees_with_itself(receipt: Receipt) -> Iterator[Finding]:
    """Findings where one part of a receipt contradicts another."""
    yield from _hashes(receipt)
    yield from _repeated(receipt)
    yield from _demands(receipt)
    yield from _verdicts(receipt)


def fits_declaration(receipt: Receipt, model: ModelNode) -> Iterator[Finding]:
    """Findings where a receipt whose fingerprints are today's says otherwise than the YAML what the table is."""
    data = receipt.data
    said: dict[str, Any] = {
        "source": None if model.source is None else model.source.id,
        "epsilon": model.spec.epsilon,
        "delta": model.delta,
        "contains_real_rows": model.lineage.contains_real_rows,
        "descends_from": sorted(model.lineage.sources),
    }
    if "holdout" in data:
        said["holdout"] = _without_why(model.judges)
    for key, value in said.items():
        found = _without_why(data[key]) if key == "holdout" else data.get(key)
        if found != value:
            message = f"the receipt of {receipt.model!r} says {key} = {_short(found)}, the YAML {_short(value)}"
            yield finding(receipt, "receipt", message, key)
    guarantees = data.get("guarantees")
    if isinstance(guarantees, list):
        reached = sorted({str(s) for g in guarantees for s in g.get("sources", ())})
        if reached != said["descends_from"]:
            message = f"the guarantees in the receipt of {receipt.model!r} are of {_short(reached)}"
            yield finding(
                receipt,
                "receipt",
                f"{message}, and the table descends from {_short(said['descends_from'])}",
                "guarantees",
            )
    if _same_version(receipt) and isinstance(data.get("holdout"), Mapping):
        why = (model.judges or {}).get("why")
        if data["holdout"].get("why") != why:
            yield finding(receipt, "receipt", f"the receipt of {receipt.model!r} gives another why", "holdout", "why")


def _without_why(judges: Mapping[str, Any] | None) -> Any:
    return judges if judges is None else {k: v for k, v in judges.items() if k != "why"}


# -- hashes and what is said twice ---------------------------------------------------------------------


def _hashes(receipt: Receipt) -> Iterator[Finding]:
    """The three hashes follow from the inputs, as :class:`synthkit.planning.fingerprint.Fingerprinter` has it."""
    states: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [((), receipt.data)]
    states += [(("ephemeral", name), state) for name, state in receipt.part("ephemeral").items()]
    for place, state in states:
        inputs, claimed = state.get("inputs"), state.get("fingerprints")
        if not isinstance(inputs, Mapping) or not isinstance(claimed, Mapping):
            continue
        for part, value in _digests(inputs).items():
            if claimed.get(part) != value:
                of = f" of {place[1]!r}" if place else ""
                message = (
                    f"the receipt of {receipt.model!r} contradicts itself: the {part} hash{of} is not of its inputs"
                )
                yield finding(receipt, "fingerprint", message, *place, "fingerprints", part)


def _digests(inputs: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    parts = {part: inputs.get(part) for part in ("train", "sample", "audit")}
    if not isinstance(parts["train"], Mapping):
        return found
    found["train"] = digest(parts["train"])
    for part, above in (("sample", "train"), ("audit", "sample")):
        own = parts[part]
        if not isinstance(own, Mapping):
            break
        found[part] = digest({above: found[above], **own})
    return found


def _repeated(receipt: Receipt) -> Iterator[Finding]:
    """What a receipt says in two places, it says alike."""
    data, train = receipt.data, receipt.part("inputs", "train")
    twice: list[tuple[tuple[str, ...], Any, Any]] = []
    columns = [{"name": c.get("name"), "type": c.get("sql_type")} for c in data["schema"].get("columns", ())]
    twice.append((("columns",), [{k: c.get(k) for k in ("name", "type")} for c in data["columns"]], columns))
    twice.append((("file",), data["file"], f"{receipt.model}/{data['sha256'][:16]}.parquet"))
    if train:
        generator = _mapping(train.get("generator"))
        twice += [(("generator", k), data["generator"].get(k), generator.get(k)) for k in ("name", "version")]
        twice.append((("seed",), data["seed"], train.get("seed")))
        if "epsilon" in train:  # of a trained model: an SQL model's query stands in its place
            params, own = _mapping(generator.get("params")), _mapping(data["generator"].get("params"))
            twice.append((("generator", "params"), {k: own.get(k) for k in params}, params))
            twice += [((k,), data.get(k), train.get(k)) for k in ("epsilon", "delta")]
    if data.get("epsilon") is not None:
        twice += [(("source_rows",), data.get("source_rows"), None), (("seconds",), data.get("seconds", {}), {})]
    for place, said, other in twice:
        if said != other:
            message = f"the receipt of {receipt.model!r} contradicts itself: {'.'.join(place)} is {_short(said)}"
            yield finding(receipt, "receipt", f"{message}, and by the rest of it {_short(other)}", *place)


# -- audits --------------------------------------------------------------------------------------------


def _demands(receipt: Receipt) -> Iterator[Finding]:
    """Each demand has the hash of its own fields, the inputs name it, and a record answers it."""
    required, records = receipt.data.get("required"), receipt.data["audits"]
    if not isinstance(required, list):
        return
    listed = receipt.part("inputs", "audit", "audits")
    if listed and {f"{i}:{r.get('name')}": r.get("hash") for i, r in enumerate(required)} != dict(listed):
        message = f"the audits that the receipt of {receipt.model!r} demands are not those of its inputs"
        yield finding(receipt, "audit", message, "required")
    if [(r.get("name"), r.get("severity")) for r in required] != [(r["name"], r.get("severity")) for r in records]:
        message = f"the audits in the receipt of {receipt.model!r} are not those that it demands"
        yield finding(receipt, "audit", message, "audits")
    for demand in required:
        bound = bound_of(demand)
        if bound is None or audit_hash(bound, _version(bound)) != bound.hash:
            message = f"the audit {demand.get('name')!r} in the receipt of {receipt.model!r} is not that of its hash"
            yield finding(receipt, "audit", message, "required")


def _version(bound: BoundAudit) -> int:
    return 1 if bound.audit is None else registry.get(bound.audit).version


def bound_of(demand: Any) -> BoundAudit | None:
    """A recorded demand as an audit; None where this version knows none such."""
    try:
        bound = BoundAudit.from_json(demand)
        _version(bound)
        for condition in (bound.warn_if, bound.error_if):
            if condition is not None:
                check_condition(condition)
    except (TypeError, ValueError, SynthError):
        return None
    return bound


def _verdicts(receipt: Receipt) -> Iterator[Finding]:
    required = receipt.data.get("required")
    for demand, record in zip(required if isinstance(required, list) else [], receipt.data["audits"], strict=False):
        bound = bound_of(demand)
        if bound is None or bound.name != record.get("name"):
            continue
        why = _contradicted(bound, demand, record)
        if why is not None:
            message = f"audit {bound.name!r} in the receipt of {receipt.model!r}: {why}"
            yield finding(receipt, "audit", message, "audits")


def _contradicted(bound: BoundAudit, demand: Mapping[str, Any], record: Mapping[str, Any]) -> str | None:
    """Why a verdict cannot be that of its figures; None where it can, or where they do not tell."""
    params = gate_of(bound)
    if params is None or record.get("value") is None:
        return None
    given = any(getattr(params, k, None) is not None for k in ("max", "within", "max_excess", "min", "max_shortfall"))
    alone = bound.warn_if is None and bound.error_if is None
    if given and alone and "limit" in record and getattr(params, "combine", None) != "worst":
        limit = limit_of(params, record.get("floor"), {})
        if record["limit"] is not None and limit.value is not None and abs(record["limit"] - limit.value) > 1e-9:
            return f"its limit is {record['limit']:g}, and by its parameters {limit.value:g}"
    own = possible_verdicts(bound, demand, record)
    if own is None:
        return None
    status, found = record.get("status"), {conditioned(s, record["value"], bound) for s in own}
    if (status == "pass" and "pass" not in found) or (status != "fail" and found == {"fail"}):
        return f"its status is {status!r}, and by its figures {' or '.join(sorted(found))}"
    return None


# -- small things --------------------------------------------------------------------------------------


def _same_version(receipt: Receipt) -> bool:
    return receipt.part("versions").get("synthkit") == __version__


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def finding(receipt: Receipt, kind: Kind, message: str, *place: str) -> Finding:
    hint = _FORGED.format(name=receipt.model)
    return Finding(kind, "error", message, receipt.at(*place), hint, receipt.model)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"


def unchecked(path: Sequence[str]) -> str | None:
    """Why nothing holds a field of a receipt against anything; None where something does.

    Args:
        path: keys, list items as ``[]``.
    """
    for pattern, why in UNCHECKED.items():
        keys = pattern.replace("[]", ".[]").split(".")
        if keys[-1] == "*":
            if list(path[: len(keys) - 1]) == keys[:-1]:  # the empty mapping too
                return why
        elif list(path) in (keys, keys[:-1] if keys[-1] == "[]" else keys):
            return why
    return None
