"""A family's way through a build: all its tables made, all audited, then all published at one instant or none."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence

from synthkit.building.context import RunContext
from synthkit.building.model import ModelRun, why
from synthkit.building.partitions import in_free_slots
from synthkit.building.publish import Passed, publish_together
from synthkit.compiler.familynode import FamilyNode
from synthkit.errors import BuildError
from synthkit.planning.plan import Action
from synthkit.records.audit import AuditRecord
from synthkit.results import ModelResult
from synthkit.store.staging import StagedRows

Rows = Mapping[str, StagedRows]  # by model


class FamilyRun:
    """Carries out the actions for a family's tables. ``run`` never raises for a failure: it returns their results."""

    def __init__(self, context: RunContext, actions: Sequence[Action]) -> None:
        self.context, self.actions = context, tuple(actions)
        assert self.actions[0].together is not None
        self.family: FamilyNode = context.manifest.families[self.actions[0].together]
        self.runs = {action.model: ModelRun(context, action) for action in self.actions}

    def run(self) -> tuple[ModelResult, ...]:
        stale = {name: self.context.stale[name] for name in self.runs if name in self.context.stale}
        if stale:
            first = next(iter(stale))
            other = f"not built: {first} is made together with it, and has a {stale[first]}"
            return tuple(r.result("error", message=stale.get(name, other)) for name, r in self.runs.items())
        try:
            return self._build()
        except Exception as error:
            return self._not_made(why(self.context, error))

    def _build(self) -> tuple[ModelResult, ...]:
        rows = self._rows()
        records = self._records(rows)
        bad = [name for name, found in records.items() if not all(r.passes for r in found)]
        if bad:
            return tuple(self._unpublished(name, rows[name], records[name], bad) for name in self.runs)
        runs = self.runs.items()
        with next(iter(self.runs.values())).publishing():
            publish_together(
                self.context,
                [Passed(run.model, run.action, rows[name], records[name], run.seconds) for name, run in runs],
            )
        return tuple(run.passed(rows[name], records[name]) for name, run in runs)

    def _records(self, rows: Rows) -> Mapping[str, tuple[AuditRecord, ...]]:
        """What the audits of each table find, one beside the other where workers are free."""
        names, found = list(self.runs), dict[str, tuple[AuditRecord, ...]]()

        def judge(number: int) -> None:
            found[names[number]] = self.runs[names[number]].audit(rows[names[number]], rows)

        in_free_slots(self.context, len(names), judge)
        return {name: found[name] for name in names}

    def _not_made(self, message: str) -> tuple[ModelResult, ...]:
        """What went wrong is told once, of the table that the family's size is of."""
        root = self.family.members[self.family.root]
        told = root if root in self.runs else self.actions[0].model
        other = f"not made: see {told!r} of the same family"
        return tuple(
            run.result("error", message=message) if name == told else run.result("skipped", message=other)
            for name, run in self.runs.items()
        )

    def _unpublished(
        self, name: str, staged: StagedRows, records: Sequence[AuditRecord], bad: Sequence[str]
    ) -> ModelResult:
        run = self.runs[name]
        if name in bad:
            return run.failed(staged, records)
        which = ", ".join(map(repr, bad))
        return run.result(
            "skipped",
            rows=staged.table.rows,
            audits=tuple(records),
            origins=staged.origins,
            message=f"not published, though its own audits passed: {which} of the same family did not pass",
        )

    def _rows(self) -> Rows:
        """Make the rows of all tables, or find those that only wait for their audits."""
        staging = self.context.staging
        if self.actions[0].promotion is not None:
            return {name: run.adopted() for name, run in self.runs.items()}
        found = {a.model: staging.staged(a.model, a.fingerprint.sample) for a in self.actions}
        if self.actions[0].kind != "audit" or not all(found.values()):
            self._make()
            found = {a.model: staging.staged(a.model, a.fingerprint.sample) for a in self.actions}
        lacking = [name for name, rows in found.items() if rows is None]
        if lacking:
            raise BuildError(f"the rows of {lacking[0]!r} were not staged")
        return {name: rows for name, rows in found.items() if rows is not None}

    def _make(self) -> None:
        first, root = self.actions[0], self.runs[self.family.members[self.family.root]]
        if first.kind == "train":
            shutil.rmtree(self.context.staging.model_dir(first.fingerprint.train), ignore_errors=True)
        members = {table: self.runs[name].jobs for table, name in self.family.members.items()}
        for jobs in members.values():
            jobs.read()  # before the charge: rows that cannot be read are not trained on, and cost nothing
        with self.context.trained(root.model, first):
            charged = None if root.model.budget is None else root.charged(first.fingerprint.train)
            done = self.context.carry_out(root.jobs.family(members, charged), root.model, root.progress)
        root.seconds.update(done.seconds)
        for table, made in done.members.items():
            self.runs[self.family.members[table]].noted(made)
