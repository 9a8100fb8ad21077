"""Jinja: native values, collected references, and every error with a way out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from synthkit.project.render import Renderer, RenderError
from synthkit.project.types import Relation

MACROS = {
    Path(
        "m.sql"
    ): "{% macro twice(x) %}({{ x }} * 2){% endmacro %}\n{% macro four(x) %}{{ twice(twice(x)) }}{% endmacro %}"
}


@pytest.fixture
def renderer() -> Renderer:
    return Renderer({"n": 3, "share": "50%", "list": [1, 2]}, {"HOME_DIR": "/h"}, "prod", MACROS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{{ var('n') }}", 3),
        ("{{ var('list') }}", [1, 2]),
        ("{{ var('missing', 7) }}", 7),
        ("{{ var('n') * 2 }}", 6),
        ("n is {{ var('n') }}", "n is 3"),
        ("{{ target }}", "prod"),
        ("{{ env_var('HOME_DIR') }}/x", "/h/x"),
        ("{{ env_var('NOPE', '') != '' }}", False),
        ("{{ ref('a') }}", Relation("a")),
        ("{{source( \"g\" , 't' )}}", Relation("t", "g")),
        ("{{ ref('a' ~ 'b') }}", Relation("ab")),
        ("{{ twice('x') }}", "(x * 2)"),
    ],
)
def test_values(renderer: Renderer, text: str, value: object) -> None:
    assert renderer.value(text) == value


def test_sql_quotes_and_collects(renderer: Renderer) -> None:
    sql = "select {{ four('a') }} from {{ ref('or\"der') }}, {{ source('g', 't') }} {# said #} where {{ this }}.x"
    rendered = renderer.sql(sql, this='"me"')
    assert rendered.text == 'select ((a * 2) * 2) from "or""der", "g"."t"  where "me".x'
    assert rendered.relations == {Relation('or"der'), Relation("t", "g")}
    plain = renderer.sql("select * from {{ ref('a') }} join {{source('g','t')}} using (k)")
    assert plain.text == 'select * from "a" join "g"."t" using (k)'
    assert plain.relations == {Relation("a"), Relation("t", "g")}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{{ vra('n') }}", "'vra' is undefined", "var"),
        ("{{ var('m') }}", "no variable 'm'", "vars:"),
        ("{{ env_var('NOPE') }}", "'NOPE' is not set", ".env"),
        ("{{ ''.__class__ }}", "may not", ""),
        ("{{ self.__init__.__globals__ }}", "", ""),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "may not", ""),
        ("{{ range(10**9) }}", "", ""),
        ("{{ nothing }}", "undefined", ""),
        ("{{ var('n').x.y }}", "undefined", ""),
        ("{% include '/etc/passwd' %}", "", ""),
        ("{{ 1 / 0 }}", "division", ""),
        ("{{ open }", "syntax", ""),
    ],
)
def test_errors(renderer: Renderer, text: str, message: str, hint: str) -> None:
    with pytest.raises(RenderError) as raised:
        renderer.value(text)
    assert message in raised.value.message
    assert hint in (raised.value.hint or "")


def test_macros_call_those_of_any_file() -> None:
    files = {
        Path("a.sql"): "{% macro first(x) %}[{{ last(x) }}]{% endmacro %}",
        Path("z.sql"): "{% macro last(x) %}{{ x }}{% endmacro %}",
    }
    rendered = Renderer({}, {}, "dev", files).sql("{{ first(1) }}")
    assert rendered.text == "[1]"
    assert rendered.uses is not None
    assert rendered.uses.macros.keys() == {"first", "last"}


def test_each_file_may_have_a_helper_of_one_name() -> None:
    """A change of either is one of the macros that call it."""
    own = "{% macro _own() %}1{% endmacro %}{% macro first() %}{{ _own() }}{% endmacro %}"
    other = "{% macro _own() %}2{% endmacro %}{% macro last() %}{{ _own() }}{% endmacro %}"

    def uses(text: str) -> Mapping[str, str]:
        rendered = Renderer({}, {}, "dev", {Path("a.sql"): text, Path("z.sql"): other}).sql("{{ first() }}")
        assert rendered.text == text[len("{% macro _own() %}")]
        assert rendered.uses is not None
        return rendered.uses.macros

    assert uses(own)["_own"] != uses(own.replace("1", "3"))["_own"]


def test_a_macro_that_is_not_there_yet_is_told() -> None:
    files = {Path("a.sql"): "{% set x = last() %}", Path("z.sql"): "{% macro last() %}1{% endmacro %}"}
    with pytest.raises(RenderError, match=r"'last' is called before its file is read") as caught:
        Renderer({}, {}, "dev", files).sql("{{ last() }}")
    assert caught.value.where is not None
    assert caught.value.where.file == Path("a.sql")


def test_names_of_a_package_are_its_own() -> None:
    theirs = {
        Path(
            "p.sql"
        ): "{% macro twice(x) %}<{{ x }}>{% endmacro %}{% macro pair() %}{{ twice(twice(1)) }}{% endmacro %}"
    }
    renderer = Renderer({}, {}, "dev", MACROS, packages={"acme": theirs})
    assert renderer.sql("{{ twice(1) }} {{ acme.twice(1) }} {{ acme.pair() }}").text == "(1 * 2) <1> <<1>>"
    assert renderer.sql("{{ twice(1) }} {{ four(1) }}", package="acme").text == "<1> ((1 * 2) * 2)"
    for text, message in (
        ("{{ acme }}", "'acme' is a package"),
        ("{{ acme.twise(1) }}", "the package 'acme' has no macro 'twise'"),
        ("{{ acme._macros }}", "may not do this"),
        ("{{ acme['_error'] }}", "may not do this"),
    ):
        for render in (renderer.value, renderer.sql):
            with pytest.raises(RenderError, match=message):
                render(text)


def test_a_macro_file_that_does_not_parse_is_named() -> None:
    renderer = Renderer({}, {}, "dev", {Path("bad.sql"): "{% macro x( %}"})
    with pytest.raises(RenderError) as raised:
        renderer.value("{{ x() }}")
    assert str(raised.value.where).startswith("bad.sql:1")
