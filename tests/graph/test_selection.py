"""dbt's selection syntax on a graph that can be drawn:

source:crm.people ─→ raw ─→ clean ─→ mart ─→ exposure:board
source:crm.orders ─→ sold ──────────↗
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.errors import SynthError
from synthkit.graph.dag import Dag
from synthkit.graph.selection import Selectable, select

GRAPH = Dag(
    {
        "source:crm.people": frozenset(),
        "source:crm.orders": frozenset(),
        "model:raw": frozenset({"source:crm.people"}),
        "model:clean": frozenset({"model:raw"}),
        "model:sold": frozenset({"source:crm.orders"}),
        "model:mart": frozenset({"model:clean", "model:sold"}),
        "exposure:board": frozenset({"model:mart"}),
    }
)
NODES = {
    n.id: n
    for n in (
        Selectable("source:crm.people", "crm.people", "models/s.yml", ("pii",), ("crm.people",), kind="source"),
        Selectable("source:crm.orders", "crm.orders", "models/s.yml", (), ("crm.orders",), kind="source"),
        Selectable(
            "model:raw",
            "raw",
            "models/a/x.yml",
            ("pii",),
            ("crm.people",),
            "sdv.ctgan",
            "ephemeral",
            "model",
            frozenset({"new", "modified"}),
            "fail",
        ),
        Selectable(
            "model:clean", "clean", "models/a/x.yml", (), (), "sql", "table", "model", frozenset({"unmodified"}), "pass"
        ),
        Selectable(
            "model:sold",
            "sold",
            "models/b/y.yml",
            ("daily",),
            ("crm.orders",),
            "sdv.tvae",
            "table",
            "model",
            frozenset({"modified"}),
        ),
        Selectable(
            "model:mart", "mart", "models/b/y.yml", ("daily",), (), "sql", "view", "model", frozenset({"unmodified"})
        ),
        Selectable("exposure:board", "board", kind="exposure"),
    )
}


def names(*expressions: str, exclude: tuple[str, ...] = ()) -> set[str]:
    found = select(GRAPH, NODES, expressions, exclude).nodes
    return {n.partition(":")[2] if n.startswith("model:") else n for n in found}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("raw", {"raw"}),
        ("raw+", {"raw", "clean", "mart", "exposure:board"}),
        ("+clean", {"source:crm.people", "raw", "clean"}),
        ("1+mart", {"clean", "sold", "mart"}),
        ("raw+1", {"raw", "clean"}),
        ("2+mart+1", {"clean", "sold", "raw", "source:crm.orders", "mart", "exposure:board"}),
        ("@sold", {"sold", "source:crm.orders", "mart", "clean", "raw", "source:crm.people", "exposure:board"}),
        ("raw sold", {"raw", "sold"}),
        ("tag:daily,generator:sql", {"mart"}),
        ("tag:pii", {"raw", "source:crm.people"}),
        ("path:models/b", {"sold", "mart"}),
        ("source:crm.orders+", {"source:crm.orders", "sold", "mart", "exposure:board"}),
        ("source:crm", {"source:crm.people", "source:crm.orders"}),
        ("generator:sdv.*", {"raw", "sold"}),
        (
            "+exposure:board",
            {"exposure:board", "mart", "clean", "sold", "raw", "source:crm.people", "source:crm.orders"},
        ),
        ("config.materialized:view", {"mart"}),
        ("state:modified", {"raw", "sold"}),
        ("state:new", {"raw"}),
        ("result:fail", {"raw"}),
        ("c*", {"clean"}),
    ],
)
def test_expressions(expression: str, expected: set[str]) -> None:
    assert names(expression) == expected


def test_exclusion_comes_last() -> None:
    assert names("raw+", exclude=("tag:daily", "exposure:board")) == {"raw", "clean"}
    assert names(exclude=("path:models",)) == {"exposure:board"}


@pytest.mark.parametrize(("expression", "hint"), [("raww", "raw"), ("tga:pii", "tag"), ("source:crn", "crm")])
def test_names_that_are_not_there(expression: str, hint: str) -> None:
    with pytest.raises(SynthError) as raised:
        names(expression)
    assert hint in str(raised.value.hint)


def test_patterns_that_match_nothing_are_warned_about() -> None:
    assert select(GRAPH, NODES, ["tag:none raw"], []).warnings
    assert not select(GRAPH, NODES, ["raw"], []).warnings


terms = st.sampled_from(["raw", "clean", "sold", "mart", "tag:pii", "tag:daily", "raw+", "+mart", "path:models/a"])


@given(terms, terms)
def test_set_algebra(a: str, b: str) -> None:
    assert names(f"{a} {b}") == names(a) | names(b) == names(a, b)
    assert names(f"{a},{b}") == names(a) & names(b)
    assert names(a, exclude=(b,)) == names(a) - names(b)
