"""The files of a new project: a small table of made-up customers, two models, an audit, a macro."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

from synthkit.errors import DISTRIBUTION, SynthError

PROJECT = """\
# yaml-language-server: $schema=.synth/schemas/project.schema.json
name: {name}

seed: 2
holdout: 20%        # of each source, never seen by a model: the audits judge with it

models:
  +tags: [{name}]
"""

SOURCES = """\
# yaml-language-server: $schema=../.synth/schemas/models.schema.json
version: 1

sources:
  - name: crm
    tables:
      - name: customers
        description: Made-up customers to start with; replace data/customers.csv by your own
        path: data/customers.csv
        primary_key: customer_id
        columns:
          - {{name: email, type: text, pii: email}}
          - {{name: churned, type: categorical, values: ["yes", "no"]}}
"""

MODELS = """\
# yaml-language-server: $schema=../.synth/schemas/models.schema.json
version: 1

models:
  - name: synthetic_customers
    description: Shareable stand-in for crm.customers
    source: "{{ source('crm', 'customers') }}"
    generator: circuit
    size: 2x
    columns:
      - {name: monthly_spend, description: "USD"}
    audits:
      - set: default                   # what a model without audits: is held to; add your own below
      - not_null: {columns: [tier, churned], name: every_customer_has_a_tier}
      - no_spend_below_zero            # audits/no_spend_below_zero.sql

  - name: churn_by_tier
    description: Leavers per tier, counted on synthetic customers alone
    generator:
      name: sql
      query: |
        select tier, count(*) as customers, count(*) filter (where churned = 'yes') as leavers
        from {{ ref('synthetic_customers') }}
        group by tier
        order by tier
    audits:
      - unique: {columns: [tier]}
"""

AUDIT = """\
-- A custom audit selects the rows that are wrong; no rows, and it passes.
select *
from {{ this }}
where {{ below('monthly_spend', 0) }}
"""

MACRO = """\
{% macro below(column, limit) -%}
{{ column }} < {{ limit }}
{%- endmacro %}
"""

GITIGNORE = """\
# scratch and derived
target/
*.duckdb
.env
# copies of packages: package-lock.yml says which, `synth deps` brings them
/synth_packages/
# what teacher models were asked and answered: paid for, kept by `synth clean`, not for everybody's eyes
/.synth/requests/
# published tables: DVC keeps them; their receipts and .dvc files belong in git
/warehouse/**/*.parquet
.database-state
.publishing.json
"""

GITATTRIBUTES = """\
# Two branches that both train under epsilon: a merge keeps what both have charged.
/privacy/ledger.jsonl merge=union
"""

README = """\
# {name}

```
pip install '{distribution}[train]'          # the command synth, with what builds
synth build                                  # train, sample, audit, publish
synth show synthetic_customers               # what the table is worth
synth query "select * from churn_by_tier"
```

Sources and models are declared in `models/`, custom audits in `audits/`, macros in `macros/`.
Published tables are Parquet files in `warehouse/`; `target/` is scratch.
"""


def scaffold_files(name: str) -> dict[str, str]:
    """Path → text of a new project that builds."""
    return {
        "synth_project.yml": PROJECT.format(name=name),
        "models/sources.yml": SOURCES.replace("{{", "{").replace("}}", "}"),
        "models/customers.yml": MODELS,
        "audits/no_spend_below_zero.sql": AUDIT,
        "macros/compare.sql": MACRO,
        "data/customers.csv": customers_csv(400),
        ".gitignore": GITIGNORE,
        ".gitattributes": GITATTRIBUTES,
        "README.md": README.format(name=name, distribution=DISTRIBUTION),
    }


def empty_files(name: str) -> dict[str, str]:
    """Path → text of a new project without models, for `init --from`."""
    return {
        "synth_project.yml": PROJECT.format(name=name),
        ".gitignore": GITIGNORE,
        ".gitattributes": GITATTRIBUTES,
    }


def customers_csv(rows: int) -> str:
    """A made-up table: spend grows with age and tier, short tenure and low spend make people leave."""
    rng = random.Random(20_261_123)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["customer_id", "email", "age", "tier", "joined", "monthly_spend", "support_calls", "churned"])
    for i in range(1, rows + 1):
        age = min(90, max(18, round(rng.gauss(44, 15))))
        tier = rng.choices(["basic", "plus", "pro"], [6, 3, 1])[0]
        spend = max(0.0, rng.gauss(12 + 0.3 * age, 6) * {"basic": 1.0, "plus": 1.6, "pro": 2.8}[tier])
        year = rng.choices(range(2018, 2026), [1, 1, 2, 2, 3, 3, 4, 4])[0]
        joined = f"{year}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        calls = "" if rng.random() < 0.05 else min(12, int(rng.expovariate(0.6)))
        leaves = rng.random() < 0.08 + 0.15 * (year >= 2024) + 0.2 * (spend < 20) + 0.04 * (
            calls if isinstance(calls, int) else 0
        )
        email = f"customer{i}@example.org"
        writer.writerow([f"C-{i:05d}", email, age, tier, joined, f"{spend:.2f}", calls, "yes" if leaves else "no"])
    return out.getvalue()


def write_new(root: Path, files: dict[str, str]) -> list[Path]:
    """Write the files. Raises SynthError where one of them is there already: nothing is overwritten."""
    from synthkit.files import write_text_atomic

    there = [name for name in files if (root / name).exists()]
    if there:
        raise SynthError(f"{root / there[0]} is there already", hint="choose another name, or remove it")
    for name, text in files.items():
        write_text_atomic(root / name, text)
    return [root / name for name in files]
