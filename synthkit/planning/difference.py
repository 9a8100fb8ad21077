"""Which hash of a model changed, and what in it: down to the variable, the environment variable or the macro.

``synth plan`` and ``synth verify`` hold a receipt against the YAML, ``synth diff`` and reports one receipt against
another: all say what differs in the words that are found here. A receipt keeps the rendered inputs of the three hashes,
and what each value was rendered with (:func:`rendered_with`). Of an environment variable neither the value nor a hash
of it is kept, as it may be a secret: where a value that came from one is another one now, though template, variables
and macros are the same, it is that one that changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from synthkit.compiler import Manifest, ModelNode
from synthkit.compiler.manifest import audit_keys
from synthkit.planning.fingerprint import TRAINED, Fingerprint, mapping_in
from synthkit.project.decides import decides, fields_deciding
from synthkit.project.projectfile import ProjectSpec
from synthkit.project.types import AuditSpec, SourceTableSpec
from synthkit.records.parts import Demand, Inputs, Rendering, Said

Path = tuple[str, ...]
_NAMED = {"model_threads": "threads"}  # in the inputs of a hash, where the key is called otherwise
_PROJECTS = {_NAMED.get(key, key): key for key in fields_deciding(ProjectSpec, *TRAINED)}
# Its name is the key that audits are told apart by, and one that is not enabled is not there.
_AUDIT = (*(k for k in fields_deciding(AuditSpec, "audit") if k not in ("name", "enabled")), "sql")
_RELATIONS = frozenset({"sources", "tables", "reference", "declared", "packages"})  # inputs by what they are of
_TEXTS = frozenset({"query", "sql"})  # too long to be shown as a value
_NONE: Any = object()
_AROUND = 24  # characters shown on each side of the first difference of two texts


Part = Literal["train", "sample", "audit"]
PARTS: tuple[Part, ...] = ("train", "sample", "audit")


@dataclass(frozen=True)
class Change:
    """One input of one hash that is another one now.

    Args:
        part: the hash that it went into.
        subject: its name, as the YAML has it.
        text: values, and what changed them.
        head: the first key of the inputs that it stands below.
    """

    part: Part
    subject: str
    text: str
    head: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.part} hash changed: {self.subject}{self.text}"


@dataclass(frozen=True)
class Declared:
    """What a receipt of today's YAML would say: the inputs of the hashes, what rendered them, the audits."""

    inputs: Inputs
    uses: tuple[Rendering, ...]
    required: tuple[Demand, ...]


def rendered_with(manifest: Manifest, model: ModelNode) -> list[dict[str, Any]]:
    """For the receipt: what the model's values were rendered with, each under the path of its key."""
    found: dict[Path, dict[str, Any]] = {}
    project = manifest.project
    for name, key in _PROJECTS.items():
        used = project.spec.uses.get((key,))
        if used is not None:
            found[(name,)] = used.to_json()
    if model.spec.seed is None:
        # Another seed from the command line is nobody's variable.
        same = found.get(("seed",), {}) if project.seed == project.spec.seed else {}
        found[("seed",)] = {**same, "project": project.seed}
    for relation in model.parents:
        if relation.source is not None:
            for path, uses in manifest.sources[relation.id].spec.uses.items():
                if not decides(SourceTableSpec, path, *TRAINED):
                    continue  # no hash holds it
                found[("declared", relation.id, *map(str, path))] = uses.to_json()
    for path, uses in model.uses.items():
        found[tuple(map(str, path))] = uses.to_json()
    return [{"path": list(path), **what} for path, what in found.items()]


def declared(manifest: Manifest, model: ModelNode, now: Fingerprint) -> Declared:
    """What the YAML says now, as a receipt of it would."""
    return Declared(
        Inputs.from_json(_plain(now.inputs.to_json())),
        tuple(map(Rendering.from_json, _plain(rendered_with(manifest, model)))),
        tuple(Demand.from_json(_plain(b.to_json())) for b in model.audits),
    )


def changes(before: Said, after: Said, parts: Iterable[Part] = PARTS) -> list[Change]:
    """What differs between two states of a model, hash by hash.

    Args:
        before, after: receipts, or what is :func:`declared`. One that an older version wrote may lack ``uses`` and
            ``required``; less is said then of what changed a value, or an audit.
        parts: the hashes that matter.
    """
    renderings = _Renderings(before.uses, after.uses)
    generator = str(mapping_in(after.inputs.train, "generator").get("name"))
    found = []
    for part in parts:
        whole: tuple[Mapping[str, Any], ...] = tuple(getattr(side.inputs, part) for side in (before, after))
        old, new = ({k: v for k, v in side.items() if k != "audits"} for side in whole)
        leaves = list(_leaves(old, new))
        told = {path for path, _, _ in leaves}
        for path, one, other in leaves:
            if path[0] == "budget" and path[1:] in told:
                continue  # the model's own epsilon or delta, which is told of already
            found.append(_change(part, path, one, other, generator, renderings))
    if "audit" in parts and before.inputs.audit.get("audits") != after.inputs.audit.get("audits"):
        found += _audits(before.required, after.required, renderings)
    return list(dict.fromkeys(found))


