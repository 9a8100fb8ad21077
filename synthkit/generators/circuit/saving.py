"""A fitted circuit as files: the tensors, and a JSON record of the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from synthkit.encoding.encoder import Encoder
from synthkit.generators.circuit.forest import Forest
from synthkit.generators.circuit.refine import Refinement, Round
from synthkit.generators.circuit.structure import Structure
from synthkit.generators.circuit.tables import Tables
from synthkit.generators.circuit.tree import HiddenTree, block_offsets

# What a round is made of: its tensors, and its lists.
PARTS: dict[type[Forest | Tables], tuple[tuple[str, ...], tuple[str, ...]]] = {
    Forest: (("masks", "leaves"), ("groups", "group_of", "tree_of", "starts")),
    Tables: (("values",), ("groups", "starts")),
}
NAMES = {"trees": Forest, "tables": Tables}


def save(tree: HiddenTree, refinement: Refinement | None, encoder: Encoder, directory: Path) -> None:
    """Write ``circuit.safetensors`` and ``circuit.json`` into ``directory``."""
    tensors = {"root": tree.root, "transitions": tree.transitions, "emissions": tree.emissions}
    record: dict[str, Any] = {
        "encoder": encoder.to_json(),
        "parents": tree.structure.parents,
        "order": tree.structure.order,
        "refinement": None,
    }
    if refinement is not None:
        rounds = []
        for i, part in enumerate(refinement.rounds):
            kind = next(name for name, its in NAMES.items() if type(part.forest) is its)
            arrays, lists = PARTS[NAMES[kind]]
            tensors |= {f"{k}.{i}": getattr(part.forest, k) for k in arrays}
            its = {k: getattr(part.forest, k) for k in lists}
            rounds.append({"kind": kind, "most": part.most, "base": part.forest.base, **its})
        numbers = {k: getattr(refinement, k) for k in ("log_z", "log_z_error")}
        record["refinement"] = {"rounds": rounds, **numbers}
    save_file({k: t.contiguous() for k, t in tensors.items()}, str(directory / "circuit.safetensors"))
    (directory / "circuit.json").write_text(json.dumps(record, ensure_ascii=False), "utf-8")


def load(directory: Path) -> tuple[Encoder, HiddenTree, Refinement | None]:
    """The inverse of :func:`save`."""
    record = json.loads((directory / "circuit.json").read_text("utf-8"))
    tensors = load_file(str(directory / "circuit.safetensors"))
    encoder = Encoder.from_json(record["encoder"])
    structure = Structure(tuple(record["parents"]), tuple(record["order"]))
    tree = HiddenTree(
        structure,
        encoder.cardinalities,
        tensors["root"],
        tensors["transitions"],
        tensors["emissions"],
        block_offsets(encoder.cardinalities),
    )
    if record["refinement"] is None:
        return encoder, tree, None
    rounds = []
    for i, part in enumerate(record["refinement"]["rounds"]):
        kind = NAMES[part["kind"]]
        arrays, lists = PARTS[kind]
        its: dict[str, Any] = {k: tuple(part[k]) for k in lists}
        its["groups"] = tuple(tuple((c, w) for c, w in group) for group in part["groups"])
        rounds.append(Round(kind(base=part["base"], **its, **{k: tensors[f"{k}.{i}"] for k in arrays}), part["most"]))
    numbers = record["refinement"]
    return encoder, tree, Refinement(tuple(rounds), numbers["log_z"], numbers["log_z_error"])
