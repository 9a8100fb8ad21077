"""The shipped JSON Schema fits run results of every kind, and refuses what is none."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from synthkit.results import RunResults
from tests.report.runs import EVERYTHING, run


@pytest.fixture(scope="module")
def schema() -> Any:
    return json.loads((files("synthkit") / "schemas" / "run_results.schema.json").read_text("utf-8"))


def as_json(results: RunResults) -> Any:
    return json.loads(json.dumps(results.to_json()))


@pytest.mark.parametrize(
    "results", [EVERYTHING, run(), run(interrupted=True)], ids=["everything", "nothing", "interrupted"]
)
def test_results_fit(schema: Any, results: RunResults) -> None:
    jsonschema.validate(as_json(results), schema)
    assert RunResults.from_json(as_json(results)).counts() == results.counts()


def test_what_is_no_result_does_not_fit(schema: Any) -> None:
    for path, value in (
        (("results", 0, "status"), "passed"),
        (("results", 0, "audits", 0, "status"), "ok"),
        (("results", 0, "rows"), -1),
        (("seed",), "7"),
        (("results", 0, "audits", 0, "ci"), [1]),
    ):
        data = as_json(EVERYTHING)
        place = data
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(data, schema)
