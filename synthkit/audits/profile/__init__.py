"""The pictures of a table as numbers: what a report draws without reading a row."""

from synthkit.audits.profile.build import FORMAT, make_profile, synthetic_alone

__all__ = ["FORMAT", "make_profile", "synthetic_alone"]
