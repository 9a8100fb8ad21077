"""A model in seconds: a small fit of a sample of its training rows, some rows drawn, and judged by the quick audits."""

from __future__ import annotations

import time
from dataclasses import replace

from synthkit.building.previewing import preview_family
from synthkit.building.trial import Preview, refuse_priced, sampled, shorter, silent, trial
from synthkit.compiler import Manifest, ModelNode
from synthkit.compiler.familynode import FamilyNode
from synthkit.errors import BuildError, SynthError, did_you_mean
from synthkit.project.size import Size
from synthkit.runners.jobs import JobProgress
from synthkit.sources.split import load_split


def preview(manifest: Manifest, name: str, *, rows: int, learn: int, progress: JobProgress = silent) -> Preview:
    """Fit a model to at most ``learn`` of its training rows, and draw.

    Args:
        name: of a model, of a family, or of one of its tables.
        rows: that are wanted.
        progress: is told of the training.

    Raises:
        SynthError: there is no such model, or it cannot be tried without a price: epsilon, a teacher's money.
        BuildError: it cannot be trained or drawn.
    """
    import pyarrow.parquet as pq

    family = manifest.families.get(name) or _family_of(manifest, name)
    if family is not None:
        for member in family.members.values():
            refuse_priced(manifest.models[member])
        return preview_family(manifest, family, name, rows=rows, learn=learn, progress=progress)
    began = time.perf_counter()
    model = _previewed(manifest, name)
    with trial(manifest, (name,)) as tried:
        jobs, scratch = tried.jobs(name), tried.staging
        fingerprint = tried.context.actions[name].fingerprint
        whole = load_split(jobs.read())
        folder_of_sample = sampled(whole, tried.folder / "split", learn)
        split = load_split(folder_of_sample)
        job = jobs.generate(None, ())
        shortened = shorter(job.params)
        small = replace(
            job,
            split=folder_of_sample,
            params={**job.params, **shortened},
            size=Size(rows=max(rows, min(split.train.rows, learn))),
            stage_dir=scratch.directory(name, fingerprint.sample),
            model_dir=scratch.model_dir(fingerprint.train),
            checkpoint=scratch.checkpoint(fingerprint.train),
            surveys=None,  # those of a build are of all rows, and the build's own
        )
        tried.workers.run(small, progress)
        staged = scratch.staged(name, fingerprint.sample)
        if staged is None:
            raise BuildError(f"no rows of {name!r} were drawn")
        found, left = tried.judged(model, staged, folder_of_sample)
        shown = pq.read_table(staged.path).slice(0, rows).replace_schema_metadata(None)
    took = time.perf_counter() - began
    return Preview(name, shown, staged.table.rows, split.train.rows, whole.train.rows, shortened, found, left, took)


def _family_of(manifest: Manifest, name: str) -> FamilyNode | None:
    model = manifest.models.get(name)
    return None if model is None or model.family is None else manifest.families[model.family]


def _previewed(manifest: Manifest, name: str) -> ModelNode:
    """The model. Raises SynthError where there is none, or a preview would not be free of charge."""
    model = manifest.models.get(name)
    if model is None:
        hint = did_you_mean(name, (*manifest.models, *manifest.families), "a model")
        raise SynthError(f"there is no model {name!r}", hint=hint)
    refuse_priced(model)
    return model
