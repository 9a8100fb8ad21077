"""What keeps poor items out of an instruction table: named stages, one file each."""

from synthkit.text.filters.base import Finding, Rejection
from synthkit.text.filters.pipeline import FilterParams, Filters

__all__ = ["FilterParams", "Filters", "Finding", "Rejection"]
