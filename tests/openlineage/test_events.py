"""The check of lineage events finds what is wrong with one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import error_message_run
from openlineage.client.serde import Serde

from tests.openlineage.events import check

MESSAGE = error_message_run.ErrorMessageRunFacet(message="no", programmingLanguage="Python")
RUN = Run(runId="00000000-0000-4000-8000-000000000000", facets={"errorMessage": MESSAGE})
EVENT: dict[str, Any] = Serde.to_dict(
    RunEvent(
        eventTime="2026-01-01T00:00:00Z",
        run=RUN,
        job=Job(namespace="shop", name="build"),
        eventType=RunState.FAIL,
        producer="p",
    )
)


def test_a_good_event_is_good() -> None:
    check(EVENT, RunEvent)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("job", "name"), None),
        (("job", "name"), 3),
        (("eventType",), "ENDED"),
        (("run", "facets", "errorMessage", "message"), None),
        (("run", "facets", "errorMessage", "colour"), "red"),
        (("inputs",), {}),
    ],
)
def test_a_bad_one_is_found(path: tuple[str, ...], value: Any) -> None:
    event = copy.deepcopy(EVENT)
    place = event
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    with pytest.raises(AssertionError):
        check(event, RunEvent)
