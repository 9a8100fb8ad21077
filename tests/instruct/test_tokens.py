from __future__ import annotations

import pytest

from synthkit.instruct.items.tokens import normalised, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't STOP, e-mail_me at 10:30!", ["don", "t", "stop", "e", "mail", "me", "at", "10", "30"]),
        ("Übung macht den Meister", ["übung", "macht", "den", "meister"]),
        ("Straße", ["strasse"]),
        ("私は学生です。", ["私", "は", "学", "生", "で", "す"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("ＡＢＣ１２", ["abc12"]),
        ("?!", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_normalised_keeps_what_is_punctuation_alone() -> None:
    assert normalised("  Hello,   World! ") == normalised("hello world")
    assert normalised("?") != normalised("!")
    assert normalised("cafe\u0301") == normalised("Café")
