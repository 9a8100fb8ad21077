"""docs/licences.md: under which licence each package comes that an extra brings, by the metadata of what is installed.

``python -m tests.licences --write`` writes it; ``tests/test_extras.py`` holds it to what is installed.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Mapping
from importlib.metadata import metadata
from pathlib import Path

from synthkit.errors import DISTRIBUTION
from synthkit.extras import BRINGS
from tests.light import needed

PAGE = Path(__file__).parents[1] / "docs" / "licences.md"
HEAD = """\
# Licences

What each extra ([install.md](install.md)) brings beside the base, by the licence that each package states of itself. Written by
`python -m tests.licences --write` from the versions of `constraints.txt`; for a GPU, torch brings NVIDIA's own packages, too, under NVIDIA's
terms. synthkit is under Apache-2.0.

SDV, and what it brings of its own maker, are under the Business Source License 1.1 (`BUSL-1.1`), which is no free one; `dvc` brings packages
under the GPL. `all` brings both, and no other extra does.
"""
_CLASSIFIER = "License :: OSI Approved :: "
_SPDX = {
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2": "Apache-2.0",
    "Apache Software License 2.0": "Apache-2.0",
    "Apache License Version 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "The MIT License": "MIT",
    "BSD License": "BSD",
    "BSD 3-Clause License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD-3": "BSD-3-Clause",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "ISC License (ISCL)": "ISC",
    "The Unlicense (Unlicense)": "Unlicense",
    "Business Source License 1.1": "BUSL-1.1",
}
_LONGEST = 60  # of what a package calls its licence; a longer text is the licence itself


def licence_of(distribution: str) -> str:
    """By its expression, else its classifiers, else what it calls it; ``not stated`` where it says nothing of that."""
    said = metadata(distribution)
    if said.get("License-Expression"):
        return str(said["License-Expression"])
    classified = [c.removeprefix(_CLASSIFIER) for c in said.get_all("Classifier") or () if c.startswith(_CLASSIFIER)]
    own = next(iter((said.get("License") or "").strip().splitlines()), "").strip()
    found = classified or ([own] if own and len(own) <= _LONGEST and own != "UNKNOWN" else [])
    return " or ".join(sorted({_SPDX.get(one, one) for one in found})) or _by_text(said.get("License") or "")


def _by_text(text: str) -> str:
    for pattern, name in (
        (r"Business Source License 1\.1", "BUSL-1.1"),
        (r"\bMIT License", "MIT"),
        (r"Apache License", "Apache-2.0"),
        (r"Redistribution and use", "BSD"),
    ):
        if re.search(pattern, text):
            return name
    return "not stated"


def by_licence(distributions: frozenset[str]) -> Mapping[str, list[str]]:
    """Licence → packages, both in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(distributions):
        found[licence_of(name)].append(name)
    return dict(sorted(found.items()))


def page() -> str:
    base = needed() - {DISTRIBUTION}
    parts = [HEAD, _section("The base", base)]
    for extra in sorted(BRINGS):
        parts.append(_section(f"`{extra}`", needed(extras=(extra,)) - base - {DISTRIBUTION}))
    return "\n".join(parts)


def _section(title: str, distributions: frozenset[str]) -> str:
    rows = "".join(f"| {licence} | {', '.join(names)} |\n" for licence, names in by_licence(distributions).items())
    return f"## {title}\n\n| licence | {len(distributions)} packages |\n| --- | --- |\n{rows}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.licences")
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        PAGE.write_text(page(), "utf-8")
    else:
        print(page(), end="")
