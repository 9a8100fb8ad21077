"""A small site's input, made by hand: a source, three tables, an exposure; every kind of verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from synthkit.report.site.declared import DeclaredProject
from synthkit.report.site.inputs import SiteInput
from synthkit.results import ModelResult
from tests.report.runs import BROKEN, FAILED, KS, NOT_NULL, UNTOLD, run

NASTY = '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> & \u2028'


def column(name: str, **rest: Any) -> dict[str, Any]:
    base = {"name": name, "type": "integer", "sql_type": "BIGINT", "nullable": True, "pii": None, "bounds": None}
    return {**base, "values": None, "decimals": None, "description": None, **rest}


def guarantee(epsilon: float | None, account: str = "crm.people") -> dict[str, Any]:
    bounded = epsilon is not None
    return {
        "account": account,
        "sources": [f"source:{account}"],
        "epsilon": epsilon,
        "delta": 1e-5 if bounded else None,
        "releases": ["churn"] if bounded else [],
        "unprotected": [] if bounded else [f"source:{account}"],
    }


def model(name: str, reads: list[str], **rest: Any) -> dict[str, Any]:
    return {
        "name": name,
        "file": "models/m.yml",
        "description": None,
        "source": None,
        "reads": reads,
        "generator": {"name": "circuit", "params": {"epochs": 10, "query": None}, "reason": None},
        "epsilon": None,
        "delta": None,
        "guarantees": [guarantee(None)],
        "size": "1x",
        "holdout": 0.2,
        "judges": {"of": "source:crm.people", "share": 0.2},
        "conditions": {},
        "constraints": [],
        "materialized": "table",
        "tags": [],
        "meta": {},
        "schema": {"columns": [column("age"), column("tier", type="categorical")], "primary_key": []},
        "lineage": {"sources": ["source:crm.people"], "contains_real_rows": False, "through": []},
        "audits": [],
        **rest,
    }


def manifest(**models: Mapping[str, Any]) -> dict[str, Any]:
    source = "source:crm.people"
    standard = {
        "churn": model("churn", [source], source=source, epsilon=1.0, delta=1e-5, guarantees=[guarantee(1.0)]),
        "customers": model("customers", [source], source=source, description="Stand-in"),
        "report": model("report", ["model:churn"], guarantees=[guarantee(1.0)]),
    }
    found = {**standard, **models}
    return {
        "project": "shop",
        "target": "dev",
        "sources": {
            source: {
                "schema": {"columns": [column("age", description="in years")]},
                "description": "People",
                "path": "data/people.csv",
                "file": "models/s.yml",
            }
        },
        "models": found,
        "exposures": {
            "dash": {
                "type": "dashboard",
                "description": "Who leaves",
                "url": "https://example.org/d",
                "owner": {"name": "Ann", "email": None},
                "depends_on": ["model:report"],
            }
        },
        "disabled": [],
        "privacy": {"crm.people": {"sources": [source], "epsilon": 3.0, "delta": 1e-5}},
        "parents": {
            source: [],
            **{f"model:{n}": sorted({*m["reads"], source} if n == "report" else m["reads"]) for n, m in found.items()},
            "exposure:dash": ["model:report"],
        },
    }


CHURN = replace(FAILED, audits=(KS, NOT_NULL, BROKEN))
CUSTOMERS = ModelResult("customers", "train", "pass", rows=5_000, audits=(NOT_NULL, UNTOLD), published=True)
SKIPPED = ModelResult("report", "query", "skipped", message="skipped: churn did not pass")


def site_input(**rest: Any) -> SiteInput:
    base = SiteInput(
        name="shop",
        description="A shop",
        manifest=DeclaredProject.from_json(manifest()),
        generated_at="2026-01-02T03:04:05.000Z",
        version="0.1.0",
        run=run(CHURN, CUSTOMERS, SKIPPED),
    )
    if "manifest" in rest:
        rest["manifest"] = DeclaredProject.from_json(rest["manifest"])
    return replace(base, **rest)
