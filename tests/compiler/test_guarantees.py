"""Static guarantees: what a table may reveal follows from the graph alone, and what a model demands of it is checked."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from synthkit.compiler import Manifest, compile_project
from synthkit.errors import ConfigurationError
from synthkit.generators import registry
from synthkit.project.project import load_project
from tests.dp_histogram import HISTOGRAM
from tests.private import SOURCES, write_private

CUSTOMERS = "source: \"{{ source('crm', 'customers') }}\", generator: dp.histogram, audits: []"
ORDERS = "source: \"{{ source('crm', 'orders') }}\", generator: dp.histogram, audits: []"


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {name: registry.get(name) for name in ("circuit", "sql")} | {"dp.histogram": HISTOGRAM}
    monkeypatch.setattr(registry, "names", lambda: tuple(sorted(found)))
    monkeypatch.setattr(registry, "get", lambda name: found[name])


def sql(query: str) -> str:
    return f'generator: {{name: sql, query: "{query}"}}, audits: []'


def compiled(
    root: Path, models: dict[str, str], sources: str = SOURCES, exposures: str = "", project: str = ""
) -> Manifest:
    """Models as name → the rest of a flow mapping."""
    text = "version: 1\nmodels:\n" + "".join(f"  - {{name: {n}, {rest}}}\n" for n, rest in models.items()) + exposures
    files = {
        "synth_project.yml": f"name: shop\nholdout: 0\n{project}",
        "models/sources.yml": sources,
        "models/deep/customers.yml": text,
        "models/customers.yml": "version: 1\n",
    }
    return compile_project(load_project(write_private(root / "shop", files).root))


def messages(root: Path, models: dict[str, str], **rest: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        compiled(root, models, **rest)
    assert all(f.where is not None and f.where.line and f.hint for f in caught.value.faults)
    return [f.message for f in caught.value.faults]


def test_post_processing_is_free_whoever_does_it(tmp_path: Path) -> None:
    manifest = compiled(
        tmp_path,
        {
            "private": f"{CUSTOMERS}, epsilon: 1",
            "by_tier": sql("select tier, count(*) as n from {{ ref('private') }} group by tier"),
            "again": "source: \"{{ ref('private') }}\", generator: circuit, audits: []",
            "joined": sql("select a.tier from {{ ref('again') }} a join {{ ref('private') }} b using (tier)"),
        },
    )
    for model in manifest.models.values():
        (guarantee,) = model.guarantees
        assert (guarantee.account, guarantee.epsilon, guarantee.delta) == ("crm.customers", 1, 1e-5), model.name
        assert guarantee.releases == ("private",)
        assert guarantee.unprotected == ()


def test_releases_of_one_source_compose(tmp_path: Path) -> None:
    from synthkit.privacy.accounting.accountant import epsilon
    from synthkit.privacy.accounting.mechanisms import Mechanism

    models = {f"m{i}": f"{CUSTOMERS}, epsilon: 1, seed: {i}" for i in range(4)}
    union = " union all ".join(f"select tier from {{{{ ref('m{i}') }}}}" for i in range(4))
    manifest = compiled(tmp_path, {**models, "all": sql(union)})
    (guarantee,) = manifest.models["all"].guarantees
    assert guarantee.releases == ("m0", "m1", "m2", "m3")
    assert guarantee.delta == 1e-5  # the account's: four times that would be nearer to 1/n
    mechanisms: list[Mechanism] = []
    for i in range(4):
        model = manifest.models[f"m{i}"]
        assert model.budget is not None
        assert model.learnt is not None
        assert model.learnt.names == ("tier",)
        mechanisms += HISTOGRAM.mechanisms(model.params, model.budget, model.learnt)  # type: ignore[misc]
    assert guarantee.epsilon == epsilon(mechanisms, guarantee.delta)
    assert 1 < guarantee.epsilon < 4  # better than the sum


def test_sources_are_accounts_of_their_own_unless_people_are_shared(tmp_path: Path) -> None:
    models = {
        "a": f"{CUSTOMERS}, epsilon: 1",
        "b": f"{ORDERS}, epsilon: 2",
        "both": sql("select a.tier from {{ ref('a') }} a, {{ ref('b') }} b"),
    }
    separate = {g.account: g.epsilon for g in compiled(tmp_path, models).models["both"].guarantees}
    assert separate == {"crm.customers": 1, "crm.orders": 2}
    people = SOURCES.replace(
        "row_count: 1000", "row_count: 1000\n            population: people\n            privacy_unit: customer_id"
    )
    (shared,) = compiled(tmp_path, models, people).models["both"].guarantees
    assert shared.account == "people"
    assert shared.sources == ("source:crm.customers", "source:crm.orders")
    assert 1 < shared.epsilon < 3
    parts = people.replace("population: people", "population: people\n            part: a", 1)
    parts = parts.replace(
        "population: people\n            privacy", "population: people\n            part: b\n            privacy"
    )
    (apart,) = compiled(tmp_path, models, parts).models["both"].guarantees
    assert (apart.account, apart.epsilon, apart.releases) == ("people", 2, ("a", "b"))


def test_real_rows_and_what_is_learnt_without_epsilon_are_unbounded(tmp_path: Path) -> None:
    manifest = compiled(
        tmp_path,
        {
            "rows": sql("select * from {{ source('crm', 'customers') }}"),
            "learnt": "source: \"{{ source('crm', 'customers') }}\", generator: circuit, audits: []",
            "private": f"{CUSTOMERS}, epsilon: 1",
            "mixed": sql("select tier from {{ ref('private') }} union all select tier from {{ ref('learnt') }}"),
        },
    )
    found = {name: m.guarantees[0] for name, m in manifest.models.items()}
    assert {n for n, g in found.items() if g.epsilon == math.inf} == {"rows", "learnt", "mixed"}
    assert found["mixed"].unprotected == ("model:learnt", "source:crm.customers")
    assert found["rows"].unprotected == ("source:crm.customers",)
    written = manifest.to_json()["models"]["mixed"]["guarantees"]
    assert written == [
        {
            "account": "crm.customers",
            "sources": ("source:crm.customers",),
            "epsilon": None,
            "delta": None,
            "releases": ("private",),
            "unprotected": ("model:learnt", "source:crm.customers"),
        }
    ]
    assert manifest.models["rows"].lineage.contains_real_rows


def test_max_epsilon_shows_the_way_through_the_graph(tmp_path: Path) -> None:
    (message,) = messages(
        tmp_path,
        {
            "training_set": sql("select * from {{ source('crm', 'customers') }}"),
            "churn_report": sql("select tier from {{ ref('training_set') }}") + ", privacy: {max_epsilon: 1}",
        },
    )
    assert message == (
        "'churn_report' may reveal at most ε = 1, but nothing bounds it: "
        "churn_report ← training_set ← source crm.customers: real rows"
    )
    (message,) = messages(
        tmp_path,
        {
            "learnt": "source: \"{{ source('crm', 'customers') }}\", generator: circuit, audits: []",
            "report": sql("select tier from {{ ref('learnt') }}") + ", privacy: {max_epsilon: 1}",
        },
    )
    assert message.endswith("report ← learnt ← source crm.customers: learnt without epsilon (generator circuit)")


def test_max_epsilon_holds_the_composition(tmp_path: Path) -> None:
    models = {
        "a": f"{CUSTOMERS}, epsilon: 1",
        "b": f"{CUSTOMERS}, epsilon: 1",
        "one": sql("select tier from {{ ref('a') }}") + ", privacy: {max_epsilon: 1}",
        "two": sql("select tier from {{ ref('a') }} union select tier from {{ ref('b') }}")
        + ", privacy: {max_epsilon: 1}",
    }
    (message,) = messages(tmp_path, models)
    assert "'two' may reveal at most ε = 1, but of crm.customers it reveals ε = 1." in message
    assert "from a (ε = 1), b (ε = 1)" in message
    compiled(tmp_path, {**models, "two": models["two"].replace("max_epsilon: 1", "max_epsilon: 2")})


def test_a_folder_s_requirement_points_at_the_folder_s_line(tmp_path: Path) -> None:
    project = "models:\n  deep:\n    +privacy: {max_epsilon: 0.5}\n"
    with pytest.raises(ConfigurationError) as caught:
        compiled(tmp_path, {"private": f"{CUSTOMERS}, epsilon: 1"}, project=project)
    (fault,) = caught.value.faults
    assert fault.where is not None
    assert fault.where.file.name == "synth_project.yml"
    assert fault.where.line == 5
    compiled(tmp_path, {"private": f"{CUSTOMERS}, epsilon: 0.5"}, project=project)


@pytest.mark.parametrize(
    ("reads", "way"),
    [
        ("source('crm', 'customers')", "board ← source crm.customers: real rows"),
        ("ref('rows')", "board ← rows ← source crm.customers: real rows"),
    ],
)
def test_an_exposure_may_demand_too(tmp_path: Path, reads: str, way: str) -> None:
    models = {
        "rows": sql("select * from {{ source('crm', 'customers') }}"),
        "learnt": "source: \"{{ ref('rows') }}\", generator: circuit, audits: []",
        "private": f"{CUSTOMERS}, epsilon: 1",
    }

    def board(what: str, privacy: str) -> str:
        return (
            "exposures:\n  - {name: board, owner: {email: a@example.org}, "
            f'privacy: {privacy}, depends_on: ["{{{{ {what} }}}}"]}}\n'
        )

    (message,) = messages(tmp_path, models, exposures=board(reads, "synthetic_only"))
    assert message == f"'board' is to be synthetic only, but real rows reach it: {way}"
    compiled(tmp_path, models, exposures=board("ref('learnt')", "synthetic_only"))
    (message,) = messages(tmp_path, models, exposures=board("ref('learnt')", "{max_epsilon: 9}"))
    assert "board ← learnt ← rows ← source crm.customers" in message
    compiled(tmp_path, models, exposures=board("ref('private')", "{max_epsilon: 1}"))


@pytest.mark.parametrize(
    ("upstream", "why", "fix"),
    [
        (sql("select * from {{ source('crm', 'customers') }}"), "SQL over real rows", "train on the source itself"),
        (sql("select 'a' as tier"), "descends from no real table", "drop epsilon"),
        (
            "source: \"{{ source('crm', 'customers') }}\", generator: circuit, audits: []",
            "learnt from crm.customers without it",
            "put epsilon on 'upstream'",
        ),
        (f"{CUSTOMERS}, epsilon: 1", "private already", "drop epsilon"),
    ],
)
def test_epsilon_is_only_about_real_rows(tmp_path: Path, upstream: str, why: str, fix: str) -> None:
    models = {
        "upstream": upstream,
        "private": "source: \"{{ ref('upstream') }}\", generator: dp.histogram, epsilon: 1, audits: []",
    }
    with pytest.raises(ConfigurationError) as caught:
        compiled(tmp_path, models)
    (fault,) = caught.value.faults
    assert "epsilon means nothing here" in fault.message
    assert why in fault.message
    assert fix in str(fault.hint)


def test_a_requirement_that_is_neither_is_a_fault(tmp_path: Path) -> None:
    (message,) = messages(tmp_path, {"private": f"{CUSTOMERS}, epsilon: 1, privacy: synthetic"})
    assert "privacy" in message


def test_pairs_without_a_distribution_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from synthkit.privacy.accounting.mechanisms import ApproximateDP

    pair = replace(HISTOGRAM, mechanisms=lambda params, budget, schema: (ApproximateDP(budget.epsilon, budget.delta),))
    get = registry.get
    monkeypatch.setattr(registry, "get", lambda name: pair if name == "dp.histogram" else get(name))
    models = {
        "a": f"{CUSTOMERS}, epsilon: 1",
        "b": f"{CUSTOMERS}, epsilon: 0.5",
        "both": sql("select tier from {{ ref('a') }} union select tier from {{ ref('b') }}"),
    }
    (guarantee,) = compiled(tmp_path, models).models["both"].guarantees
    assert (guarantee.epsilon, guarantee.delta) == (1.5, 2e-5)  # at δ = 1e-5 there is no bound


@pytest.mark.parametrize("where", ["own", "downstream", "exposure"])
def test_repeatable_noise_satisfies_no_requirement(tmp_path: Path, where: str) -> None:
    demand = "privacy: {max_epsilon: 1}"
    models = {
        "rehearsed": f"{CUSTOMERS}, epsilon: 1, insecure_seed: 4" + (f", {demand}" if where == "own" else ""),
        "by_tier": sql("select tier from {{ ref('rehearsed') }}") + (f", {demand}" if where == "downstream" else ""),
    }
    report = f"""
