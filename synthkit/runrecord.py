"""What identifies a run: its id, time, package versions and git commit."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from synthkit import __version__
from synthkit.fingerprint import package_version

_REPORTED = ("sdv", "torch", "duckdb", "pyarrow", "numpy", "pandas", "scikit-learn", "scipy")


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_run_id() -> str:
    """Sorts by time, and two runs started in one second differ: ``20260131T120000Z-1a2b3c``."""
    import secrets

    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ") + "-" + secrets.token_hex(3)


def versions() -> dict[str, str]:
    """Versions of synthkit, Python and the packages that decide results."""
    packages = {p: package_version(p) for p in _REPORTED}
    return {"synthkit": __version__, "python": sys.version.split()[0], **packages}


def git_state(root: Path) -> dict[str, Any] | None:
    """{commit, dirty} of the project's repository, or None outside one (or without git)."""
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return None
    status = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return {"commit": commit, "dirty": bool(status)}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
