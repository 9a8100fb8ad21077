"""Kinds of connections by name, from the entry-point group ``synthkit.sources``; nothing of them is loaded here."""

from __future__ import annotations

from typing import Annotated

from pydantic import WithJsonSchema

from synthkit.project.registered import registered

GROUP = "synthkit.sources"

Kind = Annotated[
    str,
    registered(GROUP, "kind"),
    WithJsonSchema(
        {
            "type": "string",
            "examples": [
                "duckdb",
                "sqlite",
                "postgres",
                "mysql",
                "mariadb",
                "snowflake",
                "trino",
                "bigquery",
                "databricks",
                "sqlserver",
            ],
            "title": "Type",
        }
    ),
]
