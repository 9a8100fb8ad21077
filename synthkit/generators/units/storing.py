"""A family's model in a folder: of each table its graphical model, and beside them how the tables hang together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.axes import Axis
from synthkit.files import parsed_json
from synthkit.generators.tables import Key, Shape
from synthkit.generators.units.levels import root_level, walk
from synthkit.generators.units.model import Frame, Roles, Units
from synthkit.schema import Column, Schema

if TYPE_CHECKING:
    from synthkit.generators.marginals.fitted import Marginals

FILE = "family.json"


def save(model: Units, directory: Path, keep: Any) -> None:
    """Write the model; ``keep`` writes the model of one table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for number, frame in enumerate(model.frames):
        folder = directory / f"table{number}"
        folder.mkdir()
        keep(frame.marginals, folder)
    for number, keys in enumerate(model.public.values()):
        pq.write_table(
            pa.table(list(keys), names=[str(i) for i in range(len(keys))]), directory / f"public{number}.parquet"
        )
    shape = _shape(model)
    record = {
        "schemas": {name: schema.to_json() for name, schema in shape.schemas.items()},
        "keys": [vars(key) | {"columns": list(key.columns)} for key in shape.keys],
        "first": shape.first,
        "public": list(model.public),
        "kinds": model.kinds,
        "orders": {name: list(names) for name, names in model.orders.items()},
        "axes": [[axis.to_json() for axis in frame.axes] for frame in model.frames],
    }
    (directory / FILE).write_text(json.dumps(record, default=str), "utf-8")


def load(directory: Path, find: Any) -> Units:
    """The model that :func:`save` wrote; ``find`` reads the model of one table."""
    import pyarrow.parquet as pq

    record = parsed_json((directory / FILE).read_text("utf-8"))
    schemas = {name: Schema.from_json(data) for name, data in record["schemas"].items()}
    keys = tuple(Key(**{**key, "columns": tuple(key["columns"])}) for key in record["keys"])
    shape = Shape(schemas, keys, record["first"], frozenset(record["public"]))
    frames: list[Frame] = []
    roles: dict[str, Roles] = {}
    for number, level in enumerate(walk(root_level(shape))):
        context = 0 if level.key is None else roles[level.key.references].new
        roles[level.name] = Roles.of(level, context)
        marginals: Marginals = find(directory / f"table{number}")
        axes = tuple(Axis.from_json(a) for a in record["axes"][number])
        frames.append(Frame(level, roles[level.name], marginals, axes))
    public = {}
    for number, name in enumerate(record["public"]):
        table = pq.read_table(directory / f"public{number}.parquet")
        public[name] = tuple(table.column(i).combine_chunks() for i in range(table.num_columns))
    return Units(tuple(frames), record["kinds"], public, {n: tuple(c) for n, c in record["orders"].items()})


def _shape(model: Units) -> Shape:
    """As much of the tables as their levels follow from."""
    schemas, keys = {}, []
    for frame in model.frames:
        level = frame.level
        primary = () if level.primary is None else (level.primary,)
        order = None if level.time is None else level.time.name
        named = [
            Column(c, "id", "", nullable=m)
            for k, m in zip(level.lookups, level.missing, strict=True)
            for c in k.columns
        ]
        schemas[level.name] = Schema((*named, *level.columns), primary, order_by=order)
        keys += [*([level.key] if level.key else []), *level.lookups]
    schemas |= {name: Schema((), tuple(str(i) for i in range(len(k)))) for name, k in model.public.items()}
    return Shape(schemas, tuple(keys), model.root.level.name, frozenset(model.public))
