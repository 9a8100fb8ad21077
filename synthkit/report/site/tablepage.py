"""What a table's page says: what it is, how it was made, what it is worth, and how it looks."""

from __future__ import annotations

import json
from typing import Any

from synthkit.errors import shortened
from synthkit.privacy.guarantee import REAL, bounds_in_words, in_words
from synthkit.records.audit import AuditRecord
from synthkit.records.columns import learnt_in_words
from synthkit.records.receipt import AuditedTable, Receipt
from synthkit.report.site.axis import limit_of
from synthkit.report.site.columns import column_views
from synthkit.report.site.curves import of_augmentation, of_consumption, of_history, of_training
from synthkit.report.site.declared import DeclaredModel
from synthkit.report.site.inputs import Pictured, SiteInput
from synthkit.report.site.nodes import Site, when
from synthkit.report.site.pictures import Picture, of_associations, of_columns, of_embedding
from synthkit.report.site.relations import views
from synthkit.report.site.verdicts import Verdict, rows_text
from synthkit.report.style import apart_in_words, number, seconds

MOST_CURVES = 12  # of a table's history


def table(site: Site, name: str) -> dict[str, Any]:
    """Everything about one table."""
    data, model, o = site.data, site.data.manifest.models[name], site.outcomes[name]
    receipt = data.receipts.get(name)
    pictured = data.profiles.get(name, Pictured())
    own = "this table" if model.lineage.contains_real_rows else "synthetic"
    columns: tuple[Picture, ...] = ()
    made_up: tuple[str, ...] = ()
    associations: tuple[Picture, ...] = ()
    plane = None
    if pictured.profile is not None:
        profile = pictured.profile
        columns, made_up = of_columns(profile.columns, own)
        associations, plane = of_associations(profile.associations, own), of_embedding(profile.embedding, own)
    return {
        "link": site.links[f"model:{name}"],
        "model": model,
        "family": None if model.family is None else site.families[model.family],
        "outcome": o,
        "keys": [(view, apart_in_words(name, key)) for view, key in zip(views(site, name), model.keys, strict=True)],
        "when": when(o.when),
        "rows": rows_text(o.rows),
        "guarantee": _guarantee(model, receipt),
        "promises": _promises(model, receipt),
        "usage": model.usage.facts(),
        "made": _made(data, name),
        "sql": data.sql.get(name),
        "reads": [site.links[n] for n in model.reads],
        "judged": [site.links[n] for n in site.parents[f"model:{name}"] if n not in model.reads],
        "read_by": [site.links[n] for n in site.children.get(f"model:{name}", ())],
        "columns": column_views(model.columns, o.audits, receipt),
        "rows_names": [] if receipt is None else [c.name for c in receipt.columns],
        "first_rows": data.rows.get(name, ()),
        "learnt": "" if receipt is None else learnt_in_words(receipt.column_origins or ()),
        "own": own,
        "profile": pictured.profile,
        "picture_note": pictured.note,
        "pictures": columns,
        "made_up": made_up,
        "associations": associations,
        "left_out": 0 if pictured.profile is None else pictured.profile.associations.left_out,
        "plane": plane,
        "training": of_training(data.trainings.get(name, ())),
        "augmentation": [p for a in o.audits if (p := of_augmentation(a.record)) is not None],
        "history": _history(data, name),
        "receipt": receipt,
        "receipt_facts": [] if receipt is None else _receipt_facts(receipt),
        "receipt_text": "" if receipt is None else json.dumps(receipt.to_json(), indent=2, ensure_ascii=False),
    }


def _guarantee(model: DeclaredModel, receipt: AuditedTable | None) -> str:
    if receipt is not None:
        return in_words(receipt)
    return f"as declared: {REAL if model.lineage.contains_real_rows else bounds_in_words(model.guarantees)}"


