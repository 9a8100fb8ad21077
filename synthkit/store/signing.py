"""Signatures of receipts: ed25519 in OpenSSH's form, so that ``ssh-keygen -Y verify`` checks them too.

What is signed is the receipt without its ``signature``, as canonical JSON (:func:`signed_text`). The key is one of
``ssh-keygen -t ed25519``; who may sign stands in ``privacy/allowed_signers`` in git's form (ALLOWED SIGNERS of
ssh-keygen(1)): one line for each key, ``names [options] ssh-ed25519 base64 [comment]``.

The form of a signature is that of https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.environment import variable
from synthkit.errors import Location, SynthError
from synthkit.records.receipt import Receipt

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VARIABLE = "SYNTH_SIGNING_KEY"
SIGNERS = "privacy/allowed_signers"
NAMESPACE = "synthkit-receipt"
_MAGIC, _TYPE, _HASH = b"SSHSIG", b"ssh-ed25519", b"sha512"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
Sign = Callable[[Receipt], str]


def signed_text(receipt: Receipt) -> bytes:
    """What a signature is of: the receipt without it, keys sorted, no blanks between, UTF-8."""
    unsigned = {k: v for k, v in receipt.to_json().items() if k != "signature"}
    return json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# -- signing -------------------------------------------------------------------------------------------


def signer(root: Path) -> Sign | None:
    """What signs receipts here: the key in the environment variable, or in the file that it names; None without one.

    Raises:
        SynthError: it is no ed25519 key, it is encrypted, or its file lies in the project, where it would be committed.
    """
    given = variable(VARIABLE)
    if not given:
        return None
    if given.lstrip().startswith("-----BEGIN"):
        key = _private(given.strip().encode() + b"\n", VARIABLE)
    else:
        path = Path(given).expanduser()
        if path.resolve().is_relative_to(root.resolve()):
            raise SynthError(f"the signing key {path} lies in the project", hint="keep it where git does not see it")
        try:
            content = path.read_bytes()
        except OSError as error:
            message = f"the signing key {path} cannot be read: {error.strerror}"
            raise SynthError(message, hint=f"see {VARIABLE}") from None
        key = _private(content, str(path))
    return lambda receipt: _signature(key, signed_text(receipt))


def _private(content: bytes, name: str) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    hint = "make one: ssh-keygen -t ed25519 -N '' -f FILE"
    try:
        key = load_ssh_private_key(content, None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise SynthError(f"{name} holds no key that can sign: {error}", hint=hint) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SynthError(f"{name} holds a key of another kind than ed25519", hint=hint)
    return key


def _signature(key: Ed25519PrivateKey, message: bytes) -> str:
    public = _string(_TYPE) + _string(key.public_key().public_bytes_raw())
    signature = _string(_TYPE) + _string(key.sign(_to_be_signed(message)))
    parts = (public, NAMESPACE.encode(), b"", _HASH, signature)
    blob = _MAGIC + struct.pack(">I", 1) + b"".join(_string(p) for p in parts)
    text = base64.b64encode(blob).decode()
    lines = [text[i : i + 70] for i in range(0, len(text), 70)]
    return "\n".join([_BEGIN, *lines, _END, ""])


def _to_be_signed(message: bytes) -> bytes:
    parts = (NAMESPACE.encode(), b"", _HASH, hashlib.sha512(message).digest())
    return _MAGIC + b"".join(_string(p) for p in parts)


def _string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


# -- checking ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AllowedSigner:
    """A line of ``allowed_signers``: whose key it is, and between which times it may have signed."""

    names: str
    key: bytes
    after: datetime | None = None
    before: datetime | None = None

    def may_sign(self, at: str) -> bool:
        """Whether the key is good for a receipt of that time (ISO 8601), which the signature covers."""
        try:
            when = datetime.fromisoformat(at)
        except ValueError:
            return False
        when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
        return (self.after is None or when >= self.after) and (self.before is None or when < self.before)


def key_of(receipt: Receipt) -> bytes:
    """The ed25519 public key whose signature the receipt has, which is good. Raises ValueError with what is wrong."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public, namespace, hashed, signature = _opened(receipt.signature or "")
    if namespace != NAMESPACE.encode():
        raise ValueError(f"it is a signature for {namespace.decode('utf-8', 'replace')!r}, not for {NAMESPACE!r}")
    if hashed != _HASH:
        raise ValueError("it is not of SHA-512")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _to_be_signed(signed_text(receipt)))
    except (InvalidSignature, ValueError):
        raise ValueError("it is not of this receipt: something was changed since it was signed") from None
    return public


