"""The scheduler: run a plan's actions in parallel along the graph, stage → audit → publish each, stop cleanly."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import FrameType
from typing import Any

from synthkit.building.context import RunContext
from synthkit.building.family import FamilyRun
from synthkit.building.freshness import fresh_sources, sources_read
from synthkit.building.invocation import NOTHING_ASKED, Asked, Invocation
from synthkit.building.model import ModelRun
from synthkit.building.publish import check_database, refresh_database
from synthkit.building.renames import refuse_unanswered
from synthkit.building.runrecord import clock, consumption_entry, keep, new_run_id, now, versions
from synthkit.building.slots import Slots
from synthkit.building.spending import balances, refuse_over_budget
from synthkit.building.unittests import check_unit_tests
from synthkit.compiler import Manifest
from synthkit.errors import BuildError
from synthkit.events import (
    Event,
    Listener,
    ModelFinished,
    ModelStarted,
    Note,
    RunFinished,
    RunStarted,
    ignore,
)
from synthkit.openlineage import Lineage
from synthkit.planning.disclosed import places_of
from synthkit.planning.plan import Action, Plan
from synthkit.results import ModelResult, RunResults
from synthkit.runners.jobs import Executor
from synthkit.runners.registry import started
from synthkit.stats import kept
from synthkit.stats.forecast import forecast
from synthkit.store.lock import ProjectLock
from synthkit.store.targets import target_of
from synthkit.telemetry import Telemetry


@dataclass(frozen=True)
class Options:
    """How to build: ``lock_wait`` is how many seconds to wait for another build to end.

    ``asked`` is what the command line gave of :class:`.invocation.Invocation`, for a retry.

    ``now`` is the clock that the sources' freshness is judged by; None is the machine's, or ``SYNTH_NOW``.
    """

    threads: int = 1
    fail_fast: bool = False
    lock_wait: float = 0.0
    command: str = "build"
    now: datetime | None = None
    asked: Asked = NOTHING_ASKED


@dataclass
class _State:
    """What the scheduler knows while it runs; only the scheduling thread writes it."""

    waiting: dict[str, Action]
    results: dict[str, ModelResult] = field(default_factory=dict)
    stopping: str | None = None


def build(
    manifest: Manifest,
    make: Callable[[], Plan],
    *,
    options: Options | None = None,
    listener: Listener = ignore,
    executor: Executor | None = None,
) -> RunResults:
    """Make a plan, run it, and write ``target/run_results.json``.

    The plan is made while the project's lock is held: one made earlier may not know what another build did meanwhile,
    and would train, and pay for, a private model a second time.

    A model whose parent failed is skipped. Ctrl-C and SIGTERM end the running jobs, leave what is published as it was
    and return results marked ``interrupted``.

    Raises:
        SynthError: another build holds the project's lock, with that process named; or no plan can be made.
        BuildError: a unit test fails, or somebody else's table in the DuckDB file has a model's name; nothing was run
            then.
        OverBudgetError: its trainings would spend more of some privacy than is left; nothing was read then.
    """
    options = options or Options()
    tell = _serialised(listener)
    lock = ProjectLock(manifest.project.target_dir / "lock", wait=options.lock_wait)
    with lock.held(lambda text: tell(Note(text))):
        run_id = new_run_id()
        with (
            Lineage(manifest, run_id, options.command, tell) as lineage,
            Telemetry(manifest, run_id, options.command, tell) as telemetry,
        ):
            say = _serialised(tell, lineage.listen, telemetry.listen)
            run = _build(manifest, make, run_id, options, say, executor, lineage)
            telemetry.ended(run)
    tell(RunFinished(run))
    return run


def _refuse_alone(manifest: Manifest, plan: Plan) -> None:
    """Raises BuildError where a family is to be published to a target that publishes one table at a time."""
    together = sorted({f for a in plan.work if (f := manifest.models[a.model].family) is not None})
    alone = target_of(manifest.project).alone() if together else None
    if alone is not None:
        hint = "choose another target, or give each table a model of its own"
        raise BuildError(f"the tables of {together[0]!r} are published together, and {alone}", hint=hint)


def _build(
    manifest: Manifest,
    make: Callable[[], Plan],
    run_id: str,
    options: Options,
    say: Listener,
    executor: Executor | None,
    lineage: Lineage,
) -> RunResults:
    """:func:`build`, under the lock."""
    project, began = manifest.project, now()
    target = project.target_dir
    check_unit_tests(manifest.unit_tests)
    plan = make()
    _refuse_alone(manifest, plan)
    lineage.planned(plan)
    for warning in (*plan.warnings, *forecast(manifest, plan, options.threads).warnings):
        say(Note(warning, "warn"))
    refuse_unanswered(manifest, plan.actions)
    refuse_over_budget(manifest, balances(manifest, plan.actions))
    check_database(manifest, [a.model for a in plan.actions])
    target_of(project).mend()
    models = tuple(a.model for a in plan.actions)
    Invocation(run_id, options.command, project.target_name, models, **vars(options.asked)).write(target)
    log = target / "logs" / f"{run_id}.log"
    workers = executor or started(project.runner, model_threads=project.spec.model_threads, log=log)
    say(RunStarted(run_id, len(plan.actions), options.threads, project.target_name))
    stale = _stale(manifest, plan, options, say)
    actions, slots = {a.model: a for a in plan.actions}, Slots(options.threads)
    context = RunContext(manifest, workers, run_id, say, actions, stale, slots, plan.contents)
    scheduler = _Scheduler(context, plan, options, say)
    try:
        with _signals(scheduler.stop):
            results, reason = scheduler.run()
    finally:
        workers.close()
    run = RunResults(
        run_id=run_id,
        started_at=began,
        ended_at=now(),
        target=project.target_name,
        seed=project.seed,
        device=project.device,
        versions=versions(),
        results=results,
        git=context.git,
        command=options.command,
        interrupted=reason == "interrupted",
    )
    keep(manifest.project.target_dir, run, say)
    for warning in refresh_database(manifest):
        say(Note(warning, "warn"))
    lineage.ended(run)
    return run


def _stale(manifest: Manifest, plan: Plan, options: Options, say: Callable[[Event], None]) -> dict[str, str]:
    """Models that a stale source keeps from being built, with the reason; warnings are said.

    Audits alone, and a promotion, are about what is published, and look at no clock.
    """
    if options.command in ("audit", "promote"):
        return {}
    reads = {a.model: sources_read(manifest.models[a.model]) for a in plan.actions}
    found = fresh_sources(manifest, options.now or clock(), [s for r in reads.values() for s in r])
    for one in found.values():
        if one.status == "warn":
            say(Note(one.message, "warn"))
    bad = {id_: one.message for id_, one in found.items() if one.status == "error"}
    return {m: f"stale source: {bad[s]}" for m, read in reads.items() for s in read if s in bad}


class _Scheduler:
    """Starts each action when its parents are done, at most ``threads`` at a time, partitions of tables among them."""

    def __init__(self, context: RunContext, plan: Plan, options: Options, say: Callable[[Event], None]) -> None:
        self.context, self.plan, self.options, self.say = context, plan, options, say
        self.state = _State({a.model: a for a in plan.actions})
        self.total = len(plan.actions)
        self.started = self.finished = 0
        self.failures = False
        self._begun: dict[str, tuple[str, float]] = {}  # model → when, and how many seconds it had waited for its turn
        self._free = time.monotonic()  # since when what waits for nothing is ready
        self._done_at: dict[str, float] = {}

    def stop(self, reason: str) -> None:
        """Start nothing more and end what runs; safe to call from a signal handler."""
        if self.state.stopping is None:
            self.state.stopping = reason
            self.context.stopping.set()
            threading.Thread(target=self.context.executor.stop, daemon=True).start()

    def run(self) -> tuple[tuple[ModelResult, ...], str | None]:
        running: set[Future[tuple[ModelResult, ...]]] = set()
        with ThreadPoolExecutor(self.options.threads, thread_name_prefix="synth") as pool:
            while True:
                self._skip_blocked()
                while (action := self._next()) is not None and self.context.slots.take():
                    running.add(self._start(pool, action))
                if not running:
                    break
                # A time-out, so that a signal is seen even where the wait would not be interrupted.
                done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    running.remove(future)
                    self.context.slots.give_back()
                    for result in future.result():
                        self._finish(result)
        for action in list(self.state.waiting.values()):
            self._finish(self._skipped(action, f"not started: {self.state.stopping or 'the build stopped'}"))
        order = {a.model: i for i, a in enumerate(self.plan.actions)}
        results = tuple(sorted(self.state.results.values(), key=lambda r: order[r.model]))
        return results, self.state.stopping

    def _unit(self, action: Action) -> tuple[Action, ...]:
        """The waiting actions that are done at once with this one: those of its family, or it alone."""
        if action.together is None:
            return (action,)
        return tuple(a for a in self.state.waiting.values() if a.together == action.together)

    def _parents(self, action: Action) -> Iterator[str]:
        unit = {a.model for a in self._unit(action)}
        for name in unit:
            for parent in self.context.manifest.models[name].parents:
                if parent.source is None and parent.name not in unit:
                    yield parent.name

    def _next(self) -> Action | None:
        """The next action in plan order whose parents are all done."""
        if self.state.stopping is not None:
            return None
        for action in self.state.waiting.values():
            if all(p not in self.state.waiting and self._done(p) for p in self._parents(action)):
                return action
        return None

    def _done(self, model: str) -> bool:
        return model in self.state.results or model not in self.context.actions

    def _start(self, pool: ThreadPoolExecutor, action: Action) -> Future[tuple[ModelResult, ...]]:
        unit = self._unit(action)
        ready = max((self._done_at.get(p, self._free) for p in self._parents(action)), default=self._free)
        for one in unit:
            self._begun[one.model] = (now(), max(0.0, time.monotonic() - ready))
            del self.state.waiting[one.model]
            if one.kind != "reuse":
                self.started += 1
                work = len(self.plan.work)
                self.say(ModelStarted(one.model, one.kind, one.reason, self.started, work))
        if action.together is not None:
            return pool.submit(FamilyRun(self.context, unit).run)
        run = ModelRun(self.context, action)
        return pool.submit(lambda: (run.run(),))

    def _skip_blocked(self) -> None:
        """Skip whatever is downstream of a failure, level by level."""
        again = self.failures  # to look through all that waits after every model that passed would take n² steps
        while again:
            again = False
            for action in list(self.state.waiting.values()):
                if action.model not in self.state.waiting:
                    continue  # its family was skipped
                bad = [p for p in self._parents(action) if self._stuck(p)]
                for one in self._unit(action) if bad else ():
                    self._finish(self._skipped(one, f"skipped: {bad[0]} did not pass"))
                    again = True

    def _stuck(self, model: str) -> bool:
        result = self.state.results.get(model)
        return result is not None and (result.failed or result.status == "skipped")

    def _skipped(self, action: Action, message: str) -> ModelResult:
        self.state.waiting.pop(action.model, None)
        model = self.context.manifest.models[action.model]
        return ModelResult(
            action.model,
            action.kind,
            "skipped",
            fingerprints=action.fingerprint.hashes(),
            message=message,
            generator=action.generator,
            path=model.path,
            materialized=model.spec.materialized,
            disclosure=model.disclosure,
            places=places_of(model),
            family=model.family,
            keys=self.context.manifest.joins.get(model.name, ()),
        )

    def _finish(self, result: ModelResult) -> None:
        began, queued = self._begun.get(result.model, (None, None))
        if result.status != "reused" and queued is not None:
            result = replace(result, queued=round(queued, 3))
        self.state.results[result.model] = result
        self._done_at[result.model] = time.monotonic()
        self._keep(result, began)
        self.finished += 1
        self.failures |= result.failed or result.status == "skipped"
        self.say(ModelFinished(result, self.finished, self.total))
        if result.failed and self.options.fail_fast:
            self.stop("fail-fast")

    def _keep(self, result: ModelResult, began: str | None) -> None:
        """A line of what it took, at once: a build that is killed has told of what it had done until then."""
        if result.status in ("reused", "skipped") and not result.consumed:
            return
        context, action = self.context, self.context.actions[result.model]
        project, options = context.manifest.project, self.options
        entry = consumption_entry(
            context.run_id, context.manifest, options.command, options.threads, action, result, began
        )
        why_not = kept.append(project.target_dir, entry)
        if why_not is not None:
            self.say(Note(f"what {result.model} took is not recorded: {why_not}", "warn"))


def _serialised(*listeners: Listener) -> Listener:
    """Events come from many threads; the listeners see one at a time."""
    lock = threading.Lock()

    def say(event: Event) -> None:
        with lock:
            for listen in listeners:
                listen(event)

    return say


@contextmanager
def _signals(stop: Callable[[str], None]) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a clean stop while the build runs; a second one kills at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if seen:
            os._exit(128 + number)
        seen.append(number)
        stop("interrupted")

    before: Mapping[int, Any] = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
