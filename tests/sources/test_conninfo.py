"""Connection strings, held against libpq's own parser."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from synthkit.sources.conninfo import parsed

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=12)


def by_libpq(text: str) -> dict[str, str]:
    return {k: str(v) for k, v in conninfo_to_dict(text).items() if v not in ("", None)}


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://",
        "postgres://localhost",
        "postgresql://localhost:5433/shop",
        "postgresql://me@localhost",
        "postgresql://me:secret@db.example.org:5432/shop?connect_timeout=10&application_name=it",
        "postgresql://me:@host/shop",
        "postgresql://me:se?cr#et@host/shop",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/shop",
        "postgresql:///shop?host=/tmp&port=5434",
        "postgresql://[2001:db8::1]:5444/shop",
        "postgresql://a:1,b:2/shop?target_session_attrs=read-only",
        "postgresql://host/shop?ssl=true",
        "host=localhost dbname = shop",
        r"host='a b' password='it\'s' user=a\ b",
        "  dbname=shop  ",
        "password='' dbname=shop",
        "",
    ],
)
def test_it_reads_what_libpq_reads(text: str) -> None:
    assert parsed(text) == by_libpq(text)


@pytest.mark.parametrize("text", ["host", "host='a", "postgresql://[::1/shop", "postgresql://host/shop?sslmode"])
def test_what_libpq_refuses_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ProgrammingError):
        conninfo_to_dict(text)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        parsed(text)
    assert text not in str(caught.value)


@pytest.mark.parametrize("password", ["se/cret", "se@cret", "12/cret", "cret@cret/cret"])
def test_a_password_whose_characters_are_taken_for_others_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="not in % notation") as caught:
        parsed(f"postgresql://me:{password}@host/shop")
    assert "cret" not in str(caught.value)


@given(st.dictionaries(st.sampled_from(["host", "user", "password", "dbname"]), TEXT))
def test_words(said: dict[str, str]) -> None:
    text = make_conninfo(**said)
    assert parsed(text) == by_libpq(text)


@given(user=TEXT, password=TEXT, name=TEXT)
def test_addresses(user: str, password: str, name: str) -> None:
    text = f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@host:5/{quote(name, safe='')}"
    assert parsed(text) == by_libpq(text)
