"""What is published of a table under ε, for a source and the same with odd rows more: whatever differs is drawn, keyed or the clock.

The rows are odd in each way in which a reader or a check could notice them: values outside what is declared, lines
that are no rows, keys that nobody else has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from synthkit.store.others import META, META_TABLES
from tests.synth import Project, make_project

COLUMNS = """
            row_count: 300
            columns:
              - {name: code, type: categorical, values: ["1", "2", "3"]}
              - {name: amount, type: float, bounds: [0, 100], nullable: false}
              - {name: day, type: date, bounds: ["2020-01-01", "2020-12-31"]}
              - {name: who, type: id}
"""
SOURCES = f"""
    version: 1
    sources:
      - name: shop
        tables:
          - name: sales
            path: data/sales.csv{COLUMNS}
          - name: visits
            path: data/visits.jsonl{COLUMNS}
"""
MODELS = """
    version: 1
    models:
"""
for _table in ("sales", "visits"):
    MODELS += f"""
      - name: of_{_table}
        source: "{{{{ source('shop', '{_table}') }}}}"
        generator: independent
        epsilon: 2
        size: 1x
        audits:
          - ks: {{columns: [amount], max: 1, severity: warn, on_inconclusive: warn}}
          - row_count: {{equals: 300}}
"""
PROJECT = "name: shop\nseed: 7\nthreads: 1\nlineage: {transport: file, path: out/lineage.jsonl}\n"
ODD_CSV = "x,1e400,12/25/2020,K-1\n1.5,,2020-02-30,\n1,2\n1,2,2020-01-01,4,5\n,inf,9999-12-31,007\n"
ODD_JSON = '{"code": {"a": 1}, "amount": "many", "rare_disease": true}\n{"code": "1", "code": "2"}\n[1]\n{"Amount": 1, "": 2}\n'
# What may differ: rows that were drawn and their digests, hashes that are keyed, and the clock.
CLOCK = {"published_at", "run_id", "time", "eventTime", "runId", "run", "started_at", "ended_at"}
DRAWN = {"bytes", "file", "parquet", "sha256", "md5", "size", "datasetVersion"}
KEYED = {"train", "sample", "audit", "fingerprint", "synthkit.fingerprint", "source:shop.sales", "source:shop.visits"}
LEDGER = {"hash", "previous", "entry", "entries"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project]:
    root = tmp_path_factory.mktemp("published")
    rows = [(str(i % 3 + 1), i % 100, f"2020-{i % 12 + 1:02d}-{i % 28 + 1:02d}", i) for i in range(300)]
    lines = [json.dumps(dict(zip(("code", "amount", "day", "who"), r, strict=True))) + "\n" for r in rows]
    found = []
    for name, odd_csv, odd_json in (("one", "", ""), ("other", ODD_CSV, ODD_JSON)):
        project = make_project(root / name / "shop", {"synth_project.yml": PROJECT, "models/sources.yml": SOURCES})
        data = {
            "data/sales.csv": "code,amount,day,who\n" + odd_csv + "".join(f"{','.join(map(str, r))}\n" for r in rows),
            "data/visits.jsonl": odd_json + "".join(lines),
            "models/models.yml": MODELS,
        }
        project.write(data)
        reports = [f"{kind}=report.{end}" for kind, end in (("markdown", "md"), ("junit", "xml"), ("html", "html"))]
        project.ok("build", *[part for report in reports for part in ("--report", report)])
        project.ok("docs", "generate")
        found.append(project)
    return found[0], found[1]


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, str(index)))
    else:
        yield path, value


def differing(one: Any, other: Any) -> set[tuple[str, ...]]:
    """The paths at which two records differ, but for what may: how long it took to count drawn rows is the clock's."""
    values = dict(leaves(one)), dict(leaves(other))
    paths = {p for p in {*values[0], *values[1]} if values[0].get(p) != values[1].get(p)}
    paths -= {p for p in paths if p[-1] == "seconds" and None not in (values[0].get(p), values[1].get(p))}
    may = CLOCK | DRAWN | KEYED | LEDGER
    return {p for p in paths if not may & set(p[-2:] if p[-1].isdigit() else p[-1:])}


def records(project: Project) -> dict[str, Any]:
    """Every record that is published, but for the drawn rows and pages for people."""
    jsonl = {
        name: [json.loads(line) for line in (project.root / name).read_text("utf-8").splitlines()]
        for name in ("out/lineage.jsonl", "privacy/ledger.jsonl")
    }
    jsonl["out/lineage.jsonl"].sort(key=lambda e: (e["job"]["name"], e["eventType"]))
    jsonl["privacy/ledger.jsonl"].sort(key=lambda e: e["model"])
    catalogue = (
        "select table_name, column_name, data_type, comment from duckdb_columns() where not internal order by all"
    )
    found: dict[str, Any] = {**jsonl, "columns": project.query(catalogue)}
    for table in META_TABLES:
        found[f"{META}.{table}"] = project.query(f"select * from {META}.{table} order by all")
    for name in ("of_sales", "of_visits"):
        (file,) = project.parquet(name)
        footer = pq.read_metadata(file)
        metadata = {k.decode(): v.decode() for k, v in footer.metadata.items() if k != b"ARROW:schema"}
        found[f"parquet of {name}"] = [
            str(footer.schema.to_arrow_schema().remove_metadata()),
            metadata,
            footer.num_rows,
            footer.num_row_groups,
        ]
        found[f"receipt of {name}"] = json.loads(
            (project.root / f"warehouse/dev/{name}.receipt.json").read_text("utf-8")
        )
    return found


def test_of_records_nothing_differs_but_what_is_drawn_or_keyed(pair: tuple[Project, Project]) -> None:
    one, other = (records(p) for p in pair)
    assert set(one) == set(other)
    for name in one:
        assert differing(one[name], other[name]) == set(), name
    assert differing({"rows": 1}, {"rows": 2}) == {("rows",)}


def said(file: Path) -> str:
    """A page's words, without the clock, hashes and pictures of drawn rows."""
    text = file.read_text("utf-8")
    text = re.sub(
        r'<section aria-labelledby="(?:pictures|rows)">.*?</section>|<script type="application/json".*?</script>',
        "",
        text,
        flags=re.S,
    )
    text = re.sub(r"&#34;bytes&#34;: [0-9]+|[0-9.]+ (kB|KB|KiB|bytes)", "…", text)
    text = re.sub(r"[0-9a-f]{12,64}|[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}|[0-9-]{10}[ T][0-9:.]{5,12}( UTC|Z)?", "…", text)
    return re.sub(r'time="[0-9.]+"|&#34;seconds&#34;: [0-9.]+|\b[0-9.]+ s\b', "…", text)


def test_pages_for_people_say_the_same(pair: tuple[Project, Project]) -> None:
    one, other = (p.root for p in pair)
    site = [f.relative_to(one) for f in sorted((one / "target/docs").rglob("*.*")) if f.is_file()]
    assert site == [f.relative_to(other) for f in sorted((other / "target/docs").rglob("*.*")) if f.is_file()]
    for page in [Path("report.md"), Path("report.xml"), Path("report.html"), *site]:
        assert said(one / page) == said(other / page), page
