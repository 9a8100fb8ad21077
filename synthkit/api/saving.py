"""A fitted model as a folder: JSON that says what it is, and beside it what the generator wrote."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthkit.api.athand import refuse_lacking, trained
from synthkit.errors import SynthError
from synthkit.files import Json
from synthkit.generators.base import Trained

FILE, MODEL = "model.json", "model"


def save_model(path: str | Path, format: int, generator: Trained, fitted: Any, said: Mapping[str, Any]) -> Path:
    """Write a model to a folder, whole or not at all; one that holds a model already is replaced.

    Args:
        format: of ``said``: whoever cannot read it says so.
        fitted: what the generator learnt; None: nothing was to be learnt.

    Returns the folder. It holds JSON and arrays, nothing that runs when it is read.

    Raises SynthError where something else is there, or it cannot be written.
    """
    from synthkit.files import explained, put_over, temporary_beside

    final = Path(path)
    if final.exists() and not (final / FILE).is_file():
        raise SynthError(f"{final} is there already and holds no model", hint="name another folder")
    temporary = temporary_beside(final)
    whole = {"format": format, "generator": generator.name, "version": generator.version, **said}
    with explained(final):
        (temporary / MODEL).mkdir(parents=True, mode=0o700)
        try:
            if fitted is not None:
                generator.save(fitted, temporary / MODEL)
            text = json.dumps(whole, indent=1, ensure_ascii=False, default=str)
            (temporary / FILE).write_text(text + "\n", "utf-8")
            put_over(temporary, final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return final


def said_in(folder: Path) -> Json | None:
    """What is said of the model in a folder; None where there is none."""
    try:
        said = json.loads((folder / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) and {"format", "generator", "version"} <= said.keys() else None


def generator_of(folder: Path, said: Json, format: int) -> Trained:
    """The generator of a saved model. Raises SynthError where it is another one now than it was then."""
    generator = trained(said["generator"])
    if (said["format"], said["version"]) != (format, generator.version):
        raise SynthError(
            f"the model in {folder} was saved by another version of {generator.name!r} ({said['version']}; now "
            f"{generator.version})",
            hint="fit and save it again",
        )
    refuse_lacking(generator, generator.params.model_validate(said["params"]))
    return generator
