"""Is a receipt signed, as it is, by somebody who may sign?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from synthkit.errors import Location, SynthError
from synthkit.store.signing import SIGNERS, VARIABLE, AllowedSigner, allowed_signers, key_of
from synthkit.store.versions.git import Commit
from synthkit.verify.findings import Finding
from synthkit.verify.receipts import ReceiptFile


def signers_of(root: Path, base: Commit | None) -> tuple[tuple[AllowedSigner, ...], list[Finding]]:
    """Who may sign, and what is wrong with the list.

    Args:
        base: whose list counts, where there is one: a change cannot name its own signer.
    """
    path = root / SIGNERS
    here = path.read_bytes() if path.is_file() else None
    content = here if base is None else base.read(SIGNERS)
    try:
        return allowed_signers(content or b"", path), []
    except SynthError as error:
        where = error.where or Location(path, 1, 1)
        return (), [Finding("signature", "error", f"{SIGNERS}: {error.message}", where, error.hint)]


def signed(file: ReceiptFile, signers: Sequence[AllowedSigner], *, required: bool) -> Iterator[Finding]:
    """Findings where a signature is bad; with ``required`` also where there is none, or nobody's who may sign."""
    name, where, receipt = file.model, file.at("signature"), file.said
    again = f"build it with {VARIABLE} set to a key of {SIGNERS}: synth audit --select {name}"
    if receipt.signature is None:
        if required:
            yield Finding("signature", "error", f"the receipt of {name!r} is not signed", where, again, name)
        return
    try:
        key = key_of(receipt)
    except ValueError as error:
        yield Finding("signature", "error", f"the signature of {name!r} is bad: {error}", where, again, name)
        return
    known = [s for s in signers if s.key == key]
    if not any(s.may_sign(receipt.published_at) for s in known):
        why = f"the key of {known[0].names} was not good then" if known else f"its key is not in {SIGNERS}"
        message = f"the receipt of {name!r} is signed, but by nobody who may sign: {why}"
        yield Finding("signature", "error" if required else "warning", message, where, again, name)
