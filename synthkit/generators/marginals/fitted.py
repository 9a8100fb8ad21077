"""A fitted model of noisy marginals: what is kept, drawn from, and asked for rows with given values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.declared import DeclaredEncoder
from synthkit.errors import BuildError
from synthkit.generators.base import Quota
from synthkit.generators.exact.rejection import values_text

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from synthkit.generators.marginals.cuts import Cut
    from synthkit.generators.marginals.model import Model
    from synthkit.generators.marginals.sampling import Sampler
    from synthkit.generators.marginals.zeros import Impossible

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Marginals:
    """A fitted model: what its columns can hold, how they are cut into cells, and the distribution of the cells."""

    encoder: DeclaredEncoder
    cuts: tuple[Cut, ...]
    zeros: tuple[Impossible, ...]
    model: Model

    @cached_property
    def sampler(self) -> Sampler:
        from synthkit.generators.marginals.sampling import sampler_of

        return sampler_of(self.model)

    def given(self, quota: Quota) -> Sampler:
        """A sampler of the rows with the quota's values; numbers by the cell that they lie in.

        Raises:
            BuildError: a column cannot hold its value, or the model gives the values no probability.
        """
        import numpy as np

        from synthkit.generators.marginals.sampling import sampler_of

        names = [a.name for a in self.encoder.axes]
        cells = {}
        for name, value in quota.values.items():
            position = self.encoder.position_of(name, value)
            cells[names.index(name)] = int(self.cuts[names.index(name)].codes(np.array([position]))[0])
        model = self.model.given(cells)
        if not model.total > 0:
            raise BuildError(f"the model gives {values_text(quota)} no probability", hint="ask for likelier values")
        return sampler_of(model)

    def rows(self, sampler: Sampler, count: int, random: np.random.Generator) -> pa.RecordBatch:
        """``count`` rows in the source's types, or a few less: those that are impossible are left out."""
        import numpy as np

        from synthkit.generators.marginals.decode import positions_of

        cells = sampler.draw(count, random)
        drawn = [positions_of(cut, c, random) for cut, c in zip(self.cuts, cells, strict=True)]
        positions, inner = [p for p, _ in drawn], [u for _, u in drawn]
        if self.zeros:
            kept = ~np.logical_or.reduce([zero.among(positions) for zero in self.zeros])
            positions, inner = [p[kept] for p in positions], [u[kept] for u in inner]
        return self.encoder.decode(positions, inner)
