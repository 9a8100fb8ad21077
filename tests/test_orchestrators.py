"""The examples for Dagster, Prefect and Airflow, held against the library's own calls.

What they use of those packages is stood in for by a few lines here; ``python -m benchmarks orchestrators`` installs them
and runs the examples in them.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import synthkit
from synthkit.results import ModelResult, RunResults
from tests.synth import Project

EXAMPLES = Path(__file__).parent.parent / "docs" / "orchestrators"
BUILD = inspect.signature(synthkit.build)


@dataclass
class Built:
    """What is asked of ``synthkit.build``, and what it comes to: model → status."""

    statuses: dict[str, str]
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, *arguments: Any, **named: Any) -> RunResults:
        asked = BUILD.bind(*arguments, **named).arguments
        self.asked.append(asked)
        results = tuple(
            ModelResult(m, "query", s, rows=3, audits=(AUDIT[s],), message=f"{m} is {s}")  # type: ignore[arg-type]
            for m, s in self.statuses.items()
            if not asked["select"] or m in asked["select"]
        )
        return RunResults("run", "2026-01-01", "2026-01-01", "dev", 7, "cpu", {}, results)


def audit(status: str) -> Any:
    from synthkit.records.audit import AuditRecord

    return AuditRecord(name="not_null", column="tier", threshold="", severity="error", status=status, message="")  # type: ignore[arg-type]


AUDIT = {"pass": audit("pass"), "fail": audit("fail")}


@pytest.fixture
def project(built_shop: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("SYNTH_PROJECT", str(built_shop.root))
    return built_shop


def example(name: str, monkeypatch: pytest.MonkeyPatch, **modules: Any) -> ModuleType:
    for module, content in modules.items():
        monkeypatch.setitem(sys.modules, module.replace("__", "."), content)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def decorator(*given: Any, **_named: Any) -> Any:
    """``@it`` and ``@it(…)``: the function as it is."""
    return given[0] if given and callable(given[0]) else lambda function: function


def dagster() -> Any:
    class Failure(Exception): ...  # noqa: N818

    class Kept(SimpleNamespace):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(kind=type(self).__name__, given=given, **named)

    named = ("AssetSpec", "AssetCheckSpec", "MaterializeResult", "AssetCheckResult", "Definitions")
    kinds = {name: type(name, (Kept,), {}) for name in named}
    severity = SimpleNamespace(WARN="warn", ERROR="error")
    return SimpleNamespace(
        multi_asset=lambda **said: lambda function: SimpleNamespace(function=function, **said),
        AssetExecutionContext=object,
        AssetCheckSeverity=severity,
        Failure=Failure,
        **kinds,
    )


@pytest.mark.parametrize("status", ["pass", "fail"])
def test_models_are_assets_and_verdicts_are_checks(
    status: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = dagster()
    found = example("dagster_shop", monkeypatch, dagster=module)
    assert {s.given[0]: s.deps for s in found.tables.specs} == {"customers": [], "by_tier": ["customers"]}
    assert [(s.given[0], s.asset) for s in found.tables.check_specs] == [("not_null", "customers")]
    built = Built({"customers": status})
    monkeypatch.setattr(synthkit, "build", built)
    keys = [SimpleNamespace(to_user_string=lambda: "customers")]
    context = SimpleNamespace(op_execution_context=SimpleNamespace(selected_asset_keys=keys))
    yielded = []
    if status == "pass":
        yielded += found.tables.function(context)
    else:
        with pytest.raises(module.Failure, match="customers is fail"):
            yielded.extend(iter_into(yielded, found.tables.function(context)))
    assert built.asked == [{"project": str(project.root), "select": ["customers"]}]
    kinds = {"pass": ["MaterializeResult", "AssetCheckResult"], "fail": ["AssetCheckResult"]}
    assert [y.kind for y in yielded] == kinds[status]
    assert yielded[-1].passed is (status == "pass")


def iter_into(kept: list[Any], values: Any) -> list[Any]:
    """Keep the values one by one, so that those before an exception are there."""
    for value in values:
        kept.append(value)
    return []


@pytest.mark.parametrize("status", ["pass", "fail"])
def test_a_flow_builds_and_fails_where_an_audit_does(
    status: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = Built({"customers": status, "by_tier": "pass"})
    monkeypatch.setattr(synthkit, "build", built)
    found = example("prefect_shop", monkeypatch, prefect=SimpleNamespace(flow=decorator, task=decorator))
    if status == "pass":
        assert found.nightly() == {"customers": "pass", "by_tier": "pass"}
    else:
        with pytest.raises(RuntimeError, match="customers is fail"):
            found.nightly()
    assert built.asked == [{"project": str(project.root), "select": (), "lock_wait": 3600}]


def test_a_dag_plans_builds_and_verifies(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks: dict[str, Callable[..., Any]] = {}

    def task(function: Any = None, **_given: Any) -> Any:
        if function is None:
            return task
        tasks[function.__name__] = function
        return lambda *_given: function.__name__

    task.short_circuit = task  # type: ignore[attr-defined]
    sdk = SimpleNamespace(dag=decorator, task=task)
    example("airflow_shop", monkeypatch, airflow=SimpleNamespace(sdk=sdk), airflow__sdk=sdk)
    assert list(tasks) == ["plan", "build", "verify"]
    assert tasks["plan"]() == []  # all is built
    built = Built({"customers": "pass"})
    monkeypatch.setattr(synthkit, "build", built)
    assert tasks["build"](["customers"]) == {"customers": "pass"}
    assert built.asked == [{"project": str(project.root), "select": ["customers"], "lock_wait": 3600}]
    built.statuses = {"customers": "fail"}
    with pytest.raises(RuntimeError, match="customers is fail"):
        tasks["build"](["customers"])
    tasks["verify"]({})
    (receipt,) = project.root.rglob("by_tier.receipt.json")
    receipt.write_text(receipt.read_text("utf-8").replace('"rows": 3', '"rows": 4'), "utf-8")
    with pytest.raises(RuntimeError):
        tasks["verify"]({})
