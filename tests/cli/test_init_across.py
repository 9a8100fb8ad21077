"""`synth init --from` writes what holds across tables in every row, and drawn rows keep it."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.rules.across.test_find import WANTED, shop
from tests.synth import Project, run_synth, write_csv

BROKEN = """
    select (select count(*) from {p}_payments p join {p}_orders o using (order_id) where p.customer_id <> o.customer_id) +
        (select count(*) from {p}_orders o join {p}_products p using (product_id) where o.price <> p.price
            or abs(o.total - o.quantity * p.price) > .006) +
        (select count(*) from {p}_orders o join {p}_customers c using (customer_id) where o.ordered < c.joined
            or o.shipped < o.ordered) +
        (select count(*) from {p}_payments p join {p}_orders o using (order_id) where p.at <= o.ordered) +
        (select count(*) from {p}_customers c left join (select customer_id, count(*) as n, round(sum(total), 2) as t,
            max(ordered) as l from {p}_orders group by all) using (customer_id) where c.n_orders <> coalesce(n, 0)
            or abs(c.spent - coalesce(t, 0)) > .006 or c.last is distinct from l) +
        (select count(*) from {p}_orders o left join (select order_id, sum(amount) as a from {p}_payments group by all)
            using (order_id) where abs(o.paid - coalesce(a, 0)) > .006) as broken
"""


def test_rules_across_tables_are_found_and_kept(tmp_path: Path) -> None:
    for name, columns in shop().items():
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        shown = [{c: "" if str(v) == "NaT" else str(v).replace("T", " ") for c, v in row.items()} for row in rows]
        write_csv(tmp_path / "shop" / f"{name}.csv", shown)
    done = run_synth(tmp_path, "init", "p", "--from", "shop", "--copy")
    assert done.returncode == 0, done.stderr
    assert f"{len(WANTED)} rules across tables hold in every row, and will in every drawn one:" in done.stdout
    assert (
        "DECIDE: public: true keeps short lists as they are, where their rows are nobody's: products (60 rows)"
        in done.stdout
    )
    project = Project(tmp_path / "p")
    file = project.root / "models" / "shop.yml"
    text = file.read_text()
    assert set(yaml.safe_load(text)["sources"][0]["rules"]) == WANTED
    assert '- "customers.n_orders = count(orders)"  # in 150 of 150 rows; chance below 1e-99' in text
    assert "# public: true  # 60 rows that others look up" in text
    file.write_text(text.replace("    size: 1x", "    audits: [{row_count: {min: 1}}]\n    size: 1x"))
    project.ok("build")
    assert project.query(BROKEN.format(p="synthetic_shop")) == [{"broken": 0}]


def test_tables_that_are_made_one_by_one_have_no_rules_across(tmp_path: Path) -> None:
    write_csv(tmp_path / "s" / "people.csv", [{"person_id": i, "visits": 2} for i in range(1, 41)])
    write_csv(tmp_path / "s" / "visits.csv", [{"visit_id": i, "person_id": 1 + i // 2} for i in range(80)])
    done = run_synth(tmp_path, "init", "p", "--from", "s", "--apart")
    assert done.returncode == 0, done.stderr
    assert "across tables" not in (tmp_path / "p" / "models" / "s.yml").read_text()
