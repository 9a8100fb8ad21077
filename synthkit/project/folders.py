"""Folder-level defaults: the ``models:`` tree of synth_project.yml, whose ``+key`` entries apply below a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthkit.errors import Fault, did_you_mean
from synthkit.project.types import ModelSpec, Origin, Tree

ADDITIVE = ("tags", "meta", "usage")
_NOT_DEFAULTS = {"name", "columns"}
DEFAULT_KEYS = frozenset(set(ModelSpec.model_fields) - _NOT_DEFAULTS)


@dataclass(frozen=True)
class Default:
    """One ``+key: value`` and where it stands."""

    key: str
    value: Any
    origin: Origin


class FolderDefaults:
    """The tree of defaults. ``of`` gives those for one model, from the root down to its own name."""

    def __init__(self, tree: Tree, origin: Origin) -> None:
        self.tree, self.origin = tree, origin
        self._used: set[tuple[str, ...]] = set()

    def of(self, folders: Sequence[str], name: str) -> list[Default]:
        """Defaults for the model ``name`` in ``folders``, the nearest last."""
        found: list[Default] = []
        node: Any = self.tree
        path: tuple[str, ...] = ()
        for part in (None, *folders, name):
            if part is not None:
                if part not in node or not isinstance(node[part], Mapping):
                    # A model's own name may stand directly below any of its folders.
                    if part is not name:
                        continue
                    break
                node, path = node[part], (*path, part)
                self._used.add(path)
            found.extend(self._here(node, path))
        return found

    def _here(self, node: Tree, path: tuple[str, ...]) -> list[Default]:
        return [
            Default(key[1:], value, self._origin((*path, key)))
            for key, value in node.items()
            if key.startswith("+") and key[1:] in DEFAULT_KEYS
        ]

    def _origin(self, path: tuple[str, ...]) -> Origin:
        origin = self.origin
        return Origin(origin.file, (*origin.path, *path), origin.marks, origin.key_marks)

    def faults(self, known: set[str]) -> list[Fault]:
        """Keys that are no default, and folders or models that do not exist (``known`` names)."""
        faults: list[Fault] = []
        self._check(self.tree, (), known, faults)
        return faults

    def _check(self, node: Tree, path: tuple[str, ...], known: set[str], faults: list[Fault]) -> None:
        for key, value in node.items():
            where = self.origin.at(*path, key, key=True)
            if key.startswith("+"):
                if key[1:] not in DEFAULT_KEYS:
                    hint = did_you_mean(key[1:], DEFAULT_KEYS, "a key")
                    faults.append(Fault(f"unknown default {key!r}", where, key, hint))
            elif not isinstance(value, Mapping):
                hint = f"write +{key}" if key in DEFAULT_KEYS else "defaults start with +, folders hold a mapping"
                faults.append(Fault(f"{key!r} is neither a default nor a folder", where, key, hint))
            else:
                if (*path, key) not in self._used:
                    hint = did_you_mean(key, known, "a folder")
                    faults.append(Fault(f"no folder or model {key!r} has models here", where, key, hint))
                    continue
                self._check(value, (*path, key), known, faults)


def merged(value: Tree, defaults: Sequence[Default], origin: Origin) -> tuple[dict[str, Any], Origin]:
    """The model's own keys over its defaults; tags, meta and usage add up. Defaults keep their own places."""
    data: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for default in defaults:
        data[default.key] = _over(default.key, data.get(default.key), default.value)
        origins[default.key] = default.origin
    for key, own in value.items():
        data[key] = _over(key, data.get(key), own)
        origins.pop(key, None)
    return data, Origin(origin.file, origin.path, origin.marks, origin.key_marks, origins)


def _over(key: str, below: Any, above: Any) -> Any:
    if key == "tags" and below is not None:
        both = [*_listed(below), *_listed(above)]
        return list(dict.fromkeys(both))
    if key in ("meta", "usage") and isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **above}
    return above


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
