"""YAML with places: plain Python values, and the line and column of every key and value.

YAML 1.2's core schema decides what a plain scalar is, so that ``yes``, ``no`` and ``on`` stay strings: they are
the categories of half of all tables. Parsing is libyaml's; only the graph of nodes is walked in Python.

Small files can stand for much (an alias of aliases) or for what parsers cannot take (brackets within brackets), so
size, depth, nodes and the digits of numbers are bounded, before and while nodes are walked; aliases count each time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from synthkit.errors import Fault, Location
from synthkit.project.types import KeyPath, Origin

BYTES = 8_388_608
NODES = 250_000  # with those that aliases stand for
DEPTH = 64
DIGITS = 100  # characters of a number

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")
_SPECIAL = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}


# BaseLoader resolves nothing: each plain scalar is resolved by `plain`.
@dataclass
class Document:
    """A parsed file: its value, the places in it, and what was wrong with it."""

    file: Path
    value: Any = None
    marks: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    key_marks: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def origin(self, path: KeyPath = ()) -> Origin:
        return Origin(self.file, path, self.marks, self.key_marks)


def parse_file(file: Path) -> Document:
    """Parse a file; what is wrong with it ends up in ``faults``, and ``value`` is then None or partial."""
    document = Document(file)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        document.faults.append(Fault(f"cannot read the file: {error.strerror}", Location(file)))
        return document
    except UnicodeDecodeError as error:
        message = f"the file is not UTF-8 (byte {error.start} is {error.object[error.start]:#04x})"
        document.faults.append(Fault(message, Location(file), hint="save it as UTF-8"))
        return document
    return parse_text(text, document)


def parse_text(text: str, document: Document) -> Document:
    """Parse ``text`` into ``document``."""
    if len(text) > BYTES:
        message = f"the file has {len(text):,} characters, of which {BYTES:,} are read"
        document.faults.append(Fault(message, Location(document.file, 1, 1), hint="split it into several files"))
        return document
    try:
        found = too_much(text)
        if found is not None:
            message, mark = found
            where = Location(document.file, mark.line + 1, mark.column + 1)
            document.faults.append(Fault(message, where, hint=_HINT))
            return document
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        document.faults.append(_syntax_fault(document.file, error, text))
        return document
    except yaml.YAMLError as error:
        message = " ".join(str(error).split())
        document.faults.append(Fault(f"the YAML cannot be read: {message}", Location(document.file, 1, 1)))
        return document
    if node is not None:
        try:
            document.value = _Walker(document).value(node, ())
        except _TooManyNodesError as stop:
            message = f"with what its aliases stand for, the file has more than {NODES:,} values"
            where = Location(document.file, stop.node.start_mark.line + 1, stop.node.start_mark.column + 1)
            document.faults.append(Fault(message, where, hint=_HINT))
    return document


_HINT = "write less of it, in several files: a project that a person wrote is far below that"


class _TooManyNodesError(Exception):
    def __init__(self, node: Node) -> None:
        self.node = node


def too_much(text: str) -> tuple[str, Any] | None:
    """What of a text is beyond the bounds, and where; found from its events, of which one is held at a time."""
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH:
                return f"nested more than {DEPTH} deep", event.start_mark
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        nodes += isinstance(event, yaml.NodeEvent)
        if nodes > NODES:
            return f"the file has more than {NODES:,} values", event.start_mark
    return None


def _syntax_fault(file: Path, error: yaml.MarkedYAMLError, text: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    where = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file, 1, 1)
    problem = error.problem or "it cannot be read"
    hint = "look at the indentation, the quotes and the colons around here"
    lines = text.splitlines()
    if mark and mark.line < len(lines) and "\t" in lines[mark.line]:
        hint = "YAML is indented with spaces: replace the tab"
    context = f" {error.context}" if error.context else ""
    return Fault(f"malformed YAML{context}: {problem}", where, hint=hint)


class _Walker:
    """Turns nodes into values and notes their places."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.open: set[int] = set()
        self.seen = 0

    def value(self, node: Node, path: KeyPath) -> Any:
        self.seen += 1
        if self.seen > NODES:
            raise _TooManyNodesError(node)
        if len(self.open) > DEPTH:
            self._fault(node, f"nested more than {DEPTH} deep", _HINT)
            return None
        self.document.marks[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if id(node) in self.open:
            self._fault(node, "an anchor contains itself", "write the value out")
            return None
        self.open.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
            assert isinstance(node, MappingNode)
            return self._mapping(node, path)
        finally:
            self.open.discard(id(node))

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        written: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._fault(key_node, "a key must be a plain word", "write a string as the key")
                continue
            key = str(key_node.value)
            if key == "<<" and _is_plain(key_node):
                self._merge(value_node, path, merged)
                continue
            if key in written:
                self._fault(
                    key_node,
                    f"key {key!r} is given twice (first on line {written[key]})",
                    "keep one of the two",
                )
                continue
            written[key] = key_node.start_mark.line + 1
            self.document.key_marks[(*path, key)] = (
                key_node.start_mark.line + 1,
                key_node.start_mark.column + 1,
            )
            result[key] = self.value(value_node, (*path, key))
        return {**{k: v for k, v in merged.items() if k not in result}, **result}

    def _merge(self, node: Node, path: KeyPath, merged: dict[str, Any]) -> None:
        parts = node.value if isinstance(node, SequenceNode) else [node]
        for part in parts:
            value = self.value(part, path)
            if not isinstance(value, dict):
                self._fault(part, "<< must name a mapping", "point it at an anchor on a mapping")
                continue
            for key, inner in value.items():
                merged.setdefault(key, inner)

    def _scalar(self, node: ScalarNode) -> Any:
        text = str(node.value)
        tag = str(node.tag or "")
        if tag.startswith("!") and tag != "!":
            self._fault(node, f"the tag {tag} is not understood", "drop the tag")
            return text
        if not _is_plain(node):
            return text
        if len(text) > DIGITS and (_INT.match(text) or _FLOAT.match(text)):
            self._fault(node, f"a number of {len(text):,} characters", "write a shorter one, or text in quotes")
            return None
        return plain(text)

    def _fault(self, node: Node, message: str, hint: str) -> None:
        where = Location(self.document.file, node.start_mark.line + 1, node.start_mark.column + 1)
        self.document.faults.append(Fault(message, where, hint=hint))


def _is_plain(node: ScalarNode) -> bool:
    """Whether a scalar stands there without quotes (libyaml says '' where PyYAML says None)."""
    return node.style in (None, "", b"")


def plain(text: str) -> Any:
    """What an unquoted scalar is in YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema)."""
    if _NULL.match(text):
        return None
    if _BOOL.match(text):
        return text.lower() == "true"
    if _INT.match(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.match(text):
        return float(text)
    special = _SPECIAL.get(text.lower())
    return float(special) if special is not None else text
