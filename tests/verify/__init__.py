"""Checks of what is committed."""
