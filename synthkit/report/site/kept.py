"""Pictures beside the receipts, for who has the repository and no scratch folder: ``<table>.pictures.json``.

What is kept is what the site would show today: no table whose pictures may not be shown, none of other rows than are
published. Whoever reads them judges again, by the declarations of then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synthkit.compiler import Manifest
from synthkit.files import write_text_atomic
from synthkit.project.project import Project
from synthkit.records.receipt import AuditedTable, Receipt
from synthkit.report.site.inputs import Pictured

ENDS = ".pictures.json"


@dataclass(frozen=True)
class KeptPictures:
    """Files that were written, or removed as their pictures may not be shown any more; table → why it has none."""

    written: tuple[Path, ...]
    removed: tuple[Path, ...]
    without: Mapping[str, str]


def kept_file(project: Project, model: str) -> Path:
    return project.warehouse_dir / f"{model}{ENDS}"


def keep(manifest: Manifest, taken: Mapping[str, Pictured], receipts: Mapping[str, AuditedTable]) -> KeptPictures:
    """Write the pictures of published tables beside their receipts.

    Args:
        taken: table → its pictures as they may be shown today, and what is to be said of them.
    """
    project = manifest.project
    written, without = [], {}
    for name, found in taken.items():
        profile, receipt = found.profile, receipts.get(name)
        if profile is None:
            without[name] = found.note
            continue
        if not isinstance(receipt, Receipt) or profile.sample != receipt.fingerprints.sample:
            without[name] = "its pictures are of rows that are not published"
            continue
        path = kept_file(project, name)
        write_text_atomic(path, json.dumps(profile.to_json(), ensure_ascii=False) + "\n")
        written.append(path)
    removed = [path for path in sorted(project.warehouse_dir.glob(f"*{ENDS}")) if path not in written]
    for path in removed:
        path.unlink()
    return KeptPictures(tuple(written), tuple(removed), without)
