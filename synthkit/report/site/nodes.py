"""The input with what several pages need: every node as a link, the outcome of every table, the lineage both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synthkit.report.site.declared import DeclaredModel
from synthkit.report.site.inputs import SiteInput
from synthkit.report.site.verdicts import Outcome, Verdict, outcome, slug
from synthkit.report.style import number

KINDS = {"source": "source", "model": "table", "exposure": "exposure"}
FOLDERS = {"source": "sources", "model": "tables", "exposure": "exposures"}


@dataclass(frozen=True)
class Link:
    """A node of the lineage as a link. ``path`` is from the site's root."""

    id: str
    name: str
    kind: str
    path: str
    verdict: Verdict | None


@dataclass(frozen=True)
class Site:
    """The input with what several pages need, worked out once."""

    data: SiteInput
    outcomes: Mapping[str, Outcome]
    links: Mapping[str, Link]
    children: Mapping[str, tuple[str, ...]]
    families: Mapping[str, Link]

    @property
    def parents(self) -> Mapping[str, Sequence[str]]:
        return self.data.manifest.parents


def site_of(data: SiteInput) -> Site:
    outcomes = {name: outcome(data, name) for name in data.manifest.models}
    links = {}
    children: dict[str, list[str]] = {}
    for node, parents in data.manifest.parents.items():
        kind, _, name = node.partition(":")
        verdict = outcomes[name].verdict if kind == "model" else None
        links[node] = Link(node, name, KINDS[kind], f"{FOLDERS[kind]}/{slug(name)}.html", verdict)
        for parent in parents:
            children.setdefault(parent, []).append(node)
    families = {
        name: Link(f"family:{name}", name, "family", f"families/{slug(name)}.html", None)
        for name in data.manifest.families
    }
    return Site(data, outcomes, links, {k: tuple(v) for k, v in children.items()}, families)


def epsilon_of(model: DeclaredModel) -> str:
    """What a table may reveal, in two words: ``ε = 1``, ``no ε``, or nothing where no real table is upstream."""
    if not model.guarantees:
        return ""
    bounds = [g.epsilon for g in model.guarantees if g.epsilon is not None]
    return f"ε = {number(max(bounds))}" if len(bounds) == len(model.guarantees) else "no ε"


def use_of(site: Site, parent: str, child: str) -> str:
    """What a child takes from a parent, as the edge's label: its ε; ``audits`` where its rows come from elsewhere."""
    model = site.data.manifest.models.get(child.removeprefix("model:")) if child.startswith("model:") else None
    if model is not None and parent not in model.reads:
        return "audits"
    if parent.startswith("source:"):
        bounded = model is not None and model.epsilon is not None and epsilon_of(model) != "no ε"
        return f"ε = {number(model.epsilon)}" if model is not None and bounded else "no ε"
    return epsilon_of(site.data.manifest.models[parent.removeprefix("model:")])


def when(text: str | None) -> str:
    """An ISO time to the minute, in UTC."""
    return "" if not text else f"{text[:10]} {text[11:16]} UTC"
