"""Graph + state → ordered actions, each with its reason. Pure reading: nothing is run, nothing written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthkit.compiler import Manifest, ModelNode, SourceNode
from synthkit.digests import digest
from synthkit.errors import SynthError
from synthkit.generators.base import Generator, Query, Taught, Trained
from synthkit.graph.selection import Selectable
from synthkit.graph.selection import select as select_nodes
from synthkit.memory import uncollected
from synthkit.planning.action import FULL_REFRESH as FULL_REFRESH
from synthkit.planning.action import Action as Action
from synthkit.planning.difference import Change, changes, declared
from synthkit.planning.families import made_together, size_of, whole_families
from synthkit.planning.fingerprint import ABSENT, Fingerprint, Fingerprinter, package_version
from synthkit.planning.forms import written_forms
from synthkit.planning.lending import Lending
from synthkit.planning.state import Standing, standing, state_of, states_against
from synthkit.records.parts import Made
from synthkit.records.receipt import AuditedTable
from synthkit.results import ActionKind
from synthkit.store.staging import Staging
from synthkit.store.targets import target_of
from synthkit.store.unclaimed import told, unclaimed_tables

Elsewhere = Callable[[str], Made | None]
_BUILD: Mapping[type[Generator], ActionKind] = {Query: "query", Taught: "ask", Trained: "train"}


@dataclass(frozen=True)
class Plan:
    """The actions of a build in topological order. ``contents``: source → the hash that they were planned under."""

    actions: tuple[Action, ...]
    disabled: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    contents: Mapping[str, str] = field(default_factory=dict)

    @property
    def work(self) -> tuple[Action, ...]:
        """The actions that do something."""
        return tuple(a for a in self.actions if a.kind != "reuse")

    def to_json(self) -> dict[str, Any]:
        return {
            "actions": [a.to_json() for a in self.actions],
            "disabled": list(self.disabled),
            "warnings": list(self.warnings),
        }


@uncollected()
def make_plan(
    manifest: Manifest,
    *,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    full_refresh: bool = False,
    results: Mapping[str, str] | None = None,
    state: Path | None = None,
    elsewhere: Elsewhere = lambda _name: None,
) -> Plan:
    """Decide what a build would do.

    Args:
        select, exclude: dbt's selection syntax; nothing selected means everything.
        full_refresh: train again even where nothing changed.
        results: model → status of the last run, for the ``result:`` method.
        state: a folder with another commit's manifest and receipts, for the ``state:`` method; default: what is
            published here.
        elsewhere: what was made of a model in another target, by packages that may not be here.

    Raises:
        SynthError: a selected model reads one that is neither selected nor published.
    """
    planner = _Planner(manifest, full_refresh, elsewhere=elsewhere)
    everything = planner.actions()
    chosen, warnings = _choose(manifest, everything, select, exclude, results or {}, state)
    chosen, more = whole_families(manifest, chosen)
    warnings += more
    left = told(unclaimed_tables(manifest))
    warnings += [left] if left else []
    warnings += [fault.message for model, fault in manifest.apart if model in chosen]
    if len(chosen) == len(everything):
        actions = everything
    else:
        planner = _Planner(manifest, full_refresh, chosen, planner.fingerprinter.contents, elsewhere)
        actions = planner.actions()
    contents = planner.fingerprinter.contents
    return Plan(tuple(actions), tuple(m.name for m in manifest.disabled), tuple(warnings), contents)


def make_audit_plan(
    manifest: Manifest,
    *,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    results: Mapping[str, str] | None = None,
    state: Path | None = None,
) -> Plan:
    """Audit every selected table that is published, as it is, under today's audits.

    Raises:
        SynthError: none of what is selected is published.
    """
    from dataclasses import replace

    planner = _Planner(manifest, full_refresh=False)
    chosen, warnings = _choose(manifest, planner.actions(), select, exclude, results or {}, state)
    actions = []
    for model in manifest.models.values():
        published = planner.state(model)
        if model.name not in chosen:
            continue
        if published is None:
            warnings.append(f"{model.name!r} is not published, so it is not audited")
            continue
        now = planner.fingerprinter.of(model, planner.upstream)
        hashes = published.fingerprints
        inputs = published.inputs.having(audit=now.inputs.audit)
        audit = digest({"sample": hashes.sample, **now.inputs.audit})
        judged = Fingerprint(hashes.train, hashes.sample, audit, inputs)
        actions.append(replace(planner.action(model), kind="audit", reason="audited again", fingerprint=judged))
    if not actions:
        raise SynthError("nothing that is selected is published", hint="run synth build first")
    return Plan(tuple(actions), (), tuple(warnings), planner.fingerprinter.contents)


def _choose(
    manifest: Manifest,
    actions: Sequence[Action],
    select: Sequence[str],
    exclude: Sequence[str],
    results: Mapping[str, str],
    state: Path | None = None,
) -> tuple[frozenset[str], list[str]]:
    if not select and not exclude:
        return frozenset(a.model for a in actions), []
    nodes = selectables(manifest, actions, results, state)
    selection = select_nodes(manifest.dag, nodes, select, exclude)
    models = frozenset(n.removeprefix("model:") for n in selection.nodes if n.startswith("model:"))
    return models, list(selection.warnings)


def selectables(
    manifest: Manifest, actions: Sequence[Action], results: Mapping[str, str], state: Path | None = None
) -> dict[str, Selectable]:
    """The nodes with what ``state:`` and ``result:`` ask for. ``state``: as :func:`make_plan` has it."""
    from dataclasses import replace

    nodes = dict(manifest.selectables)
    other = {} if state is None else states_against(manifest, state)
    for action in actions:
        node = f"model:{action.model}"
        found = state_of_action(action) if state is None else other[action.model]
        nodes[node] = replace(nodes[node], state=found, result=results.get(action.model))
    return nodes


def state_of_action(action: Action) -> frozenset[str]:
    """What ``--select state:…`` sees: new, modified or unmodified."""
    if action.standing == "none":
        return frozenset({"new", "modified"})
    return frozenset({"unmodified"} if action.kind == "reuse" else {"modified"})


class _Planner:
    """Walks the models in order, carrying each one's sample hash to those that read it."""

    def __init__(
        self,
        manifest: Manifest,
        full_refresh: bool,
        chosen: frozenset[str] | None = None,
        contents: Mapping[str, str] | None = None,
        elsewhere: Elsewhere = lambda _name: None,
    ) -> None:
        project = manifest.project
        self.manifest, self.full_refresh, self.chosen = manifest, full_refresh, chosen
        self.elsewhere = elsewhere
        self.target = target_of(project)
        self.staging, self.lending = Staging(project.target_dir), Lending(manifest)
        self.fingerprinter = Fingerprinter(manifest, contents)
        self.upstream: dict[str, str] = {}

    def actions(self) -> list[Action]:
        found = []
        for model in self.manifest.models.values():
            if self.chosen is not None and model.name not in self.chosen:
                self._take_as_it_is(model)
                continue
            action = self.action(model)
            self.upstream[model.id] = action.fingerprint.sample
            found.append(action)
        return made_together(self.manifest, found, self.staging, self.lending)

    def _take_as_it_is(self, model: ModelNode) -> None:
        """A model that is not selected counts as what is published of it now."""
        state = self.state(model)
        if state is not None:
            self.upstream[model.id] = state.fingerprints.sample

    def state(self, model: ModelNode) -> AuditedTable | None:
        return state_of(self.target, self.staging, model)

    def action(self, model: ModelNode) -> Action:
        for parent in model.parents:
            if parent.source is None and parent.id not in self.upstream and not self._beside(model, parent.name):
                raise SynthError(
                    f"model {model.name!r} reads {parent.name!r}, which is neither published nor selected",
                    hint=f"select it too: --select +{model.name}",
                )
        state = self.state(model)
        self.fingerprinter.take_absent_from(self.elsewhere(model.name) or state or self._behind(model))
        fingerprint = self.fingerprinter.of(model, self._upstream(model))
        stands = standing(state, fingerprint)
        kind, reason, details = self._decide(model, fingerprint, state, stands)
        return Action(
            model.name,
            kind,
            reason,
            tuple(details),
            fingerprint,
            "query" if isinstance(model.generator, Query) else size_of(self.manifest, model),
            model.spec.epsilon,
            model.delta,
            model.generator.name,
            model.generator_reason,
            stands,
            forms=written_forms(model, self._source(model), state),
            kept=model.kept,
        )

    def _behind(self, model: ModelNode) -> Made | None:
        """What a receipt keeps of an ephemeral model that its table was made from, where its own record is gone and
        packages are not here that it was made by."""
        if not model.spec.ephemeral or all(package_version(p) != ABSENT for p in model.generator.packages):
            return None
        receipts = self.target.all_published().values()
        return next((r.ephemeral[model.name] for r in receipts if model.name in (r.ephemeral or {})), None)

    def _beside(self, model: ModelNode, other: str) -> bool:
        """Whether another model is the same, or of the same family: its rows are there when the model's audits ask."""
        return model.name == other or (model.family is not None and self.manifest.models[other].family == model.family)

    def _upstream(self, model: ModelNode) -> Mapping[str, str]:
        """The sample hash of each parent, those of its own family that follow it in order, too."""
        beside = [r.name for r in model.parents if r.source is None and r.id not in self.upstream]
        others = [self.manifest.models[name] for name in beside if name != model.name]
        return {**self.upstream, **{m.id: self.fingerprinter.rows(m, self.upstream) for m in others}}

    def _source(self, model: ModelNode) -> SourceNode | None:
        """The real table that a model is trained on; None where it is trained on another model's."""
        source = model.spec.source
        return None if source is None else self.manifest.sources.get(source.id)

    def _decide(
        self, model: ModelNode, now: Fingerprint, state: AuditedTable | None, stands: Standing
    ) -> tuple[ActionKind, str, list[str]]:
        build = _BUILD[type(model.generator)]
        if self.full_refresh:
            return build, FULL_REFRESH, []
        if stands == "current":
            return "reuse", "nothing changed", []
        found = [] if state is None else changes(state, declared(self.manifest, model, now))
        if stands == "unaudited":
            return "audit", "audits changed", _lines(found)
        details = _lines(found)
        why = "never built" if state is None else f"changed: {_summary(found)}"
        if self.staging.staged(model.name, now.sample) is not None:
            return "audit", f"{why}; its rows are staged from an earlier build", details
        if build == "train" and self.staging.has_model(now.train):
            return "sample", f"{why}; the trained model is cached", details
        if build == "train" and self.staging.checkpoint(now.train).exists():
            return build, f"{why}; an unfinished training goes on from its checkpoint", details
        if build == "train" and model.family is None and (other := self.lending.find(model, now.train)) is not None:
            return "sample", f"{why}; the target {other.target!r} has trained it", details
        return build, why, details


def _lines(found: Sequence[Change]) -> list[str]:
    return [str(change) for change in found]


def _summary(found: Sequence[Change]) -> str:
    """The first inputs that make other rows; those of audits are not why it is built again."""
    names = list(dict.fromkeys(c.subject for c in found if c.part != "audit"))
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
