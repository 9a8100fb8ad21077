"""Pages as HTML. Every text is escaped by Jinja: descriptions, names and messages come from projects and from data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import shortened
from synthkit.report.site.graph import HEIGHT, WIDTH, draw
from synthkit.report.site.inputs import SiteInput
from synthkit.report.site.nodes import Site, epsilon_of, site_of, use_of
from synthkit.report.site.relations import family
from synthkit.report.site.search import search_index
from synthkit.report.site.tablepage import table
from synthkit.report.site.verdicts import rows_text
from synthkit.report.site.views import exposure, overview, source
from synthkit.report.style import number

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
ASSETS = ("style.css", "site.js", "plots.js")
LONGEST = 22  # characters of a name that fit into a node


@dataclass
class Plots:
    """The plots of one page, numbered as the templates come to them."""

    found: list[Mapping[str, object]] = field(default_factory=list)

    def add(self, plot: Mapping[str, object]) -> int:
        self.found.append(plot)
        return len(self.found) - 1

    @property
    def text(self) -> str:
        return script_json(self.found)


def script_json(value: Any) -> str:
    """JSON that may stand inside a script element: no text in it can end the element, or start a comment."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def render(data: SiteInput) -> dict[str, str]:
    """Every text file of the site, by its path from the site's root."""
    site = site_of(data)
    environment = _environment()
    pages: dict[str, tuple[str, Mapping[str, object]]] = {
        "index.html": ("index.html", overview(site) | {"graph": lineage(site)})
    }
    for name in data.manifest.models:
        pages[site.links[f"model:{name}"].path] = ("table.html", table(site, name))
    for id_ in data.manifest.sources:
        pages[site.links[id_].path] = ("source.html", source(site, id_))
    for name in data.manifest.exposures:
        pages[site.links[f"exposure:{name}"].path] = ("exposure.html", exposure(site, name))
    for name in data.manifest.families:
        pages[site.families[name].path] = ("family.html", family(site, name))
    found = {}
    for path, (template, values) in pages.items():
        root = "../" * path.count("/")
        found[path] = environment.get_template(template).render(root=root, site=data, plots=Plots(), **values)
    for name in ASSETS:
        found[f"assets/{name}"] = (HERE / "assets" / name).read_text("utf-8")
    found["assets/search-index.js"] = f"window.SYNTH_INDEX = {script_json(search_index(site))};\n"
    return found


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    return environment


def lineage(site: Site) -> dict[str, Any]:
    """The drawn graph: what the template needs of each node and edge."""
    drawing = draw(site.parents)
    nodes = []
    for id_, (x, y) in drawing.places.items():
        link = site.links[id_]
        name = shortened(link.name, LONGEST)
        nodes.append({"link": link, "x": x, "y": y, "name": name, **_said(site, id_)})
    edges = [
        {
            "path": r.path,
            "parent": r.parent,
            "child": r.child,
            "label": use_of(site, r.parent, r.child),
            "x": r.label[0],
            "y": r.label[1],
        }
        for r in drawing.routes
    ]
    return {
        "nodes": nodes,
        "edges": edges,
        "width": drawing.width,
        "height": drawing.height,
        "node_width": WIDTH,
        "node_height": HEIGHT,
    }


def _said(site: Site, id_: str) -> dict[str, str]:
    """A node's second line, and all of it for whoever does not see it."""
    link = site.links[id_]
    parts = [link.name, link.kind]
    if link.kind == "table":
        o = site.outcomes[link.name]
        below = f"{o.verdict.word} · {rows_text(o.rows)}" if o.rows is not None else o.verdict.word
        parts += [o.verdict.word, rows_text(o.rows), epsilon_of(site.data.manifest.models[link.name])]
    else:
        below = link.kind
    reads = [site.links[n].name for n in site.parents[id_]]
    read_by = [site.links[n].name for n in site.children.get(id_, ())]
    parts += [f"reads {', '.join(reads)}" if reads else "", f"read by {', '.join(read_by)}" if read_by else ""]
    return {"below": below, "says": "; ".join(p for p in parts if p and p != "–")}
