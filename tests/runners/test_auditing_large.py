"""Of a large table statistics are read off a sample, and say so; what can be counted is counted over all rows."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import SAMPLING
from synthkit.audits.family import Family, Member
from synthkit.audits.integrity import between
from synthkit.audits.rows import sampled
from synthkit.audits.runner import BoundAudit, looked_at, run_audits
from synthkit.records.audit import AuditRecord
from synthkit.runners.auditing import audit
from synthkit.runners.jobs import AuditJob
from synthkit.schema import Table
from tests.tables import make_table

ROWS = 5_000


@pytest.fixture
def table(tmp_path: Path) -> Table:
    rng = np.random.default_rng(1)
    columns = {
        "key": ("BIGINT", pa.array(range(ROWS))),
        "low": ("BIGINT", pa.array(rng.integers(0, 50, ROWS))),
        "group": ("VARCHAR", pa.array([f"g{i % 5}" for i in range(ROWS)])),
        "named": ("VARCHAR", pa.array([f"name {i % 5}" if i != 4_321 else "other" for i in range(ROWS)])),
    }
    return make_table(tmp_path / "t.parquet", columns, key="id")


def records(table: Table, *wanted: tuple[str, dict[str, object]], root: Path) -> dict[str, AuditRecord]:
    bound = tuple(
        BoundAudit(name=n, audit=n, sql=None, params=p, severity="error", where=None, warn_if=None, error_if=None,
                   hash="0" * 64, location="x")
        for n, p in wanted
    )  # fmt: skip
    job = AuditJob(root=root, model="m", table=table, split=None, relations={}, audits=bound, seed=1)
    return {r.name: r for r in audit(job, lambda *_: None).records}


def context(table: Table, seed: int = 1) -> AuditContext:
    return AuditContext(schema=table.schema, synthetic=table, train=None, holdout=None, seed=seed)


def test_a_sample_is_of_all_rows_alike_and_the_same_each_time(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampled, "MOST_ROWS", 500)
    tally = np.zeros(ROWS)
    for seed in range(40):
        few = sampled.sampled(context(table, seed), tmp_path).synthetic
        keys = few.to_arrow(["key"]).column(0).to_numpy()
        assert few.rows == len(keys) == len(set(keys.tolist())) == 500
        assert (np.diff(keys) > 0).all()
        tally[keys] += 1
    # Each row is expected in 4 of 40 samples; each tenth of the table in 2,000, with a standard error of 40.
    assert abs(tally.reshape(10, -1).sum(axis=1) - 2_000).max() < 5 * 40
    again = sampled.sampled(context(table, 39), tmp_path).synthetic.to_arrow(["key"]).column(0).to_numpy()
    assert (again == keys).all()


def test_a_billion_rows_are_sampled_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "MOST_ROWS", 4_000)
    for total in (sampled.MANY, 3 * sampled.MANY):
        found = np.concatenate(list(sampled._numbers(total, np.random.default_rng(1))))
        assert len(found) == 4_000
        assert (np.diff(found) > 0).all()
        # A tenth of the table is expected to have 400 of them, with a standard error of 19.
        assert abs(np.histogram(found, 10, (0, total))[0] - 400).max() < 5 * 19


def test_a_table_that_is_not_large_is_read_whole(table: Table, tmp_path: Path) -> None:
    here = context(table)
    assert sampled.sampled(here, tmp_path) is here
    assert not list(tmp_path.glob("sample*"))


def test_what_is_counted_is_counted_over_all_rows(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row of 5,000 breaks the rule, one key is missing: a sample of 200 would hardly find either."""
    monkeypatch.setattr(sampled, "MOST_ROWS", 200)
    monkeypatch.setattr(between, "MOST_ROWS", 200)
    found = records(
        table,
        ("row_count", {"equals": ROWS}),
        ("unique", {"columns": ["key"]}),
        ("rules", {"declared": ["group -> named", "low >= 0"], "found": False}),
        ("k_anonymity", {"quasi_identifiers": ["group"], "min": 1}),
        root=tmp_path,
    )
    assert {n: r.status for n, r in found.items()} == {
        "row_count": "pass", "unique": "pass", "rules": "fail", "k_anonymity": "pass"
    }  # fmt: skip
    assert found["rules"].value == 1
    assert f"in 1 of {ROWS:,} rows" in found["rules"].message
    assert not [r.message for r in found.values() if "sample" in r.message]


