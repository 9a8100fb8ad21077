"""What machines cost, as the project declares it: for what builds say of money, and for nothing else."""

from __future__ import annotations

from pydantic import Field

from synthkit.project.spec import Spec


class PricesSpec(Spec):
    """Prices of machines in USD. What teachers are paid is known by itself (``prices.yml``).

    Args:
        cpu_hour: of a core for an hour: of those that ``resources:`` keeps for a job, or else of the time that it used.
        gpu_hour: of a GPU for an hour.
        gib_hour: of a GiB of memory for an hour: of what is kept for a job, or else of the most that it held.
    """

    cpu_hour: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    gpu_hour: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    gib_hour: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    def over(self, others: PricesSpec) -> PricesSpec:
        """These, and where one is not declared the other's.

        >>> PricesSpec(cpu_hour=0.1).over(PricesSpec(cpu_hour=0.2, gpu_hour=3)).gpu_hour
        3.0
        """
        own = {key: value for key in type(self).model_fields if (value := getattr(self, key)) is not None}
        return others.model_copy(update=own)
