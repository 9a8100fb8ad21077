"""DVC's pointer beside a published table: ``warehouse/<target>/<model>.dvc`` names the Parquet file by its MD5.

The receipt is what publishes a table; its pointer is derived from it, and written again where a kill came between the
two. With it, ``dvc pull``, ``dvc push`` and ``dvc status`` work for whoever does not have synthkit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synthkit.files import write_text_atomic
from synthkit.records.receipt import Receipt

SUFFIX = ".dvc"


@dataclass(frozen=True)
class Pointer:
    """What a pointer stands for: a file by its MD5 and bytes, and the path under which it is checked out."""

    md5: str
    size: int
    path: str | None


def read_pointer(path: Path) -> Pointer | None:
    """None of a file that names no single file with its MD5 and size."""
    import yaml

    from synthkit.project.yamlfile import too_much

    try:
        text = path.read_text("utf-8")
        if too_much(text) is not None:
            return None
        data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError, ValueError):
        return None
    outs = data.get("outs") if isinstance(data, dict) else None
    out = outs[0] if isinstance(outs, list) and len(outs) == 1 else None
    if not isinstance(out, dict) or "md5" not in out or not isinstance(out.get("size"), int):
        return None
    named = out.get("path")
    return Pointer(str(out["md5"]), out["size"], None if named is None else str(named))


def pointer_text(receipt: Receipt) -> str:
    """The YAML that DVC reads (https://doc.dvc.org/user-guide/project-structure/dvc-files)."""
    return f"outs:\n- md5: {receipt.md5}\n  size: {receipt.bytes}\n  hash: md5\n  path: {receipt.file}\n"


def write_pointer(path: Path, receipt: Receipt) -> bool:
    """Write the pointer of a receipt, unless it is there already; says whether it wrote.

    Raises:
        BuildError: the disk does not take it.
    """
    text = pointer_text(receipt)
    try:
        if path.read_text("utf-8") == text:
            return False
    except (OSError, UnicodeDecodeError):
        pass
    write_text_atomic(path, text)
    return True
