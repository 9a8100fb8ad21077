"""Whether what making a table costs can be known: a limit in money (``max_cost``) cannot be held otherwise."""

from __future__ import annotations

from pathlib import Path

from synthkit.compiler.draft import ModelDraft
from synthkit.errors import SynthError
from synthkit.generators.base import Taught
from synthkit.project.prices import PricesSpec


def unpriced(model: ModelDraft, prices: PricesSpec, root: Path) -> tuple[str, str | None] | None:
    """(why nobody knows what a table costs, how to fix it), or None: its teacher has a price, or machines have.

    Args:
        prices: of machines.
        root: of the project, where the prices of teachers are.
    """
    if isinstance(model.generator, Taught) and model.params is not None:
        try:
            lacking = model.generator.without_price(model.params, root)
        except SynthError as error:
            return error.message, error.hint
        if lacking:
            price = f"models: {{{lacking[0]}: {{input: 2, output: 10}}}}"
            hint = f"write {price} in prices.yml, 0 where it costs nothing, or take max_seconds"
            return f"nobody knows what {', '.join(lacking)} costs", hint
        if model.generator.shown_to(model.params) is not None:
            return None
    if any(value is not None for value in prices.model_dump().values()):
        return None
    return (
        "no prices of machines are declared",
        "write prices: {cpu_hour: 0.04} in synth_project.yml, or take max_seconds",
    )
