"""Whether the address that is published to can be, before anything is trained."""

from __future__ import annotations

from synthkit.compiler.draft import Draft
from synthkit.objects.address import refused
from synthkit.project.targets import LAKES, LOCAL, OBJECTS


def check_addresses(draft: Draft) -> None:
    """A target's warehouse at an address needs a type that publishes there, and that type an address."""
    project = draft.project
    target, origin = project.target, project.spec.origin
    where = origin.at("targets", project.target_name, "warehouse")
    address = target.address
    if target.kind == OBJECTS and address is None:
        hint = "write warehouse: s3://bucket/prefix"
        at = origin.at("targets", project.target_name, "type")
        draft.fault("a target of type objects needs an address", at, target.warehouse, hint)
    elif target.kind == LOCAL and address is not None:
        message = "a target of type local publishes to a folder, and this is an address"
        draft.fault(message, where, address, "leave type: out, or write a folder")
    elif target.kind in (OBJECTS, *LAKES):
        fault = None if address is None else refused(address)
        if fault is not None:
            draft.fault(f"warehouse {address}: {fault[0]}", where, address, fault[1])
        if target.database is not None:
            at = origin.at("targets", project.target_name, "database", key=True)
            what = "tables at an address" if target.kind == OBJECTS else "tables of a lake"
            message = f"{what} have no DuckDB file: synth query and synthkit.open read them as they are"
            draft.fault(message, at, "database", "drop it")
