"""Does each receipt fit the YAML, and do the rows fit the receipt?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from synthkit.compiler import Manifest, ModelNode
from synthkit.errors import BuildError, Location
from synthkit.files import digests
from synthkit.generators.base import Query
from synthkit.planning.difference import Change, changes, declared
from synthkit.planning.fingerprint import Fingerprint, RecordedFingerprinter
from synthkit.planning.state import standing
from synthkit.records.parts import Made
from synthkit.records.receipt import Receipt
from synthkit.store.target import Target
from synthkit.store.versions.pointer import read_pointer
from synthkit.store.warehouse import Warehouse
from synthkit.verify.findings import Finding
from synthkit.verify.footers import Footers
from synthkit.verify.receipts import ReceiptFile
from synthkit.verify.recount import agrees_with_file, recounted

_SHOWN = 8  # changed inputs that a finding lists


def missing(model: ModelNode, receipt: ReceiptFile | None) -> Finding | None:
    """The finding where a model has no receipt, or one that is none."""
    build = f"synth build --select {model.name}, and commit what it writes to the warehouse"
    if receipt is None:
        where = model.spec.origin.at("name")
        return Finding(
            "receipt", "error", f"{model.name!r} was never built: it has no receipt", where, build, model.name
        )
    if receipt.fault is not None:
        message = f"the receipt of {model.name!r} is broken: {receipt.fault}"
        hint = f"restore it from git (a merge may have torn it), or {build}"
        return Finding("receipt", "error", message, Location(receipt.path, 1, 1), hint, model.name)
    return None


def unread(model: ModelNode) -> Finding:
    """The finding where the receipts do not tell the columns of what a model reads."""
    message = f"the receipts do not say which columns {model.name!r} reads, so it cannot be held against them"
    hint = f"build it with this version of synthkit: synth build --select +{model.name} --full-refresh"
    return Finding("fingerprint", "error", message, model.spec.origin.at("name"), hint, model.name)


def fingerprints(manifest: Manifest, states: Mapping[str, Made]) -> dict[str, Fingerprint]:
    """Today's fingerprint of each model that has a recorded state, held against what is published upstream."""
    fingerprinter = RecordedFingerprinter(manifest)
    upstream = {m.id: states[m.name].fingerprints.sample for m in manifest.models.values() if m.name in states}
    found = {}
    for model in manifest.models.values():
        if model.name in states and model.name not in manifest.unknown:
            found[model.name] = fingerprinter.recorded(model, upstream, states[model.name].inputs)
    return found


def fits_yaml(manifest: Manifest, model: ModelNode, state: Made, now: Fingerprint) -> Finding | None:
    """The finding where the rows are not those that the YAML declares now."""
    if standing(state, now) != "stale" and state.fingerprints.train == now.train:
        return None
    found = changes(state, declared(manifest, model, now), ("train", "sample"))
    where = _place(model, found)
    verb = "trained" if any(c.part == "train" for c in found) else "drawn"
    if isinstance(model.generator, Query):
        verb = "made"
    if not found:
        message = f"the receipt of {model.name!r} contradicts itself: its hashes are not of the inputs that it names"
        hint = f"it was changed by hand: restore it from git, or synth build --select {model.name}"
        return Finding("fingerprint", "error", message, where, hint, model.name)
    readers = sum(1 for n in manifest.dag.descendants(model.id) if n.startswith("model:"))
    also = f" (it and {readers} downstream)" if readers else ""
    message = f"{model.name!r} was {verb} otherwise than the YAML says now"
    hint = f"synth build --select {model.name}+{also}, and commit the receipts"
    more = len(found) - _SHOWN
    lines = tuple(map(str, found[:_SHOWN]))
    shown = (*lines, f"… and {more} more changes") if more > 0 else lines
    return Finding("fingerprint", "error", message, where, hint, model.name, shown)


_KEYS = {  # the head of a changed input → where it is written
    "generator": "generator",
    "size": "size",
    "conditions": "conditions",
    "constraints": "constraints",
    "rules": "rules",
    "epsilon": "epsilon",
    "budget": "epsilon",
    "seed": "seed",
    "holdout": "holdout",
    "columns": "columns",
    "sources": "source",
    "declared": "source",
}


def _place(model: ModelNode, found: Sequence[Change]) -> Location:
    origin = model.spec.origin
    key = _KEYS.get(found[0].head, "name") if found else "name"
    if getattr(model.spec, key, None) is None:
        key = "name"
    return origin.at(key)


# -- the rows ------------------------------------------------------------------------------------------


def _shown(receipt: ReceiptFile, target: Target, full: bool) -> Iterator[Finding]:
    """What others read of a table, where that is another copy of its rows."""
    hint = f"who changed it? synth build --select {receipt.model} --full-refresh puts the rows back"
    for said in target.shown_otherwise(receipt.said, full=full):
        yield Finding("data", "error", said, receipt.at("file"), hint, receipt.model)


