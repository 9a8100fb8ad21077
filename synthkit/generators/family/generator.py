"""``conditional``: rows and families of tables, every cell given those before it by boosted trees."""

from __future__ import annotations

from synthkit.generators.base import Related, Trained, with_train
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.family.generate import fit, fit_tables, sample, sample_tables
from synthkit.generators.family.storing import load, save

CONDITIONAL = Trained(
    name="conditional",
    version=16,
    params=ConditionalParams,
    fit=fit,
    sample=sample,
    save=save,
    load=load,
    partitions=True,
    related=Related(fit_tables, sample_tables, sample_asked=sample_tables),
    sequences=True,
    summary="boosted conditionals: families of tables that join, and rows that follow one another",
    licence=None,
    packages=("numpy", "scikit-learn", "safetensors"),
    extras=with_train,
)
