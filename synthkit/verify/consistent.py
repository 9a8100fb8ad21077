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
from synthkit.files import Json
from synthkit.records.audit import AuditRecord
from synthkit.records.parts import Demand, Inputs, Made
from synthkit.records.receipt import Receipt
from synthkit.records.record import as_json
from synthkit.verify.findings import Finding, Kind
from synthkit.verify.receipts import ReceiptFile
from synthkit.verify.verdicts import gate_of, possible_verdicts

# Fields that nothing else in the repository decides, with why; ``[]`` stands for any item, ``*`` for any key below.
UNCHECKED: Mapping[str, str] = {
    "run_id": "a name",
    "published_at": "a time",
    "previous": "the receipt before lies in git's history",
    "source_rows": "the source is not here",
    "rules[]": "what the training rows show, and the source is not here",
    "source_columns.*": "the source is not here (a changed type mostly ends in another finding)",
    "schema.columns[].*": "logical types, ranges and the like, as they were seen in the rows",
    "schema.primary_key[]": "of an SQL model, as its source had it",
    "schema.privacy_unit": "of an SQL model, as its source had it",
    "uses[].*": "what values were rendered with then",
    "generator.params.*": "of an SQL model, and what changes no row: as they were written then",
    "description": "for people; reports show that of the YAML",
    "column_origins[].*": "what was learnt and what made up follows from the source's rows",
    "column_descriptions.*": "for people; reports show that of the YAML",
    "usage.*": "for people; reports show that of the YAML",
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
    "promoted.*": "of a promotion: which target had it before, of which run",
    "restored.*": "of a rollback: when, and from which commit",
}
LATER = 10  # versions that an audit may have in a later synthkit
_FORGED = "it was changed by hand: restore it from git, or synth build --select {name}"


def agrees_with_itself(file: ReceiptFile) -> Iterator[Finding]:
    """Findings where one part of a receipt contradicts another."""
    yield from _hashes(file)
    yield from _repeated(file)
    yield from _demands(file)
    yield from _verdicts(file)


def fits_declaration(file: ReceiptFile, model: ModelNode, family: Json | None = None) -> Iterator[Finding]:
    """Findings where a receipt whose fingerprints are today's says otherwise than the YAML what the table is.

    Args:
        family: what the receipt of a family's table says of it.
    """
    receipt = file.said
    reached = sorted(model.lineage.sources)
    said: dict[str, tuple[Any, Any]] = {
        "source": (receipt.source, None if model.source is None else model.source.id),
        "family": (None if receipt.family is None else receipt.family.to_json(), family),
        "epsilon": (receipt.epsilon, model.spec.epsilon),
        "delta": (receipt.delta, model.delta),
        "contains_real_rows": (receipt.contains_real_rows, model.lineage.contains_real_rows),
        "descends_from": (list(receipt.descends_from), reached),
    }
    if receipt.says("keys"):  # an older version did not write them
        said["keys"] = (as_json(receipt.keys), as_json(model.keys))
    if receipt.says("holdout"):
        held = None if receipt.holdout is None else receipt.holdout.to_json()
        said["holdout"] = (_without_why(held), _without_why(model.judges))
    for key, (found, value) in said.items():
        if found != value:
            message = f"the receipt of {file.model!r} says {key} = {_short(found)}, the YAML {_short(value)}"
            yield finding(file, "receipt", message, key)
    if receipt.guarantees is not None:
        guaranteed = sorted({s for g in receipt.guarantees for s in g.sources})
        if guaranteed != reached:
            message = f"the guarantees in the receipt of {file.model!r} are of {_short(guaranteed)}"
            yield finding(file, "receipt", f"{message}, and the table descends from {_short(reached)}", "guarantees")
    why = (model.judges or {}).get("why")
    if _same_version(receipt) and receipt.holdout is not None and receipt.holdout.why != why:
        yield finding(file, "receipt", f"the receipt of {file.model!r} gives another why", "holdout", "why")


def _without_why(judges: Mapping[str, Any] | None) -> Any:
    return judges if judges is None else {k: v for k, v in judges.items() if k != "why"}


# -- hashes and what is said twice ---------------------------------------------------------------------


def _hashes(file: ReceiptFile) -> Iterator[Finding]:
    """The three hashes follow from the inputs, as :class:`synthkit.planning.fingerprint.Fingerprinter` has it."""
    states: list[tuple[tuple[str, ...], Made]] = [((), file.said)]
    states += [(("ephemeral", name), state) for name, state in file.said.ephemeral.items()]
    for place, state in states:
        claimed = state.fingerprints.to_json()
        for part, value in _digests(state.inputs).items():
            if claimed[part] != value:
                of = f" of {place[1]!r}" if place else ""
                message = f"the receipt of {file.model!r} contradicts itself: the {part} hash{of} is not of its inputs"
                yield finding(file, "fingerprint", message, *place, "fingerprints", part)


def _digests(inputs: Inputs) -> dict[str, str]:
    if not inputs.says("train"):
        return {}
    found = {"train": digest(inputs.train)}
    for part, above, own in (("sample", "train", inputs.sample), ("audit", "sample", inputs.audit)):
        if not inputs.says(part):
            break
        found[part] = digest({above: found[above], **own})
    return found


