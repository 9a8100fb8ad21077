"""What the search box finds."""

from __future__ import annotations

from synthkit.report.site.columns import column_views
from synthkit.report.site.nodes import Site


def search_index(site: Site) -> list[dict[str, str]]:
    """What can be found: tables, sources, exposures, columns and audits."""
    found: list[dict[str, str]] = []

    def add(kind: str, name: str, path: str, text: str) -> None:
        found.append({"k": kind, "n": name, "p": path, "d": text})

    manifest = site.data.manifest
    for name, model in manifest.models.items():
        link = site.links[f"model:{name}"]
        add("table", name, link.path, model.description or "")
        for c in column_views(model.columns, (), None):
            add("column", c.name, f"{link.path}#{c.anchor}", f"{name} · {c.description or c.type}")
        for a in site.outcomes[name].audits:
            add("audit", a.name, f"{link.path}#{a.anchor}", f"{name} · {a.verdict.word}")
    for id_, node in manifest.sources.items():
        link = site.links[id_]
        add("source", link.name, link.path, node.description or "")
        for c in column_views(node.columns, (), None):
            add("column", c.name, f"{link.path}#{c.anchor}", f"{link.name} · {c.description or c.type}")
    for name, e in manifest.exposures.items():
        link = site.links[f"exposure:{name}"]
        add("exposure", name, link.path, e.description or str(e.owner))
    return found
