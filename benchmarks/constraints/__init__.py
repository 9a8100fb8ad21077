"""Rows that hold together: today's build with and without rules, beside SDV with its constraints."""
