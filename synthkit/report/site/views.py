"""What the start page, a source's page and an exposure's page say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synthkit.report.site.columns import column_views
from synthkit.report.site.inputs import SiteInput
from synthkit.report.site.nodes import Link, Site, epsilon_of, use_of, when
from synthkit.report.site.verdicts import ORDER, AuditView, Verdict, rows_text
from synthkit.report.style import number


@dataclass(frozen=True)
class Found:
    """An audit that somebody should look at, and where it is."""

    table: Link
    audit: AuditView


def overview(site: Site) -> dict[str, Any]:
    """The start page: what is wrong first, then the lineage, then every table."""
    found = [
        Found(site.links[f"model:{name}"], audit)
        for name, o in site.outcomes.items()
        for audit in o.audits
        if audit.noticed
    ]
    found.sort(key=lambda f: ORDER[f.audit.verdict.status])
    bad = [f for f in found if f.audit.verdict.status in ("fail", "error")]
    broken = [
        (site.links[f"model:{name}"], o)
        for name, o in site.outcomes.items()
        if o.verdict.status == "error" and not o.count("error")
    ]
    counts: dict[str, int] = {}
    for o in site.outcomes.values():
        counts[o.verdict.status] = counts.get(o.verdict.status, 0) + 1
    audits = [a for o in site.outcomes.values() for a in o.audits]
    return {
        "failing": bad,
        "broken": broken,
        "noticed": [f for f in found if f.audit.verdict.status in ("warn", "inconclusive")],
        "counts": [(Verdict(s), n) for s, n in sorted(counts.items(), key=lambda i: ORDER[i[0]])],
        "audits_passed": sum(1 for a in audits if a.verdict.status == "pass"),
        "audits": len(audits),
        "tables": [_table_row(site, name) for name in site.data.manifest.models],
        "sources": [
            (site.links[id_], s.description or "", len(site.children.get(id_, ())))
            for id_, s in site.data.manifest.sources.items()
        ],
        "families": [
            (link, site.data.manifest.families[n].description or "", len(site.data.manifest.families[n].members))
            for n, link in site.families.items()
        ],
        "exposures": [
            (site.links[f"exposure:{n}"], e.description or "", str(e.owner))
            for n, e in site.data.manifest.exposures.items()
        ],
        "run": _run(site.data),
    }


def _table_row(site: Site, name: str) -> dict[str, Any]:
    model, o = site.data.manifest.models[name], site.outcomes[name]
    return {
        "link": site.links[f"model:{name}"],
        "outcome": o,
        "description": model.description or "",
        "generator": model.generator.name,
        "guarantee": epsilon_of(model),
        "rows": rows_text(o.rows),
        "audits": f"{o.count('pass')} of {len(o.audits)}" if o.audits else "–",
    }


def _run(data: SiteInput) -> dict[str, Any] | None:
    run = data.run
    if run is None:
        return None
    return {
        "id": run.run_id,
        "ended": when(run.ended_at),
        "target": run.target,
        "command": run.command,
        "commit": "" if run.git is None else run.git.short,
        "seed": run.seed,
        "device": run.device,
        "versions": ", ".join(f"{k} {v}" for k, v in run.versions.items()),
        "interrupted": run.interrupted,
    }


def source(site: Site, id_: str) -> dict[str, Any]:
    manifest = site.data.manifest
    node = manifest.sources[id_]
    account = next((n for n, a in manifest.privacy.items() if id_ in a.sources), None)
    budget = None if account is None else manifest.privacy[account].epsilon
    facts = [
        ("read from", node.path or "a database connection"),
        ("declared in", node.file),
        ("population", account if account and account != id_.removeprefix("source:") else ""),
        ("privacy budget", "" if budget is None else f"ε = {number(budget)} over all trainings"),
    ]
    return {
        "link": site.links[id_],
        "description": node.description or "",
        "facts": [(k, v) for k, v in facts if v],
        "columns": column_views(node.columns, (), None),
        "read_by": [(site.links[n], use_of(site, id_, n)) for n in site.children.get(id_, ())],
    }


def exposure(site: Site, name: str) -> dict[str, Any]:
    node = site.data.manifest.exposures[name]
    url = node.url or ""
    return {
        "link": site.links[f"exposure:{name}"],
        "type": node.type or "",
        "description": node.description or "",
        "owner": str(node.owner),
        # A link of another kind (javascript:, say) would run what somebody wrote into the YAML.
        "url": url if url.startswith(("https://", "http://")) else "",
        "reads": [(site.links[n], use_of(site, n, f"exposure:{name}")) for n in node.depends_on],
    }
