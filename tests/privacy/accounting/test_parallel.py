"""Parallel composition: which releases could give one person away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synthkit.privacy.accounting.parallel import by_part

PARTS = st.sampled_from(["a", "b", "c"])


def test_releases_about_other_parts_stand_apart() -> None:
    about = {"north": {"n"}, "south": {"s"}, "all": {None}, "mixed": {"n", None}, "both": {"n", "s"}}
    assert by_part(list(about), about.__getitem__) == (
        ("north", "all", "mixed", "both"),
        ("south", "all", "mixed", "both"),
    )
    assert by_part(["all", "mixed"], about.__getitem__) == (("all", "mixed"),)
    assert by_part([], about.__getitem__) == ((),)


@given(
    releases=st.lists(st.tuples(st.integers(0, 9), st.sets(st.none() | PARTS, min_size=1)), max_size=8), person=PARTS
)
def test_some_group_has_every_release_that_a_person_of_any_part_is_in(
    releases: list[tuple[int, set[str | None]]], person: str
) -> None:
    """What a person's rows reach are the tables of their part and those of none; more may be counted, never less."""
    reached = [r for r in releases if person in r[1] or None in r[1]]
    groups = by_part(releases, lambda r: r[1])
    assert any(all(r in group for r in reached) for group in groups)
    assert all(any(r in group for group in groups) for r in releases)
