"""One fit and one draw, in a process of its own: the rules that the rows break, what a classifier tells, CPU time."""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from synthkit.rules.dependency import Dependency
from synthkit.rules.inequality import Inequality
from synthkit.rules.language import Rule, parse_rule, violations
from synthkit.rules.sets import Combination, OneHot

SDV = {"sdv.gaussian_copula": "GaussianCopulaSynthesizer", "sdv.ctgan": "CTGANSynthesizer"}
LEARNT = ("numerical", "categorical", "datetime", "boolean", "ordinal", "id")  # SDV's types of columns that stay
TRIAL = 300  # rows on which it is tried whether SDV accepts a constraint beside others


@dataclass(frozen=True)
class Fit:
    """What came of one fit.

    Args:
        broken: share of the drawn rows that break a rule which all real rows keep.
        c2st: AUC of ``detection``, which sees differences, sums and ratios of columns.
        fit, draw: CPU seconds.
        said: of SDV, how many of the rules its constraints can say and it took.
        learnt, columns: how many of the columns are learnt.
    """

    broken: float
    c2st: float
    fit: float
    draw: float
    said: int
    learnt: int
    columns: int


def run(generator: str, train: pa.Table, holdout: pa.Table, rules: tuple[str, ...], seed: int, epochs: int) -> Fit:
    """``circuit found``, ``circuit none``, or one of :data:`SDV`; called in a fresh process."""
    os.environ["OMP_NUM_THREADS"] = "1"
    warnings.simplefilter("ignore")
    import torch

    import synthkit
    from synthkit.encoding.origin import origins
    from synthkit.records.columns import MADE_UP

    torch.set_num_threads(1)
    parsed = tuple(parse_rule(text) for text in rules)
    learnt, said = train.num_columns, 0
    if generator in SDV:
        drawn, fit, draw, said = _sdv(generator, train, parsed, seed, epochs)
        schema = synthkit.fit(train, generator={"name": "circuit", "states": 2, "max_steps": 1, "min_steps": 1}).schema
    else:
        started = time.process_time()
        model = synthkit.fit(train, rules=generator.split()[1], seed=seed)
        fit, started = time.process_time() - started, time.process_time()
        drawn = model.draw(train.num_rows, seed=seed)
        draw, schema = time.process_time() - started, model.schema
        learnt -= sum(o.how in MADE_UP for o in origins(model._plan))
    drawn = drawn.select(train.column_names).cast(train.schema, safe=False)
    wrong = pa.array([False] * drawn.num_rows).to_numpy(zero_copy_only=False)
    for rule in parsed:
        wrong = wrong | violations(rule, drawn, train)
    c2st = _told(schema, drawn, train, holdout, seed)
    return Fit(float(wrong.mean()), c2st, fit, draw, said, learnt, train.num_columns)


def _told(schema: Any, drawn: pa.Table, train: pa.Table, holdout: pa.Table, seed: int) -> float:
    import pyarrow.parquet as pq

    from synthkit.audits import registry
    from synthkit.audits.context import AuditContext
    from synthkit.schema import Table

    with tempfile.TemporaryDirectory() as folder:

        def table(name: str, rows: pa.Table) -> Table:
            path = Path(folder) / f"{name}.parquet"
            pq.write_table(rows, path)
            return Table(schema, (path,), rows.num_rows)

        sides = (table("synthetic", drawn), table("train", train), table("holdout", holdout))
        audit = registry.get("detection")
        found = audit.run(AuditContext(schema, *sides, seed), audit.params()).value
        return float("nan") if found is None else found


def _sdv(
    generator: str, train: pa.Table, rules: tuple[Rule, ...], seed: int, epochs: int
) -> tuple[pa.Table, float, float, int]:
    """Rows of SDV's synthesizer with all of the rules that its constraints can say and that it accepts."""
    import numpy as np
    import sdv.single_table
    import torch
    from sdv.metadata import Metadata

    np.random.seed(seed)
    torch.manual_seed(seed)
    frame = train.to_pandas()
    for name in frame.select_dtypes(include="object"):
        if any(hasattr(v, "isoformat") for v in frame[name].dropna().head(1)):
            frame[name] = frame[name].astype("datetime64[ns]")
    metadata = Metadata.detect_from_dataframes({"table": frame})
    for name in frame.columns:  # a city is no personal data here, and is learnt
        if metadata.tables["table"].columns[name]["sdtype"] not in LEARNT:
            metadata.update_column(column_name=name, sdtype="categorical", table_name="table")
    arguments = {"epochs": epochs, "enable_gpu": False} if generator == "sdv.ctgan" else {}

    def made(name: str = generator) -> Any:
        return getattr(sdv.single_table, SDV[name])(metadata, **(arguments if name == generator else {}))

    accepted: list[Any] = []
    for one in filter(None, (_constraint(rule, train) for rule in rules)):
        try:
            trial = made("sdv.gaussian_copula")
            trial.add_constraints([*accepted, one])
            trial.fit({"table": frame.head(TRIAL)})
        except Exception:  # SDV refuses constraints that share columns, among others
            continue
        accepted.append(one)
    started = time.process_time()
    synthesizer = made()
    if accepted:
        synthesizer.add_constraints(accepted)
    synthesizer.fit({"table": frame})
    fit, started = time.process_time() - started, time.process_time()
    drawn = synthesizer.sample(train.num_rows)["table"]
    draw = time.process_time() - started
    for field in train.schema:
        if pa.types.is_integer(field.type):
            drawn[field.name] = drawn[field.name].astype("Float64").round().astype("Int64")
    return pa.Table.from_pandas(drawn, preserve_index=False), fit, draw, len(accepted)


def _constraint(rule: Rule, train: pa.Table) -> Any:
    """The rule as one of SDV's constraints; None where it has none for it."""
    import sdv.cag as cag

    if isinstance(rule, Inequality) and isinstance(rule.right, str) and rule.right in train.column_names:
        low, high = (rule.column, rule.right) if rule.operator in ("<", "<=") else (rule.right, rule.column)
        return cag.Inequality(low, high, strict_boundaries=rule.operator in ("<", ">"), table_name="table")
    if isinstance(rule, Dependency | Combination):
        return cag.FixedCombinations(list(rule.columns), table_name="table")
    return cag.OneHotEncoding(list(rule.columns), table_name="table") if isinstance(rule, OneHot) else None
