"""What a template may do is counted, and ends with a fault that has a place. Sizes here are just over the bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synthkit.project import sandbox
from synthkit.project.render import Renderer, RenderError
from synthkit.project.sandbox import BITS, TEMPLATE, weight
from tests.synth import make_project

WORK, WORK_OF_ALL = 10_000, 200_000


@pytest.fixture(autouse=True)
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds are numbers: with small ones the tests take no time."""
    monkeypatch.setattr(sandbox, "WORK", WORK)
    monkeypatch.setattr(sandbox, "WORK_OF_ALL", WORK_OF_ALL)


def renderer(macros: dict[Path, str] | None = None) -> Renderer:
    return Renderer({"n": 5_000_000, "word": "abc"}, {}, "dev", macros)


HALF = WORK // 2 + 1
ROOT = int(WORK**0.5) + 1
TOO_MUCH = {
    "a range": f"{{{{ range({WORK + 1})|length }}}}",
    "two ranges": f"{{{{ range({HALF})|list|length }}}}",
    "loops": f"{{% for i in range({ROOT}) %}}{{% for j in range({ROOT}) %}}{{% endfor %}}{{% endfor %}}",
    "text in a loop": "{% for i in range(110) %}" + "x" * 100 + "{% endfor %}",
    "text in a condition in a loop": "{% for i in range(110) %}{% if true %}" + "x" * 100 + "{% endif %}{% endfor %}",
    "multiplied text": f"{{{{ 'x' * {WORK} }}}}",
    "multiplied list": f"{{{{ ([1] * {WORK})|length }}}}",
    "the other way": f"{{{{ {WORK} * 'x' }}}}",
    "added text": "{% set ns = namespace(x='x' * 9) %}{% for i in range(20) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "joined text": "{% set ns = namespace(x='x' * 9) %}{% for i in range(20) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "blocks": "{% set ns = namespace(x='x' * 9) %}{% for i in range(20) %}{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}{% endfor %}",
    "center": f"{{{{ 'x'|center({WORK}) }}}}",
    "a method's padding": f"{{{{ 'x'.ljust({WORK}) }}}}",
    "tabs": f"{{{{ '\\t'.expandtabs({WORK}) }}}}",
    "indent": f"{{{{ ('x\\n' * 100)|indent({ROOT}) }}}}",
    "a width": f"{{{{ '{{:{WORK}}}'.format(1) }}}}",
    "a width that is given": f"{{{{ '{{:{{}}}}'.format(1, {WORK}) }}}}",
    "a width after %": f"{{{{ '%{WORK}d' % 1 }}}}",
    "a width of the filter": f"{{{{ '%{WORK}d'|format(1) }}}}",
    "a width by a star": f"{{{{ '%*d' % ({WORK}, 1) }}}}",
    "replace": f"{{{{ ('x' * {ROOT})|replace('x', 'y' * {ROOT}) }}}}",
    "a method's replace": f"{{{{ ('x' * {ROOT}).replace('x', 'y' * {ROOT}) }}}}",
    "join": f"{{{{ ([1] * {ROOT})|join('y' * {ROOT}) }}}}",
    "lists of lists": f"{{{{ ([[1] * {ROOT}] * {ROOT})|string }}}}",
    "lists put out": "{% set x = [[1] * 101] * 101 %}{{ x }}",
    "searching": f"{{% set x = range({ROOT})|list %}}{{% for i in range({ROOT}) %}}{{% if i in x %}}{{% endif %}}{{% endfor %}}",
    "summing": f"{{% set x = range({ROOT})|list %}}{{% for i in range({ROOT}) %}}{{% set y = x|sum %}}{{% endfor %}}",
    "slices": f"{{% set x = range({ROOT})|list %}}{{% for i in range({ROOT}) %}}{{% set y = x[:] %}}{{% endfor %}}",
    "a filter block": f"{{% filter center({WORK}) %}}x{{% endfilter %}}",
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_work_ends(name: str) -> None:
    with pytest.raises(RenderError, match="the text does more than 10,000 steps"):
        renderer().sql(TOO_MUCH[name])


@pytest.mark.parametrize(
    "text",
    ["{{ 2 ** 1024 }}", "{{ 2 ** 512 * 2 ** 512 }}", "{{ (2 ** 1000 * 2)  ** 2 }}", "{{ -(2 ** 600) * 2 ** 500 }}"],
)
def test_numbers_end(text: str) -> None:
    with pytest.raises(RenderError, match=f"a number of more than {BITS} bits"):
        renderer().value(text)


def test_a_macro_that_calls_itself_ends() -> None:
    macros = {
        Path(
            "m.sql"
        ): "{% macro down(n) %}{{ down(n + 1) }}{% endmacro %}{% macro twice(n) %}{{ 'x' * n }}{{ 'x' * n }}{% endmacro %}"
    }
    with pytest.raises(RenderError, match="nested too deeply"):
        renderer(macros).sql("{{ down(1) }}")
    with pytest.raises(RenderError, match="does more than"):
        renderer(macros).sql(f"{{{{ twice({HALF}) }}}}")


@pytest.mark.parametrize(
    "text", ["{{ " + "(" * 500 + "1" + ")" * 500 + " }}", "{% if 1 %}" * 150 + "{% endif %}" * 150]
)
def test_nesting_ends(text: str) -> None:
    with pytest.raises(RenderError, match="nested too deeply"):
        renderer().sql(text)


def test_a_long_text_is_none_for_jinja() -> None:
    with pytest.raises(RenderError, match=r"a text of 262,15. characters, of which 262,144 are allowed"):
        renderer().sql("{{ 1 }}" + "x" * TEMPLATE)
    assert len(renderer().sql("x" * (2 * TEMPLATE)).text) == 2 * TEMPLATE


def test_texts_end_together() -> None:
    many, one = renderer(), f"{{{{ range({WORK // 2 - 100})|length }}}}"
    for i in range(WORK_OF_ALL // WORK):
        many.sql(f"{one}{i}")
    with pytest.raises(RenderError, match="the texts of this project do more than 200,000 steps together"):
        many.sql(f"{one}last")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ var('n') }}", 5_000_000), ("{{ var('m', 5000000) }}", 5_000_000), ("{{ var('n') * 2 }}", 10_000_000),
        ("{{ '{:,}'.format(5000000) }}", "5,000,000"), ("{{ '%05d' % 7 }}", "00007"), ("{{ 2 ** 64 }}", 2**64),
        ("{{ var('word')|center(9) }}", "abc"), ("{{ range(3)|list }}", [0, 1, 2]), ("{{ [1, 2]|sum }}", 3),
        ("{{ 'a,b'.split(',') }}", ["a", "b"]), ("{{ 'a' ~ 1 ~ none }}", "a1None"), ("{{ 1 < 2 < 3 }}", True),
        ("{{ 'b' in ['a', 'b'] }}", True), ("{{ -7 // 2 }}", -4), ("{{ 7.5 % 2 }}", 1.5), ("{{ 0.5 ** 3 }}", 0.125),
        ("{% for i in range(3) if i != 1 %}{{ i }}{% else %}none{% endfor %}", "02"), ("{{ {'a': 1}.items()|list }}", [("a", 1)]),
        ("{{ range(10, 0, -3)|join('-') }}", "10-7-4-1"), ("{{ 'abc'[1:] }}", "bc"), ("{{ 'x'.upper() }}", "X"),
        ("{% for i in [[1], []] recursive %}{{ i|length }}{{ loop(i) if i is sequence and i and i[0] is sequence }}{% endfor %}", "10"),
    ],
)  # fmt: skip
def test_what_projects_write_works(text: str, value: Any) -> None:
    assert renderer().value(text) == value


def test_a_name_of_ours_is_no_name_of_a_template() -> None:
    text = (
        "{% set spend = namespace %}{% set environment = none %}{% for i in range(110) %}" + "x" * 100 + "{% endfor %}"
    )
    with pytest.raises(RenderError, match="does more than"):
        renderer().sql(text)


def test_weight() -> None:
    shared = ["x" * 10] * 10
    assert weight([shared] * 10, 10**6) == 1 + 10 + 10 * 10 * 11
    assert weight({"a": [1]}, 100) == 5
    assert weight([[[0] * 100] * 100] * 100, 50) <= 52


def test_the_fault_has_a_place(tmp_path: Path) -> None:
    model = {
        "name": "m",
        "description": "{{ 'x' * 1000000 }}",
        "generator": {"name": "sql", "query": "select 1 as a"},
    }
    files = {"synth_project.yml": "name: shop\n", "models/m.yml": "version: 1\nmodels:\n  - " + json.dumps(model)}
    text = make_project(tmp_path / "shop", files).fails("compile", code=2)
    assert "models/m.yml:3:34: error: Jinja: the text does more than 1,000,000 steps" in text
