from __future__ import annotations

import pytest
from pydantic import ValidationError

from synthkit.llm.spec import TeacherParams, model_warning
from tests.llm.asking import MODEL, params


def test_defaults_and_frozen() -> None:
    made = params()
    assert (made.provider, made.most, made.base_url) == ("anthropic", 8000, None)
    with pytest.raises(ValidationError):
        made.model = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"intended_use": "  "}, "provider's terms"),
        ({"intended_use": None}, "intended_use"),
        ({"terms_ack": False}, "forbid training competing models"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"provider": "other"}, "provider"),
        ({"temperature": 1}, "temperature"),
    ],
)
def test_faults_say_why(change: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TeacherParams.model_validate({"model": MODEL, "intended_use": "tests", "terms_ack": True} | change)


def test_left_out_is_refused_with_the_reason() -> None:
    with pytest.raises(ValidationError, match="provider's terms") as caught:
        TeacherParams(model=MODEL)
    assert {e["loc"][0] for e in caught.value.errors()} == {"intended_use", "terms_ack"}


def test_an_unknown_model_is_a_warning() -> None:
    assert model_warning(MODEL) is None
    assert "claude-sonnet-5-5" in str(model_warning("claude-sonet-5-5"))
    assert "zzz" in str(model_warning("zzz"))
