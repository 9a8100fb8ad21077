"""The membership attack by shadow models: train the model's own generator again and again, and see what each row does.

LiRA, the likelihood ratio attack (Carlini et al., IEEE S&P 2022), online variant, on a table instead of a network's
loss: the attacker sees no model, only rows drawn from one (as in Stadler et al., USENIX Security 2022). Every shadow
trains on a random half of all real units, training and held-out alike, and draws as many rows as the audited table has,
with its conditions, but not its constraints. Of each attacked record, half of the shadows were trained on it and half
were not, which gives what its log distance to the closest synthetic row is expected to be in either case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.privacy.canaries import at_rest
from synthkit.audits.privacy.population import units
from synthkit.audits.repeats import Repeat, carried_out
from synthkit.audits.rows.neighbours import nearest_rows, space
from synthkit.files import scratch
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Array = npt.NDArray[Any]

SMOOTHING = 0.01  # of the median distance to the audited rows: keeps the log distance of an exact copy finite
LEAST_SPREAD = 0.1  # of log distances: copies that lie at 0 in every shadow are not known to the last digit


def likelihood_ratio(
    context: AuditContext, columns: tuple[str, ...], members: Array, non_members: Array, shadows: int
) -> Array:
    """log N(t; trained on) − log N(t; not trained on) of each record's log distance t to the audited table.

    The means are each record's own. The two spreads are those of all records together, as Carlini et al. take them
    where shadows are few, widened by the error of the means.

    Args:
        members, non_members: row numbers of the training rows and of the held-out rows.
        shadows: how many models are trained.

    Returns:
        Shape (members + non-members,).

    Raises:
        BuildError: the generator cannot learn from a half of the rows.
    """
    import numpy as np

    assert context.recipe is not None
    whole = replace(context, where=None)  # the shadows are trained on all rows, as the model was
    attacked = _places(context, "train")[members], _places(context, "holdout")[non_members]
    seen = _distances(whole, columns, attacked)
    smoothing = SMOOTHING * (float(np.median(seen)) or 1.0)
    places = np.concatenate([attacked[0], whole.rows("train") + attacked[1]])
    inside = _halves(whole, shadows)
    told = _told(whole, columns, attacked, inside)
    expected = np.stack([np.log(carried_out(whole, *one)["distances"] + smoothing) for one in told])
    trained = inside[:, places]
    mean_in, spread_in = _moments(expected, trained)
    mean_out, spread_out = _moments(expected, ~trained)
    value = np.log(seen + smoothing)
    with_it = ((value - mean_in) / spread_in) ** 2 / 2 + np.log(spread_in)
    without = ((value - mean_out) / spread_out) ** 2 / 2 + np.log(spread_out)
    return np.asarray(without - with_it)


def shadow_trainings(
    context: AuditContext, columns: tuple[str, ...], members: Array, non_members: Array, shadows: int
) -> list[Repeat]:
    """The shadows of :func:`likelihood_ratio`, each of which may be trained before it."""
    whole = replace(context, where=None)
    attacked = _places(context, "train")[members], _places(context, "holdout")[non_members]
    return _told(whole, columns, attacked, _halves(whole, shadows))


def _places(context: AuditContext, side: Side) -> Array:
    """Numbers among all rows of a side of those that the audit's ``where`` leaves."""
    import numpy as np

    if context.where is None:
        return np.arange(context.rows(side))
    kept = replace(context, where=None).query(f"SELECT coalesce(({context.where}), false) FROM {side}")
    return np.flatnonzero([k for (k,) in kept])


def _halves(whole: AuditContext, shadows: int) -> Array:
    """Which real rows each shadow is trained on, shape (shadows, training + held-out rows): whole units.

    Every unit is in exactly half of the shadows (in one fewer where their number is odd).
    """
    import numpy as np

    _, unit = np.unique(np.concatenate(units(whole)), return_inverse=True)
    order = whole.rng("shadows", shadows).random((shadows, int(unit.max()) + 1), dtype=np.float32).argsort(axis=0)
    inside: Array = (order.argsort(axis=0) < shadows // 2)[:, unit]
    return inside


def _told(whole: AuditContext, columns: tuple[str, ...], attacked: tuple[Array, Array], inside: Array) -> list[Repeat]:
    """How far each attacked record is from what each shadow draws in place of the audited rows."""
    drawer = cache(lambda: _drawer(whole))  # where all shadows were trained before, no real row is read

    def of(number: int) -> Repeat:
        def compute() -> dict[str, Array]:
            with scratch("shadow") as folder:
                drawn = drawer()(number, inside[number], Path(folder) / "train.parquet")
                shadow = _over(whole, drawn, columns, Path(folder) / "drawn.parquet")
                return {"distances": _distances(shadow, columns, attacked)}

        return ("shadow", number, len(inside)), compute

    return [of(number) for number in range(len(inside))]


def _drawer(whole: AuditContext) -> Callable[[int, Array, Path], list[pa.RecordBatch]]:
    """What trains a shadow of a number on the chosen real rows, which it writes into a file, and draws from it."""
    import pyarrow as pa

    from synthkit.generators import registry
    from synthkit.generators.base import silent
    from synthkit.generators.exact.conditions import quotas

    assert whole.recipe is not None
    assert whole.train is not None
    assert whole.holdout is not None
    recipe, names = whole.recipe, whole.recipe.schema.names
    generator = registry.trained(recipe.generator)
    params = generator.params.model_validate(dict(recipe.params))
    real = pa.concat_tables([whole.train.to_arrow(names), whole.holdout.to_arrow(names)])
    rows = whole.rows("synthetic")
    wanted = quotas(recipe.conditions, rows, recipe.schema) if recipe.conditions else ()

    def drawn(number: int, chosen: Array, file: Path) -> list[pa.RecordBatch]:
        seed = int(whole.rng("shadow", number).integers(2**31))
        half = real.filter(pa.array(chosen)).combine_chunks()
        table = at_rest(half.to_batches(), recipe.schema, file)
        model = generator.fit(table, params, budget=None, seed=seed, device=recipe.device, progress=silent)
        return list(generator.sample(model, rows, conditions=wanted, seed=seed, progress=silent))

    return drawn


def _over(whole: AuditContext, drawn: list[pa.RecordBatch], columns: tuple[str, ...], file: Path) -> AuditContext:
    schema = whole.schema.select(columns)
    table: Table = at_rest([b.select(list(columns)) for b in drawn], schema, file)
    return replace(whole, synthetic=table, _cache={})


def _distances(context: AuditContext, columns: tuple[str, ...], attacked: tuple[Array, Array]) -> Array:
    """How far each attacked record is from the nearest synthetic row."""
    import numpy as np

    asked: list[tuple[Side, Array]] = [("train", attacked[0]), ("holdout", attacked[1])]
    known = np.arange(context.rows("synthetic"))
    return nearest_rows(space(context, columns), asked, ("synthetic", known))[1][:, 0]


def _moments(values: Array, which: Array) -> tuple[Array, float]:
    """Of the chosen values, shape (shadows, records): each record's mean, and the spread around it over all records."""
    import numpy as np

    count = which.sum(axis=0)
    mean = np.where(which, values, 0.0).sum(axis=0) / count
    squares = np.where(which, (values - mean) ** 2, 0.0).sum() / (count - 1).sum()
    return mean, float(np.sqrt(max(squares, LEAST_SPREAD**2) * (1 + 1 / count.min())))