def _repeated(file: ReceiptFile) -> Iterator[Finding]:
    """What a receipt says in two places, it says alike."""
    receipt, train = file.said, file.said.inputs.train
    columns = [{"name": c.name, "type": c.sql_type} for c in receipt.table_schema.columns]
    twice: list[tuple[tuple[str, ...], Any, Any]] = [
        (("columns",), [{"name": c.name, "type": c.type} for c in receipt.columns], columns),
        (("file",), receipt.file, f"{file.model}/{receipt.sha256[:16]}.parquet"),
    ]
    if train:
        generator = _mapping(train.get("generator"))
        twice += [(("generator", k), getattr(receipt.generator, k), generator.get(k)) for k in ("name", "version")]
        twice.append((("seed",), receipt.seed, train.get("seed")))
        # Of a family: a public table, and what the family spends is not its own.
        kept = receipt.family is not None and receipt.contains_real_rows
        if "epsilon" in train and not kept:  # of a trained model: an SQL model's query stands in its place
            params, own = _mapping(generator.get("params")), receipt.generator.params
            twice.append((("generator", "params"), {k: own.get(k) for k in params}, params))
            twice += [((k,), getattr(receipt, k), train.get(k)) for k in ("epsilon", "delta")]
    if receipt.epsilon is not None:
        twice += [(("source_rows",), receipt.source_rows, None), (("seconds",), dict(receipt.seconds), {})]
    for place, said, other in twice:
        if said != other:
            message = f"the receipt of {file.model!r} contradicts itself: {'.'.join(place)} is {_short(said)}"
            yield finding(file, "receipt", f"{message}, and by the rest of it {_short(other)}", *place)


# -- audits --------------------------------------------------------------------------------------------


def _demands(file: ReceiptFile) -> Iterator[Finding]:
    """Each demand has the hash of its own fields, the inputs name it, and a record answers it."""
    required, records = file.said.required, file.said.audits
    if required is None:
        return
    listed = _mapping(file.said.inputs.audit.get("audits"))
    if listed and {f"{i}:{r.name}": r.hash for i, r in enumerate(required)} != dict(listed):
        message = f"the audits that the receipt of {file.model!r} demands are not those of its inputs"
        yield finding(file, "audit", message, "required")
    if [(r.name, r.severity) for r in required] != [(r.name, r.severity) for r in records]:
        message = f"the audits in the receipt of {file.model!r} are not those that it demands"
        yield finding(file, "audit", message, "audits")
    for demand in required:
        bound = bound_of(demand)
        if bound is None or _judged_by(bound) is None:
            message = f"the audit {demand.name!r} in the receipt of {file.model!r} is not that of its hash"
            yield finding(file, "audit", message, "required")


def _version(bound: BoundAudit) -> int:
    return 1 if bound.audit is None else registry.get(bound.audit).judged_as


def _judged_by(bound: BoundAudit) -> int | None:
    """The version of the audit that a demand's hash is of, also an earlier or a later synthkit's; None: of none.

    That it must be audited again is another finding, as the project's own demand has today's hash.
    """
    today = _version(bound)
    versions = (today, *range(1, today), *range(today + 1, today + LATER))
    return next((v for v in versions if audit_hash(bound, v) == bound.hash), None)


def bound_of(demand: Demand) -> BoundAudit | None:
    """A recorded demand as an audit; None where this version knows none such."""
    try:
        bound = BoundAudit.from_json(demand.to_json())
        _version(bound)
        for condition in (bound.warn_if, bound.error_if):
            if condition is not None:
                check_condition(condition)
    except (TypeError, ValueError, SynthError):
        return None
    return bound


def _verdicts(file: ReceiptFile) -> Iterator[Finding]:
    for demand, record in zip(file.said.required or (), file.said.audits, strict=False):
        bound = bound_of(demand)
        if bound is None or bound.name != record.name or _judged_by(bound) != _version(bound):
            continue  # what another version concludes of its figures is not known here
        why = _contradicted(bound, demand, record)
        if why is not None:
            message = f"audit {bound.name!r} in the receipt of {file.model!r}: {why}"
            yield finding(file, "audit", message, "audits")


def _contradicted(bound: BoundAudit, demand: Demand, record: AuditRecord) -> str | None:
    """Why a verdict cannot be that of its figures; None where it can, or where they do not tell."""
    params = gate_of(bound)
    if params is None or record.value is None:
        return None
    given = any(getattr(params, k, None) is not None for k in ("max", "within", "max_excess", "min", "max_shortfall"))
    alone = bound.warn_if is None and bound.error_if is None
    if given and alone and record.says("limit") and getattr(params, "combine", None) != "worst":
        limit = limit_of(params, record.floor, {})
        if record.limit is not None and limit.value is not None and abs(record.limit - limit.value) > 1e-9:
            return f"its limit is {record.limit:g}, and by its parameters {limit.value:g}"
    own = possible_verdicts(bound, demand, record)
    if own is None:
        return None
    status, found = record.status, {conditioned(s, record.value, bound) for s in own}
    if (status == "pass" and "pass" not in found) or (status != "fail" and found == {"fail"}):
        return f"its status is {status!r}, and by its figures {' or '.join(sorted(found))}"
    return None


# -- small things --------------------------------------------------------------------------------------


def _same_version(receipt: Receipt) -> bool:
    return receipt.versions.get("synthkit") == __version__


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def finding(file: ReceiptFile, kind: Kind, message: str, *place: str) -> Finding:
    hint = _FORGED.format(name=file.model)
    return Finding(kind, "error", message, file.at(*place), hint, file.model)


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
