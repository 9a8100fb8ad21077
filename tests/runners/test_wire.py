"""Jobs on their way: every value arrives as it was sent, and its paths below the project as the other machine has it."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from synthkit.audits.context import PrivateTraining, Version
from synthkit.audits.runner import BoundAudit
from synthkit.generators.base import Budget
from synthkit.privacy.accounting.mechanisms import (
    ZCDP,
    ApproximateDP,
    BoundedRange,
    DiscreteGaussian,
    Gaussian,
    Laplace,
    Mechanism,
    SubsampledGaussian,
)
from synthkit.privacy.guarantee import Guarantee
from synthkit.privacy.ledger.entries import Charged
from synthkit.project.size import Size
from synthkit.project.types import ColumnSpec, ConnectionSpec, SourceTableSpec
from synthkit.records.audit import AuditRecord, ColumnRecord
from synthkit.runners.done import Audited, Divided, Made
from synthkit.runners.jobs import (
    AuditJob,
    GenerateJob,
    IngestJob,
    InheritJob,
    Job,
    SplitJob,
    done_from_json,
    done_to_json,
    job_from_json,
    job_to_json,
)
from synthkit.runners.parts import FailureFolder, Passage, Pictures, Retraining
from synthkit.runners.wire import packed, unpacked
from synthkit.schema import Column, Schema, Table
from synthkit.sources.bounding import Declared

ROOT = Path("/work/shop")
ELSEWHERE = Path("/mnt/other")

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.dates(),
    *(st.datetimes(timezones=st.just(zone)).map(lambda t: t.replace(fold=0)) for zone in (None, UTC)),
    st.times().map(lambda clock: clock.replace(fold=0)),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.binary(),
    st.builds(Path, st.sampled_from(["/work/shop/target/x", "/data/y", "data/z"])),
)
keys = st.one_of(st.text(), st.sampled_from(["$date", "$map", "$path"]), st.integers(), st.dates(), st.booleans())
values = st.recursive(scalars, lambda held: st.lists(held) | st.dictionaries(keys, held), max_leaves=20)


def same(one: Any, other: Any) -> bool:
    """Equal, of the same type, in the same order; NaN is itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        pairs = zip(one.items(), other.items(), strict=True)
        return len(one) == len(other) and all(same(a, c) and same(b, d) for (a, b), (c, d) in pairs)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other) and repr(one) == repr(other)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values)
def test_any_value_survives(value: Any) -> None:
    text = json.dumps(packed(value, ROOT), allow_nan=False)
    sent = unpacked(json.loads(text), ROOT)
    assert same(sent, absolute(value))


def absolute(value: Any) -> Any:
    """The value with its paths seen from the root, as a job's are."""
    if isinstance(value, dict):
        return {k: absolute(v) for k, v in value.items()}
    if isinstance(value, list):
        return [absolute(v) for v in value]
    return ROOT / value if isinstance(value, Path) else value


def test_what_cannot_travel_is_refused() -> None:
    with pytest.raises(TypeError, match="a complex cannot travel with a job"):
        packed({"x": [1j]}, ROOT)


# -- jobs ----------------------------------------------------------------------------------------------

SCHEMA = Schema(
    (
        Column("id", "id", "VARCHAR", nullable=False),
        Column("born", "date", "DATE", bounds=(date(1900, 1, 1), date(2026, 1, 1))),
        Column("paid", "decimal", "DECIMAL(9,2)", values=(Decimal("1.50"), Decimal("2.00")), decimals=2),
        Column("code", "categorical", "BLOB", values=(b"\x00\xff",)),
    ),
    primary_key=("id",),
    privacy_unit="id",
)
MECHANISMS: tuple[Mechanism, ...] = (
    DiscreteGaussian(12.5, count=3),
    Gaussian(1.5),
    SubsampledGaussian(1.1, 0.01, 100),
    Laplace(2.0),
    BoundedRange(0.5, 2),
    ZCDP(0.1),
    ApproximateDP(0.5, 1e-6),
)
TABLE = Table(SCHEMA, (ROOT / "warehouse/dev/people.parquet",), 10)
CONDITIONS = {"born": {date(1980, 1, 1): "50%", None: 0.5}, "paid": Decimal("1.50"), "code": b"\x00", "age": math.inf}
SPEC = SourceTableSpec.model_validate(
    {
        "name": "people",
        "path": "data/people.csv",
        "options": {"delimiter": ";", "since": date(2026, 1, 1)},
        "freshness": {"warn_after": {"count": 2, "period": "day"}},
        "columns": [{"name": "born", "bounds": [date(1900, 1, 1), datetime(2026, 1, 1, 12)], "meta": {"at": time(9)}}],
    }
)
FOLDER = ROOT / "target/cache/splits/x"

