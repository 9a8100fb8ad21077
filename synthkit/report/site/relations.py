"""The tables of a family as a picture: a box for each table, an arrow for each key, with what audits found of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synthkit.errors import shortened
from synthkit.report.site.declared import DeclaredFamily, DeclaredKey
from synthkit.report.site.graph import ACROSS, HEIGHT, MARGIN, WIDTH, draw
from synthkit.report.site.nodes import Link, Site
from synthkit.report.site.verdicts import ORDER, Verdict, rows_text

GAP = 140  # between tables that name one another: the key's columns stand there
STRETCH = 1.5  # of the lineage's distances from table to table in a layer: arrows may be two
LOOP, BELOW = 26, 40  # how far a key within a table rises above it, and one that runs in a circle below all
LONGEST = 20  # characters of a name that fit into a box, and of a key onto its arrow
OF_KEYS = ("references", "cardinality")  # the audits whose verdicts stand on the arrows


@dataclass(frozen=True)
class KeyView:
    """One key: from the table whose rows hold it to the one whose rows it names.

    Args:
        columns: as the YAML names them.
        kind: owner, looked up, within the table, or in a circle.
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
    def says(self) -> str:
        """All of it, for whoever does not see the picture."""
        found = ", ".join(f"{name} {verdict.word}" for name, verdict in self.verdicts) or "no audit looked at it"
        return f"{self.child.name}.{self.columns} names rows of {self.parent.name} ({self.kind}): {found}"


def family(site: Site, name: str) -> dict[str, Any]:
    """What the page of a family says."""
    declared = site.data.manifest.families[name]
    keys = tuple(_view(site, declared, key) for key in declared.keys)
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
        "picture": _picture(site, declared, keys),
    }


def _view(site: Site, declared: DeclaredFamily, key: DeclaredKey) -> KeyView:
    child, parent = (site.links[f"model:{declared.members[t]}"] for t in (key.table, key.references))
    kind = "within the table" if key.table == key.references else "owner" if key.owner else "looked up"
    columns = ", ".join(key.columns)
    wanted = f"{columns} → {key.references}"
    verdicts = []
    for audit in site.outcomes[child.name].audits:
        if audit.record.name not in OF_KEYS:
            continue
        parts = [part.verdict for part in audit.columns if part.name == wanted]
        verdicts.append((audit.name, parts[0] if parts else audit.verdict))
    return KeyView(child, parent, columns, "in a circle" if key.cut else kind, tuple(verdicts))


def _picture(site: Site, declared: DeclaredFamily, keys: tuple[KeyView, ...]) -> dict[str, Any]:
    """Boxes and arrows with their places, in pixels; an arrow leads from a key to the row that it names."""
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
    arrows = [_arrow(key, places, keys, height + BELOW / 2 - MARGIN) for key in keys]
    boxes = []
    for model, (x, y) in places.items():
        link, outcome = site.links[f"model:{model}"], site.outcomes[model]
        kept = " · kept as it is" if any(declared.members[t] == model for t in declared.kept) else ""
        below = f"{rows_text(outcome.rows)}{kept}" if outcome.rows is not None else outcome.verdict.word
        says = f"{link.name}: {outcome.verdict.word}, {below}"
        boxes.append({"link": link, "x": x, "y": y, "name": shortened(model, LONGEST), "below": below, "says": says})
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


def _arrow(
    key: KeyView, places: dict[str, tuple[float, float]], keys: tuple[KeyView, ...], lowest: float
) -> dict[str, Any]:
    (cx, cy), (px, py) = places[key.child.name], places[key.parent.name]
    beside = [k for k in keys if (k.child, k.parent) == (key.child, key.parent)]
    shift = (beside.index(key) - (len(beside) - 1) / 2) * 22
    if key.child == key.parent:
        left, right = cx + WIDTH / 2 - 34 + shift, cx + WIDTH / 2 + 34 + shift
        path = f"M{left:g},{cy:g} C{left:g},{cy - LOOP:g} {right:g},{cy - LOOP:g} {right:g},{cy:g}"
        at = ((left + right) / 2, cy - LOOP + 2)
    elif px < cx:
        start, end = (cx, cy + HEIGHT / 2 + shift), (px + WIDTH, py + HEIGHT / 2 + shift)
        (x0, y0), (x1, y1), bend = start, end, (start[0] - end[0]) / 2
        path = f"M{x0:g},{y0:g} C{x0 - bend:g},{y0:g} {x1 + bend:g},{y1:g} {x1:g},{y1:g}"
        at = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 - 7)
    else:
        a, b = cx + WIDTH / 2, px + WIDTH / 2
        path = f"M{a:g},{cy + HEIGHT:g} C{a:g},{lowest:g} {b:g},{lowest:g} {b:g},{py + HEIGHT:g}"
        at = ((a + b) / 2, lowest - 6)
    return {
        "key": key,
        "path": path,
        "x": at[0],
        "y": at[1],
        "label": shortened(key.columns, LONGEST),
        "sign": key.verdict.sign,
        "status": key.verdict.status,
    }