exposures:
  - {{name: report, owner: {{email: a@b.org}}, depends_on: ["{{{{ ref('by_tier') }}}}"], {demand}}}
"""
    (found,) = messages(tmp_path, models, exposures=report if where == "exposure" else "")
    assert "may reveal at most ε = 1, but nothing bounds it" in found
    assert (
        "rehearsed ← source crm.customers: its noise is repeatable (insecure_seed), so its epsilon counts as none"
        in found
    )
    manifest = compiled(tmp_path, {n: r.replace(f", {demand}", "") for n, r in models.items()})
    assert [g.epsilon for m in manifest.models.values() for g in m.guarantees] == [math.inf] * 2


def test_a_sum_with_repeatable_noise_in_it_is_no_bound(tmp_path: Path) -> None:
    manifest = compiled(
        tmp_path,
        {
            "sound": f"{CUSTOMERS}, epsilon: 1",
            "rehearsed": f"{CUSTOMERS}, epsilon: 1, insecure_seed: 4",
            "both": sql("select a.tier from {{ ref('sound') }} a join {{ ref('rehearsed') }} b using (tier)"),
        },
    )
    found = {name: m.guarantees[0].epsilon for name, m in manifest.models.items()}
    assert found == {"sound": 1, "rehearsed": math.inf, "both": math.inf}
