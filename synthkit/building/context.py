"""What all models of one run share."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from synthkit.building.slots import Slots
from synthkit.building.tally import Tally
from synthkit.compiler import Manifest, ModelNode
from synthkit.events import Listener, Note
from synthkit.planning.fingerprint import Fingerprinter
from synthkit.planning.lending import Lending
from synthkit.planning.plan import FULL_REFRESH, Action
from synthkit.records.parts import Git
from synthkit.runners.failing import JobError
from synthkit.runners.jobs import Executor, Job, JobProgress
from synthkit.runners.many import ManyAtOnce
from synthkit.sources.bounding import Declared
from synthkit.store.lent import take, training
from synthkit.store.signing import Sign, signer
from synthkit.store.staging import Staging
from synthkit.store.target import Target
from synthkit.store.targets import target_of
from synthkit.store.versions.git import git_state
from synthkit.store.versions.repository import Repository, find_repository

R = TypeVar("R")


@dataclass
class RunContext:
    """What all models of one run share."""

    manifest: Manifest
    executor: Executor
    run_id: str
    say: Listener
    actions: Mapping[str, Action]
    stale: Mapping[str, str] = field(default_factory=dict)  # model → why it is not built: a source is too old
    slots: Slots = field(default_factory=lambda: Slots(0))  # for jobs beside those of the scheduler's own threads
    contents: Mapping[str, str] = field(default_factory=dict)  # source → the hash that the actions were planned under
    fingerprinter: Fingerprinter = field(init=False)
    target: Target = field(init=False)
    staging: Staging = field(init=False)
    repository: Repository | str = field(init=False)  # or why no versions are kept
    git: Git | None = field(init=False)
    sign: Sign | None = field(init=False)  # what signs receipts, where a key is configured

    def __post_init__(self) -> None:
        project = self.manifest.project
        self.sign = signer(project.root)
        self.target = target_of(project)
        self.repository = self.target.unversioned() or find_repository(project.root)
        self.git = git_state(project.root)
        self.fingerprinter = Fingerprinter(self.manifest, self.contents)
        self.staging = Staging(project.target_dir)
        self._locks: dict[Hashable, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()
        self.stopping = threading.Event()  # is set when nothing more is to be begun
        self._tallies: dict[str, Tally] = defaultdict(Tally)
        self.splits: dict[tuple[str, float, Declared | None], Path] = {}  # of sources, in this run

    def carry_out(self, job: Job[R], model: ModelNode, progress: JobProgress) -> R:
        """Run a job of a model, on what the model asks for, and note what it took."""
        return self.measured(replace(job, resources=model.spec.resources), model.name, progress)

    def measured(self, job: Job[R], model: str, progress: JobProgress) -> R:
        """Run a job as it is, and note with a model what it took."""
        with self.tally(model).watching(job) as done:
            done.append(self.executor.run(job, progress))
        found: R = done[0]
        return found

    def tally(self, model: str) -> Tally:
        """What a model has taken in this run."""
        with self._guard:
            return self._tallies[model]

    def carry_out_many(
        self, executor: ManyAtOnce, jobs: Sequence[Job[R]], model: ModelNode, progress: Sequence[JobProgress]
    ) -> list[R]:
        """The same of jobs that an executor takes all at once."""
        handed, began = [replace(job, resources=model.spec.resources) for job in jobs], time.time()
        try:
            done = executor.run_many(handed, progress)
        except JobError as error:
            self.tally(model.name).failed(handed[0], error.measured)
            raise
        self.tally(model.name).many(handed, done, began)
        return done

    @contextmanager
    def trained(self, model: ModelNode, action: Action) -> Iterator[None]:
        """Around a training, and what is charged for it: only one build of the project trains the same model at a time.

        A model that another target has trained, maybe meanwhile, is taken: it is cached within the block then.

        Args:
            model: of a family, that of its root.

        Raises:
            BuildError: the build is stopped while it waits for another.
        """
        staging, train = self.staging, action.fingerprint.train
        if staging.has_model(train):
            yield
            return
        waiting = f"{model.name}: the same model is being trained"
        with training(self.manifest.project, train, lambda text: self.say(Note(f"{waiting}; {text}")), self.stopping):
            fresh = staging.has_model(train) or action.reason == FULL_REFRESH
            found = None if fresh else Lending(self.manifest).find(model, train)
            if found is not None and take(found, staging.model_dir(train)):
                self.say(Note(f"{model.name}: its rows are drawn from what target {found.target!r} has trained"))
            yield

    def once(self, key: Hashable) -> threading.Lock:
        """A lock per key, so that two models do not read the same source at once."""
        with self._guard:
            return self._locks[key]
