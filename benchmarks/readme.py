"""The first build of the example project as docs/example.md shows it: printed, held against, or written there.

``python -m benchmarks readme`` prints the run and says where docs/example.md differs; ``--write`` puts the run there,
and its end into README.md.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.first_build import PARTS
from benchmarks.timing import SYNTH

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"  # shows the last lines of the run
EXAMPLE = ROOT / "docs" / "example.md"  # shows all of it
LINES = 3  # of the end
BLOCK = re.compile(r"(What `make build` prints.*?\n```\n)(.*?)(```\n)", re.DOTALL)
_PROGRESS = re.compile(r"^\[\S+\] train .* left\b")
_SECONDS = re.compile(r"\b(?:\d+ h )?(?:\d+ min )?[\d.]+ s\b(?:, )?")
_NUMBER = re.compile(r"^\[\S+\] ")


def shown(page: str) -> str:
    """The run that a page shows. Raises ValueError where it shows none."""
    found = BLOCK.search(page)
    if found is None:
        raise ValueError("the page has no block after 'What `make build` prints'")
    return found[2]


def ending(run: str) -> str:
    """The last lines of a run."""
    return "".join(run.splitlines(keepends=True)[-LINES:])


def without_progress(printed: str) -> str:
    """What a build printed into a pipe, without the lines that tell how far a training is."""
    return "".join(f"{line}\n" for line in printed.splitlines() if not _PROGRESS.match(line))


def facts(run: str) -> list[str]:
    """What a run came to: its lines without times and numbers, sorted, as models end in another order elsewhere."""
    lines = (_SECONDS.sub("", _NUMBER.sub("", line)).replace(" .", "").strip() for line in run.splitlines())
    return sorted(re.sub(r"\.{2,}", "", line) for line in lines if line)


def first_build() -> str:
    """Build a copy of the example project, and return what that printed. Raises CalledProcessError where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            source = ROOT / part
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, Path(folder) / part)
        keyless = {k: v for k, v in os.environ.items() if k != "ANTHROPIC_API_KEY"}
        command = [*SYNTH, "build", "--threads", "2"]
        done = subprocess.run(command, cwd=folder, env=keyless, stdout=subprocess.PIPE, text=True, check=True)
    return without_progress(done.stdout)


def write(run: str) -> None:
    """Put a run into docs/example.md, and its end into README.md."""
    for page, part in ((EXAMPLE, run), (README, ending(run))):
        text = page.read_text("utf-8")
        page.write_text(BLOCK.sub(lambda found, part=part: found[1] + part + found[3], text, count=1), "utf-8")


def main() -> bool:
    """Returns whether docs/example.md shows something else."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks readme", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the run into docs/example.md, its end into README.md")
    given = parser.parse_args([a for a in sys.argv[1:] if a.startswith("-")])
    run = first_build()
    print(run)
    if given.write:
        write(run)
        return False
    here, there = facts(run), facts(shown(EXAMPLE.read_text("utf-8")))
    for line in sorted({*here} ^ {*there}):
        print(f"{'only here:  ' if line in here else 'only shown: '} {line}")
    return here != there
