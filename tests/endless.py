"""A query that never ends, and the file of a model of it: for builds that are stopped, or lose who works for them."""

from __future__ import annotations

ENDLESS = "select count(*) as n from range(1000000000) a, range(1000000) b"


def endless_model(query: str = ENDLESS) -> str:
    """``models.yml``: one model of a query, and no audit."""
    return f"""
        version: 1
        models:
          - name: endless
            generator: {{name: sql, query: "{query}"}}
            audits: []
    """
