"""Fixtures for reading sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bigquery_server import bigquery
from tests.databricks_server import databricks
from tests.mysql_server import mysql
from tests.postgres_server import postgres
from tests.snowflake_server import _snowflake, snowflake
from tests.sources.reading import Reader
from tests.sqlserver_server import sqlserver
from tests.trino_server import trino

__all__ = ["_snowflake", "bigquery", "databricks", "mysql", "postgres", "reader", "snowflake", "sqlserver", "trino"]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)
