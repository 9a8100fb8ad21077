"""A package as pip would have installed it: what it registers, without installing anything."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]


def installed(folder: Path, name: str, group: str, entry: str) -> dict[str, str]:
    """Environment in which a distribution ``name`` is installed below ``folder`` with one entry point.

    Args:
        entry: ``name = module:value``, of a module of these tests.
    """
    info = folder / f"{name.replace('-', '_')}-1.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[{group}]\n{entry}\n", "utf-8")
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])}
