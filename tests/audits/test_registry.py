"""Finding audits, and seeing what their parameters name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint

import pytest
from pydantic import BaseModel, ValidationError

from synthkit.audits import contract as base
from synthkit.audits import registry
from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditParams, AuditResult, ColumnName, ColumnNames, Condition, RelationName, audit
from synthkit.errors import SynthError
from synthkit.project.types import Relation


@pytest.fixture
def fresh() -> Iterator[None]:
    """Leave the registry as it was."""
    before = dict(base._declared)
    registry._load.cache_clear()
    yield
    base._declared.clear()
    base._declared.update(before)
    registry._load.cache_clear()


def test_the_built_in_audits_are_found_by_their_entry_points() -> None:
    found = set(registry.names())
    assert found >= {
        "ks", "chi_square", "not_null", "unique", "accepted_values", "accepted_range", "row_count", "relationships",
        "expression",
    }  # fmt: skip
    assert list(registry.names()) == sorted(found)
    assert registry.get("ks").needs == {"train", "holdout"}
    assert registry.get("not_null").needs == frozenset()


def test_every_audit_has_a_summary_for_the_tables_of_help() -> None:
    for family, audits in registry.families().items():
        for one in audits:
            assert one.summary, f"{family}.{one.name} has no docstring"
            assert one.family == family


def test_a_misspelt_name_gets_the_nearest() -> None:
    with pytest.raises(SynthError, match="no audit 'chi_sqare'") as caught:
        registry.get("chi_sqare")
    assert caught.value.hint == "did you mean 'chi_square'?"


def test_an_audit_declared_in_one_function_is_there(fresh: None) -> None:
    class NothingParams(AuditParams):
        pass

    @audit("nothing_at_all", NothingParams, family="test")
    def nothing(context: AuditContext, params: NothingParams) -> AuditResult:
        """Nothing is looked at."""
        return AuditResult(0, "pass")

    assert "nothing_at_all" in registry.names()
    assert registry.get("nothing_at_all").summary == "Nothing is looked at."


def test_a_plugin_that_breaks_is_named(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("house_rules", "no_such_module_at_all.audits", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [broken])
    with pytest.raises(SynthError, match=r"'house_rules' \(no_such_module_at_all.audits\)") as caught:
        registry.names()
    assert "No module named" in caught.value.message
    assert "uninstall" in (caught.value.hint or "")


def test_a_plugin_cannot_take_a_built_in_audits_place(fresh: None) -> None:
    registry.names()

    def run(context: AuditContext, params: AuditParams) -> AuditResult:
        return AuditResult(0.0, "pass")

    run.__module__ = "friendly_plugin"
    with pytest.raises(
        SynthError, match=r"two audits are named 'ks': in synthkit.audits.fidelity.columns and in friendly_pl"
    ):
        audit("ks", AuditParams, family="fidelity")(run)
    assert registry.get("ks").run.__module__ == "synthkit.audits.fidelity.columns"  # type: ignore[attr-defined]


def test_finding_the_audits_imports_nothing_heavy() -> None:
    import subprocess

    heavy = ("torch", "sdv", "sklearn", "scipy", "pandas", "duckdb", "pyarrow", "numpy")
    code = f"""
import sys
from synthkit.audits import registry
registry.names()
print([m for m in {heavy!r} if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class _Inner(BaseModel):
    key: ColumnName


class _Params(AuditParams):
    column: ColumnName
    several: ColumnNames | None = None
    weights: Mapping[ColumnName, float] = {}
    pairs: tuple[tuple[ColumnName, str], ...] = ()
    inner: _Inner | None = None
    to: RelationName | None = None
    others: tuple[RelationName, ...] = ()
    sql: Condition | None = None
    unrelated: str = "not a column"


def test_columns_are_found_at_any_depth() -> None:
    params = _Params(
        column="a",
        several=("b", "c"),
        weights={"d": 1.0},
        pairs=(("e", "no"),),
        inner=_Inner(key="f"),
    )
    assert registry.columns_named(params) == [
        ("column", "a"),
        ("several.0", "b"),
        ("several.1", "c"),
        ("weights.d", "d"),
        ("pairs.0.0", "e"),
        ("inner.key", "f"),
    ]
    assert registry.columns_named(_Params(column="a")) == [("column", "a")]
    assert registry.column_fields(_Params) == ("column", "several", "weights", "pairs")
    assert registry.column_fields(registry.get("unique").params) == ("columns", "together")


def test_relations_and_conditions_are_found() -> None:
    customers, orders = Relation("customers", "crm"), Relation("orders")
    params = _Params(column="a", to=customers, others=(orders,), sql="a > 0")
    assert registry.relations_named(params) == [("to", customers), ("others.0", orders)]
    assert registry.conditions_named(params) == [("sql", "a > 0")]


def test_a_relation_survives_json_and_text_is_no_relation() -> None:
    params = registry.get("relationships").params.model_validate(
        {"column": "c", "to": Relation("customers", "crm"), "field": "id"}
    )
    again = type(params).model_validate(params.model_dump(mode="json"))
    assert again == params
    assert registry.relations_named(again) == [("to", Relation("customers", "crm"))]
    with pytest.raises(ValidationError, match="a table is named by a reference"):
        type(params).model_validate({"column": "c", "to": "customers", "field": "id"})


def test_one_column_may_stand_without_brackets_but_not_none() -> None:
    kind = registry.get("not_null").params
    assert kind.model_validate({"columns": "age"}) == kind.model_validate({"columns": ["age"]})
    with pytest.raises(ValidationError, match="at least 1"):
        kind.model_validate({"columns": []})
    written = kind.model_json_schema()["properties"]["columns"]
    assert {t.get("type") for t in written["anyOf"]} == {"string", "array"}


def test_infinite_bounds_are_refused() -> None:
    with pytest.raises(ValidationError, match="finite"):
        registry.get("ks").params.model_validate({"max": float("nan")})


def test_audits_that_look_at_the_version_before_say_so() -> None:
    """What `synth promote` runs again: by what their modules read, and of somebody else's by default."""
    import sys
    from pathlib import Path

    for name in registry.names():
        found = registry.get(name)
        module = sys.modules[found.run.__module__]
        text = Path(str(module.__file__)).read_text("utf-8")
        if module.__name__.startswith("synthkit."):
            assert found.earlier == ("against_earlier" in text or ".previous" in text), name
        else:
            assert found.earlier, name
