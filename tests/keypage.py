"""docs/yaml.md: every key of every YAML file. `python -m tests.keypage` prints it, `--write` puts it there.

Nothing in it is written by hand: what a key means is said in the docstring of its class, under ``Args:``.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import synthkit
from synthkit.audits import registry as audits
from synthkit.audits.gate import GateParams, ShareParams
from synthkit.generators import registry as generators
from synthkit.project import runners
from synthkit.project.decides import decisions
from synthkit.project.described import can_be_given, keys_of, purpose_of, written_as
from synthkit.project.exposures import ExposureSpec, OwnerSpec
from synthkit.project.packages import PackageSpec, PackagesSpec
from synthkit.project.prices import PricesSpec
from synthkit.project.projectfile import (
    BudgetSpec,
    LineageSpec,
    PathsSpec,
    PrivacySpec,
    ProjectSpec,
    ReportsSpec,
    TargetSpec,
    TelemetrySpec,
)
from synthkit.project.resources import Limits, Resources
from synthkit.project.runners import RunnerSpec
from synthkit.project.spec import Relation
from synthkit.project.specs import AUDIT_OPTIONS
from synthkit.project.types import (
    AuditSpec,
    ColumnSpec,
    ConnectionSpec,
    ForeignKeySpec,
    FreshnessSpec,
    GeneratorSpec,
    MemberSpec,
    ModelSpec,
    PeriodSpec,
    PrivacyRequirement,
    SourceSpec,
    SourceTableSpec,
)
from synthkit.project.unittests import ExpectSpec, GivenSpec, UnitTestSpec
from synthkit.project.usage import UsageOwner, UsageSpec

ROOT = Path(synthkit.__file__).parent.parent
PAGE = ROOT / "docs" / "yaml.md"
INTRO = """\
# Every key of every YAML file

