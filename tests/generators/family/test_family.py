"""A family that is learnt and drawn: keys are exact, and what holds in the source holds in what is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthkit.errors import BuildError
from synthkit.generators.family.generator import CONDITIONAL
from synthkit.generators.family.model import Family
from synthkit.generators.functions import Budget, Quota, silent
from synthkit.generators.related import fit_tables, sample_tables
from synthkit.generators.tables import Tables
from tests.generators.family.shop import KEYS, shop

Frames = dict[str, pd.DataFrame]
QUICK = CONDITIONAL.params.model_validate({"trees": 15})


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def model(real: Tables) -> Family:
    found: Family = fit_tables(CONDITIONAL, real, QUICK, budget=None, seed=1, device="cpu", progress=silent)
    return found


def draw(tables: Tables, model: Family, rows: int, seed: int = 1, conditions: tuple[Quota, ...] = ()) -> Frames:
    found: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in sample_tables(
        CONDITIONAL, tables, model, rows, conditions=conditions, seed=seed, progress=silent
    ):
        found.setdefault(name, []).append(batch)
    return {name: pa.Table.from_batches(batches).to_pandas() for name, batches in found.items()}


@pytest.fixture(scope="module")
def drawn(real: Tables, model: Family) -> Frames:
    return draw(real, model, 500)


@pytest.fixture(scope="module")
def source(real: Tables) -> Frames:
    return {name: table.to_pandas() for name, table in real.members.items()}


def test_every_key_names_a_row_and_primary_keys_are_unique(real: Tables, drawn: Frames) -> None:
    for key in KEYS:
        (named,) = real.members[key.references].schema.primary_key
        values = drawn[key.table][key.columns[0]].dropna()
        assert len(values), key
        assert values.isin(set(drawn[key.references][named])).all(), key
    for name, table in real.members.items():
        assert not drawn[name].duplicated(list(table.schema.primary_key)).any(), name
        assert list(drawn[name]) == list(table.schema.names)
        kinds = {n: table.to_arrow([n]).schema.field(n).type for n in table.schema.names}
        assert pa.Table.from_pandas(drawn[name], schema=pa.schema(list(kinds.items()))) is not None
    assert len(drawn["customers"]) == 500
    assert not set(drawn["customers"]["code"]) & set(real.members["customers"].to_pandas()["code"])


def test_children_follow_their_parents(source: Frames, drawn: Frames) -> None:
    def per(frames: Frames) -> pd.DataFrame:
        orders = frames["orders"].groupby("customer")
        people = frames["customers"].set_index("code")
        people["n"] = orders.size().reindex(people.index, fill_value=0)
        people["mean"] = np.log(orders["amount"].mean())
        return people

    was, now = per(source), per(drawn)
    for kind in ("loyal", "passing"):
        a, b = was[was.kind == kind], now[now.kind == kind]
        assert b.n.mean() == pytest.approx(a.n.mean(), abs=1.2)  # of 8 and 1; a standard error is .2
        assert (b.n == 0).mean() == pytest.approx((a.n == 0).mean(), abs=0.12)
    assert now[["age", "mean"]].corr().iloc[0, 1] > 0.5 * was[["age", "mean"]].corr().iloc[0, 1] > 0.3
    spread = drawn["orders"].assign(log=np.log(drawn["orders"].amount)).groupby("customer").log
    assert spread.mean().std() > 1.5 * spread.std().mean()  # brothers agree: 1 between customers, .4 within


def test_rows_follow_one_another(source: Frames, drawn: Frames) -> None:
    orders = drawn["orders"]
    days = pd.to_datetime(orders.day)
    gaps = days.groupby(orders.customer).diff().dropna()
    assert (gaps >= pd.Timedelta(0)).all()
    real = pd.to_datetime(source["orders"].day).groupby(source["orders"].customer).diff().dropna()
    assert gaps.dt.days.median() == pytest.approx(real.dt.days.median(), abs=4)
    assert (orders.groupby("customer").branch.nunique() == 1).all()  # constant in every entity of the source
    before = orders.groupby("customer").state.shift()
    followed = set(zip(before.dropna(), orders.state[before.notna()], strict=True))
    was = source["orders"].groupby("customer").state.shift()
    assert followed <= set(zip(was.dropna(), source["orders"].state[was.notna()], strict=True))
    numbers = drawn["lines"].groupby("order").number.apply(list)
    assert (numbers.map(lambda n: n == list(range(1, len(n) + 1)))).all()


def test_keys_that_another_key_decides(drawn: Frames) -> None:
    payments = drawn["payments"].merge(drawn["orders"], left_on="order", right_on="id", suffixes=("", "_of"))
    assert len(payments)
    assert (payments.customer == payments.customer_of).all()


def test_staff_keeps_its_levels_and_null_keys_their_share(source: Frames, drawn: Frames) -> None:
    def depth(staff: pd.DataFrame) -> list[int]:
        boss = dict(zip(staff.id, staff.boss, strict=True))

        def of(i: float) -> int:
            return 0 if pd.isna(boss[i]) else 1 + of(boss[i])

        return [of(i) for i in staff.id]

    assert 1 <= max(depth(drawn["staff"])) <= max(depth(source["staff"])) == 2  # five of thirty stand above others
    share = source["orders"].staff.isna().mean()
    assert drawn["orders"].staff.isna().mean() == pytest.approx(share, abs=0.05)


def test_link_tables_repeat_no_pair_and_one_to_one_stays_so(source: Frames, drawn: Frames) -> None:
    assert not drawn["likes"].duplicated().any()
    assert drawn["cards"].customer.is_unique
    kind = drawn["customers"].set_index("code").kind
    assert (kind[drawn["cards"].customer] == "loyal").mean() > 0.9  # in the source it is all of them
    lines, was = (
        f["lines"].merge(f["products"], left_on="product", right_on="id").group.eq("dear").mean()
        for f in (drawn, source)
    )
    assert lines == pytest.approx(was, abs=0.12)


def test_conditions_hold_exactly(real: Tables, model: Family) -> None:
    wanted = (Quota({"kind": "loyal", "age": 45}, 30), Quota({"kind": "passing"}, 70))
    people = draw(real, model, 100, conditions=wanted)["customers"]
    assert (people.kind == "loyal").sum() == 30
    assert (people[people.kind == "loyal"].age == 45).all()


def test_same_seed_same_rows_also_when_read_back(tmp_path: Path, real: Tables, model: Family, drawn: Frames) -> None:
    CONDITIONAL.save(model, tmp_path)
    again = draw(real, CONDITIONAL.load(tmp_path), 500)
    other = draw(real, model, 500, seed=2)
    for name, frame in drawn.items():
        pd.testing.assert_frame_equal(frame, again[name])
    assert not drawn["orders"].equals(other["orders"])
    second = fit_tables(CONDITIONAL, real, QUICK, budget=None, seed=1, device="cpu", progress=silent)
    CONDITIONAL.save(second, tmp_path / "..")
    for file in ("family.json", "family.safetensors"):
        assert (tmp_path / file).read_bytes() == (tmp_path / ".." / file).read_bytes()


def test_no_budget(real: Tables) -> None:
    with pytest.raises(BuildError, match="no differential privacy"):
        fit_tables(CONDITIONAL, real, QUICK, budget=Budget(1, 1e-6), seed=1, device="cpu", progress=silent)
