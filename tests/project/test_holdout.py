"""The share that is held out: the model's own, else its source's, else the project's; 0 is said, too."""

from __future__ import annotations

import pytest

from synthkit.project.holdout import holdout_of
from synthkit.project.projectfile import ProjectSpec
from synthkit.project.types import ModelSpec, SourceTableSpec


@pytest.mark.parametrize(
    ("model", "table", "expected"),
    [
        ("10%", "30%", "10%"),
        (None, "30%", "30%"),
        (None, None, 0.4),
        (0, "30%", 0),
        (None, 0.0, 0.0),
        ("0%", None, "0%"),
    ],
)
def test_the_nearest_says_it(model: str | float | None, table: str | float | None, expected: str | float) -> None:
    project = ProjectSpec.model_validate({"name": "shop", "holdout": 0.4})
    source = SourceTableSpec.model_validate({"name": "t", "path": "t.csv", "holdout": table})
    spec = ModelSpec.model_validate({"name": "m", "holdout": model})
    assert holdout_of(project, source, spec)[0] == expected
    assert holdout_of(project, None, spec)[0] == (0.4 if model is None else model)
    assert holdout_of(project, source)[0] == (0.4 if table is None else table)
