"""Two ways of what a table descends from, put together: nothing that one of them says is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synthkit.privacy.descent import Descent, Way, read, released, united

NAMES = st.sampled_from(["a", "b", "c", "d"])
WAYS = st.builds(Way, st.frozensets(NAMES), st.frozensets(NAMES), st.lists(NAMES, max_size=3).map(tuple))


@given(st.lists(WAYS, max_size=5), st.randoms())
def test_nothing_is_lost_and_the_order_does_not_matter(ways: list[Way], random: object) -> None:
    found = united(ways)
    assert found.sources == {s for w in ways for s in w.sources}
    assert found.releases == {r for w in ways for r in w.releases}
    paths = [w.unprotected for w in ways if w.unprotected]
    assert bool(found.unprotected) == bool(paths)
    assert found.unprotected in [*paths, ()]
    assert all(len(found.unprotected) <= len(path) for path in paths)
    assert united(reversed(ways)) == found
    assert united([united(ways[:2]), united(ways[2:])]) == found


def test_a_table_read_through_another_has_the_path_to_it() -> None:
    real = read(["source:s.t"], {}.__getitem__)
    assert real == Descent({"source:s.t": Way(frozenset({"source:s.t"}), unprotected=("source:s.t",))}, ("source:s.t",))
    below = read(["model:copy"], {"model:copy": real}.__getitem__)
    assert below.copied == below.ways["source:s.t"].unprotected == ("model:copy", "source:s.t")


def test_what_is_learnt_under_epsilon_stays_so_and_hides_no_real_rows_beside_it() -> None:
    known = {"model:fake": released("source:s.t", "fake", "people")}
    assert read(["model:fake"], known.__getitem__).ways == known["model:fake"].ways
    both = read(["model:fake", "source:s.u"], known.__getitem__, lambda _source: "people")
    (way,) = both.ways.values()
    assert way == Way(frozenset({"source:s.t", "source:s.u"}), frozenset({"fake"}), ("source:s.u",))