def _promises(model: DeclaredModel, receipt: AuditedTable | None) -> list[dict[str, str]]:
    """Each account that the table descends from, and the bound on what it reveals of it."""
    kept = None if receipt is None else receipt.guarantees
    return [
        {
            "account": g.account,
            "epsilon": "no bound" if g.epsilon is None else number(g.epsilon),
            "delta": "–" if g.epsilon is None else f"{g.delta:.3g}",
            "by": ", ".join(g.releases) if g.epsilon is not None else " ← ".join(map(_name, g.unprotected)),
        }
        for g in (model.guarantees if kept is None else kept)
    ]


def _name(node: str) -> str:
    return node.partition(":")[2]


def _made(data: SiteInput, name: str) -> list[tuple[str, str]]:
    model, receipt = data.manifest.models[name], data.receipts.get(name)
    generator = model.generator
    params = {k: v for k, v in generator.params.items() if v not in (None, [], {}) and k not in ("query", "file")}
    facts = [
        ("generator", generator.name + (f" ({generator.reason})" if generator.reason else "")),
        ("parameters", ", ".join(f"{k} = {_short(v)}" for k, v in params.items())),
        ("size", "" if generator.name == "sql" else model.size),
        ("conditions", _short(model.conditions) if model.conditions else ""),
        ("constraints", "; ".join(model.constraints)),
        ("held out", _held_out(model)),
        ("materialized", model.materialized),
        ("tags", ", ".join(model.tags)),
        ("meta", ", ".join(f"{k}: {_short(v)}" for k, v in model.meta.items())),
        ("declared in", model.file),
    ]
    took = () if receipt is None else receipt.seconds.items()
    facts.append(("took", ", ".join(f"{k} {seconds(v)}" for k, v in took)))
    return [(k, v) for k, v in facts if v]


def _held_out(model: DeclaredModel) -> str:
    judges = model.judges
    if judges is None:
        return "nothing" if model.source else ""
    text = f"{judges.share:.0%} of {_name(judges.of)}, for the audits alone"
    if judges.through is not None:
        return f"{text}, put through {' and '.join(map(_name, judges.through))}"
    return text if judges.why is None else f"{text}, divided anew ({judges.why})"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shortened(text, 200)


def _receipt_facts(table: AuditedTable) -> list[tuple[str, str]]:
    facts = [
        ("published", f"{when(table.published_at)} by run {table.run_id}"),
        ("rows", number(table.rows)),
        ("seed", str(table.seed)),
        ("fingerprints", ", ".join(f"{k} {v[:12]}" for k, v in table.fingerprints.to_json().items())),
        ("versions", ", ".join(f"{k} {v}" for k, v in table.versions.items())),
    ]
    if isinstance(table, Receipt):  # an ephemeral table has no file
        facts[2:2] = [("file", f"{table.file} ({number(table.bytes)} bytes)"), ("SHA-256", table.sha256)]
    return facts


def _history(data: SiteInput, name: str) -> dict[str, Any]:
    entries = data.history.get(name, ())
    current = {a.name: a for r in (data.run.results if data.run else ()) if r.model == name for a in r.audits}
    points: dict[str, list[tuple[str, AuditRecord]]] = {}
    for entry in entries:
        for a in entry.audits:
            if a.value is not None:
                points.setdefault(a.name, []).append((when(entry.ended_at), a))
    curves = []
    for audit, found in points.items():
        if len(found) > 1 and len({r.value for _, r in found}) > 1:
            curves.append(of_history(audit, found, limit_of(current.get(audit, found[-1][1]))[0]))
    rows = [
        {
            "when": when(e.ended_at),
            "run": e.run_id,
            "verdict": Verdict(e.status),
            "rows": rows_text(e.rows),
            "sample": (e.sample or "")[:12],
            "published": e.published,
            "audits": f"{sum(1 for a in e.audits if a.status == 'pass')} of {len(e.audits)}",
        }
        for e in reversed(entries)
    ]
    took = of_consumption(data.took.get(name, ()), when)
    return {"rows": rows, "curves": [*curves[:MOST_CURVES], *took]}
