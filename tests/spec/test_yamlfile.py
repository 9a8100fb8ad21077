"""YAML 1.2 with places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.spec.yamlfile import Document, parse_text


def parsed(text: str) -> Document:
    return parse_text(text, Document(Path("x.yml")))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"),
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("12", 12), ("-3", -3), ("0x1f", 31), ("0o17", 15), ("007", 7), ("1_000", "1_000"),
        ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), (".inf", float("inf")), ("-.INF", float("-inf")),
        ("12:30", "12:30"), ("2024-01-01", "2024-01-01"), ("50%", "50%"), ("'12'", "12"), ('"yes"', "yes"),
    ],
)  # fmt: skip
def test_plain_scalars_are_yaml_1_2s(text: str, value: Any) -> None:
    assert parsed(f"k: {text}").value == {"k": value}


def test_anchors_and_merges() -> None:
    document = parsed("base: &b {x: 1, y: 2}\nother:\n  <<: *b\n  y: 3\nlist: [*b, *b]\n")
    assert document.value["other"] == {"x": 1, "y": 3}
    assert document.value["list"] == [{"x": 1, "y": 2}] * 2
    assert not document.faults


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3\n", "given twice (first on line 1)", 3, 1),
        ("a: &x [*x]\n", "contains itself", 1, 4),
        ("? [1, 2]\n: 3\n", "a key must be a plain word", 1, 3),
        ("a: !!python/object:os.system x\n", "", 0, 0),
        ("a: !secret x\n", "the tag !secret is not understood", 1, 4),
        ("a: [1,\n", "malformed YAML", 2, 1),
    ],
)
def test_faults(text: str, message: str, line: int, column: int) -> None:
    document = parsed(text)
    if not message:  # a foreign tag is not obeyed: the value stays text
        assert document.value in ({"a": "x"}, None) or document.faults
        return
    (fault,) = document.faults[:1]
    assert message in fault.message
    assert fault.where is not None
    assert (fault.where.line, fault.where.column) == (line, column)


names = st.text("abcdefgh_", min_size=1, max_size=6)
values = st.recursive(
    st.integers(-99, 99) | st.text("abc xyz", min_size=1).map(str.strip).filter(bool),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(names, values, min_size=1, max_size=4))
def test_marks_point_at_the_text_of_the_value(value: dict[str, Any]) -> None:
    import yaml

    text = yaml.safe_dump(value, default_flow_style=False, sort_keys=False)
    document = parsed(text)
    lines = text.splitlines()

    def check(inner: Any, path: tuple[Any, ...]) -> None:
        line, column = document.marks[path]
        if isinstance(inner, dict):
            for key, child in inner.items():
                key_line, key_column = document.key_marks[(*path, key)]
                assert lines[key_line - 1][key_column - 1 :].lstrip("'\"").startswith(key)
                check(child, (*path, key))
        elif isinstance(inner, list):
            for index, child in enumerate(inner):
                check(child, (*path, index))
        else:
            assert lines[line - 1][column - 1 :].lstrip("'\"").startswith(str(inner))

    check(value, ())
