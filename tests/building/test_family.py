"""A family goes through a build as one: made, audited and published together, and made again only where it must be."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

from tests.families import JOINS, MEMBERS, FamilyProject, family_project


def everywhere(action: str) -> dict[str, str]:
    return dict.fromkeys(MEMBERS, action)


def test_its_tables_join(family_built_once: FamilyProject) -> None:
    assert [set(row.values()) for row in family_built_once.query(JOINS)] == [{0}]
    (counts,) = family_built_once.query(
        "select (select count(*) from synthetic_shop_customers) c, (select count(*) from synthetic_orders) o,"
        " (select count(*) from synthetic_shop_lines) l, (select count(*) from spending) s"
    )
    assert counts["c"] == 150
    assert counts["o"] > counts["s"] > 0
    assert counts["l"] > counts["o"]


def test_each_receipt_names_the_family_and_where_keys_lead(family_built_once: FamilyProject) -> None:
    receipts = family_built_once.receipts()
    members = ["synthetic_shop_customers", "synthetic_orders", "synthetic_shop_products", "synthetic_shop_lines"]
    assert {json.dumps(r["family"]) for r in receipts.values()} == {
        json.dumps({"name": "synthetic_shop", "members": members})
    }
    origins = {
        n: {o["name"]: (o["how"], o.get("by")) for o in r.get("column_origins", ())} for n, r in receipts.items()
    }
    assert origins["synthetic_shop_lines"] == {
        "order_id": ("key", "synthetic_orders"),
        "line_no": ("learnt", None),
        "product_id": ("key", "synthetic_shop_products"),
        "quantity": ("learnt", None),
        "unit_price": ("learnt", None),
    }
    assert origins["synthetic_shop_customers"]["customer_id"] == ("key", None)
    assert origins["synthetic_shop_products"] == {}  # its rows are the source's
    assert "key → synthetic_orders" in family_built_once.ok("show", "synthetic_shop_lines")
    assert {r["published_at"][:19] for r in receipts.values()} <= {
        t[:19]
        for t in (min(r["published_at"] for r in receipts.values()), max(r["published_at"] for r in receipts.values()))
    }
    assert len({r["fingerprints"]["train"] for r in receipts.values()}) == 1
    assert len({r["fingerprints"]["sample"] for r in receipts.values()}) == len(MEMBERS)
    assert receipts["synthetic_shop_products"]["contains_real_rows"]
    assert not receipts["synthetic_orders"]["contains_real_rows"]


def test_a_public_table_is_published_as_it_is(family_built_once: FamilyProject) -> None:
    with (family_built_once.root / "data/products.csv").open(encoding="utf-8") as file:
        real = sorted(csv.DictReader(file), key=lambda row: row["product_id"])
    drawn = family_built_once.query("select * from synthetic_shop_products order by product_id")
    assert [{k: str(v) for k, v in row.items()} for row in drawn] == real


def test_the_same_project_gives_the_same_bytes(family_built_once: FamilyProject, tmp_path: Path) -> None:
    again = family_project(tmp_path / "shop")
    again.ok("build")
    assert {n: r["sha256"] for n, r in again.receipts().items()} == {
        n: r["sha256"] for n, r in family_built_once.receipts().items()
    }


def test_nothing_is_done_again_without_need(built_family: FamilyProject) -> None:
    assert built_family.actions() == {**everywhere("reuse"), "spending": "reuse"}
    assert "5 unchanged" in built_family.ok("build")


def test_rows_of_one_table_make_all_anew_and_it_is_named(built_family: FamilyProject) -> None:
    with (built_family.root / "data/orders.csv").open("a", encoding="utf-8") as file:
        file.write("100000,C0001,2025-03-01 10:00:00,web,10.5\n")
    text = built_family.ok("plan")
    assert text.count("changed: rows of source shop.orders\n") == len(MEMBERS)
    lines = {
        line.split()[1]: " ".join(line.split()) for line in text.splitlines() if "synthetic_" in line and line[0] != " "
    }
    assert lines["synthetic_shop_customers"] == "train synthetic_shop_customers test.entities 1x"
    assert lines["synthetic_shop_lines"] == "train synthetic_shop_lines test.entities follows customers"
    assert lines["synthetic_shop_products"] == "keep synthetic_shop_products public as it is"
    assert built_family.actions() == {**everywhere("train"), "spending": "query"}


def test_another_size_draws_again_and_trains_nothing(built_family: FamilyProject) -> None:
    before = built_family.runs()
    built_family.edit("    generator: test.entities\n", "    generator: test.entities\n    size: 40\n")
    assert built_family.actions() == {**everywhere("sample"), "spending": "query"}
    built_family.ok("build")
    assert built_family.query("select count(*) as n from synthetic_shop_customers") == [{"n": 40}]
    assert [set(row.values()) for row in built_family.query(JOINS)] == [{0}]
    assert not set(built_family.runs().values()) & set(before.values())
    assert built_family.results()["synthetic_shop_customers"]["seconds"].keys() == {"sample", "audit", "publish"}


def test_an_audit_of_one_table_judges_that_table_alone(built_family: FamilyProject) -> None:
    before = built_family.runs()
    built_family.edit("{table: lines}", "{table: lines, audits: [{row_count: {min: 3}}]}")
    assert built_family.actions() == {**everywhere("reuse"), "synthetic_shop_lines": "audit", "spending": "reuse"}
    built_family.ok("build")
    after = built_family.runs()
    assert {n for n in MEMBERS if before[n] != after[n]} == {"synthetic_shop_lines"}
    assert built_family.receipts()["synthetic_shop_lines"]["family"]["name"] == "synthetic_shop"


def test_where_one_does_not_pass_none_is_published(built_family: FamilyProject) -> None:
    before = built_family.receipts()
    built_family.edit("    generator: test.entities\n", "    generator: test.entities\n    size: 40\n")
    built_family.edit("{table: lines}", "{table: lines, audits: [{row_count: {max: 3}}]}")
    text = built_family.fails("build")
    assert "1 of 1 audits did not pass" in text
    assert built_family.receipts() == before
    results = built_family.results()
    assert Counter(r["status"] for r in results.values()) == {"fail": 1, "skipped": 4}
    assert "'synthetic_shop_lines' of the same family did not pass" in results["synthetic_orders"]["message"]
    assert results["synthetic_orders"]["audits"][0]["status"] == "pass"
    built_family.edit("row_count: {max: 3}", "row_count: {min: 3}")
    assert built_family.actions() == {**everywhere("audit"), "spending": "query"}  # what was drawn waits for its audits
    retried = built_family.ok("retry")
    assert "their rows are staged from an earlier build" in retried
    assert len(set(built_family.runs().values())) == 1
    assert built_family.query("select count(*) as n from synthetic_shop_customers") == [{"n": 40}]


def test_who_selects_one_table_selects_all_of_them(built_family: FamilyProject) -> None:
    built_family.edit("    generator: test.entities\n", "    generator: test.entities\n    size: 40\n")
    done = built_family.synth("plan", "--select", "synthetic_orders", "--output", "json")
    plan = json.loads(done.stdout)
    assert {a["model"]: a["action"] for a in plan["actions"]} == everywhere("sample")
    assert "'synthetic_orders' is made together with" in "".join(plan["warnings"])
    assert built_family.actions("--select", "synthetic_shop") == everywhere("sample")
    assert built_family.actions("--exclude", "synthetic_shop") == {"spending": "reuse"}


def test_a_table_that_was_withdrawn_comes_back_with_the_others(built_family: FamilyProject) -> None:
    before = {n: r["sha256"] for n, r in built_family.receipts().items()}
    (built_family.root / "warehouse/dev/synthetic_orders.receipt.json").unlink()
    assert built_family.actions() == {**everywhere("sample"), "spending": "reuse"}
    text = built_family.ok("build")
    assert "made together with 'synthetic_orders'" in text
    assert {n: r["sha256"] for n, r in built_family.receipts().items()} == before
    assert len(set(built_family.runs().values())) == 1


def test_full_refresh_trains_all(built_family: FamilyProject) -> None:
    assert built_family.actions("--full-refresh") == {**everywhere("train"), "spending": "query"}


def test_conditions_on_the_root_hold_exactly(built_family: FamilyProject) -> None:
    condition = "    generator: test.entities\n    size: 100\n    conditions: {churned: {'yes': 30%, 'no': 70%}}\n"
    built_family.edit("    generator: test.entities\n", condition)
    built_family.ok("build")
    found = built_family.query("select churned, count(*) as n from synthetic_shop_customers group by all order by all")
    assert found == [{"churned": "no", "n": 70}, {"churned": "yes", "n": 30}]
    assert [set(row.values()) for row in built_family.query(JOINS)] == [{0}]


def test_an_error_is_told_once_and_no_table_is_made(built_family: FamilyProject) -> None:
    built_family.edit("    generator: test.entities\n", "    generator: {name: test.entities, noise: 2}\n")
    built_family.fails("build")
    results = built_family.results()
    wrong = [n for n in MEMBERS if results[n]["status"] == "error"]
    assert [results[n]["message"] for n in wrong] == ["too much noise (fix: less of it)"]
    others = {(results[n]["status"], results[n]["message"]) for n in MEMBERS if n not in wrong}
    assert others == {("skipped", f"not made: see {wrong[0]!r} of the same family")}
    assert results["spending"]["status"] == "skipped"


def test_a_target_that_publishes_one_table_at_a_time_is_refused_before_anything_is_read(
    built_family: FamilyProject,
) -> None:
    files = built_family.root.parent / "packages" / "alone"
    files.mkdir(parents=True)
    from tests.packages import installed

    more = installed(files, "alone-target", "synthkit.targets", "test.alone = tests.sqlite_target:AloneTarget")
    project = FamilyProject(
        built_family.root, {"PYTHONPATH": f"{more['PYTHONPATH']}:{built_family.variables['PYTHONPATH']}"}
    )
    project.edit(
        "seed: 11\n",
        "seed: 11\ntargets:\n  dev: {type: test.alone, warehouse: warehouse/a.sqlite}\n",
        "synth_project.yml",
    )
    text = project.fails("build")
    assert "the tables of 'synthetic_shop' are published together, and a target of this type publishes one" in text
    assert not (built_family.root / "warehouse/a.sqlite").exists()


def with_more_columns(project: FamilyProject) -> FamilyProject:
    """Customers with an address and a day of birth as people write it; lines with their tax and their amount."""
    for table in ("customers", "lines"):
        path = project.root / f"data/{table}.csv"
        with path.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for number, row in enumerate(rows):
            if table == "customers":
                row["email"] = f"real{number}@example.org"
                row["born"] = f"{1 + number % 28:02}.{1 + number % 12:02}.{1960 + number % 40}"
            else:
                net = float(row["unit_price"])
                row |= {"tax": f"{net / 5:.2f}", "amount": f"{net + round(net / 5, 2):.2f}"}
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    columns = "        columns: [{name: email, pii: email}, {name: born, type: date, format: '%d.%m.%Y'}]\n"
    return project.edit("        primary_key: customer_id\n", f"        primary_key: customer_id\n{columns}")


def test_each_table_s_columns_are_read_made_up_and_kept_as_those_of_one_table(tmp_path: Path) -> None:
    project = with_more_columns(family_project(tmp_path / "shop"))
    project.ok("build")
    assert [set(row.values()) for row in project.query(JOINS)] == [{0}]
    customers = project.query("select email, born from synthetic_shop_customers")
    assert not [row for row in customers if row["email"].startswith("real")]
    assert all("@" in row["email"] for row in customers)
    assert all(len(row["born"]) == 10 and row["born"][2] == row["born"][5] == "." for row in customers)
    off = project.query("select count(*) as n from synthetic_shop_lines where abs(unit_price + tax - amount) > 0.001")
    assert off == [{"n": 0}]
    receipts = project.receipts()
    rules = receipts["synthetic_shop_lines"]["rules"]
    assert {"tax", "amount"} <= {rule.partition(" = ")[0] for rule in rules}
    origins = {o["name"]: o for r in receipts.values() for o in r.get("column_origins", ())}
    assert origins["email"] == {"name": "email", "how": "pii", "by": "email"}
    assert {origins[n]["how"] for n in ("tax", "amount", "unit_price")} == {"learnt", "computed"}
    assert origins["order_id"]["how"] == "key"