def files_of(receipts: Iterable[ReceiptFile], target: Target) -> Iterator[Path]:
    """Where the rows of tables lie, of a target that is a folder."""
    if isinstance(target, Warehouse):
        yield from (path for r in receipts if (path := _file_of(r, target)) is not None)


def _file_of(receipt: ReceiptFile, warehouse: Warehouse) -> Path | None:
    """None where a receipt names a file outside."""
    try:
        return warehouse.file(receipt.said)
    except BuildError:
        return None


def fits_receipt(receipt: ReceiptFile, target: Target, footers: Footers, *, full: bool) -> Iterator[Finding]:
    """Findings where the rows, or the DVC pointer that stands for them, are not what the receipt names.

    Args:
        footers: of the project's files.
        full: hash the file; else its size decides.
    """
    said, name = receipt.said, receipt.model
    if not isinstance(target, Warehouse):
        if full:
            try:
                yield from _held(receipt, target.original(said), footers, full)
                yield from _shown(receipt, target, full)
            except BuildError as error:
                yield Finding("data", "error", error.message, receipt.at("file"), error.hint, name)
        elif target.published(name) is None:
            message = f"the rows of {name!r} are not where it is published, or not as many bytes as its receipt says"
            hint = f"synth build --select {name} --full-refresh"
            yield Finding("data", "error", message, receipt.at("file"), hint, name)
        else:
            yield from _shown(receipt, target, full)
        return
    directory = target.directory
    path = _file_of(receipt, target)
    if path is None:
        message = f"the receipt of {name!r} names a file outside the warehouse: {said.file}"
        hint = "it was changed by hand: restore it from git, or build the table again"
        yield Finding("data", "error", message, receipt.at("file"), hint, name)
        return
    pointer = next((p for p in _pointers(directory, name, path) if p.is_file()), None)
    if pointer is not None:
        yield from _pointed(receipt, pointer)
    if path.is_file():
        yield from _held(receipt, path, footers, full)
    elif pointer is None:
        message = f"the rows of {name!r} are not here: neither {said.file} nor a DVC pointer to it"
        hint = f"commit the pointer (or the Parquet file) with the receipt, or synth build --select {name}"
        yield Finding("data", "error", message, receipt.at("file"), hint, name)


def _pointers(directory: Path, name: str, path: Path) -> tuple[Path, ...]:
    return (directory / f"{name}.dvc", path.with_name(f"{path.name}.dvc"), directory / f"{path.name}.dvc")


def _held(receipt: ReceiptFile, path: Path, footers: Footers, full: bool) -> Iterator[Finding]:
    said, name = receipt.said, receipt.model
    size = path.stat().st_size
    hint = f"restore {said.file} (git, or dvc checkout), or synth build --select {name} --full-refresh"
    if size != said.bytes:
        message = f"the rows of {name!r} are not those of its receipt: {size:,} bytes, not {said.bytes:,}"
        yield Finding("data", "error", message, receipt.at("bytes"), hint, name)
    elif full and (wrong := _other_hash(path, said)) is not None:
        message = f"the rows of {name!r} are not those of its receipt: the {wrong} of {said.file} is another"
        yield Finding("data", "error", message, receipt.at("md5" if wrong == "MD5" else "sha256"), hint, name)
    else:
        yield from agrees_with_file(receipt, footers.of(path))
        if full:
            yield from recounted(receipt, path)


def _other_hash(path: Path, said: Receipt) -> str | None:
    """Which recorded hash the file does not have."""
    sha256, md5 = digests(path)
    if sha256 != said.sha256:
        return "SHA-256"
    return "MD5" if said.md5 not in (None, md5) else None


def _pointed(receipt: ReceiptFile, pointer: Path) -> Iterator[Finding]:
    """A pointer holds md5 and size of what it stands for (https://dvc.org/doc/user-guide/project-structure/dvc-files)."""
    name, where = receipt.model, Location(pointer, 1, 1)
    hint = f"commit the pointer and the receipt of one build: synth build --select {name}"
    found = read_pointer(pointer)
    if found is None:
        message = f"the DVC pointer of {name!r} is broken: it names no file with md5 and size"
        yield Finding("data", "error", message, where, hint, name)
        return
    said = receipt.said
    if said.md5 is not None and found.md5 != said.md5:
        other = f"md5 {found.md5[:8]}…, not {said.md5[:8]}…"
        message = f"the DVC pointer of {name!r} stands for other rows than its receipt: {other}"
        yield Finding("data", "error", message, where, hint, name)
    elif found.size != said.bytes:
        message = f"the DVC pointer of {name!r} stands for {found.size:,} bytes, its receipt for {said.bytes:,}"
        yield Finding("data", "error", message, where, hint, name)
    elif found.path != said.file:
        message = f"the DVC pointer of {name!r} would be checked out as {found.path}, not as {said.file}"
        yield Finding("data", "error", message, where, hint, name)
