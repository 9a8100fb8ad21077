"""The examples in docstrings are right, and the values that everybody speaks have one."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import synthkit
from synthkit.audits.contract import ColumnResult
from synthkit.audits.measures.distances import Distance
from synthkit.errors import Location, SynthError
from synthkit.graph.dag import Dag
from synthkit.privacy.accounting.mechanisms import DiscreteGaussian
from synthkit.privacy.guarantee import Guarantee
from synthkit.project.spec import Relation
from synthkit.records.audit import AuditRecord
from synthkit.records.receipt import Receipt
from synthkit.records.record import Record
from synthkit.results import RunResults
from synthkit.schema import Column, Schema

ROOT = Path(synthkit.__file__).parent.parent
ELSEWHERE = (
    "synthkit.api.model",
    "synthkit.api.project",
    "synthkit.store.publishedtable",
    "synthkit.store.reader",
    "synthkit.records.receipt",
)  # of a project: tests/test_api.py
VALUES = (
    Location,
    SynthError,
    Column,
    Schema,
    Relation,
    Dag,
    DiscreteGaussian,
    Guarantee,
    Distance,
    ColumnResult,
    Record,
    AuditRecord,
    Receipt,
    RunResults,
)


def test_examples_are_right() -> None:
    wrong, tried = [], 0
    for file in sorted(Path(synthkit.__file__).parent.rglob("*.py")):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if ">>> " in file.read_text("utf-8") and name not in ELSEWHERE:
            found = doctest.testmod(importlib.import_module(name))
            tried += found.attempted
            wrong += [name] if found.failed else []
    assert wrong == []
    assert tried > len(VALUES)


def test_public_values_have_an_example() -> None:
    assert [v.__qualname__ for v in VALUES if ">>> " not in (v.__doc__ or "")] == []
