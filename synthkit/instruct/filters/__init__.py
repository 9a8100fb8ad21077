"""What keeps poor items out of an instruction table: named stages, one file each."""

from synthkit.instruct.filters.base import Finding, Rejection
from synthkit.instruct.filters.pipeline import FilterParams, Filters

__all__ = ["FilterParams", "Filters", "Finding", "Rejection"]
