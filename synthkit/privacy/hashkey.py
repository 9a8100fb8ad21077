"""The secret that keys published hashes of protected content: from the environment, or a file that git ignores.

Whoever knows all rows of a source but one could try candidates for the last against a plain hash of it. A key that can
be guessed is no better, so the same is demanded of it wherever it comes from: :data:`LEAST` characters, of which
:data:`DIFFERENT` differ. What `synth` makes itself has 256 bits.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

from synthkit.environment import variable
from synthkit.errors import SynthError
from synthkit.files import explained

VARIABLE = "SYNTH_HASH_KEY"
KEY_FILE = "privacy/.hash_key"
LEAST = 32  # characters of a key
DIFFERENT = 8  # of them: 32 random hexadecimal digits have fewer in 1 of 10 million keys
_MAKE = "python -c 'import secrets; print(secrets.token_hex(32))' makes one"


def keyed(content: str, key: bytes) -> str:
    """HMAC-SHA-256 of a content hash, as 64 hexadecimal digits: it tells nothing without the key."""
    return hmac.new(key, content.encode(), "sha256").hexdigest()


def hash_key(root: Path) -> bytes:
    """The project's secret: of the environment variable ``SYNTH_HASH_KEY``, else of a file that git ignores.

    The file is made when it is first needed. Another machine with another key takes every private model for changed,
    trains it again and charges the ledger again: a team shares one key.

    Raises:
        SynthError: the file cannot be written; the variable or the file holds no key (see :func:`weakness`). A variable
            that is set and empty is what a CI system makes of a secret that it does not have, so it is refused too:
            a key made in its place would have every private model trained and charged again.
    """
    given = variable(VARIABLE)
    if given is not None:
        return _checked(given.encode("utf-8", "surrogateescape"), f"the environment variable {VARIABLE}", _MAKE)
    file = root / KEY_FILE
    if not file.exists():
        _write_key(file)
    return _checked(file.read_bytes(), str(file), f"restore it from where it was made, or set {VARIABLE}")


def weakness(key: bytes) -> str | None:
    """Why a key does not do; None where it does."""
    if len(key) < LEAST:
        return f"no key of at least {LEAST} characters"
    if len(set(key)) < DIFFERENT:
        return f"a key of {len(set(key))} different characters, which can be guessed"
    return None


def _checked(text: bytes, where: str, hint: str) -> bytes:
    """The key without white space around it, so that file and variable give the same. Raises SynthError."""
    key = text.strip()
    wrong = weakness(key)
    if wrong is not None:
        raise SynthError(f"{where} holds {wrong}", hint=hint)
    return key


def _write_key(file: Path) -> None:
    with explained(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        ignore = file.with_name(".gitignore")
        if not ignore.exists() or file.name not in ignore.read_text("utf-8").split():
            with ignore.open("a", encoding="utf-8") as handle:
                handle.write(f"{file.name}\n")
        temporary = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as handle:
            handle.write(secrets.token_hex(32) + "\n")
        try:
            os.link(temporary, file)  # unlike a rename, it never replaces the key of a process that came first
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