def audit_changes(key: str, demand: Demand, before: Said, after: Declared) -> list[Change]:
    """What one audit demands otherwise than before.

    Args:
        key: of the audit, see :func:`synthkit.compiler.manifest.audit_keys`.
        demand: as ``required`` of the receipt ``before`` has it.
        after: what is :func:`declared`.
    """
    return _audit(key, demand, _by_key(after.required)[key], _Renderings(before.uses, after.uses))


def _by_key(demands: Sequence[Demand]) -> dict[str, Demand]:
    return dict(zip(audit_keys(d.name for d in demands), demands, strict=True))


class _Renderings:
    """What values were rendered with, before and now; ``known`` is False of receipts that do not say it."""

    def __init__(self, before: Sequence[Rendering] | None, now: Sequence[Rendering] | None) -> None:
        self.known = before is not None and now is not None
        self._before, self._now = before or (), now or ()

    def of(self, path: Path) -> tuple[_Rendered, _Rendered]:
        return _Rendered(_at(self._before, path)), _Rendered(_at(self._now, path))


class _Rendered:
    """All that went into one value."""

    def __init__(self, records: Sequence[Rendering]) -> None:
        self.variables: dict[str, Any] = {}
        self.macros: dict[str, str] = {}
        self.env_vars: set[str] = set()
        for record in records:
            self.variables |= record.vars
            self.macros |= record.macros
            self.env_vars |= set(record.env_vars)
        self.templates = {r.path: r.template for r in records if r.template is not None}
        self.project = next((r.project for r in records if r.project is not None), None)


def _at(records: Sequence[Rendering], path: Path) -> list[Rendering]:
    """Of the value itself, of parts of it, or of the whole that it is part of."""
    found = []
    for record in records:
        own = record.path
        shared = min(len(own), len(path))
        if own[:shared] == path[:shared]:
            found.append(record)
    return found


