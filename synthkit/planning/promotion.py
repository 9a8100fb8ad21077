"""Publishing in one target what another has published and audited: which tables may go, and what is left to judge.

A table goes as it is, byte for byte, so what its audits found of it holds there too, unless an audit looks at something
that is another there. Such an audit is run again, and no other:

- its limits, its SQL or its version are others than it was judged by, or it was not among the audits;
- it reads other tables, and one of these has other rows there;
- it compares a table of SQL with real rows, and these are others there, or are divided otherwise;
- it holds the table against the version that was published before, which each target has of its own. Of an audit that
  somebody else wrote nobody knows whether it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from synthkit.audits import registry
from synthkit.compiler import Manifest, ModelNode
from synthkit.errors import BuildError
from synthkit.planning.action import Action, Promotion
from synthkit.planning.difference import changes, declared
from synthkit.planning.disclosed import names_relation
from synthkit.planning.plan import Plan, make_plan
from synthkit.planning.state import rows_of, state_of
from synthkit.records.audit import AuditRecord
from synthkit.records.receipt import AuditedTable, Receipt
from synthkit.store.hashing import Hashes
from synthkit.store.readers import made_from_other_rows, other_trainings
from synthkit.store.staging import Staging
from synthkit.store.target import Target
from synthkit.store.targets import target_of

_SHOWN = 4  # changes that a refusal lists
Wrong = Mapping[str | None, Sequence[str]]  # table, or None for all of them → what is wrong with it


@dataclass(frozen=True)
class _Side:
    """One of the two targets."""

    manifest: Manifest
    target: Target
    staging: Staging
    actions: Mapping[str, Action]  # what its build would do

    @staticmethod
    def of(manifest: Manifest, actions: Sequence[Action]) -> _Side:
        project = manifest.project
        return _Side(manifest, target_of(project), Staging(project.target_dir), {a.model: a for a in actions})

    @property
    def name(self) -> str:
        return self.manifest.project.target_name

    def state(self, name: str) -> AuditedTable | None:
        return state_of(self.target, self.staging, self.manifest.models[name])


def make_promotion(
    origin: Manifest,
    manifest: Manifest,
    *,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    wrong: Wrong | None = None,
) -> Plan:
    """What publishing the tables of one target in another would do.

    Args:
        origin: of the target that has them.
        manifest: of the one that they go to.
        select, exclude: of the latter's models, in the syntax of ``synth build --select``.
        wrong: what :mod:`synthkit.verify` finds of the former.

    Raises:
        BuildError: a table may not go, with every reason of each.
        SynthError: a selected model reads one that is neither selected nor published there.
    """
    here = _Side.of(origin, make_plan(origin).actions)

    def made(name: str) -> AuditedTable | None:
        return here.state(name) if name in origin.models else None

    plan = make_plan(manifest, select=select, exclude=exclude, elsewhere=made)
    there = _Side.of(manifest, plan.actions)
    promoting = _Promoting(here, there, wrong or {})
    actions = tuple(map(promoting.action, plan.actions))
    promoting.refuse(actions)
    warnings = (*plan.warnings, *promoting.left_behind(actions))
    return replace(plan, actions=promoting.together(actions), warnings=warnings)


class _Promoting:
    def __init__(self, here: _Side, there: _Side, wrong: Wrong) -> None:
        self.here, self.there, self.wrong = here, there, wrong
        self.reasons: dict[str, list[str]] = {}

    def action(self, action: Action) -> Action:
        """What becomes of one table; why it may not go is noted."""
        name = action.model
        state = self.here.state(name) if name in self.here.manifest.models else None
        reasons = list(self._refused(action, state))
        if reasons or state is None:
            self.reasons[name] = reasons
            return action
        there = self.there.state(name)
        # Two trainings may draw the same few rows: what was made of those of one is of that training alone.
        same = there is not None and _rows(there) == _rows(state) and there.guarantees == state.guarantees
        if action.kind == "reuse" and same:
            return replace(action, reason=f"the rows of {self.here.name!r} are published already")
        return self._promoted(action, state)

    def _refused(self, action: Action, state: AuditedTable | None) -> Iterator[str]:
        name, origin = action.model, self.here.name
        if name not in self.here.manifest.models:
            yield f"it is no model of target {origin!r}"
            return
        if state is None:
            yield f"it was never built in {origin!r}: synth build -t {origin} --select {name}"
            return
        done = self.here.actions[name]
        if done.kind != "reuse":
            lines = "; ".join(done.details[:_SHOWN])
            yield f"in {origin!r} it is not what the YAML says now ({done.reason}{f': {lines}' if lines else ''})"
        yield from self.wrong.get(name, ())
        bad = [a.name for a in state.audits if not a.passes]
        if bad:
            yield f"audits did not pass in {origin!r}: {', '.join(bad)}"
        now = action.fingerprint
        if done.kind == "reuse" and now.sample != state.fingerprints.sample:
            model = self.there.manifest.models[name]
            found = changes(state, declared(self.there.manifest, model, now), ("train", "sample"))
            lines = "; ".join(map(str, found[:_SHOWN])) or "what it is made from has other rows there"
            yield f"{self.there.name!r} asks for other rows than {origin!r} has: {lines}"

    def _promoted(self, action: Action, state: AuditedTable) -> Action:
        model = self.there.manifest.models[action.model]
        rows = rows_of(self.here.target, self.here.staging, self.here.manifest.models[action.model])
        assert rows is not None, "a state has rows"
        if isinstance(state, Receipt):
            rows = replace(rows, hashes=Hashes(state.sha256, state.md5) if state.md5 else None)
        again, known = self._again(model, action, state), judged(state)
        found = {i: known[b.name, b.hash] for i, b in enumerate(model.audits) if i not in again}
        taken = [b.name for i, b in enumerate(model.audits) if i not in again]
        details = [f"{model.audits[i].name} is run again: {why}" for i, why in again.items()]
        if taken:
            details.insert(0, f"taken over: what {', '.join(dict.fromkeys(taken))} found in {self.here.name!r}")
        return replace(
            action,
            kind="promote",
            reason=f"published in {self.here.name!r} by run {state.run_id}",
            details=tuple(details),
            together=model.family,
            promotion=Promotion(self.here.name, state, rows, again, found),
        )

    # -- audits ------------------------------------------------------------------------------------

    def _again(self, model: ModelNode, action: Action, state: AuditedTable) -> dict[int, str]:
        """The audits to be run, by their number, and why."""
        known = judged(state)
        other, reference = self._other_relations(model, action, state), self._other_reference(action, state)
        found = {}
        for index, bound in enumerate(model.audits):
            if (bound.name, bound.hash) not in known:
                was = any(name == bound.name for name, _ in known)
                found[index] = f"{self.here.name!r} judged by others of its limits" if was else "it was not run there"
            elif other and (bound.sql is not None or names_relation(bound.params)):
                found[index] = f"it reads other tables, and {other} has other rows in {self.there.name!r}"
            elif reference and bound.audit is not None and registry.get(bound.audit).needs:
                found[index] = f"it compares with real rows, which are others in {self.there.name!r}"
            elif bound.audit is not None and registry.get(bound.audit).earlier:
                found[index] = f"it is about the version that {self.there.name!r} published before"
        return found

    def _other_reference(self, action: Action, state: AuditedTable) -> bool:
        """Whether the real rows that a table of SQL is held against are others there, or which of them are held out."""
        return state.inputs.audit.get("reference") != action.fingerprint.inputs.audit.get("reference")

    def _other_relations(self, model: ModelNode, action: Action, state: AuditedTable) -> str:
        """A table that the audits read and that has other rows there; empty where there is none."""
        then, now = state.inputs.audit.get("tables"), action.fingerprint.inputs.audit.get("tables")
        before = then if isinstance(then, Mapping) else {}
        for id_, rows in (now if isinstance(now, Mapping) else {}).items():
            name = id_.removeprefix("model:")
            if before.get(id_) != rows:
                return str(id_.partition(":")[2])
            if id_.startswith("model:") and name != model.name and name not in self.there.actions:
                mine, other = self.here.state(name), self.there.state(name)
                if mine is None or other is None or _rows(mine) != _rows(other):
                    return str(name)
        return ""

    # -- all of them -------------------------------------------------------------------------------

    def refuse(self, actions: Sequence[Action]) -> None:
        """Raises BuildError with all that stands in the way."""
        after = self._after(actions)
        for name, upstream in other_trainings(after).items():
            if name in self.there.actions and name not in self.reasons:
                self.reasons[name] = [
                    f"it was made from other rows of {', '.join(upstream)} than {self.there.name!r} has"
                ]
        lines = [f"{name}: {reason}" for name, found in self.reasons.items() for reason in found]
        lines += self.wrong.get(None, ())
        if lines:
            shown = "".join(f"\n  {line}" for line in lines)
            hint = f"put right what {self.here.name!r} has (synth verify -t {self.here.name}), or --exclude tables"
            raise BuildError(f"nothing was promoted to {self.there.name!r}:{shown}", hint=hint)

    def together(self, actions: Sequence[Action]) -> tuple[Action, ...]:
        """The actions, where a family of which one table goes goes whole."""
        going = {a.together for a in actions if a.kind == "promote" and a.together is not None}
        found = []
        for action in actions:
            model = self.there.manifest.models[action.model]
            state = self.here.state(action.model)
            stays = action.kind != "promote" and model.family in going and state is not None
            found.append(self._promoted(action, state) if stays and state is not None else action)
        return tuple(found)

    def left_behind(self, actions: Sequence[Action]) -> tuple[str, ...]:
        """Tables there that will have been made from other rows than are published then."""
        left = made_from_other_rows(self._after(actions))
        names = [n for n in left if n not in self.there.actions and n in self.there.manifest.models]
        if not names:
            return ()
        return (
            f"{', '.join(names)} of {self.there.name!r} will have been made from other rows: select "
            f"{'it' if len(names) == 1 else 'them'} too",
        )

    def _after(self, actions: Sequence[Action]) -> dict[str, Receipt]:
        """The receipts there, when the tables have gone."""
        moved = {
            a.model: a.promotion.table
            for a in actions
            if a.promotion is not None and isinstance(a.promotion.table, Receipt)
        }
        return {**self.there.target.all_published(), **{n: t for n, t in moved.items() if isinstance(t, Receipt)}}


def judged(table: AuditedTable) -> dict[tuple[str, str], AuditRecord]:
    """What each audit of a table found, by its name and the hash of what it demanded; nothing of an older receipt."""
    demands = table.required or ()
    if len(demands) != len(table.audits):
        return {}
    return {(d.name, d.hash): r for d, r in zip(demands, table.audits, strict=True) if d.name == r.name}


def _rows(table: AuditedTable) -> str:
    return table.version
