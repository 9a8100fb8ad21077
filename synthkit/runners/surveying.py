"""What a training needs of all rows of a large table, found by a job for each column before it."""

from __future__ import annotations

import time

from synthkit.errors import BuildError
from synthkit.files import clean_temporaries, own_folder, temporary_folder
from synthkit.runners.done import Prepared, Surveyed
from synthkit.runners.generating import decided, follows_others, of_split, prepared_for
from synthkit.runners.jobs import JobProgress, PrepareJob, SurveyJob
from synthkit.runners.trained import is_trained
from synthkit.store.surveys import SurveyFiles


def prepare(job: PrepareJob, _progress: JobProgress) -> Prepared:
    """Decide what is learnt, check what is asked of it, and lay the rows down as they are learnt.

    Raises:
        BuildError: as the training would.
    """
    started = time.perf_counter()
    assert job.surveys is not None
    files = SurveyFiles(job.surveys)
    if is_trained(job.model_dir) or follows_others(job):
        return Prepared(0, 0.0)
    split, table = of_split(job)
    if (ready := prepared_for(job, table)) is not None:
        return Prepared(len(ready[0].inner.columns), 0.0)
    own_folder(files.directory)
    clean_temporaries(files.directory)
    with temporary_folder(files.directory / "rows") as scratch:
        found = decided(job, table, split, scratch)
        plan = found.plan
        learnt = plan.learnt.learn(found.known, scratch / "learnt.parquet")
        own = learnt.paths[0] if learnt.paths[0].is_relative_to(scratch) else None
        files.lay_down(plan.to_json(), learnt, own)
    return Prepared(len(plan.inner.columns), time.perf_counter() - started)


def survey(job: SurveyJob, _progress: JobProgress) -> Surveyed:
    """Have the generator look at one column; nothing where a model is there already: whose training was the faster one.

    Raises:
        BuildError: nobody prepared the table, or its column cannot be learnt.
    """
    from synthkit.generators import registry
    from synthkit.generators.exact.drawing import seed_for

    started = time.perf_counter()
    generator = registry.trained(job.generator)
    assert job.surveys is not None
    assert generator.survey is not None
    ready = prepared_for(job, of_split(job)[1])
    if ready is None and is_trained(job.model_dir):
        return Surveyed(0.0)
    if ready is None:
        raise BuildError(f"what is learnt of {job.model!r} is gone", hint="build again")
    params = generator.params.model_validate(job.params)
    done = generator.survey(ready[1], params, job.column, seed=seed_for(job.seed, "fit"), directory=job.surveys)
    return Surveyed(time.perf_counter() - started if done else 0.0)
