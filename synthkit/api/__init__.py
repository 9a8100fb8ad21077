"""What Python programs and notebooks call: each verb of ``synth`` is one of these calls, under its own name.

A project's folder or a table at hand comes in; a plan, typed results or a model that draws goes out, and nothing is
printed. ``synthkit`` itself gives every name, too, but for those that its rooms have. Imports nothing of ``cli`` or
what follows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthkit.api.checks import costs, freshness, ledger, ledger_lacks, test, verify
    from synthkit.api.consumption import estimates, stats
    from synthkit.api.exports import export_to
    from synthkit.api.history import commit, diff, pull, push, rollback, versions
    from synthkit.api.kubernetes import k8s
    from synthkit.api.machine import debug
    from synthkit.api.model import TrainedModel, fit, load_model
    from synthkit.api.packages import deps
    from synthkit.api.pages import docs, keep_pictures, ls, report
    from synthkit.api.probing import ProbedTable, ProbedTables, probe
    from synthkit.api.project import audit, build, compile, plan, retry, unfinished
    from synthkit.api.promoting import promote, promotion
    from synthkit.api.rules import find_rules
    from synthkit.api.tables import export, query, show
    from synthkit.api.together import TrainedTables, load_tables
    from synthkit.api.trying import preview
    from synthkit.api.upkeep import clean, gc
    from synthkit.scaffold.init import init
    from synthkit.scaffold.schemas import SCHEMAS, catalog, schema, write_catalog, write_schema
    from synthkit.store.publishedtable import PublishedTable
    from synthkit.store.reader import open

__all__ = [
    "SCHEMAS",
    "ProbedTable",
    "ProbedTables",
    "PublishedTable",
    "TrainedModel",
    "TrainedTables",
    "audit",
    "build",
    "catalog",
    "clean",
    "commit",
    "compile",
    "costs",
    "debug",
    "deps",
    "diff",
    "docs",
    "estimates",
    "export",
    "export_to",
    "find_rules",
    "fit",
    "freshness",
    "gc",
    "init",
    "k8s",
    "keep_pictures",
    "ledger",
    "ledger_lacks",
    "load_model",
    "load_tables",
    "ls",
    "open",
    "plan",
    "preview",
    "probe",
    "promote",
    "promotion",
    "pull",
    "push",
    "query",
    "report",
    "retry",
    "rollback",
    "schema",
    "show",
    "stats",
    "test",
    "unfinished",
    "verify",
    "versions",
    "write_catalog",
    "write_schema",
]

# Where each is; it is imported when it is asked for: `synth --version` answers in milliseconds.
_HOMES = {
    name: home
    for home, names in {
        "api.checks": (
            "costs",
            "freshness",
            "ledger",
            "ledger_lacks",
            "test",
            "verify",
        ),
        "api.exports": ("export_to",),
        "api.history": (
            "commit",
            "diff",
            "pull",
            "push",
            "rollback",
            "versions",
        ),
        "api.kubernetes": ("k8s",),
        "api.machine": ("debug",),
        "api.model": (
            "TrainedModel",
            "fit",
            "load_model",
        ),
        "api.packages": ("deps",),
        "api.pages": (
            "docs",
            "keep_pictures",
            "ls",
            "report",
        ),
        "api.probing": ("ProbedTable", "ProbedTables", "probe"),
        "api.project": (
            "audit",
            "build",
            "compile",
            "plan",
            "retry",
            "unfinished",
        ),
        "api.promoting": ("promote", "promotion"),
        "api.rules": ("find_rules",),
        "api.tables": (
            "export",
            "query",
            "show",
        ),
        "api.together": ("TrainedTables", "load_tables"),
        "api.trying": ("preview",),
        "api.upkeep": (
            "clean",
            "gc",
        ),
        "api.consumption": ("estimates", "stats"),
        "scaffold.init": ("init",),
        "scaffold.schemas": ("SCHEMAS", "catalog", "schema", "write_catalog", "write_schema"),
        "store.publishedtable": ("PublishedTable",),
        "store.reader": ("open",),
    }.items()
    for name in names
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'synthkit.api' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"synthkit.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
