"""Which tables, generators and audits are crossed, and the project in which one table is built."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.timing import SYNTH
from synthkit.schema import MADE_UP

FEWEST = 100  # rows: of fewer, a fifth held out judges nothing
SUFFIXES = {".csv", ".parquet"}
SEED = 0  # of the rows taken from a table that is larger than asked

# What a user would predict, for tstr; of flights with a column that is not null.
TARGETS = {
    "adult": "income",
    "telco_churn": "Churn",
    "default": "default",
    "german_credit": "credit_risk",
    "heart_cleveland": "num",
    "mlc_churn": "churn",
    "randhie": "mdvis",
    "randhie_full": "mdvis",
    "pbcseq": "status",
    "storms": "status",
    "flights": "distance",
}
EPSILON = 1.0
GENERATORS: dict[str, dict[str, Any]] = {
    "cart": {},
    "race": {},
    "circuit": {},
    "conditional": {},
    "ctgan": {},
    "tvae": {},
    "sdv.gaussian_copula": {},
    "sdv.ctgan": {},
    "sdv.tvae": {},
    "sdv.copula_gan": {},
    "aim": {"epsilon": EPSILON},
    "mst": {"epsilon": EPSILON},
    "independent": {"epsilon": EPSILON},
}
MEAN = {"combine": "mean"}
AUDITS: dict[str, dict[str, Any]] = {
    "ks": {"max": 0.25, **MEAN},
    "chi_square": {"max": 0.25, **MEAN},
    "wasserstein": MEAN,
    "total_variation": MEAN,
    "column_shapes": {},
    "column_pairs": MEAN,
    "pair_trends": {},
    "correlation": {},
    "missingness": {},
    "coverage": {},
    "detection": {"max": 0.6},
    "alpha_precision": {},
    "beta_recall": {},
    "cardinality": {},
    "boundary": {},
    "tstr": {},
    "trts": {},
    "feature_importance": {},
    "query_workload": {},
    "membership_inference": {"max_auc": 0.6, "max_tpr": 0.05},
    "dcr": {},
    "nndr": {},
    "exact_match": {},
    "outlier_similarity": {},
}
PREDICTING = {"tstr", "trts", "feature_importance"}


@dataclass(frozen=True)
class Source:
    """One table, cut to the rows that are asked for."""

    name: str
    file: Path
    rows: int


def tables(folder: Path, most: int, work: Path) -> tuple[list[Source], list[str]]:
    """The tables of a folder of CSV and Parquet files, as Parquet in ``work``; and those that are too small."""
    import duckdb

    found, small = [], []
    for path in sorted(p for p in folder.rglob("*") if p.suffix in SUFFIXES):
        file = work / "tables" / f"{path.stem}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            (count,) = connection.execute(f"SELECT count(*) FROM '{path}'").fetchone() or (0,)
            if count < FEWEST:
                small.append(f"{path.stem} ({count})")
                continue
            rows = min(count, most)
            sample = f"USING SAMPLE reservoir({rows} ROWS) REPEATABLE ({SEED})" if rows < count else ""
            connection.execute("SET threads = 1")  # a sample is repeatable by one thread alone
            connection.execute(f"COPY (SELECT * FROM '{path}' {sample}) TO '{file}' (FORMAT parquet)")
        found.append(Source(path.stem, file, rows))
    known = list(TARGETS)  # those that people know first: a run that is cut short has these
    return sorted(found, key=lambda s: known.index(s.name) if s.name in known else len(known)), small


def project_of(table: Source, work: Path) -> Path:
    """A project with one model for each generator, all audits of all of them only warning.

    The source is described by ``synth init``, with bounds and values read off the rows: that is no way to declare them
    where ε is to mean anything, and here these are the same for all generators.
    """
    root = work / "projects" / table.name
    if (root / "synth_project.yml").exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    command = [*SYNTH, "init", root.name, "--from", str(table.file), "--copy", "--propose-bounds"]
    done = subprocess.run(command, cwd=root.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{table.name}: {done.stdout}{done.stderr}")
    (file,) = (root / "models").glob("*.yml")
    declared = yaml.safe_load(file.read_text("utf-8"))
    (source,) = declared["sources"]
    source["tables"][0]["row_count"] = table.rows
    target = TARGETS.get(table.name)
    audits = [
        {name: {**params, **({"target": target} if name in PREDICTING else {}), "severity": "warn"}}
        for name, params in AUDITS.items()
        if target or name not in PREDICTING
    ]
    read = f"{{{{ source('{source['name']}', '{source['tables'][0]['name']}') }}}}"
    # Where nothing is learnt, there is nothing to spend epsilon on, and the compiler says so.
    learnt = any(c["type"] not in MADE_UP for c in source["tables"][0]["columns"])
    declared["models"] = [
        {
            "name": model_name(generator),
            "source": read,
            "generator": generator,
            "size": "1x",
            "materialized": "parquet",
            "audits": audits,
            **options,
        }
        for generator, options in GENERATORS.items()
        if learnt or "epsilon" not in options
    ]
    file.write_text(yaml.safe_dump(declared, sort_keys=False, allow_unicode=True), "utf-8")
    return root


def generators_of(root: Path) -> set[str]:
    """The generators that a project of :func:`project_of` has models of."""
    (file,) = (root / "models").glob("*.yml")
    return {model["generator"] for model in yaml.safe_load(file.read_text("utf-8"))["models"]}


def model_name(generator: str) -> str:
    return generator.replace(".", "_")
