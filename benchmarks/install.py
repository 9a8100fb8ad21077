"""What an installation takes: packages, size and time of the base, of what builds, and of what everybody had before.

From a wheel, each into an environment of its own, with the versions of ``constraints.txt`` and whatever index pip is
set to. Sizes are of the files in ``site-packages`` as pip leaves them (with bytecode), without pip itself.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
# Extras → what that is; the third is what the dependencies were before there were extras for them.
SETS = {
    "": "base: read, query, verify, compile, plan, diff",
    "train": "`[train]`: what `make build` installs",
    "train,sdv,teacher,dvc,docs,postgres": "what every installation was before",
    "dev": "`[dev]`: what `make test` installs, and `make build` did before",
}
MOST_MB, MOST_PACKAGES, MOST_TIME = 350, 35, 0.5  # of the base; of make build, as a share of what it was


@dataclass(frozen=True)
class Installed:
    """``size`` in bytes, ``seconds`` that pip took."""

    packages: int
    size: int
    seconds: float


def main(arguments: list[str] | None = None) -> bool:
    parser = argparse.ArgumentParser(prog="python -m benchmarks install")
    parser.add_argument("--only-base", action="store_true", help="the base alone, which takes half a minute")
    chosen = [""] if parser.parse_args(sys.argv[2:] if arguments is None else arguments).only_base else list(SETS)
    with TemporaryDirectory(prefix="synthkit-install-") as folder:
        wheel = built(Path(folder))
        found = {}
        print("| installed | packages | MB | seconds |\n| --- | --- | --- | --- |")
        for number, extras in enumerate(chosen):
            found[extras] = one = install(Path(folder) / f"env{number}", wheel, extras)
            print(f"| {SETS[extras]} | {one.packages} | {one.size / 1e6:,.0f} | {one.seconds:.0f} |", flush=True)
    base = found[""]
    failed = base.size > MOST_MB * 1e6 or base.packages > MOST_PACKAGES
    print(f"\nthe base: at most {MOST_PACKAGES} packages and {MOST_MB} MB: {'missed' if failed else 'met'}")
    if "dev" in found:
        share = found["train"].seconds / found["dev"].seconds
        late = share > MOST_TIME
        verdict = "missed" if late else "met"
        print(f"make build installs in {share:.0%} of what it took, at most {MOST_TIME:.0%}: {verdict}")
        failed |= late
    return failed


def built(folder: Path) -> Path:
    """The wheel, out of a copy of what git tracks: nothing is left in the repository."""
    source = folder / "source"
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if name.startswith("synthkit/") or "/" not in name:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(environment: Path, wheel: Path, extras: str) -> Installed:
    """Install into a new environment, torch first where it is wanted, as the Makefile does."""
    venv.create(environment, with_pip=True)
    packages = environment / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    names, size = _names(packages), _size(packages)
    began = time.perf_counter()
    for what in ([torch()] if extras else []) + [f"{wheel}[{extras}]" if extras else str(wheel)]:
        command = [
            environment / "bin/pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-c",
            CONSTRAINTS,
            what,
        ]
        subprocess.run([str(part) for part in command], check=True)
    seconds = time.perf_counter() - began
    return Installed(len(_names(packages) - names), _size(packages) - size, seconds)


def torch() -> str:
    """The version that the Makefile installs first: one with a build for CPUs."""
    lines = (ROOT / "Makefile").read_text("utf-8").splitlines()
    return next(line.partition(":= ")[2] for line in lines if line.startswith("TORCH :="))


def _names(packages: Path) -> set[str]:
    return {path.name for path in packages.glob("*.dist-info")}


def _size(packages: Path) -> int:
    return sum(path.stat().st_size for path in packages.rglob("*") if path.is_file() and not path.is_symlink())
