"""Static guarantees of random graphs, against the definition: which trainings and which real rows any path reaches."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthkit.building.provenance import guarantees_of
from synthkit.records.parts import Promise
from synthkit.schema import Schema, Table
from synthkit.store.staging import StagedRows
from tests.building.test_provenance import charged, charged_as
from tests.compiler import test_guarantees as graphs

registered = graphs.registered
KINDS = ("private", "learnt", "rows", "sql", "again")


@st.composite
def projects(draw: st.DrawFn) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name → (kind, the models it reads): some learn from a source with and without ε, some copy it, some read models."""
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    for i in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(KINDS if i else KINDS[:3]))
        reads = draw(st.lists(st.integers(0, i - 1), min_size=1, max_size=3, unique=True)) if kind in KINDS[3:] else []
        found[f"m{i}"] = (kind, tuple(reads[:1] if kind == "again" else reads))
    return found


def yaml_of(kind: str, reads: tuple[int, ...]) -> str:
    if kind == "private":
        return f"{graphs.CUSTOMERS}, epsilon: 1"
    if kind == "learnt":
        return "source: \"{{ source('crm', 'customers') }}\", generator: circuit, audits: []"
    if kind == "rows":
        return graphs.sql("select * from {{ source('crm', 'customers') }}")
    if kind == "again":
        return f"source: \"{{{{ ref('m{reads[0]}') }}}}\", generator: circuit, audits: []"
    return graphs.sql(" union all ".join(f"select tier from {{{{ ref('m{r}') }}}}" for r in reads))


def reached(name: str, models: dict[str, tuple[str, tuple[int, ...]]]) -> tuple[set[str], bool]:
    """The private trainings that a model descends from, and whether unprotected rows reach it: by the definition."""
    kind, reads = models[name]
    if kind == "private":
        return {name}, False
    if kind in ("learnt", "rows"):
        return set(), True
    parts = [reached(f"m{r}", models) for r in reads]
    return set().union(*(p[0] for p in parts)), any(p[1] for p in parts)


@pytest.mark.slow
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(models=projects())
def test_every_path_counts_and_each_training_once(
    tmp_path: Path, models: dict[str, tuple[str, tuple[int, ...]]]
) -> None:
    manifest = graphs.compiled(tmp_path, {n: yaml_of(*m) for n, m in models.items()})
    for name in models:
        releases, unprotected = reached(name, models)
        (guarantee,) = manifest.models[name].guarantees
        assert set(guarantee.releases) == releases
        assert (guarantee.epsilon == math.inf) == unprotected
        if unprotected:
            assert guarantee.unprotected[-1] == "source:crm.customers"
            path = [name, *(n.removeprefix("model:") for n in guarantee.unprotected[:-1])]
            edges = {(f"m{i}", f"m{r}") for i, (_, reads) in enumerate(models.values()) for r in reads}
            assert all(step in edges for step in pairwise(path))
            assert models[path[-1]][0] in ("learnt", "rows")
        else:
            assert guarantee.epsilon <= len(releases)
            assert (guarantee.epsilon == 1) == (len(releases) == 1)


@pytest.mark.slow
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(models=projects())
def test_rows_that_are_all_made_at_once_descend_as_the_declarations_say(
    tmp_path: Path, models: dict[str, tuple[str, tuple[int, ...]]]
) -> None:
    """The compiler follows releases by the names of models, a build by the ledger's entries: nothing else differs."""
    manifest = graphs.compiled(tmp_path, {n: yaml_of(*m) for n, m in models.items()})
    private = [name for name, (kind, _) in models.items() if kind == "private"]
    entries = dict(zip(private, charged(manifest, len(private)), strict=True))
    made: dict[str, StagedRows] = {}
    for name, node in manifest.models.items():
        own = charged_as(entries[name]) if name in entries else None
        found = guarantees_of(manifest, node, own, made.__getitem__)
        kept = tuple(Promise.from_json(g.to_json()) for g in found)
        made[name] = StagedRows(Table(Schema(()), (), 0), name, None, None, kept)
        said = [(g.account, g.sources, g.unprotected, {entries[r] for r in g.releases}) for g in node.guarantees]
        assert [(g.account, g.sources, g.unprotected, set(g.entries)) for g in found] == said
