"""Write the site into a folder of its own, and clear away what an earlier one left there."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from synthkit.errors import SynthError
from synthkit.extras import refuse_absent
from synthkit.files import explained, write_text_atomic

MARKER = ".synth-docs"  # lists the files that a site put into the folder
PLOTLY = "assets/plotly.min.js"


def write_site(pages: Mapping[str, str], directory: Path) -> int:
    """Write the pages and the plotting library. Returns the number of files.

    Raises:
        SynthError: the folder holds files that no site put there, or the plotting library is not installed.
        BuildError: it cannot be written.
    """
    marker = directory / MARKER
    before = _listed(marker)
    if before is None and directory.is_dir() and any(directory.iterdir()):
        hint = "name an empty folder: --output DIR"
        raise SynthError(f"{directory} holds files that `synth docs` did not write, so it writes none there", hint=hint)
    if directory.exists() and not directory.is_dir():
        raise SynthError(f"{directory} is a file, not a folder", hint="name a folder: --output DIR")
    library = plotly_script()
    written = sorted([*pages, PLOTLY])
    # First, so that a writing that is cut short can be written over.
    write_text_atomic(marker, "\n".join(sorted({*written, *(before or ())})) + "\n")
    for path, text in pages.items():
        with explained(directory / path):
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(text, "utf-8")
    copy = directory / PLOTLY
    if not copy.exists() or copy.stat().st_size != library.stat().st_size:
        with explained(copy):
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(library.read_bytes())
    for path in sorted(set(before or ()) - set(written)):
        (directory / path).unlink(missing_ok=True)
    write_text_atomic(marker, "\n".join(written) + "\n")
    return len(written)


def _listed(marker: Path) -> list[str] | None:
    """Files of the site that is there; None where there is none. A marker cannot name a file outside its folder."""
    try:
        names = marker.read_text("utf-8").splitlines()
    except OSError:
        return None
    root = marker.parent.resolve()
    return [n for n in names if n and (root / n).resolve().is_relative_to(root)]


def plotly_script() -> Path:
    """plotly.js, which plotly's Python package ships (MIT). The package itself is not imported: that takes a second."""
    refuse_absent("what draws the pictures", "docs")
    spec = importlib.util.find_spec("plotly")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        script = Path(folder) / "package_data" / "plotly.min.js"
        if script.is_file():
            return script
    raise SynthError("plotly is installed without its script, which draws the pictures", hint="install it again")
