"""An export appears whole or not at all; what somebody else keeps where it shall lie stays."""

from __future__ import annotations

import json
from pathlib import Path

from synthkit import __version__
from synthkit.errors import SynthError
from synthkit.exports.contract import Exporter, Package
from synthkit.files import clean_temporaries, explained, put_over, replacing, sha256_file, temporary_folder

MARK = ".synthkit-export.json"  # in a folder: it was exported, and may be exported again


def write(exporter: Exporter, package: Package, out: Path) -> list[Path]:
    """Export to ``out``. Returns the files, a folder's sorted.

    Raises:
        SynthError: ``out`` is not of the exporter's form, a folder with other things in it, or cannot be written.
    """
    clean_temporaries(out.parent, out.name)
    if exporter.suffixes:
        if out.suffix.lower() not in exporter.suffixes or out.is_dir():
            hint = f"--out {(out / 'tables' if out.is_dir() else out.with_suffix(''))}{exporter.suffixes[0]}"
            wanted = " or ".join(exporter.suffixes)
            raise SynthError(f"the format {exporter.name} writes one file ({wanted}), and {out} is none", hint=hint)
        with replacing(out) as temporary:
            exporter.write(package, temporary)
        return [out]
    refuse_taken(out)
    with explained(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(out) as temporary:
            exporter.write(package, temporary)
            files = sorted(p.relative_to(temporary) for p in temporary.rglob("*") if p.is_file())
            mark = {
                "format": exporter.name,
                "synthkit": __version__,
                "tables": {t.name: {"rows": t.rows, "sha256": t.receipt.sha256} for t in package.tables},
                "files": {p.as_posix(): sha256_file(temporary / p) for p in files},
            }
            (temporary / MARK).write_text(json.dumps(mark, indent=2, ensure_ascii=False) + "\n", "utf-8")
            temporary.chmod(0o755)
            put_over(temporary, out)
    return [out / file for file in files]


def refuse_taken(out: Path) -> None:
    """Raises SynthError where ``out`` is a file, or a folder that holds what no export put there."""
    if not out.exists():
        return
    if not out.is_dir():
        raise SynthError(f"{out} is a file, and this format writes a folder", hint="name another one: --out")
    mark = out / MARK
    if not mark.is_file() and any(out.iterdir()):
        hint = "name a new folder: --out"
        raise SynthError(f"{out} holds other things, and an export replaces its folder as a whole", hint=hint)
    if mark.is_file():
        try:
            known = {*json.loads(mark.read_text("utf-8"))["files"], MARK}
        except (OSError, ValueError, KeyError, TypeError):
            known = {MARK}
        added = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if not p.is_dir())
        others = [name for name in added if name not in known]
        if others:
            shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
            hint = "move it away, or name a new folder: --out"
            raise SynthError(f"{out} was exported, and holds other things since: {shown}", hint=hint)