def _opened(text: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Public key, namespace, hash and signature."""
    lines = text.strip().splitlines()
    if len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
        raise ValueError("it is no SSH signature")
    try:
        blob = base64.b64decode("".join(lines[1:-1]), validate=True)
        if not blob.startswith(_MAGIC + struct.pack(">I", 1)):
            raise ValueError("it is no SSH signature of version 1")
        public, namespace, reserved, hashed, signature = _strings(blob[len(_MAGIC) + 4 :], 5)
        (kind, key), (of, raw) = _strings(public, 2), _strings(signature, 2)
    except (binascii.Error, struct.error) as error:
        raise ValueError(f"it is no SSH signature: {error}") from None
    if (kind, of, reserved) != (_TYPE, _TYPE, b""):
        raise ValueError("it is not of an ed25519 key")
    return key, namespace, hashed, raw


def _strings(data: bytes, number: int) -> list[bytes]:
    found, at = [], 0
    for _ in range(number):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 4 + length > len(data):
            raise ValueError("it is no SSH signature: it is cut off")
        found.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    if at != len(data):
        raise ValueError("it is no SSH signature: something follows it")
    return found


_LINE = re.compile(
    r"""^(?P<names>"[^"]*"|\S+)\s+(?:(?P<options>(?:[^\s"]|"[^"]*")+)\s+)?(?P<type>ssh-\S+|ecdsa-\S+|sk-\S+)"""
    r"""\s+(?P<key>[A-Za-z0-9+/=]+)(?:\s.*)?$"""
)


def allowed_signers(content: bytes, path: Path) -> tuple[AllowedSigner, ...]:
    """The ed25519 keys that may sign receipts; lines of other keys, authorities or other namespaces are left out.

    Raises:
        SynthError: a line cannot be read.
    """
    found = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where, match = Location(path, number, 1), _LINE.match(line.strip())
        hint = "a line is: name ssh-ed25519 AAAA…, as git has it (gpg.ssh.allowedSignersFile)"
        if match is None:
            raise SynthError("this line names no signer", hint=hint, where=where)
        try:
            options = _options(match["options"] or "")
            kind, key = _strings(base64.b64decode(match["key"], validate=True), 2)
            times = {k: _time(options.pop(k)) for k in ("valid-after", "valid-before") if k in options}
        except (ValueError, struct.error) as error:
            if match["type"].encode() != _TYPE:
                continue
            raise SynthError(f"this line names no signer: {error}", hint=hint, where=where) from None
        spaces = options.pop("namespaces", NAMESPACE)
        if options or kind != _TYPE or NAMESPACE not in spaces.split(","):
            continue
        names = match["names"].strip('"')
        found.append(AllowedSigner(names, key, times.get("valid-after"), times.get("valid-before")))
    return tuple(found)


def _options(text: str) -> dict[str, str]:
    parts = re.findall(r'([A-Za-z-]+)(?:="([^"]*)")?(?:,|$)', text)
    return {name.lower(): value for name, value in parts}


def _time(text: str) -> datetime:
    """``YYYYMMDD`` or ``YYYYMMDDHHMM[SS]``, in UTC with a Z, else in the time of this machine."""
    digits = text.removesuffix("Z")
    forms = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
    if len(digits) not in forms:
        raise ValueError(f"{text!r} is no time")
    read = datetime.strptime(digits, forms[len(digits)])
    return read.replace(tzinfo=UTC) if text.endswith("Z") else read.astimezone()