@pytest.mark.parametrize("groups", [70_000, 1_000])
def test_the_same_rows_are_drawn_of_files_that_are_cut_otherwise(
    groups: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``where`` is about rows as they are published, which lie in another file than those that are read."""
    monkeypatch.setattr(sampled, "MOST_ROWS", 3_000)
    rows = pa.table({"key": pa.array(range(150_000))})
    schema = make_table(tmp_path / "one.parquet", {"key": ("BIGINT", rows["key"])}).schema
    found = []
    for name, size in (("read", 150_000), ("published", groups)):
        pq.write_table(rows, tmp_path / name, row_group_size=size)
        found.append(Table(schema, (tmp_path / name,), 150_000))
    here = AuditContext(
        schema=schema, synthetic=found[0], train=None, holdout=None, seed=1, published={"synthetic": found[1].paths},
        where="key % 2 = 0",
    )  # fmt: skip
    few = sampled.sampled(here, tmp_path)
    keys = few.synthetic.to_arrow().column("key")
    assert len(keys) == 3_000
    assert pq.read_table(few.published["synthetic"][0]).column("key").equals(keys)
    assert few.rows("synthetic") == sum(k % 2 == 0 for k in keys.to_pylist())


def test_real_rows_are_sampled_for_those_that_look_for_none_of_them(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampled, "MOST_ROWS", 400)
    here = AuditContext(schema=table.schema, synthetic=table, train=table, holdout=table, seed=1)
    some = sampled.sampled(here, tmp_path)
    few = sampled.sampled_real(some, tmp_path)
    assert [few.rows(s) for s in ("synthetic", "train", "holdout")] == [400, 400, 400]
    assert few.train is not None
    assert few.holdout is not None
    drawn = [set(t.to_arrow(["key"]).column(0).to_pylist()) for t in (few.train, few.holdout)]
    assert drawn[0] != drawn[1]  # each side has a sample of its own
    names = ("ks", "membership_inference", "value_reuse", "exact_match")
    bound = [BoundAudit(name=n, audit=n, sql=None, params={}) for n in names]
    found = {r.name: r.message or "" for r in run_audits(here, bound, lambda *_: None, None, here, some, few)}
    all_sides = f"of a sample of 400 of {ROWS:,} rows, 400 of {ROWS:,} training rows, 400 of {ROWS:,} held-out rows)"
    assert found["ks"].endswith(all_sides)
    assert found["membership_inference"].endswith(all_sides)
    assert "training rows" not in found["value_reuse"]  # a published value may be that of any training row
    assert "sample" not in found["exact_match"]


def test_tables_of_a_family_keep_their_real_rows(table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "MOST_ROWS", 400)
    family = Family("t", {"t": Member(table, table, table)}, ())
    here = AuditContext(schema=table.schema, synthetic=table, train=table, holdout=table, seed=1, family=family)
    assert sampled.sampled_real(here, tmp_path) is here


def histories(path: Path, seed: int, first: int) -> Table:
    """150 people with ten rows each."""
    rng = np.random.default_rng(seed)
    columns = {
        "who": ("BIGINT", pa.array(first + np.repeat(np.arange(150), 10))),
        "day": ("BIGINT", pa.array(np.tile(np.arange(10) * 7, 150))),
        "value": ("DOUBLE", pa.array(rng.normal(size=1_500).round(3))),
    }
    made = make_table(path, columns, who="id")
    return replace(made, schema=replace(made.schema, entity="who", privacy_unit="who", order_by="day"))


def test_what_belongs_to_one_is_not_torn_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of people who are all copied nobody's rows are all in a sample of rows, and whoever has a row a week would have
    one now and then."""
    monkeypatch.setattr(sampled, "MOST_ROWS", 500)
    train, holdout = histories(tmp_path / "train", 1, 0), histories(tmp_path / "holdout", 2, 1_000)
    copied = histories(tmp_path / "copied", 1, 5_000)
    here = AuditContext(schema=copied.schema, synthetic=copied, train=train, holdout=holdout, seed=1)
    some = sampled.sampled(here, tmp_path)
    few = sampled.sampled_real(some, tmp_path)
    bound = [BoundAudit(name=n, audit=n, sql=None, params={}) for n in ("entity_copies", "sequence")]
    copies, sequence = run_audits(here, bound, lambda *_: None, None, here, some, few)
    assert (copies.status, copies.value, sequence.status) == ("fail", 1.0, "pass")
    assert not [r.name for r in (copies, sequence) if "sample" in (r.message or "")]
    assert not [a.name for a in map(registry.get, registry.names()) if a.stands_on and (a.samples or a.samples_real)]


@pytest.mark.parametrize(
    ("name", "params", "sides"),
    [
        ("tstr", {"target": "value"}, "all"),
        ("tstr", {"target": "value", "view": "joined"}, "none"),
        ("membership_inference", {}, "all"),
        ("membership_inference", {"attack": "shadow"}, "synthetic"),
        ("membership_inference", {"attack": "no such"}, "none"),
        ("value_reuse", {}, "synthetic"),
        ("row_count", {"equals": 1}, "as published"),
    ],
)
def test_which_rows_an_audit_looks_at(name: str, params: dict[str, object], sides: str, table: Table) -> None:
    """Models that are trained again have all the real rows that the audited one had."""
    contexts = {word: context(table) for word in ("as published", "none", "synthetic", "all")}
    bound = BoundAudit(name=name, audit=name, sql=None, params=params)
    found = looked_at(bound, *contexts.values())
    assert [word for word, one in contexts.items() if one is found] == [sides]


def test_a_rule_of_drawn_columns_needs_none_of_the_real_ones(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(between, "MOST_ROWS", 200)
    real = make_table(tmp_path / "real.parquet", {"other": ("BIGINT", pa.array(range(ROWS)))})
    here = AuditContext(schema=table.schema, synthetic=table, train=real, holdout=real, seed=1)
    bound = BoundAudit(name="rules", audit="rules", sql=None, params={"declared": ["low >= 0"], "found": False})
    (found,) = run_audits(here, [bound], lambda *_: None)
    assert (found.status, found.value) == ("pass", 0)


def test_statistics_say_what_they_were_read_off(table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "MOST_ROWS", 400)
    here = AuditContext(schema=table.schema, synthetic=table, train=table, holdout=table, seed=1)
    bound = [BoundAudit(name=n, audit=n, sql=None, params=p) for n, p in (("ks", {"max": 0.3}), ("exact_match", {}))]
    few = sampled.sampled(here, tmp_path)
    ks, copies = run_audits(here, bound, lambda *_: None, None, here, few)
    assert ks.message.endswith(f"(of a sample of 400 of {ROWS:,} rows)")
    assert "sample" not in copies.message
    (whole,) = run_audits(here, bound[:1], lambda *_: None, None, here)
    assert whole.value == 0
    assert ks.value is not None
    assert 0 < ks.value < 0.1  # 400 rows of the same 5,000: 1.36 / sqrt(400) = 0.068 at 5 %


def test_another_sample_is_another_version_of_the_audits_that_look_at_one() -> None:
    """Raise SAMPLING and write down what is drawn now: verdicts of tables judged before are then found anew."""
    drawn = np.concatenate(list(sampled._numbers(sampled.MOST_ROWS + 100_000, np.random.default_rng(1))))
    digest = hashlib.sha256(drawn.astype("<i8").tobytes()).hexdigest()[:16]
    assert (SAMPLING, sampled.MOST_ROWS, digest) == (1, 500_000, "4a950b67492e6e54")
    versions = {name: registry.get(name).judged_as - registry.get(name).version for name in registry.names()}
    assert versions == {name: SAMPLING if registry.get(name).samples else 0 for name in registry.names()}
    assert not [name for name in registry.names() if registry.get(name).samples and registry.get(name).stands_on]
