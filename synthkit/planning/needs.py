"""What a plan needs that is not installed, said before anything is done: each with the place that asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from synthkit.audits import registry
from synthkit.compiler import Manifest, ModelNode
from synthkit.errors import ConfigurationError, Fault, Location
from synthkit.extras import TRAIN, AbsentError, absent
from synthkit.generators.base import Query, Taught
from synthkit.planning.plan import Plan
from synthkit.store.targets import target_of
from synthkit.store.versions.repository import Repository, find_repository

_SENDERS: Mapping[str, str] = {"url": "opentelemetry.exporter.otlp.proto.http", "prometheus": "prometheus_client"}


def refuse_lacking(manifest: Manifest, plan: Plan) -> None:
    """Raises ConfigurationError with what the plan's work, or what is told or kept of it, lacks here."""
    judged = [a for a in plan.work if a.promotion is None or a.promotion.again]
    made = {a.model: a.kind not in ("audit", "promote") for a in judged}
    faults = [
        *_told(manifest),
        *lacking(manifest, made),
        *_unfound(manifest, made),
        *(_kept(manifest) if plan.work else ()),
    ]
    if faults:
        raise ConfigurationError(faults)


def lacking(manifest: Manifest, models: Mapping[str, bool]) -> Iterator[Fault]:
    """The generators, and of each model the first audit, whose extra is not installed; each extra once a model.

    Args:
        models: that are audited, by name: whether their rows are made, too.
    """
    seen: set[tuple[Location, str]] = set()
    for name, made in models.items():
        model = manifest.models[name]
        extras = {e: _generator(manifest, model) for e in _makes(manifest, model)} if made else {}
        for bound in model.audits:
            extra = None if bound.audit is None else registry.get(bound.audit).extra
            if extra is not None:
                where = model.spec.origin.at() if bound.location is None else location_of(bound.location)
                extras.setdefault(extra, (f"audit {bound.name!r} of {model.name!r}", where))
        for extra, (what, where) in extras.items():
            found = absent(what, extra, where=where)
            if found is not None and (where, extra) not in seen:
                seen.add((where, extra))
                yield Fault(found.message, where, hint=found.hint)


def _unfound(manifest: Manifest, models: Mapping[str, bool]) -> Iterator[Fault]:
    """What a teacher's rows cannot be made without: the files of a model on this machine."""
    for name in (name for name, made in models.items() if made):
        model = manifest.models[name]
        if isinstance(model.generator, Taught):
            found = model.generator.lacks(model.params, manifest.project.root)
            if found is not None:
                yield Fault(found.message, model.spec.origin.at("generator"), hint=found.hint)


def _makes(manifest: Manifest, model: ModelNode) -> Sequence[str]:
    """The extras that make a model's rows: those of its generator, and what reads, divides and encodes real ones."""
    if isinstance(model.generator, Query):
        return ()
    node = model if model.family is None else manifest.families[model.family]
    return tuple(dict.fromkeys((*node.generator.extras(node.params), TRAIN)))


def _generator(manifest: Manifest, model: ModelNode) -> tuple[str, Location]:
    spec = model.spec if model.family is None else manifest.families[model.family].spec
    where = spec.origin.at("generator", "name") if spec.generator is not None else spec.origin.at()
    return f"the generator {model.generator.name!r} of {spec.name!r}", where


def location_of(text: str) -> Location:
    """``file:line:column`` as a location."""
    file, line, column = text.rsplit(":", 2)
    return Location(Path(file), int(line), int(column))


def _told(manifest: Manifest) -> Iterator[Fault]:
    """Where builds are told of (``lineage:``, ``telemetry:``) by what is not installed."""
    spec = manifest.project.spec
    wanted: list[tuple[str, str, str | None, Location]] = []
    if spec.lineage is not None and spec.lineage.enabled:
        wanted.append(("lineage:", "lineage", None, spec.origin.at("lineage", key=True)))
    if spec.telemetry is not None and spec.telemetry.enabled:
        asked = [key for key in _SENDERS if getattr(spec.telemetry, key) is not None]
        wanted += [
            (f"telemetry: {key}:", "telemetry", _SENDERS[key], spec.origin.at("telemetry", key, key=True))
            for key in asked
        ]
    for what, extra, module, where in wanted:
        found = absent(what, extra, module)
        if found is not None:
            yield Fault(found.message, where, hint=f"{found.hint}, or add enabled: false to it")


def _kept(manifest: Manifest) -> Iterator[Fault]:
    """DVC, where the project is set up for it: what is published is put into its cache."""
    project = manifest.project
    found = target_of(project).unversioned() or find_repository(project.root)
    if isinstance(found, Repository):
        try:
            found.refuse_absent()
        except AbsentError as error:
            yield Fault(error.message, error.where, hint=error.hint)
