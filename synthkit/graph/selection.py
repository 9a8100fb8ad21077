"""dbt's selection syntax over the graph: methods, globs, ``+`` operators, unions and intersections.

``--select "tag:churn,source:crm+ path:models/health"``: a space is a union, a comma an intersection, ``+`` before or
after takes ancestors or descendants (``2+name``: two steps), ``@name`` descendants and all that they need.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from synthkit.errors import SynthError, did_you_mean
from synthkit.graph.dag import Dag
from synthkit.records.receipt import Materialized

_TERM = re.compile(r"^(?P<at>@)?(?P<up>\d*\+)?(?P<body>.+?)(?P<down>\+\d*)?$")

# What these methods can be asked for: a misspelt word is an error, not an empty selection.
_VALUES: Mapping[str, tuple[str, ...]] = {
    "state": ("new", "modified", "unmodified"),
    "result": ("pass", "warn", "fail", "error", "skipped", "reused"),
    "config.materialized": get_args(Materialized),
}


@dataclass(frozen=True)
class Selectable:
    """A node as the selection sees it. ``sources`` are the real tables that it reads, as ``group.table``; the name of
    its ``family`` selects it, too."""

    id: str
    name: str
    path: str = ""
    tags: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    generator: str | None = None
    materialized: str | None = None
    kind: Literal["model", "source", "exposure"] = "model"
    state: frozenset[str] = frozenset()
    result: str | None = None
    family: str | None = None


@dataclass(frozen=True)
class Selection:
    """The chosen nodes, and a warning for each pattern that matched nothing."""

    nodes: frozenset[str]
    warnings: tuple[str, ...] = ()


def select(
    dag: Dag, nodes: Mapping[str, Selectable], select: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Selection:
    """Evaluate selection and exclusion; no selection means every node.

    Raises:
        SynthError: an unknown method, or a plain name that no node has.
    """
    evaluator = _Evaluator(dag, nodes)
    chosen = evaluator.union(select) if select else frozenset(nodes)
    dropped = evaluator.union(exclude) if exclude else frozenset()
    return Selection(chosen - dropped, tuple(evaluator.warnings))


class _Evaluator:
    def __init__(self, dag: Dag, nodes: Mapping[str, Selectable]) -> None:
        self.dag, self.nodes = dag, nodes
        self.warnings: list[str] = []

    def union(self, expressions: Sequence[str]) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        for expression in expressions:
            for part in expression.split():
                found |= self._intersection(part)
        return found

    def _intersection(self, part: str) -> frozenset[str]:
        terms = [t for t in part.split(",") if t]
        if not terms:
            raise SynthError(f"the selection {part!r} is empty", hint="write a name, or method:value")
        found = self._term(terms[0])
        for term in terms[1:]:
            found &= self._term(term)
        return found

    def _term(self, term: str) -> frozenset[str]:
        match = _TERM.match(term)
        assert match is not None  # any text but the empty one has a body
        base = self._matches(match["body"], term)
        up, down = match["up"], match["down"]
        if match["at"]:
            if up or down:
                raise SynthError(f"{term!r} has both '@' and '+'", hint="@ already takes all that is needed below")
            below = base | self.dag.descendants(base)
            return below | self.dag.ancestors(below)
        found = base
        if up:
            found |= self.dag.ancestors(base, _depth(up))
        if down:
            found |= self.dag.descendants(base, _depth(down))
        return found

    def _matches(self, body: str, term: str) -> frozenset[str]:
        method, colon, value = body.partition(":")
        if not colon:
            method, value = "name", body
        test = _METHODS.get(method)
        if test is None:
            hint = did_you_mean(method, _METHODS, "a method")
            raise SynthError(f"there is no selection method {method!r} (in {term!r})", hint=hint)
        if not value:
            raise SynthError(f"the selection {term!r} lacks a value", hint=f"write {method}:VALUE")
        if method in _VALUES and value not in _VALUES[method]:
            hint = did_you_mean(value, _VALUES[method], "a value")
            raise SynthError(f"{method} is never {value!r} (in {term!r})", hint=hint)
        found = frozenset(id_ for id_, node in self.nodes.items() if test(node, value))
        if not found:
            self._nothing(method, value, term)
        return found

    def _nothing(self, method: str, value: str, term: str) -> None:
        plain = not any(c in value for c in "*?[")
        if plain and method in ("name", "exposure", "source"):
            kind = {"name": "model", "exposure": "exposure", "source": "source"}[method]
            names = [n.name for n in self.nodes.values() if n.kind == kind]
            if method == "name":
                names += [n.family for n in self.nodes.values() if n.family is not None]
            if method == "source":
                names += [n.name.partition(".")[0] for n in self.nodes.values() if n.kind == "source"]
            hint = did_you_mean(value, set(names), f"a {kind}")
            raise SynthError(f"nothing is called {value!r} (in {term!r})", hint=hint)
        self.warnings.append(f"{term!r} selects nothing")


def _depth(operator: str) -> int | None:
    digits = operator.strip("+")
    return int(digits) if digits else None


def _by_name(node: Selectable, value: str) -> bool:
    """A model's name, or its folders and name as in dbt: ``churn.customers`` or ``models/churn``."""
    if node.kind != "model":
        return False
    if fnmatchcase(node.name, value) or (node.family is not None and fnmatchcase(node.family, value)):
        return True
    if "/" in value or value.endswith((".yml", ".yaml")):
        return _by_path(node, value)
    folders = list(node.path.split("/")[1:-1])
    full = [*folders, node.name]
    wanted = value.split(".")
    return len(wanted) <= len(full) and all(fnmatchcase(h, w) for h, w in zip(full, wanted, strict=False))


def _by_path(node: Selectable, value: str) -> bool:
    value = value.removeprefix("./").rstrip("/")
    return node.path == value or node.path.startswith(value + "/") or fnmatchcase(node.path, value)


def _by_source(node: Selectable, value: str) -> bool:
    if node.kind != "source":
        return False
    pattern = value if "." in value else f"{value}.*"
    return fnmatchcase(node.name, pattern)


_METHODS: Mapping[str, Callable[[Selectable, str], bool]] = {
    "name": _by_name,
    "tag": lambda n, v: any(fnmatchcase(t, v) for t in n.tags),
    "path": _by_path,
    "source": _by_source,
    "generator": lambda n, v: n.generator is not None and fnmatchcase(n.generator, v),
    "exposure": lambda n, v: n.kind == "exposure" and fnmatchcase(n.name, v),
    "config.materialized": lambda n, v: n.materialized == v,
    "state": lambda n, v: v in n.state,
    "result": lambda n, v: n.result == v,
}
