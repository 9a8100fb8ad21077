"""Reader options as they are given on the command line: ``--option encoding=latin-1``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthkit.errors import SynthError, did_you_mean
from synthkit.project.types import SourceTableSpec
from synthkit.scaffold.writing import quoted
from synthkit.sources.files import file_format, located
from synthkit.sources.options import OPTIONS, check_options


def options_of(pairs: Sequence[str], file: Path) -> dict[str, Any]:
    """``KEY=VALUE`` pairs as the ``options:`` of a file: text, true or false, or a whole number, as the option is.

    An option that takes a list may be given several times; in text, ``\\t`` is a tab.

    Raises:
        SynthError: an option that files of this kind do not have, or a value that it does not take.
    """
    spec = SourceTableSpec(name="file", path=str(file))
    kind = file_format(spec, located(spec, file.parent))
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise SynthError(f"--option {pair}: there is no value", hint="write --option encoding=latin-1")
        if key not in OPTIONS[kind]:
            hint = did_you_mean(key, OPTIONS[kind], "an option")
            raise SynthError(f"--option {pair}: {kind} files have no reader option {key!r}", hint=hint)
        wanted = OPTIONS[kind][key][1]
        if isinstance(wanted, tuple):
            found.setdefault(key, []).append(value)
        else:
            found[key] = _typed(value, wanted)
    check_options(spec.model_copy(update={"options": found}), kind)
    return found


def _typed(value: str, wanted: type) -> Any:
    """The value; one that will not do stays text, so that the check can say what it takes."""
    if wanted is bool:
        return {"true": True, "false": False}.get(value, value)
    if wanted is int:
        return int(value) if value.removeprefix("-").isdecimal() else value
    return value.replace("\\t", "\t")


def options_yaml(options: Mapping[str, Any]) -> str:
    """``options: {…}`` in one line."""
    return f"options: {{{', '.join(f'{key}: {_scalar(value)}' for key, value in options.items())}}}"


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    return quoted(value) if isinstance(value, str) else str(value).lower()
