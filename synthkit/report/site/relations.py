"""The tables of a family as a picture: a box for each table, an arrow for each key, with what audits found of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthkit.errors import shortened
from synthkit.report.site.arrows import LOOP, Point, arrows
from synthkit.report.site.declared import DeclaredFamily
from synthkit.report.site.graph import ACROSS, HEIGHT, MARGIN, WIDTH, draw
from synthkit.report.site.nodes import Link, Site
from synthkit.report.site.verdicts import ORDER, Verdict, rows_text

GAP = 140  # between tables that name one another: the key's columns stand there
STRETCH = 1.5  # of the lineage's distances from table to table in a layer: arrows may be two
BELOW = 40  # how far an arrow that runs in a circle stands below all
LONGEST = 20  # characters of a name that fit into a box, and of a key onto its arrow


@dataclass(frozen=True)
class KeyView:
    """One key: from the table whose rows hold it to the one whose rows it names.

    Args:
        columns: as the YAML names them.
        kind: owner, looked up, within the table, in a circle, or apart.
        verdicts: audit → what it found of this key.
    """

    child: Link
    parent: Link
    columns: str
    kind: str
    verdicts: tuple[tuple[str, Verdict], ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of them; none where nothing looked at it."""
        return min((v for _, v in self.verdicts), key=lambda v: ORDER[v.status], default=Verdict("none"))

    @property
    def holds(self) -> bool:
        """Whether the tables join by it."""
        return self.kind != "apart"

    @property
    def says(self) -> str:
        """All of it, for whoever does not see the picture."""
        found = ", ".join(f"{name} {verdict.word}" for name, verdict in self.verdicts) or "no audit looked at it"
        return f"{self.child.name}.{self.columns} names rows of {self.parent.name} ({self.kind}): {found}"


def family(site: Site, name: str) -> dict[str, Any]:
    """What the page of a family says."""
    declared = site.data.manifest.families[name]
    keys = tuple(view for model in declared.members.values() for view in views(site, model) if view.holds)
    return {
        "link": site.families[name],
        "description": declared.description or "",
        "facts": [
            ("root", f"{declared.members[declared.root]}, whose rows the size is of"),
            ("size", declared.size),
            ("made from", f"the tables of {declared.source}, {', '.join(declared.members)}"),
            ("declared in", declared.file),
        ],
        "keys": keys,
        "tables": [
            {
                "link": site.links[f"model:{model}"],
                "outcome": site.outcomes[model],
                "rows": rows_text(site.outcomes[model].rows),
                "kept": table in declared.kept,
            }
            for table, model in declared.members.items()
        ],
        "picture": _picture(site, name, keys),
    }


def views(site: Site, model: str) -> tuple[KeyView, ...]:
    """The keys of a table, also those to tables that it will not join."""
    child = site.links[f"model:{model}"]
    audits = [a.record for a in site.outcomes[model].audits]
    return tuple(
        KeyView(
            child,
            site.links[f"model:{key.references}"],
            ", ".join(key.columns),
            key.kind,
            tuple((name, Verdict(status)) for name, status in key.verdicts(audits).items()),
        )
        for key in site.data.manifest.models[model].keys
    )


def _picture(site: Site, name: str, keys: tuple[KeyView, ...]) -> dict[str, Any]:
    """Boxes and arrows with their places, in pixels; an arrow leads from a key to the row that it names."""
    declared = site.data.manifest.families[name]
    order = {model: i for i, model in enumerate(declared.members.values())}
    parents: dict[str, list[str]] = {model: [] for model in order}
    for key in keys:
        above, below = key.parent.name, key.child.name
        if order[above] < order[below] and above not in parents[below]:
            parents[below].append(above)
    drawing = draw(parents)
    places = {n: (_across(x), LOOP + STRETCH * y) for n, (x, y) in drawing.places.items()}
    width = max(x for x, _ in places.values()) + WIDTH + MARGIN
    height = max(y for _, y in places.values()) + HEIGHT + MARGIN
    circles = [key for key in keys if order[key.parent.name] > order[key.child.name]]
    arrows = _arrows(keys, places, height + BELOW / 2 - MARGIN)
    names = _names(name, declared)
    boxes = []
    for model, (x, y) in places.items():
        link, outcome = site.links[f"model:{model}"], site.outcomes[model]
        kept = " · kept as it is" if any(declared.members[t] == model for t in declared.kept) else ""
        below = f"{rows_text(outcome.rows)}{kept}" if outcome.rows is not None else outcome.verdict.word
        says = f"{link.name}: {outcome.verdict.word}, {below}"
        boxes.append({"link": link, "x": x, "y": y, "name": names[model], "below": below, "says": says})
    return {
        "boxes": boxes,
        "arrows": arrows,
        "width": width,
        "height": height + (BELOW if circles else 0),
        "box_width": WIDTH,
        "box_height": HEIGHT,
    }


def _across(x: float) -> float:
    """The place of a layer, with more room between them than a lineage has."""
    return MARGIN + round((x - MARGIN) / (WIDTH + ACROSS)) * (WIDTH + GAP)


def _names(family: str, declared: DeclaredFamily) -> dict[str, str]:
    """Model → what its box is called: without the family's name, which all of them begin with, and no two alike."""
    plain = {model: table if model == f"{family}_{table}" else model for table, model in declared.members.items()}
    short = {model: shortened(name, LONGEST) for model, name in plain.items()}
    found = list(short.values())
    middle = {m: f"{name[: LONGEST // 2 - 1]}…{name[-LONGEST // 2 :]}" for m, name in plain.items()}
    return {model: name if found.count(name) == 1 else middle[model] for model, name in short.items()}


def _arrows(keys: tuple[KeyView, ...], places: Mapping[str, Point], lowest: float) -> list[dict[str, Any]]:
    labels = [shortened(key.columns, LONGEST) for key in keys]
    drawn = arrows([(key.child.name, key.parent.name) for key in keys], labels, places, lowest)
    return [
        {
            "key": key,
            "path": arrow.path,
            "x": arrow.label[0],
            "y": arrow.label[1],
            "label": label,
            "sign": key.verdict.sign,
            "status": key.verdict.status,
        }
        for key, label, arrow in zip(keys, labels, drawn, strict=True)
    ]
