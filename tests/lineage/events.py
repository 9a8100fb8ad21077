"""Read lineage events as a consumer would, and hold each against OpenLineage's own JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

SPEC = Path(__file__).parent / "spec"
RUN_EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
ENDS = {"COMPLETE", "FAIL", "ABORT"}


@cache
def registry() -> Registry[Any]:
    schemas = [json.loads(p.read_text("utf-8")) for p in sorted(SPEC.glob("*.json"))]
    return Registry().with_resources((s["$id"], Resource.from_contents(s)) for s in schemas)


def check(value: Any, reference: str) -> None:
    validator = Draft202012Validator(
        {"$ref": reference}, registry=registry(), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    faults = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
    assert faults == [], faults


def facets_of(event: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every facet of an event with its key."""
    datasets = [*event.get("inputs", ()), *event.get("outputs", ())]
    for holder in (event["run"], event["job"], *datasets):
        for key in ("facets", "inputFacets", "outputFacets"):
            yield from holder.get(key, {}).items()


def checked(lines: Sequence[str]) -> list[dict[str, Any]]:
    """The events, each valid as are its facets; each run begins once and, after that, ends once."""
    events = [json.loads(line) for line in lines]
    for event in events:
        check(event, RUN_EVENT)
        for key, facet in facets_of(event):
            if key.startswith("synthkit_"):
                assert facet["_schemaURL"].startswith("urn:synthkit:facet:")
                check(facet, "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/BaseFacet")
            else:
                check(facet, facet["_schemaURL"])
    runs: dict[str, list[str]] = {}
    for event in events:
        runs.setdefault(event["run"]["runId"], []).append(event["eventType"])
    for types in runs.values():
        assert types[0] == "START"
        assert len(types) == 2
        assert types[1] in ENDS
    return events


def of_file(path: Path) -> list[dict[str, Any]]:
    return checked(path.read_text("utf-8").splitlines())


def ends(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Job → how its last run ended."""
    return {e["job"]["name"]: e["eventType"] for e in events if e["eventType"] in ENDS}


def end_of(events: Sequence[Mapping[str, Any]], job: str) -> Mapping[str, Any]:
    """The event that ended the last run of a job."""
    return [e for e in events if e["job"]["name"] == job and e["eventType"] in ENDS][-1]
