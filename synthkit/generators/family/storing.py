"""A fitted family as files: JSON for its values, safetensors for its arrays. Nothing in them runs when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.encoder import ColumnCodec, Encoder
from synthkit.encoding.rules import FillRule
from synthkit.encoding.shapes import Shapes
from synthkit.errors import BuildError
from synthkit.generators.conditional.boosting import Forest
from synthkit.generators.conditional.columns import Chain, Field
from synthkit.generators.conditional.dichotomies import Conditional, Fork
from synthkit.generators.family.axis import Axis
from synthkit.generators.family.binning import Binning
from synthkit.generators.family.counting import Counted
from synthkit.generators.family.echoes import Echo
from synthkit.generators.family.listing import Listing
from synthkit.generators.family.model import Climber, Family, Link, Member, Plan, Short
from synthkit.generators.family.relative import Anchor, Copy
from synthkit.generators.family.rowmodel import Rows
from synthkit.generators.family.succession import Succession
from synthkit.generators.family.walk import Layout
from synthkit.schema import Schema

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

VALUES: Mapping[str, Any] = {
    c.__name__: c
    for c in (
        *(Forest, Chain, Field, Conditional, Fork, Binning, Layout, Rows),
        *(Short, Listing, Anchor, Copy, Echo, Counted, Climber, Link, Plan, Member, Family, Axis, Succession),
    )
}
NODES = "nodes"  # the field of a forest that is made of records


def save(family: Family, directory: Path) -> None:
    from safetensors.numpy import save_file

    arrays: dict[str, Array] = {}
    record = _written(family, arrays)
    save_file(arrays, str(directory / "family.safetensors"))
    (directory / "family.json").write_text(json.dumps(record, ensure_ascii=False), "utf-8")


def load(directory: Path) -> Family:
    """Raises BuildError where the files are not those of a family."""
    from safetensors.numpy import load_file

    record = json.loads((directory / "family.json").read_text("utf-8"))
    found = _read(record, load_file(str(directory / "family.safetensors")))
    if not isinstance(found, Family):
        raise BuildError(f"{directory / 'family.json'} holds no family", hint="build the model again")
    return found


def _written(value: Any, arrays: dict[str, Array]) -> Any:
    """A value as JSON; arrays are put into ``arrays`` under numbers."""
    import numpy as np

    if isinstance(value, np.ndarray):
        name = str(len(arrays))
        if value.dtype.fields is not None:  # records, whose type follows from scikit-learn
            arrays[name] = np.ascontiguousarray(value).view(np.uint8).reshape(-1).copy()
            return {"records": name}
        arrays[name] = np.ascontiguousarray(value)
        return {"array": name}
    if isinstance(value, Encoder | ColumnCodec):
        return {"encoding": type(value).__name__, "is": value.to_json()}
    if isinstance(value, FillRule):
        return {"rule": json.loads(json.dumps(asdict(value), default=str))}
    if is_dataclass(value) and not isinstance(value, type):
        return {"a": type(value).__name__, **{f.name: _written(getattr(value, f.name), arrays) for f in fields(value)}}
    if isinstance(value, tuple | list):
        return [_written(v, arrays) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _read(value: Any, arrays: Mapping[str, Array]) -> Any:
    if isinstance(value, list):
        return tuple(_read(v, arrays) for v in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "records" in value:
        from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

        return arrays[value["records"]].view(PREDICTOR_RECORD_DTYPE)
    if "encoding" in value:
        return (Encoder if value["encoding"] == "Encoder" else ColumnCodec).from_json(value["is"])
    if "rule" in value:
        rule = value["rule"]
        column = Schema.from_json({"columns": [rule["column"]]}).columns[0]
        shapes = None if rule["shapes"] is None else Shapes.from_json(rule["shapes"])
        fan_out = tuple((int(a), int(b)) for a, b in rule["fan_out"])
        return FillRule(**{**rule, "column": column, "shapes": shapes, "fan_out": fan_out})
    kind = VALUES[value["a"]]
    return kind(**{k: _read(v, arrays) for k, v in value.items() if k != "a"})
