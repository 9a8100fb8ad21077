"""A language model on this machine: a folder with its weights and its tokenizer, or one of a hub at a fixed commit."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from synthkit.digests import digest
from synthkit.errors import BuildError
from synthkit.files import sha256_file
from synthkit.llm.spec import TeacherParams

MARK = "model:"  # before the name of a model where it stands among the packages that decide rows
READ = (".json", ".safetensors", ".txt", ".model", ".jinja")  # what loading a model reads


def path_of(name: str, root: Path) -> Path:
    """The folder that ``teacher.model`` names: below the project's root, or where an absolute path says."""
    return root / Path(name).expanduser()


def content_of(name: str, root: Path) -> str | None:
    """SHA-256 of all in a model's folder that loading it reads; None where there is no such folder."""
    path = path_of(name, root)
    if not path.is_dir():
        return None
    files = sorted(p for p in path.iterdir() if p.suffix in READ and p.is_file())
    return digest({p.name: _hash(p, (s := p.stat()).st_size, s.st_mtime_ns) for p in files})


@cache
def _hash(path: Path, size: int, changed: int) -> str:
    del size, changed  # they say which content is meant
    return sha256_file(path)


def refuse_unusable(teacher: TeacherParams, root: Path) -> None:
    """Raises BuildError where a model's folder is not there, or would run code of its own when it is read."""
    if teacher.revision is not None:
        return
    path = path_of(teacher.model, root)
    if not path.is_dir():
        raise BuildError(
            f"teacher.model: there is no folder {path}",
            hint="put the model's files there (config.json, *.safetensors, tokenizer.json); or write its name on the "
            "Hugging Face hub and revision: with a commit of it",
        )
    try:
        config = json.loads((path / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BuildError(f"{path}: config.json does not say which model it is: {error}") from error
    if "auto_map" in config:
        raise BuildError(
            f"{path} needs code that comes with it (auto_map in config.json), which is not run",
            hint="take a model of an architecture that transformers has itself",
        )
    if not list(path.glob("*.safetensors")):
        raise BuildError(
            f"{path} has no *.safetensors, and other formats of weights may run code when they are read",
            hint="save it again by save_pretrained(…), which writes safetensors",
        )
