"""A key goes where the environment says that it goes, and nowhere else."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.errors import SynthError
from synthkit.llm.client import Client
from synthkit.llm.kept import RequestStore
from synthkit.llm.keys import api_key, is_trusted, key_variable
from tests.llm.asking import in_a_loop, prompt, prompts, teacher
from tests.llm.standin import Standin


def test_a_host_that_the_project_names_gets_no_key_of_the_providers(
    store: RequestStore, server: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY_127_0_0_1")
    with teacher(store, server.url) as asked, pytest.raises(SynthError, match="is not sent ANTHROPIC_API_KEY") as error:
        next(asked.answers(prompts(3), 2))
    assert "put it in ANTHROPIC_API_KEY_127_0_0_1" in str(error.value)
    assert server.headers == []
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)  # the environment says so
    with teacher(store, f"{server.url}/") as asked:
        assert next(asked.answers(prompts(1), 1)).data
    assert [h["authorization"] for h in server.headers] == ["Bearer test-key"]


@pytest.mark.parametrize("trusted", [False, True])
def test_headers_of_the_environment_go_with_its_key(
    server: Standin, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Gateway: secret")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "secret")
    if trusted:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)

    async def ask() -> None:
        await Client("test-key", server.url, 5.0).ask(prompt(1).payload())

    in_a_loop(ask())
    (headers,) = server.headers
    assert ("secret" in headers.values()) == trusted
    assert headers["authorization"] == "Bearer test-key"


@pytest.mark.parametrize(
    "url",
    ["https://api.anthropic.com", "https://api.anthropic.com:443/v1", "HTTPS://API.Anthropic.com/", None],
)
def test_the_providers_own_address(url: str | None) -> None:
    assert is_trusted(url)
    assert api_key(url) == "key of the provider's"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.anthropic.com", "https://api.anthropic.com.example", "https://api.anthropic.com:8443",
        "https://apixanthropic.com", "https://127.0.0.1",
    ],
)  # fmt: skip
def test_what_looks_like_it_is_another(url: str) -> None:
    assert not is_trusted(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com@h.example",
        "https://api.anthropic.com\\@h.example",
        "https://a@b",
        "h.example",
        "https://a..b",
        "https:///x",
        "https://h.example#@api.anthropic.com",
    ],
)
def test_what_two_parsers_could_read_in_two_ways_is_no_address(url: str) -> None:
    with pytest.raises(SynthError, match="is no address"):
        api_key(url)


def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", " ")
    with pytest.raises(SynthError, match="ANTHROPIC_API_KEY is not set"):
        api_key()


@pytest.mark.parametrize("key", ["sk-abc\ndef", "sk-\u2019abc", "sk-\x07"])
def test_what_is_no_key_is_refused_without_being_told(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    with pytest.raises(SynthError, match="ANTHROPIC_API_KEY has characters that no key has") as error:
        api_key()
    assert "sk-" not in str(error.value)


LABEL = st.text(string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=4)
HOSTS = st.lists(LABEL, min_size=1, max_size=3).map(".".join)


@given(HOSTS, HOSTS)
def test_no_two_hosts_share_a_variable(one: str, other: str) -> None:
    same = key_variable(f"https://{one}") == key_variable(f"http://{other.upper()}:8000/v1")
    assert same == (one == other)
