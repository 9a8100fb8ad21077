"""YAML 1.2 with places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.errors import Location
from synthkit.project import yamlfile
from synthkit.project.yamlfile import DEPTH, Document, parse_text


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


# -- bounds: sizes just over them ----------------------------------------------------------------------


NODES, BYTES = 2_000, 100_000


@pytest.fixture
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds are numbers: with small ones the tests take no time."""
    monkeypatch.setattr(yamlfile, "NODES", NODES)
    monkeypatch.setattr(yamlfile, "BYTES", BYTES)


def aliases(levels: int, each: int) -> str:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * each)}]" for i in range(1, levels + 1)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("[" * (DEPTH + 1) + "]" * (DEPTH + 1), "nested more than 64 deep", 1, DEPTH + 1),
        ("".join(f"{' ' * i}a:\n" for i in range(DEPTH + 1)), "nested more than 64 deep", DEPTH + 1, DEPTH + 1),
        ("- " * (DEPTH + 1) + "x", "nested more than 64 deep", 1, 2 * DEPTH + 1),
        ("[" + "x," * (NODES + 1) + "]", "the file has more than 2,000 values", 1, 2 * NODES),
        (aliases(4, 10), "with what its aliases stand for, the file has more than 2,000 values", 0, 0),
        ("a: 1\ne: " + "1" * 101, "a number of 101 characters", 2, 4),
        ("size: 0x" + "f" * 200, "a number of 202 characters", 1, 7),
        ("size: 1e" + "9" * 100, "a number of 102 characters", 1, 7),
        ("a: 1\n" + "#" * BYTES, "the file has 100,005 characters, of which 100,000 are read", 1, 1),
    ],
)  # fmt: skip
def test_what_is_too_much_is_a_fault_with_a_place(
    smaller: None, text: str, message: str, line: int, column: int
) -> None:
    document = parse_text(text, Document(Path("x.yml")))
    (fault,) = document.faults
    assert fault.message == message
    assert fault.where is not None
    if line:
        assert fault.where == Location(Path("x.yml"), line, column)
    assert fault.where.line >= 1


def test_aliases_in_a_chain_are_as_deep_as_what_they_stand_for() -> None:
    lines = ["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, DEPTH + 2))]
    document = parse_text("\n".join(lines), Document(Path("x.yml")))
    assert {f.message for f in document.faults} == {"nested more than 64 deep"}


def test_what_is_just_within_the_bounds_is_read(smaller: None) -> None:
    for text in ("[" * DEPTH + "]" * DEPTH, "[" + "x," * (NODES - 1) + "]", "1" * 100, aliases(2, 10)):
        document = parse_text(text, Document(Path("x.yml")))
        assert document.faults == []
        assert document.value