JOBS: list[Job[Any]] = [
    IngestJob(
        root=ROOT,
        spec=SPEC,
        connections={"here": ConnectionSpec(type="duckdb", path="data/here.duckdb")},
        holdout=0.2,
        directory=FOLDER,
        source_hash="ab" * 32,
        declared=Declared(SCHEMA, 3),
    ),
    SplitJob(root=ROOT, table=TABLE, holdout=0.2, directory=FOLDER, salt="salt"),
    InheritJob(
        root=ROOT,
        table=TABLE,
        holdout=0.0,
        directory=FOLDER,
        held_out=(FOLDER / "holdout.parquet", Path("/data/elsewhere.parquet")),
        queries=(Passage("select 1", '"a"', {'"b"': (FOLDER / "train.parquet",)}, 7),),
    ),
    GenerateJob(
        root=ROOT,
        model="m",
        stage_dir=ROOT / "target/staging/m/x",
        sample="cd" * 32,
        seed=1,
        metadata={"synthkit.model": "m"},
        guarantees=(Guarantee("people", ("source:crm.people",), math.inf, 0.0, (), ("source:crm.people",)),),
        generator="circuit",
        params={"states": 4, "rate": math.nan},
        split=FOLDER,
        columns=(ColumnSpec(name="born", type="date"),),
        model_dir=ROOT / "target/cache/models/x",
        checkpoint=ROOT / "target/cache/checkpoints/x.safetensors",
        size=Size(factor=2.0),
        conditions=CONDITIONS,
        constraints={"a <= b": "models/m.yml:3:5"},
        rules={"a -> b": "models/m.yml:4:5"},
        rules_found=True,
        keys="fresh",
        device="cpu",
        budget=Budget(1.0, 1e-6, rows=100),
        charge=Charged("ef" * 32, "people", None, 1, MECHANISMS),
    ),
    AuditJob(
        root=ROOT,
        model="m",
        table=TABLE,
        split=None,
        relations={'"crm"."people"': (FOLDER / "train.parquet",)},
        audits=(BoundAudit("since", "row_count", None, {"min": 3, "since": timedelta(days=1)}, where="a > 1"),),
        seed=3,
        training=PrivateTraining("aim", {"degree": 2}, Budget(1.0, 1e-6), SCHEMA, MECHANISMS),
        retraining=Retraining("circuit", {}, (ColumnSpec(name="born", pii="name"),), CONDITIONS, "cpu"),
        failures=FailureFolder(ROOT / "target/failures/m", "target/failures/m"),
        previous=Version(TABLE, 1234, {"train": 1.5}, "2026-01-01T00:00:00+00:00"),
        seconds={"train": 2.5},
        pictures=Pictures(ROOT / "target/profiles/m.json", True, {"model": "m"}),
    ),
]


def seen_from(root: Path, value: Any) -> Any:
    """The job as one who has the project below ``root`` writes it."""
    return repr(value).replace(str(ROOT), str(root))


def plain(value: Any) -> Any:
    """NaN is not equal to itself; its text is."""
    return repr(value)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.kind)
def test_a_job_arrives_as_it_was_sent(job: Job[Any]) -> None:
    text = json.dumps(job_to_json(job), allow_nan=False)
    again = job_from_json(json.loads(text))
    assert type(again) is type(job)
    assert plain(again) == plain(job)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.kind)
def test_a_job_names_nothing_below_the_root_that_it_was_sent_from(job: Job[Any]) -> None:
    sent = job_to_json(job)
    assert str(ROOT) not in json.dumps({k: v for k, v in sent.items() if k != "root"})
    assert repr(job_from_json(sent, ELSEWHERE)) == seen_from(ELSEWHERE, job)


def test_a_field_of_another_type_is_refused() -> None:
    sent = job_to_json(JOBS[1])
    with pytest.raises(ValidationError, match="holdout"):
        job_from_json(sent | {"holdout": "most of it"})
    with pytest.raises(ValidationError, match="kind"):
        job_from_json(sent | {"kind": "dream"})


@pytest.mark.parametrize(
    ("job", "done"),
    [
        (JOBS[0], Divided(FOLDER / "ab", 10, 2, ("a note",), {"born": "DATE"})),
        (JOBS[3], Made(10, None, {"train": 0.5})),
        (
            JOBS[4],
            Audited(
                (
                    AuditRecord(
                        name="ks",
                        column="a",
                        value=3,
                        ci=(0, 1.5),
                        threshold="at most 4",
                        floor=None,
                        severity="error",
                        status="pass",
                        message="fine",
                        seconds=0.25,
                        columns=(ColumnRecord(column="a", value=3, status="pass"),),
                        details={"n": [1, 2.5, None]},
                    ),
                ),
                {"audit": 1.0},
            ),
        ),
    ],
)
def test_what_a_job_came_to_arrives_as_it_was_sent(job: Job[Any], done: Any) -> None:
    sent = json.dumps(done_to_json(job, done))
    assert str(ROOT) not in sent
    assert repr(done_from_json(job, json.loads(sent))) == repr(done)
