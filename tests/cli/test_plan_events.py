"""`synth plan --log-format json`: what a build would do, an object a line, as a build tells what it does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.private import PrivateProject, private_project
from tests.synth import SQL_PROJECT, Project, make_project


def events(shop: Project, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    done = shop.synth("plan", "--log-format", "json", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(e["time"].endswith("Z") for e in found)
    return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    models = (
        SQL_PROJECT["models/customers.yml"]
        + "\n          - {name: off, enabled: false, generator: {name: sql, query: select 1 as a}}\n"
    )
    return make_project(tmp_path_factory.mktemp("plan") / "shop", {**SQL_PROJECT, "models/customers.yml": models})


def test_each_action_and_the_whole(shop: Project) -> None:
    found = events(shop)
    assert [e["event"] for e in found] == ["Note", "ActionPlanned", "ActionPlanned", "PlanFinished"]
    said = json.loads(shop.ok("plan", "--output", "json"))
    actions = [e for e in found if e["event"] == "ActionPlanned"]
    assert [{k: e[k] for k in one} for e, one in zip(actions, said["actions"], strict=True)] == said["actions"]
    assert [(e["index"], e["total"]) for e in actions] == [(1, 2), (2, 2)]
    assert (found[-1]["models"], found[-1]["work"], found[-1]["actions"]) == (2, 2, {"query": 2})
    shop.ok("build")
    assert events(shop)[-1]["actions"] == {"reuse": 2}
    assert events(shop, "--full-refresh")[1]["estimate"]["seconds"]["likely"] > 0


def test_quiet_tells_what_is_wrong_alone(shop: Project) -> None:
    assert events(shop, "--quiet") == []
    assert shop.ok("plan", "--quiet") == ""


def test_budgets_and_exit_status(tmp_path_factory: pytest.TempPathFactory) -> None:
    shop: PrivateProject = private_project(tmp_path_factory.mktemp("private") / "shop")
    (action, budget, whole) = events(shop)
    assert action["spends"] == {"account": "crm.customers", "epsilon": 1, "delta": pytest.approx(1e-5)}
    assert (budget["event"], budget["account"], budget["after"]) == ("BudgetPlanned", "crm.customers", 1)
    assert whole["over_budget"] == []
    path = shop.root / "synth_project.yml"
    path.write_text(path.read_text("utf-8").replace("epsilon: 3", "epsilon: 0.5"), "utf-8")
    assert events(shop, code=1)[-1]["over_budget"] == ["crm.customers"]
