"""Order, cycles and reach, against networkx-free definitions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synthkit.graph.dag import Dag

# Edges only from lower to higher numbers, so that the graph has no cycle.
acyclic = st.integers(1, 12).flatmap(
    lambda n: st.lists(st.sets(st.integers(0, 11), max_size=4), min_size=n, max_size=n)
)


def dag(parents: list[set[int]]) -> Dag:
    return Dag({f"n{i:02d}": frozenset(f"n{p:02d}" for p in ps if p < i) for i, ps in enumerate(parents)})


@given(acyclic)
def test_parents_come_before_children(parents: list[set[int]]) -> None:
    graph = dag(parents)
    order = graph.order()
    assert sorted(order) == sorted(graph.parents)
    place = {node: i for i, node in enumerate(order)}
    assert all(place[p] < place[n] for n, ps in graph.parents.items() for p in ps)
    assert graph.cycles() == ()


@given(acyclic)
def test_ancestors_are_the_closure_of_parents_and_the_mirror_of_descendants(parents: list[set[int]]) -> None:
    graph = dag(parents)
    for node in graph.parents:
        up = graph.ancestors(node)
        assert up == frozenset(graph.parents[node]).union(*(graph.ancestors(p) for p in graph.parents[node]))
        assert all(node in graph.descendants(a) for a in up)
        assert graph.ancestors(node, 1) == graph.parents[node]
        assert graph.ancestors(node, 0) == frozenset()


def test_each_knot_is_reported_as_a_way_round() -> None:
    parents = {
        "a": {"c"},
        "b": {"a"},
        "c": {"b"},
        "below": {"a"},
        "x": {"y"},
        "y": {"x"},
        "self": {"self"},
        "free": set(),
    }
    graph = Dag({n: frozenset(p) for n, p in parents.items()})
    found = {frozenset(c) for c in graph.cycles()}
    assert found == {frozenset("abc"), frozenset("xy"), frozenset({"self"})}
    assert "free" in graph.order()


def test_ten_thousand_in_a_row() -> None:
    graph = Dag({f"n{i:05d}": frozenset({f"n{i - 1:05d}"} if i else ()) for i in range(10_000)})
    assert len(graph.order()) == 10_000
    assert len(graph.ancestors("n09999")) == 9_999
