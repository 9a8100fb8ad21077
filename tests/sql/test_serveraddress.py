"""Addresses of databases: whatever a password is made of, nothing of it is shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synthkit.sql.serveraddress import server_address


@given(st.text(st.sampled_from("ab1/@?#:%[]&=\\ "), min_size=1, max_size=8))
def test_a_password_is_not_shown(password: str) -> None:
    found = server_address(f"postgresql://ann:{password}@db.example.org:5433/shop", "fake")
    if {*"/@"} & {*password}:
        assert found is None
    else:
        assert found is not None
        assert str(found) == "postgresql://ann@db.example.org:5433/shop, schema fake"


def test_what_has_no_password_is_shown_whole() -> None:
    for url in (
        "mysql://db/shop",
        "postgresql:///shop?host=/tmp",
        "postgresql://a:1,b:2/shop",
        "postgresql://[::1]:5/x",
    ):
        found = server_address(url, "fake")
        assert found is not None
        assert found.shown == url.partition("?")[0]
        assert found.url == url
