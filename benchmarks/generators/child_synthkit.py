"""A child process: fit one of synthkit's generators and draw from it, timed, with whatever it imports already loaded.

The job is a JSON object: ``generator``, ``train`` (a Parquet file), ``types``, ``params``, ``seed``, ``device``,
``ingested`` (a folder), ``sample`` (where the rows go), ``rows`` (0: none are drawn), ``record``. With ``model`` (a
folder) the model is saved there, or read from there if it is complete, which leaves the fit out. With ``epsilon`` and
``delta`` it is trained under that budget, and ``declared`` (a file) says what it knows of the columns.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks.generators.measure import job_from_arguments, measured, peak_mib, versions, write_record


def main() -> None:
    job = job_from_arguments()
    record: dict[str, Any] = {"job": job}
    import pandas  # noqa: F401
    import sklearn.mixture  # noqa: F401
    import torch

    from synthkit.errors import DISTRIBUTION
    from synthkit.generators import registry

    generator = registry.trained(job["generator"])
    record |= {"threads": torch.get_num_threads(), "imports_peak_mib": peak_mib()}
    model = _model(generator, job, record)
    if job["rows"]:
        with measured(record, "sample"):
            record["rows"] = _draw(generator, model, job)
    record["versions"] = versions(DISTRIBUTION, "torch", "sdv", "numpy", "scikit-learn")
    write_record(job["record"], record)


def _model(generator: Any, job: dict[str, Any], record: dict[str, Any]) -> Any:
    """The fitted model: read from its folder, or trained now."""
    kept = Path(job["model"]) if job.get("model") else None
    if kept is not None and (kept / "complete").exists():
        return generator.load(kept)
    from benchmarks.generators.datasets import ingested
    from benchmarks.generators.knowledge import as_declared
    from synthkit.generators.base import Budget, silent

    table, budget = ingested(Path(job["train"]), job["types"], Path(job["ingested"])), None
    if job.get("epsilon") is not None:
        table = as_declared(table, Path(job["declared"]))
        budget = Budget(job["epsilon"], job["delta"], rows=table.rows)
    params = generator.params.model_validate(job["params"])
    record["params"] = params.model_dump(mode="json")
    with measured(record, "fit"):
        model = generator.fit(table, params, budget=budget, seed=job["seed"], device=job["device"], progress=silent)
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        generator.save(model, kept)
        (kept / "complete").touch()
    return model


def _draw(generator: Any, model: Any, job: dict[str, Any]) -> int:
    """Stream the rows to Parquet, the way a build does. Returns how many there are."""
    from synthkit.generators.base import silent
    from synthkit.store.parquet import write_parquet

    batches = iter(generator.sample(model, job["rows"], conditions=(), seed=job["seed"] + 1, progress=silent))
    first = next(batches)
    return write_parquet(chain([first], batches), first.schema, Path(job["sample"]), {}).rows


if __name__ == "__main__":
    main()