def _leaves(before: Any, after: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Path, old and new value of whatever differs; ``_NONE`` where there was, or is, none."""
    if len(path) == 1 and path[0] in (*_RELATIONS, "owners"):  # one by one, also where there were none at all
        before, after = ({} if side is _NONE else side for side in (before, after))
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        if before != after:
            yield path, before, after
        return
    for key in sorted({*before, *after}):
        yield from _leaves(before.get(key, _NONE), after.get(key, _NONE), (*path, key))


def _change(
    part: Part, path: Path, old: Any, new: Any, generator: str, renderings: _Renderings, values: bool = True
) -> Change:
    """One difference in the words of the YAML."""
    head, rest = path[0], path[1:]
    if head in ("sources", "tables", "reference") and rest != ("holdout",):
        kind, _, name = rest[0].partition(":")
        subject = f"rows of source {name}" if kind == "source" else f"upstream model {name!r}"
        read = " that its audits read" if part == "audit" else ""
        return Change(part, f"{subject}{read}", _values(_hash(old), _hash(new)), head)
    if head == "owners":
        what = f"rows or keys of source {rest[0].partition(':')[2]}, which say whose its own rows are"
        return Change(part, what, "", head)
    if head in ("packages", "engine"):
        return Change(part, f"package {rest[0] if rest else 'duckdb'}", _values(old, new), head)
    if path == ("generator", "version"):
        return Change(part, f"version of generator {generator}", _values(old, new), head)
    if head == "declared":
        subject, values = f"declaration of source {rest[0].partition(':')[2]}", False
    elif path == ("generator", "params", "query"):
        subject, path = "query", ("query",)
    elif path == ("generator", "name"):
        subject = "generator"
    elif head == "generator":
        path = ("generator", *rest[1:])
        subject = ".".join(path)
    elif "holdout" in (head, *rest):
        subject, path = "holdout", ("holdout",)
    else:
        subject = ".".join(("model_threads" if head == "threads" else head, *rest))
        path = ("columns",) if head == "columns" else path
    return replace(_explained(part, subject, path, old, new, renderings, values), head=head)


def _explained(
    part: Part, subject: str, path: Path, old: Any, new: Any, renderings: _Renderings, values: bool = True
) -> Change:
    """The difference with its cause, and with its values unless one of them may be a secret."""
    before, now = renderings.of(path)
    causes = _causes(before, now, old, new, renderings.known)
    text = ""
    if path == ("seed",) and now.project is not None and before.project is not None:
        old, new, causes = before.project, now.project, [*causes, "the project's"]
    if values and not (before.env_vars or now.env_vars):
        if path[-1] not in _TEXTS:
            text = _values(old, new)
        elif not causes:
            text = _difference(old, new)
    return Change(part, subject, f"{text} ({', '.join(causes)})" if causes else text)


def _causes(before: _Rendered, now: _Rendered, old: Any, new: Any, known: bool) -> list[str]:
    if not known:  # an older receipt: what the value comes from is all that can be said
        return [f"{kind} {n!r}" for kind, names in _named(now) for n in sorted(names)]
    found = []
    for name, value in sorted({**before.variables, **now.variables}.items()):
        if name not in before.variables or name not in now.variables:
            found.append(f"{'now by' if name in now.variables else 'no longer by'} var {name!r}")
        elif before.variables[name] != value:
            whole = _same(value, new) and _same(before.variables[name], old)
            found.append(f"var {name!r}" + ("" if whole else _values(before.variables[name], value)))
    for name, digest in sorted({**before.macros, **now.macros}.items()):
        if name not in before.macros or name not in now.macros:
            found.append(f"{'now by' if name in now.macros else 'no longer by'} macro {name!r}")
        elif before.macros[name] != digest:
            found.append(f"macro {name!r} changed")
    if before.templates != now.templates:
        moved = sorted(before.env_vars ^ now.env_vars)
        found += [f"{'now by' if n in now.env_vars else 'no longer by'} env_var {n!r}" for n in moved]
        return found or (["edited"] if before.templates and now.templates else [])
    if now.env_vars and not found:
        found.append(f"env_var {' or '.join(repr(n) for n in sorted(now.env_vars))} changed")
    return found


def _named(rendering: _Rendered) -> tuple[tuple[str, Any], ...]:
    return ("var", rendering.variables), ("macro", rendering.macros), ("env_var", rendering.env_vars)


def _audits(
    required: Sequence[Demand] | None, demanded: Sequence[Demand] | None, renderings: _Renderings
) -> list[Change]:
    """What is demanded otherwise than before. A receipt of an older version does not say what was."""
    if required is None or demanded is None:
        return [Change("audit", "audits", "")]
    before, now = _by_key(required), _by_key(demanded)
    found = [Change("audit", f"audit {key!r}", " added") for key in now.keys() - before.keys()]
    found += [Change("audit", f"audit {key!r}", " removed") for key in before.keys() - now.keys()]
    found.sort(key=str)
    for key in (k for k in now if k in before and before[k].hash != now[k].hash):
        found += _audit(key, before[key], now[key], renderings) or [Change("audit", f"version of audit {key!r}", "")]
    return found or [Change("audit", "order of audits", "")]


def _audit(key: str, before: Demand, now: Demand, renderings: _Renderings) -> list[Change]:
    found: list[Change] = []
    old_side, new_side = ({k: said.get(k, _NONE) for k in _AUDIT} for said in (before.to_json(), now.to_json()))
    for path, old, new in _leaves(old_side, new_side):
        if (old is _NONE or new is _NONE) and path[0] != "params":
            continue  # not kept by the version that wrote the receipt
        own = path[1:] if path[0] == "params" else path
        if own == ("sql",) and found and _same_sql(key, renderings):
            continue  # it is rendered with the parameter that was told of
        found.append(_explained("audit", f"{key}.{'.'.join(own)}", ("audits", key, *own), old, new, renderings))
    return found


def _same_sql(key: str, renderings: _Renderings) -> bool:
    before, now = renderings.of(("audits", key, "sql"))
    same = [getattr(before, k) == getattr(now, k) for k in ("templates", "variables", "macros")]
    return renderings.known and all(same) and not now.env_vars


# -- words ---------------------------------------------------------------------------------------------


def _values(old: Any, new: Any) -> str:
    if old is _NONE:
        return f" added: {_short(new)}"
    return f" removed: {_short(old)}" if new is _NONE else f" {_short(old)} → {_short(new)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= 60 else one_line[:57] + "…"


def _same(variable: Any, value: Any) -> bool:
    """Whether a value is the variable's own, which may have become a text or a float on the way."""
    return bool(variable == value) or str(variable) == str(value)


def _hash(value: Any) -> Any:
    return value[:8] if isinstance(value, str) else value


def _difference(old: Any, new: Any) -> str:
    """The neighbourhood of the first difference of two texts."""
    if not isinstance(old, str) or not isinstance(new, str):
        return _values(old, new)
    at = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    shown = []
    for text in (old, new):
        start, end = max(0, at - _AROUND), at + _AROUND
        inside = " ".join(text[start:end].split())
        shown.append(f"{'…' if start else ''}{inside}{'…' if end < len(text) else ''}")
    return f" {shown[0]} → {shown[1]}"


def _plain(value: Any) -> Any:
    """As a receipt has it: keys and numbers of JSON."""
    return json.loads(json.dumps(value, default=str))
