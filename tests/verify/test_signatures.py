"""Signed receipts: made and checked here, and by ssh-keygen."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from synthkit.errors import SynthError
from synthkit.records.receipt import Receipt
from synthkit.store.signing import NAMESPACE, SIGNERS, VARIABLE, allowed_signers, key_of, signed_text, signer
from tests.synth import Project, make_project
from tests.verify.shop import Shop, verify

Capture = pytest.CaptureFixture[str]
needs_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen")
# As docs/review.md has it
TEXT = (
    "import json,sys; r = json.load(sys.stdin); del r['signature']; "
    "sys.stdout.write(json.dumps(r, sort_keys=True, separators=(',', ':'), ensure_ascii=False))"
)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key of OpenSSH's form, and its public one beside it."""
    made, path = Ed25519PrivateKey.generate(), tmp_path / "keys" / "ada"
    path.parent.mkdir()
    path.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(0o600)
    path.with_suffix(".pub").write_bytes(made.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    return path


def line(key: Path, options: str = "") -> str:
    return f"ada@example.org {options}{key.with_suffix('.pub').read_text('ascii')}\n"


def sign(shop: Shop, key: Path, monkeypatch: pytest.MonkeyPatch, models: tuple[str, ...] = ()) -> None:
    monkeypatch.setenv(VARIABLE, str(key))
    signs = signer(shop.root)
    assert signs is not None
    for model in models or ("customers", "by_tier", "busy", "fake"):
        shop.forge(model, lambda data: data.update(signature=signs(Receipt.from_json(data))))


def test_a_build_signs_and_an_audit_signs_again(tmp_path: Path, key: Path) -> None:
    project: Project = make_project(tmp_path / "small")
    project.ok("build", env={VARIABLE: str(key)})
    project.write({SIGNERS: line(key)})
    assert project.ok("verify", "--require-signature").startswith("verified")
    first = _receipt(project.root)
    project.ok("audit", env={VARIABLE: key.read_text("ascii")})  # the key itself, as CI has it
    assert _receipt(project.root)["signature"] != first["signature"]
    project.ok("verify", "--require-signature")
    project.ok("audit")
    assert "is not signed" in project.fails("verify", "--require-signature")
    project.ok("verify")


def _receipt(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "warehouse/dev/customers.receipt.json").read_text("utf-8"))
    return found


def test_what_was_changed_since_is_named_whatever_it_is(
    shop: Shop, capsys: Capture, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(shop, key, monkeypatch)
    shop.write({SIGNERS: line(key)})
    assert verify(shop, capsys, "--require-signature").code == 0
    shop.forge("busy", lambda data: data["versions"].update(python="4.0"))  # nothing else would find it
    (error,) = verify(shop, capsys).errors
    assert "signature of 'busy' is bad" in error


@pytest.mark.parametrize(
    ("options", "good"),
    [
        ('namespaces="git,synthkit-receipt" ', True),
        ('namespaces="git" ', False),
        ('valid-after="20200101Z" ', True),
        ('valid-before="20200101Z" ', False),
        ("cert-authority ", False),
    ],
)
def test_who_may_sign(
    shop: Shop, capsys: Capture, key: Path, monkeypatch: pytest.MonkeyPatch, options: str, good: bool
) -> None:
    sign(shop, key, monkeypatch)
    shop.write({SIGNERS: f"# signers\n\n{line(key, options)}"})
    found = verify(shop, capsys, "--require-signature")
    assert (found.code == 0) is good, found.text
    warned = verify(shop, capsys)
    assert warned.code == 0
    assert any("nobody who may sign" in f["message"] for f in warned.findings) is not good


def test_a_change_cannot_name_its_own_signer(
    shop: Shop, capsys: Capture, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(shop, key, monkeypatch)
    shop.write({SIGNERS: line(key)})
    assert verify(shop, capsys, "--require-signature").code == 0
    against_base = verify(shop, capsys, "--require-signature", "--base", "main")  # where there is no such file
    assert against_base.code == 1
    assert all("nobody who may sign" in e for e in against_base.errors)


@needs_keygen
def test_ssh_keygen_checks_what_is_signed_here(shop: Shop, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign(shop, key, monkeypatch, ("fake",))
    data = json.loads(shop.receipt("fake").read_text("utf-8"))
    signature, signers = shop.root.parent / "fake.sig", shop.root.parent / "signers"
    signature.write_text(data["signature"], "ascii")
    signers.write_text(line(key), "ascii")
    given = shop.receipt("fake").read_bytes()
    text = subprocess.run([sys.executable, "-c", TEXT], input=given, capture_output=True, check=True).stdout
    assert text == signed_text(Receipt.from_json(data))
    command = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "ada@example.org", "-n", NAMESPACE, "-s", signature]
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Good" in done.stdout
    assert subprocess.run(command, input=text + b" ", capture_output=True, check=False).returncode != 0


@needs_keygen
def test_what_ssh_keygen_signs_is_good_here(shop: Shop, key: Path) -> None:
    data = json.loads(shop.receipt("fake").read_text("utf-8"))
    command = ["ssh-keygen", "-Y", "sign", "-f", key, "-n", NAMESPACE]
    done = subprocess.run(command, input=signed_text(Receipt.from_json(data)), capture_output=True, check=True)
    signed = {**data, "signature": done.stdout.decode("ascii")}
    (known,) = allowed_signers(line(key).encode(), Path("signers"))
    assert key_of(Receipt.from_json(signed)) == known.key
    other = subprocess.run(
        [*command[:-1], "git"], input=signed_text(Receipt.from_json(data)), capture_output=True, check=True
    ).stdout
    with pytest.raises(ValueError, match="for 'git'"):
        key_of(Receipt.from_json({**data, "signature": other.decode("ascii")}))


def test_a_key_in_the_project_and_what_is_no_key_are_refused(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(key))
    with pytest.raises(SynthError, match="lies in the project"):
        signer(tmp_path)
    monkeypatch.setenv(VARIABLE, str(key.with_suffix(".pub")))
    with pytest.raises(SynthError, match="no key that can sign"):
        signer(tmp_path / "elsewhere")
    with pytest.raises(SynthError, match="names no signer"):
        allowed_signers(b"ada@example.org AAAA", Path("signers"))


@pytest.mark.parametrize("cut", [0, 30, 100, 200])
def test_a_torn_signature_is_bad_and_no_crash(shop: Shop, key: Path, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    sign(shop, key, monkeypatch, ("busy",))
    data = json.loads(shop.receipt("busy").read_text("utf-8"))
    begin, *middle, end = data["signature"].splitlines()
    body = "".join(middle)
    body = body[: cut - cut % 4]
    with pytest.raises(ValueError, match="it is"):
        key_of(Receipt.from_json({**data, "signature": "\n".join([begin, body, end])}))
