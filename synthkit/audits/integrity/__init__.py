"""Rules that hold in every row or do not, counted."""