This page is printed by `python -m tests.keypage --write` from the docstrings of the classes that the YAML becomes; editors show the
same words (`synth schema`). Any value may be Jinja (`{{ var('x') }}`, `{{ env_var('X') }}`), and a list of one may be written
as the one. "Decides" says what a change of the key does again ([rebuilding.md](rebuilding.md)); where it says nothing, the key
only matters to what names it. Which room reads, checks and acts upon a key: [architecture.md](architecture.md).
"""
PIPE = "&#124;"  # inside a table
GENERATORS = "Generators: the keys beside `name:`"
RUNNERS = "Runners: the keys beside `name:`"
LIMITS = "limits"  # the heading of what audits of estimates have in common
# Heading → its class, in the order of the files.
PROJECT: Mapping[str, type[BaseModel]] = {
    "synth_project.yml": ProjectSpec,
    "paths": PathsSpec,
    "targets": TargetSpec,
    "runner": RunnerSpec,
    "limits of a runner": Limits,
    "connections": ConnectionSpec,
    "privacy of the project": PrivacySpec,
    "budgets": BudgetSpec,
    "reports": ReportsSpec,
    "lineage": LineageSpec,
    "prices": PricesSpec,
    "telemetry": TelemetrySpec,
}
MODELS: Mapping[str, type[BaseModel]] = {
    "sources": SourceSpec,
    "tables": SourceTableSpec,
    "foreign_keys": ForeignKeySpec,
    "columns": ColumnSpec,
    "freshness": FreshnessSpec,
    "warn_after, error_after": PeriodSpec,
    "models": ModelSpec,
    "tables of a family": MemberSpec,
    "usage": UsageSpec,
    "owner of a table": UsageOwner,
    "resources": Resources,
    "privacy of a model or exposure": PrivacyRequirement,
    "audits": AuditSpec,
    "exposures": ExposureSpec,
    "owner": OwnerSpec,
    "unit_tests": UnitTestSpec,
    "given": GivenSpec,
    "expect": ExpectSpec,
}
PACKAGES: Mapping[str, type[BaseModel]] = {"packages.yml": PackagesSpec, "a package": PackageSpec}
WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    NoneType: "null",
    Relation: "a table",
}


def page() -> str:
    """The whole page in Markdown."""
    return "\n".join(
        [
            INTRO,
            *_file("Project", PROJECT),
            *_file("Models", MODELS),
            *_file("Packages", PACKAGES),
            *_runners(),
            *_generators(),
            *_audits(),
        ]
    )


def _file(title: str, sections: Mapping[str, type[BaseModel]]) -> Iterator[str]:
    where = {"Models": "the files below `models/`", "Packages": "`packages.yml`"}.get(title, "`synth_project.yml`")
    yield f"## {title}: {where}\n"
    for heading, model in sections.items():
        keys = AUDIT_OPTIONS if model is AuditSpec else None
        yield from _section(heading, purpose_of(model), model, keys)


def _runners() -> Iterator[str]:
    yield f"## {RUNNERS}\n"
    for name in runners.names():
        runner = runners.runner_of(name)
        yield from _section(name, runner.summary[:1].upper() + runner.summary[1:], runner.options)


def _generators() -> Iterator[str]:
    yield f"## {GENERATORS}\n"
    inner: dict[type[BaseModel], None] = {}
    for name in generators.names():
        generator = generators.get(name)
        yield from _section(name, generator.summary, generator.params)
        inner |= dict.fromkeys(_blocks(generator.params))
    for model in inner:
        yield from _section(_heading(model), purpose_of(model), model)


def _audits() -> Iterator[str]:
    yield "## Audits: the keys of each\n"
    yield f"Beside its own keys, each takes those of [audits](#{anchor('audits')}).\n"
    text = (
        "What decides, of audits that estimate: one limit, absolute or measured from the floor, and what must keep it."
    )
    gates = {**GateParams.model_fields, **ShareParams.model_fields}
    yield from _table(LIMITS, text, {n: (f, (GateParams, ShareParams)) for n, f in gates.items()})
    inner: dict[type[BaseModel], None] = {}
    for name in audits.names():
        params = audits.get(name).params
        common = [n for n in _fields(params) if _of_the_gate(params, n)]
        yield from _section(name, audits.get(name).summary, params, set(_fields(params)) - {*common})
        if common:
            yield f"And {', '.join(f'`{n}`' for n in common)} of [{LIMITS}](#{LIMITS}).\n"
        inner |= dict.fromkeys(_blocks(params))
    known = {b for n in generators.names() for b in _blocks(generators.get(n).params)}
    for model in inner:
        if model not in known:
            yield from _section(_heading(model), purpose_of(model), model)


def _of_the_gate(params: type[BaseModel], name: str) -> bool:
    """Whether a key means here what it means for all: the same words, type and default."""
    for gate in (GateParams, ShareParams):
        if issubclass(params, gate) and name in gate.model_fields:
            field, common = params.model_fields[name], gate.model_fields[name]
            return keys_of(params)[name] == keys_of(gate)[name] and field.default == common.default
    return False


def _section(heading: str, text: str, model: type[BaseModel], keys: Any = None) -> Iterator[str]:
    fields = {n: (f, (model,)) for n, f in _fields(model).items() if keys is None or n in keys}
    file = Path(str(sys.modules[model.__module__].__file__)).relative_to(ROOT)
    written = (
        f"{text if text.endswith(('.', '?')) else f'{text}.'} Read as [`{model.__name__}`](../{file.as_posix()}).\n"
    )
    yield from _table(heading, written, fields)


def _table(
    heading: str, text: str, fields: Mapping[str, tuple[FieldInfo, tuple[type[BaseModel], ...]]]
) -> Iterator[str]:
    yield f"### {heading}\n"
    yield text if text.endswith("\n") else f"{text}\n"
    if not fields:
        return
    decided = {n: d for n, (_, models) in fields.items() for n_, d in decisions(models[0]).items() if n == n_}
    columns = ["key", "value", "default", "what it means", *(["decides"] if decided else [])]
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    for name, (field, models) in fields.items():
        said = next(keys_of(m)[name] for m in models if name in m.model_fields)
        cells = [
            " or ".join(f"`{n}`" for n in written_as(name, field)),
            _value(field.annotation, field.metadata),
            _default(field),
            said.replace("\n\n", " "),
            *([decided.get(name, "nothing")] if decided else []),
        ]
        yield f"| {' | '.join(cell.replace('|', PIPE) for cell in cells)} |"
    yield ""


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {n: f for n, f in model.model_fields.items() if can_be_given(f)}


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or (isinstance(value, tuple | Mapping) and not value):
        return ""
    if isinstance(value, BaseModel) or (
        isinstance(value, Mapping) and isinstance(next(iter(value.values())), BaseModel)
    ):
        return "its own"
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False, default=str)}`"


def _value(annotation: Any, metadata: Any = ()) -> str:
    """What may be written, in words."""
    if get_origin(annotation) is Annotated:
        return _value(get_args(annotation)[0], get_args(annotation)[1:])
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{json.dumps(v) if not isinstance(v, str) else v}`" for v in get_args(annotation))
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return f"list of {_value(inner[0])}" if inner[-1] is ... else f"[{', '.join(map(_value, inner))}]"
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return f"{_value(inner[0])} → {_value(inner[1])}"
    if inner:
        return " or ".join(dict.fromkeys(_value(a, metadata) for a in inner if a is not NoneType))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        heading = _heading(annotation)
        return f"[{heading.partition(':')[0]}](#{anchor(heading)})"
    if annotation is Any:
        return "anything"
    return WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)).lower()) + _range(metadata)


def _range(metadata: Any) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    found = [f"{sign} {getattr(m, name):g}" for m in metadata for name, sign in signs.items() if hasattr(m, name)]
    return f", {', '.join(found)}" if found else ""


def _blocks(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The classes of the blocks inside a class, each once, in their order."""
    for field in _fields(model).values():
        yield from _inside(field.annotation)


def _inside(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        yield from _blocks(annotation)
    for part in get_args(annotation):
        yield from _inside(part)


def _heading(model: type[BaseModel]) -> str:
    """Where a block is described: its heading, or its class's name in words."""
    named = {m: h for sections in (PROJECT, MODELS, PACKAGES) for h, m in sections.items()} | {
        GeneratorSpec: GENERATORS
    }
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", model.__name__.removesuffix("Params")).lower()
    return named.get(model, f"{words}: its keys")


def anchor(heading: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), "utf-8")
    else:
        print(page())
