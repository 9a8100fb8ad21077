"""Audits of instruction tables."""
