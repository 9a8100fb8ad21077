"""``cart``: sequential trees over the encoded columns.

Each column is drawn from decision trees over the columns before it (Reiter 2005, "Using CART to generate partially
synthetic, public use microdata"; as a generator of whole tables: Nowok, Raab and Dibben 2016, "synthpop"). The columns
come in the order of the Chow-Liu tree, so that each follows one that it depends on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.encoder import Codes, Encoder
from synthkit.environment import threads_to_use
from synthkit.errors import BuildError
from synthkit.generators.base import Budget, Progress, Quota, Trained, with_train
from synthkit.generators.cart.params import CartParams
from synthkit.generators.cart.tree import Splits
from synthkit.generators.cart.trees import Column, Given, Leaves, Trees
from synthkit.generators.exact.rejection import PerQuota, about, fill_quotas, in_batches
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

BLOCK = 16_384  # rows drawn at once: they stay in the cache
CELLS = 64 * BLOCK  # of more than 64 columns, fewer rows
BATCH = 65_536  # rows given out at once
SEARCH = 4_000_000  # rows drawn in vain for a condition, at most, until one is found
HINT = "ask for a smaller share or fewer values at once; `generator: circuit` draws rare conditions without a search"


@dataclass(frozen=True)
class Cart:
    """Fitted trees and the encoding of their columns."""

    encoder: Encoder
    trees: Trees

    def rows(self, codes: np.ndarray[Any, Any], random: np.random.Generator) -> pa.RecordBatch:
        """Cells as rows: the place in a cell is uniform, as the cells' quantile axis makes it."""
        import numpy as np

        places = random.random((len(codes), len(self.encoder.continuous)), dtype=np.float32)
        return self.encoder.decode(Codes(codes.astype(np.uint16), places))


def _fit(
    table: Table,
    params: CartParams,
    *,
    budget: Budget | None,
    seed: int,
    device: str,
    progress: Progress,
    surveys: Path | None = None,
) -> Cart:
    from synthkit.encoding.fitting import units_of
    from synthkit.generators.survey import encoded

    del device  # trees are grown on the processor
    if budget is not None:
        raise BuildError("cart gives no differential privacy")
    encoder, codes = encoded(table, params, seed, surveys)
    return learnt(encoder, codes, units_of(table), params, seed=seed, progress=progress)


def learnt(
    encoder: Encoder, codes: Array, units: Array | None, params: CartParams, *, seed: int, progress: Progress
) -> Cart:
    """The trees of encoded rows.

    Args:
        codes: the cell of each value, shape (rows, columns).
        units: a number for each row's privacy unit, shape (rows,); None: each row is one.
    """
    import numpy as np

    from synthkit.generators.cart.learning import Rows, learn
    from synthkit.generators.circuit.structure import chow_liu, mutual_information

    if len(codes) > params.max_rows:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(codes))[: params.max_rows])
        codes, units = codes[chosen], None if units is None else units[chosen]
    progress(0, len(encoder.columns), "columns", "which columns depend on each other")
    information = mutual_information(codes, encoder.cardinalities)
    numeric = [c.grid is not None for c in encoder.columns]

    def report(done: int, total: int, note: str) -> None:
        progress(done, total, "columns", note)

    trees = learn(
        Rows(codes, encoder.cardinalities, numeric, units),
        chow_liu(information).order,
        information,
        trees=params.trees,
        least=params.min_leaf,
        people=params.min_count,
        seed=seed,
        threads=threads_to_use(),
        report=report,
    )
    return Cart(encoder, trees)


def _survey(table: Table, params: CartParams, column: int, *, seed: int, directory: Path) -> bool:
    from synthkit.generators.survey import survey

    return survey(table, params, column, seed=seed, directory=directory)


def _sample(
    model: Cart, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[pa.RecordBatch]:
    import numpy as np

    random = np.random.Generator(np.random.SFC64(seed))
    if conditions:
        yield from fill_quotas(_exact(model, conditions, random), conditions, rows, seed=seed, progress=progress)
        return
    block = _block(model)

    def draw(count: int) -> pa.RecordBatch:
        parts = [model.trees.draw(min(block, count - start), random) for start in range(0, count, block)]
        return model.rows(np.concatenate(parts), random)

    yield from in_batches(draw, rows, BATCH, progress)


def _block(model: Cart) -> int:
    return max(1, min(BLOCK, CELLS // len(model.encoder.columns)))


def _exact(model: Cart, quotas: Sequence[Quota], random: np.random.Generator) -> PerQuota:
    """Draws every quota by itself: a row is let go as soon as a column has another value, and no sooner."""
    block = _block(model)
    asked: dict[int, dict[int, Given]] = {}

    def draw(i: int, rows: int) -> Iterator[pa.RecordBatch]:
        values, have, drawn = quotas[i].values, 0, 0
        with about(quotas[i]):
            if i not in asked:
                asked[i] = model.trees.given(model.encoder.cells_of(values))
                if not all(given.most for given in asked[i].values()):
                    raise BuildError("none of the rows that were learnt from has it", hint=f"raise max_rows; {HINT}")
            while have < rows:
                codes = model.trees.draw(block, random, asked[i])
                if len(codes) > rows - have:  # any of them: those that stand together are of one tree
                    codes = codes[random.choice(len(codes), rows - have, replace=False)]
                have, drawn = have + len(codes), drawn + block
                if len(codes):
                    yield model.encoder.with_values(model.rows(codes, random), values)
                elif drawn > SEARCH * (have + 1):
                    raise BuildError(f"cart found {have:,} such rows in {drawn:,} draws", hint=HINT)

    return PerQuota(draw, "cart", HINT)


def _save(model: Cart, directory: Path) -> None:
    from safetensors.numpy import save_file

    arrays, columns = {}, []
    for k, column in enumerate(model.trees.columns):
        arrays[f"{k}.places"] = column.places
        for t, tree in enumerate(column.trees):
            splits = {f: getattr(tree.splits, f) for f in ("left", "right", "feature", "threshold")}
            arrays |= {f"{k}.{t}.{name}": value for name, value in splits.items()}
            arrays |= {f"{k}.{t}.{name}": getattr(tree, name) for name in ("starts", "counts", "cells")}
        columns.append(len(column.trees))
    save_file(arrays, str(directory / "cart.safetensors"))
    record = {"encoder": model.encoder.to_json(), "order": list(model.trees.order), "trees": columns}
    (directory / "cart.json").write_text(json.dumps(record, ensure_ascii=False), "utf-8")


def _load(directory: Path) -> Cart:
    from safetensors.numpy import load_file

    record = json.loads((directory / "cart.json").read_text("utf-8"))
    arrays = load_file(str(directory / "cart.safetensors"))
    columns = []
    for k, count in enumerate(record["trees"]):
        found = []
        for t in range(count):
            splits = Splits(*(arrays[f"{k}.{t}.{f}"] for f in ("left", "right", "feature", "threshold")))
            found.append(Leaves(splits, *(arrays[f"{k}.{t}.{f}"] for f in ("starts", "counts", "cells"))))
        columns.append(Column(tuple(found), arrays[f"{k}.places"]))
    return Cart(Encoder.from_json(record["encoder"]), Trees(tuple(record["order"]), tuple(columns)))


CART = Trained(
    name="cart",
    version=2,
    params=CartParams,
    fit=_fit,
    sample=_sample,
    save=_save,
    load=_load,
    partitions=True,
    survey=_survey,
    summary="decision trees, one column after the other: fast to learn and to draw; for wide tables of numbers",
    licence=None,
    packages=("numpy", "scikit-learn", "scipy"),
    extras=with_train,
)
