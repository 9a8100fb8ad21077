from __future__ import annotations

from typing import Any

import pytest

from synthkit.errors import shortened
from synthkit.project.shares import read_share


@pytest.mark.parametrize(
    ("written", "share"),
    [("40%", 0.4), (" 12.5 % ", 0.125), ("0.4", 0.4), (0.4, 0.4), (1, 1.0), ("-1", -1.0), ("300%", 3.0)],
)
def test_shares_as_people_write_them(written: Any, share: float) -> None:
    assert read_share(written) == pytest.approx(share)


@pytest.mark.parametrize("written", ["", "%", "half", "40%%", "nan", "inf%", True, None, [0.4]])
def test_what_is_no_share_says_how_to_write_one(written: Any) -> None:
    with pytest.raises(ValueError, match=r"is not a share: write 40% or 0\.4"):
        read_share(written)


def test_texts_are_shortened_to_what_fits() -> None:
    assert shortened("four", 4) == "four"
    assert shortened("fives", 4) == "fiv…"
