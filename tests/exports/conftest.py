"""What the tests of exports share: a table of every type, and a family, each built once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.families import FamilyProject, family_project
from tests.synth import Project, make_project

# Nothing here may reach for a network, whatever the tools would like to fetch.
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}

QUERY = """
    select i::bigint as id, 9007199254740993 + i as long, 0.1::decimal(38, 20) + i as exact, i / 7.0 as ratio,
        i % 2 = 0 as even, case i when 1 then null when 2 then '' when 3 then '=1+1' when 4 then 'ü, "q"' || chr(10) || 'x'
        else 'plain' end as words, date '1899-12-31' + i::int as day, timestamp '2024-02-29 23:59:59.123456' as moment,
        timestamptz '2024-02-29 12:00:00+02' as instant, time '12:34:56' as clock, [i, null] as numbers,
        {'a': i, 'b': 'x'} as both
    from range(5) t(i)
"""
FILES = {
    "synth_project.yml": "name: shop\nseed: 7\nmodels:\n  +usage: {owner: {name: Data, email: data@example.org}}\n",
    "models/kinds.yml": """
        version: 1
        models:
          - name: kinds
            description: A row of every kind {{ "{{" }} and no Jinja of dbt
            usage:
              intended: [load tests]
              not_for: [pricing, decisions about people]
              licence: CC-BY-4.0
              retention: 90 days
              contact: help@example.org
            generator: {name: sql, query: "{{ read_query() }}"}
            columns: [{name: words, description: What was said}]
            audits:
              - not_null: {columns: [id, long]}
              - unique: {columns: [id]}
              - accepted_values: {column: even, values: [true, false]}
              - row_count: {equals: 5}
    """,
    "macros/query.sql": "{% macro read_query() %}" + QUERY + "{% endmacro %}\n",
}


@pytest.fixture(scope="session")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Must not be changed."""
    project = make_project(tmp_path_factory.mktemp("exports") / "shop", FILES)
    project.ok("build")
    return project


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> FamilyProject:
    """Must not be changed."""
    project = family_project(tmp_path_factory.mktemp("exports") / "family")
    project.ok("build")
    return project


def exported(project: Project, *arguments: str) -> Path:
    """Run `synth export`; the last word is the path, below the project."""
    project.ok("export", *arguments)
    return project.root / arguments[-1]
