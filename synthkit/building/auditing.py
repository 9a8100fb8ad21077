"""What a worker is told of the audits of a model's rows, and how they are spread over workers where they cost much.

One job carries all of them out, in one process and in order. With workers beside it, those whose work is costly become
jobs of their own, and the trainings that one of them repeats are dealt out before it. What is found is the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.audits import registry
from synthkit.audits.context import PrivateTraining, Took
from synthkit.audits.runner import BoundAudit
from synthkit.building.partitions import Together, side_by_side
from synthkit.building.publish import previous_version
from synthkit.building.runrecord import now
from synthkit.compiler.releases import release_of
from synthkit.files import clean_temporaries, temporary_folder
from synthkit.planning.disclosed import pictures_of, tells_time
from synthkit.project.types import Relation
from synthkit.records.audit import AuditRecord
from synthkit.runners.done import Audited
from synthkit.runners.jobs import AuditJob, JobProgress, RepeatJob
from synthkit.runners.parts import FailureFolder, FamilyMember, FamilyParts, Pictures, Retraining
from synthkit.schema import Schema, Table
from synthkit.stats.money import cost_of
from synthkit.store.staging import StagedRows

if TYPE_CHECKING:
    from synthkit.building.jobs import Jobs

COSTLY = 5_000  # rows: of fewer, no audit takes longer than a worker needs to begin


@dataclass(frozen=True)
class Group:
    """Audits that one job carries out.

    Args:
        numbers: of them, among the model's audits.
        repeats: whether it is one alone, which repeats trainings.
    """

    numbers: tuple[int, ...]
    repeats: bool = False


def groups_of(audits: Mapping[int, BoundAudit]) -> list[Group]:
    """The first group has the audits that cost little, and all that keep failing rows, whose folder is one job's; each
    other one shares costly work."""
    together: dict[tuple[str, str] | None, list[int]] = {None: []}
    for number, bound in audits.items():
        together.setdefault(None if bound.store_failures else bound.apart, []).append(number)
    little = together.pop(None)
    found = [Group(tuple(numbers), len(numbers) == 1 and _repeats(audits[numbers[0]])) for numbers in together.values()]
    return [Group(tuple(little)), *found] if little else found


def _repeats(bound: BoundAudit) -> bool:
    return bound.audit is not None and registry.get(bound.audit).repeats is not None


class Judgement:
    """The audits of staged rows.

    Args:
        jobs: of their model.
        seconds: that making the rows took.
        beside: of a family's table, the rows that were made together with these, by model.
    """

    def __init__(
        self, jobs: Jobs, staged: StagedRows, seconds: Mapping[str, float], beside: Mapping[str, StagedRows] | None
    ) -> None:
        self.jobs, self.context, self.model, self.staged, self.seconds = jobs, jobs.context, jobs.model, staged, seconds
        self._made = {**(beside or {}), self.model.name: staged}

    def found(self, some: Collection[int], progress: JobProgress) -> tuple[AuditRecord, ...]:
        """What the audits of these numbers find, in the order of their numbers. Raises BuildError as the jobs do."""
        audits = {number: self.model.audits[number] for number in sorted(some)}
        judged = self._judged(tuple(audits.values()))
        clean_temporaries(self.context.staging.repeats(self.model.name).parent)  # that a killed build left
        spread = self.context.slots.count > 1 and self.staged.table.rows >= COSTLY
        groups = groups_of(audits) if spread else [Group(tuple(audits))]
        if len(groups) == 1 and not groups[0].repeats:
            return self.context.carry_out(self._job(judged, first=True), self.model, progress).records
        return self._side_by_side(audits, groups, judged, progress)

    def _side_by_side(
        self, audits: Mapping[int, BoundAudit], groups: Sequence[Group], judged: dict[str, Any], progress: JobProgress
    ) -> tuple[AuditRecord, ...]:
        """The trainings that are repeated and the audits that need none of them; then the audits that do."""
        workers = self.context.slots.count
        done = Together(len(audits), progress, "audits")
        found: dict[int, AuditRecord] = {}

        def finished(group: Group, audited: Audited) -> None:
            done.tell(group.numbers[0], len(group.numbers), "audit", "audits", "")
            found.update(zip(group.numbers, audited.records, strict=True))

        with ExitStack() as stack:
            early: list[tuple[RepeatJob | AuditJob, Group]] = []
            late: list[tuple[AuditJob, Group]] = []
            for place, group in enumerate(groups):
                own = {**judged, "audits": tuple(audits[number] for number in group.numbers)}
                folder = stack.enter_context(self._folder()) if group.repeats else None
                job = self._job(own, first=place == 0, repeats=folder)
                if folder is None:
                    early.append((job, group))
                    continue
                parts = [RepeatJob(**own, repeats=folder, part=part, of=workers) for part in range(workers)]
                early = [*((part, group) for part in parts), *early]  # the longest first
                late.append((job, group))
            for jobs in (early, late):
                side_by_side(
                    self.context,
                    self.model,
                    [job for job, _ in jobs],
                    [done.of(group.numbers[0]) for _, group in jobs],
                    lambda at, what, jobs=jobs: finished(jobs[at][1], what) if isinstance(what, Audited) else None,  # type: ignore[misc]
                )
        return tuple(found[number] for number in audits)

    def _folder(self) -> Any:
        """For trainings that jobs carry out: a temporary one, where every machine sees it."""
        return temporary_folder(self.context.staging.repeats(self.model.name))

    def _job(self, judged: dict[str, Any], *, first: bool, repeats: Path | None = None) -> AuditJob:
        """One job of them takes the pictures, and keeps failing rows."""
        job = AuditJob(**judged, repeats=repeats)
        return replace(job, failures=self._failures(), pictures=self._pictures()) if first else job

    def _judged(self, audits: tuple[BoundAudit, ...]) -> dict[str, Any]:
        """What jobs of these audits are told."""
        model, made = self.model, self._made
        real = model.source if any(b.audit for b in audits) else None
        relations = {
            r.sql: (made[r.name].path,) if r.source is None and r.name in made else self.jobs.inputs.files(r)
            for r in (*model.audit_relations, Relation(model.name))
        }
        return {
            "root": self.context.manifest.project.root,
            "model": model.name,
            "table": documented(self.staged.table, model.schema),
            "split": None if real is None else self.jobs.inputs.split(real, model),
            "relations": relations,
            "audits": audits,
            "training": self._training(),
            "retraining": self._retraining(),
            "previous": previous_version(self.context, model, self.staged),
            "kept": self.staged.rules,
            "made_up": tuple(o.name for o in self.staged.origins or () if o.how == "made up"),
            # Times tell of the protected rows.
            "seconds": {} if model.disclosure != "open" else dict(self.seconds),
            "seed": self.jobs.action.fingerprint.seed,
            "family": self._family(),
            "took": self._took(),
        }

    def _took(self) -> Took | None:
        """What making the rows took until now; of a family's table what all its tables took: they are made at once."""
        if not self.seconds:
            return None
        manifest, model = self.context.manifest, self.model
        family = manifest.families.get(model.family or "")
        tallies = [self.context.tally(n) for n in ([model.name] if family is None else family.members.values())]
        # Those of the family that are audited before this one have audits in their tallies.
        made = [one for tally in tallies for one in tally.consumed() if one.phase != "audit"]
        cost = cost_of(made, manifest.project.prices, sum((t.paid for t in tallies), Decimal(0)))
        phases: dict[str, float] = {}
        for one in made:
            phases[one.phase] = phases.get(one.phase, 0.0) + one.seconds
        return Took(phases, cost.total, tells_time(manifest, model))

    def _family(self) -> FamilyParts | None:
        """The tables beside this one, for its audits: as they were just made, or as they are published."""
        model, models, made = self.model, self.context.manifest.models, self._made
        if model.family is None or model.source is None:
            return None
        family = self.context.manifest.families[model.family]
        parts = {}
        for table, name in family.members.items():
            other = models[name]
            rows = made[name] if name in made else self.jobs.inputs.upstream(name)
            assert other.source is not None
            split = self.jobs.inputs.split(other.source, other)
            parts[table] = FamilyMember(documented(rows.table, other.schema), split)
        return FamilyParts(model.source.name, parts, family.keys)

    def _failures(self) -> FailureFolder:
        """The folder of the model's failing rows, and its name seen from the project."""
        directory = self.context.staging.failures / self.model.name
        return FailureFolder(directory, directory.relative_to(self.context.manifest.project.root).as_posix())

    def _pictures(self) -> Pictures | None:
        """What pictures the report may have of the table, and where they go; None, and the last ones away, for none."""
        allowed = pictures_of(self.context.manifest, self.model)
        path = self.context.staging.profile(self.model.name)
        path.unlink(missing_ok=True)
        if allowed == "none":
            return None
        sample, run_id = self.staged.sample, self.context.run_id
        stamp = {"model": self.model.name, "sample": sample, "run_id": run_id, "made_at": now()}
        return Pictures(path, real=allowed == "all", stamp=stamp)

    def _training(self) -> PrivateTraining | None:
        """What audits may know of a training under a budget."""
        model = self.model
        if model.budget is None or model.learnt is None:
            return None
        family = self.context.manifest.families.get(model.family or "")
        return PrivateTraining(
            generator=model.generator.name,
            params=model.params.model_dump(mode="json"),
            budget=model.budget,
            schema=model.learnt,
            mechanisms=release_of(self.context.manifest, model),
            device=self.context.manifest.project.device,
            shape=None if family is None else family.shape,
        )

    def _retraining(self) -> Retraining | None:
        """What an audit must know to train such a model again, where one does."""
        model = self.model
        if not any(b.trains for b in model.audits):
            return None
        return Retraining(
            generator=model.generator.name,
            params=model.params.model_dump(mode="json"),
            columns=model.spec.columns,
            conditions=model.spec.conditions,
            device=self.context.manifest.project.device,
        )


def documented(staged: Table, compiled: Schema) -> Table:
    """The staged rows (of types seen in them) with the keys that the source declares."""
    key = compiled.primary_key or staged.schema.primary_key
    return replace(staged, schema=replace(staged.schema, primary_key=key))
