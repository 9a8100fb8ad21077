"""DVC's pointer beside a published table: ``warehouse/<target>/<model>.dvc`` names the Parquet file by its MD5.

The receipt is what publishes a table; its pointer is derived from it, and written again where a kill came between the
two. With it, ``dvc pull``, ``dvc push`` and ``dvc status`` work for whoever does not have synthkit.
"""

from __future__ import annotations

from pathlib import Path

from synthkit.files import write_text_atomic
from synthkit.records.receipt import Receipt

SUFFIX = ".dvc"


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
