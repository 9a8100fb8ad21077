"""What a key of the YAML decides, said once, beside the key itself; every list of keys that enters a hash follows.

| what | changing the key |
| --- | --- |
| content | decides where rows come from, which are hashed themselves: nothing happens where they are the same |
| rows | reads the source again: it decides which rows there are, their types, or what is declared of them |
| split | reads and divides it again: it decides which rows are held out |
| train | trains again on rows that are there |
| sample | draws again from the trained model |
| audit | judges again |
| keys | says whose rows are protected, whose hashes are therefore keyed (:mod:`synthkit.privacy.hashkey`): where that |
|  | changes for a table without ``epsilon``, its old hashes are of no use, and it is trained again |
| nothing | is none of these: it is for people, or for the compiler's own checks |

Each decides what stands below it too: other rows are another training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

from pydantic import BaseModel

What = Literal["content", "rows", "split", "train", "sample", "audit", "keys", "nothing"]
Reader = Literal["source", "model"]


@dataclass(frozen=True)
class Decides:
    """An annotation of a spec's field. ``in_model``: what it decides where the spec is part of a model, if other."""

    what: What
    in_model: What | None = None

    def of(self, reader: Reader) -> What:
        return self.in_model if reader == "model" and self.in_model is not None else self.what


CONTENT, ROWS, SPLIT, TRAIN, SAMPLE, AUDIT, KEYS, NOTHING = (Decides(what) for what in get_args(What))
LEARNT = Decides("rows", in_model="train")  # of a column: a model may say it otherwise than its source
DECLARED = Decides("rows", in_model="nothing")  # of a column: public knowledge, which stands at the source alone


@cache
def decisions(spec: type[BaseModel], reader: Reader = "source") -> Mapping[str, What]:
    """What each field of a spec decides; a field that does not say it is missing."""
    found = {}
    for name, field in spec.model_fields.items():
        marks = [m for m in field.metadata if isinstance(m, Decides)]
        if marks:
            found[name] = marks[-1].of(reader)
    return found


def fields_deciding(spec: type[BaseModel], *what: What, reader: Reader = "source") -> tuple[str, ...]:
    """The fields of a spec that decide one of ``what``, in their order."""
    return tuple(name for name, decides in decisions(spec, reader).items() if decides in what)


def deciding(spec: BaseModel, *what: What, reader: Reader = "source") -> dict[str, Any]:
    """The values, as JSON, of the fields that decide one of ``what``, in lists of specs too.

    What is not given is left out, so that a key that is new to the language changes no hash.
    """
    wanted: dict[str, Any] = {}
    for name in fields_deciding(type(spec), *what, reader=reader):
        value = getattr(spec, name)
        inner = {type(v) for v in value if isinstance(v, BaseModel)} if isinstance(value, tuple) else set()
        listed = {n for kind in inner for n in fields_deciding(kind, *what, reader=reader)}
        wanted[name] = {"__all__": listed} if listed else True
    return spec.model_dump(mode="json", include=wanted, exclude_none=True)


def decides(spec: type[BaseModel], path: tuple[str | int, ...], *what: What, reader: Reader = "source") -> bool:
    """Whether the key at ``path`` below a spec, such as ``("columns", 0, "type")``, decides one of ``what``."""
    if not path or path[0] not in fields_deciding(spec, *what, reader=reader):
        return False
    inner = [k for k in _kinds(spec.model_fields[str(path[0])].annotation) if decisions(k, reader)]
    return len(path) < 3 or not inner or any(decides(k, path[2:], *what, reader=reader) for k in inner)


def _kinds(annotation: Any) -> list[type[BaseModel]]:
    """The specs that a list's annotation names."""
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [kind for part in get_args(annotation) for kind in _kinds(part)]
