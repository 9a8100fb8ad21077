"""Read lineage events as a consumer would, and hold each against the classes of OpenLineage's own client."""

from __future__ import annotations

import importlib
import json
import pkgutil
import types
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import attr
import openlineage.client.generated as generated
from openlineage.client.event_v2 import RunEvent

ENDS = {"COMPLETE", "FAIL", "ABORT"}
# Every facet has these besides its class's own fields; the client writes them.
ALWAYS = {"_producer", "_schemaURL", "_deleted"}


@cache
def classes() -> dict[str, type]:
    """The client's facets by the address of their schema."""
    found = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for one in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(one, type) and attr.has(one) and hasattr(one, "_get_schema"):
                found[one._get_schema()] = one
    return found


def check(value: Any, kind: Any, where: str = "$") -> None:
    """``value``, as JSON has it, is one of ``kind``: required fields are there, others are none, types are right."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any or origin is type:
        return
    if origin in (Union, types.UnionType):
        if value is None:
            assert type(None) in arguments, f"{where} is null"
            return
        faults = []
        for one in (a for a in arguments if a is not type(None)):
            try:
                check(value, one, where)
            except AssertionError as fault:
                faults.append(str(fault))
            else:
                return
        raise AssertionError("; or ".join(faults))
    if origin is list:
        assert isinstance(value, list), f"{where} is no list"
        for i, item in enumerate(value):
            check(item, arguments[0], f"{where}[{i}]")
    elif origin is dict:
        assert isinstance(value, dict), f"{where} is no object"
        for key, item in value.items():
            check(item, arguments[1], f"{where}.{key}")
    elif attr.has(kind):
        _check_class(value, kind, where)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        assert value in {m.value for m in kind}, f"{where}: {value!r}"
    else:
        wanted = (int, float) if kind is float else kind
        assert isinstance(value, wanted), f"{where}: {value!r} is no {kind}"
        assert kind is bool or not isinstance(value, bool) or kind is object, f"{where}: {value!r} is no {kind}"


def _check_class(value: Any, kind: type, where: str) -> None:
    assert isinstance(value, dict), f"{where} is no object"
    address = value.get("_schemaURL", "")
    if address.startswith("urn:synthkit:facet:"):
        assert value["_producer"], where
        return
    kind = classes().get(address, kind) if "facets" in where or "Facets" in where else kind
    attr.resolve_types(kind)
    fields = {f.name: f for f in attr.fields(kind) if f.init}
    unknown = value.keys() - fields.keys() - ALWAYS - {"schemaURL", "producer"}
    assert not unknown, f"{where}: {kind.__name__} has no {unknown}"
    for name, field in fields.items():
        if name in value:
            check(value[name], field.type, f"{where}.{name}")
        else:
            assert field.default is not attr.NOTHING, f"{where}: {kind.__name__} needs {name}"


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
        check(event, RunEvent)
        assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
        assert UUID(event["run"]["runId"])
        for key, facet in facets_of(event):
            known = classes().get(facet["_schemaURL"])
            assert facet["_producer"]
            assert known is not None or key.startswith("synthkit_"), key
    runs: dict[str, list[str]] = {}
    for event in events:
        runs.setdefault(event["run"]["runId"], []).append(event["eventType"])
    for kinds in runs.values():
        assert kinds[0] == "START"
        assert len(kinds) == 2
        assert kinds[1] in ENDS
    return events


def of_file(path: Path) -> list[dict[str, Any]]:
    return checked(path.read_text("utf-8").splitlines())


def ends(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Job → how its last run ended."""
    return {e["job"]["name"]: e["eventType"] for e in events if e["eventType"] in ENDS}


def end_of(events: Sequence[Mapping[str, Any]], job: str) -> Mapping[str, Any]:
    """The event that ended the last run of a job."""
    return [e for e in events if e["job"]["name"] == job and e["eventType"] in ENDS][-1]
