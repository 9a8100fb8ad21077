"""Hive's way to divide files: folders called ``day=2024-01-05`` hold the rows of which that column has that value.

The column stands in no file, so it is read off the path below what ``path:`` fixes. It is what it is declared; else
whole numbers or dates, if all folders say such, else text. Under a budget no folder decides how another is read: it is
its text then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import unquote

from synthkit.errors import SynthError
from synthkit.project.types import SourceTableSpec
from synthkit.sources.location import location
from synthkit.sources.types import written_sql_type

_PART = re.compile(r"([^=]+)=(.*)")
_MISSING = "__HIVE_DEFAULT_PARTITION__"
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")

Parts = Mapping[str, str | None]


def partitions(spec: SourceTableSpec, files: Sequence[Path], base: Path) -> list[Parts]:
    """Of each file, the columns that its folders below ``base`` stand for. Raises SynthError where they differ."""
    found: list[Parts] = [_parts(file, base) for file in files]
    for file, parts in zip(files, found, strict=True):
        if list(parts) != list(found[0]):
            said, first = (" and ".join(p) or "nothing" for p in (parts, found[0]))
            what = f"the folders of {file.name} say {said}, those of {files[0].name} {first}"
            hint = "the files of one table are divided alike: name fewer of them in path:"
            raise SynthError(what, location(spec, "path"), hint)
    return found


def _parts(file: Path, base: Path) -> dict[str, str | None]:
    folders = file.relative_to(base).parts[:-1] if file.is_relative_to(base) else ()
    told = [m for folder in folders if (m := _PART.fullmatch(folder)) is not None]
    return {unquote(m[1]): None if m[2] == _MISSING else unquote(m[2]) for m in told}


def partition_types(spec: SourceTableSpec, found: Sequence[Parts], lenient: bool) -> dict[str, str]:
    """SQL types of the columns that folders stand for."""
    declared = {c.name: written_sql_type(c) for c in spec.columns}
    types = {}
    for name in found[0] if found else ():
        texts = [text for parts in found if (text := parts[name]) is not None]
        open_to = "VARCHAR" if lenient else _type(texts)
        types[name] = open_to if declared.get(name) is None else "VARCHAR"  # what is declared is cast from its text
    return types


def _type(texts: Sequence[str]) -> str:
    if texts and all(_WHOLE.fullmatch(t) for t in texts):
        return "BIGINT"
    return "DATE" if texts and all(map(_is_date, texts)) else "VARCHAR"


def _is_date(text: str) -> bool:
    try:
        return len(text) == 10 and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
