"""Keys of drawn rows that are appended to real ones: whatever they are asked to be, no real row has them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.synth import Project, customers, make_project, write_csv

SOURCE = """
    version: 1
    sources:
      - name: crm
        tables:
          - name: customers
            path: data/people.csv
            primary_key: id
            columns: [{name: branch, type: id}]
"""
MODELS = """
    version: 1
    models:
      - name: drawn
        source: "{{{{ source('crm', 'customers') }}}}"
        generator: circuit
        size: 200
        {keys}
        audits: []
      - name: together
        generator: {{name: sql, query: "select id, branch, true as is_real from {{{{ source('crm', 'customers') }}}}
                                      union all select id, branch, false from {{{{ ref('drawn') }}}}"}}
        audits: [{audits}]
"""


def project(root: Path, keys: str, ids: list[str], audits: str = "unique: {columns: [id]}") -> Project:
    rows = [
        {"id": key, "branch": 10 + i % 7, **{c: row[c] for c in ("age", "tier")}}
        for i, (key, row) in enumerate(zip(ids, customers(len(ids)), strict=True))
    ]
    made = make_project(root, {"synth_project.yml": "name: shop\nseed: 7\n", "models/sources.yml": SOURCE})
    made.write({"models/m.yml": MODELS.format(keys=f"keys: {keys}" if keys else "", audits=audits)})
    write_csv(root / "data" / "people.csv", rows)
    return made


def ids(made: Project, column: str = "id") -> list[str]:
    return [str(r[column]) for r in made.query(f"select {column} from drawn order by {column}")]


NUMBERS = [str(i) for i in range(3, 303)]
TEXTS = [f"C-{i:05d}" for i in range(3, 303)]


@pytest.mark.parametrize(
    ("keys", "real", "first", "last"),
    [
        ("fresh", NUMBERS, "1001", "1200"),
        ("continue", NUMBERS, "303", "502"),
        ("continue", TEXTS, "C-00303", "C-00502"),
        ("continue", [str(i) for i in range(-400, -100)], "1", "200"),
    ],
    ids=["fresh numbers", "numbers go on", "texts go on", "no key is above zero"],
)
def test_numbers_begin_after_the_real_ones(tmp_path: Path, keys: str, real: list[str], first: str, last: str) -> None:
    made = project(tmp_path / "p", keys, real)
    made.ok("build")
    found = sorted(ids(made), key=lambda k: int(k.removeprefix("C-")))
    assert (found[0], found[-1], len(set(found))) == (first, last, 200)


def test_fresh_texts_avoid_held_out_rows_too(tmp_path: Path) -> None:
    """Two digits have room for a hundred keys, half of which are real: any that was overlooked would come up."""
    real = [f"C-{i:02d}" for i in range(0, 100, 2)]
    made = project(tmp_path / "p", "fresh", real)
    made.ok("build")
    assert len(set(ids(made)) | set(real)) == 250


def test_ids_that_repeat_are_others_too(tmp_path: Path) -> None:
    made = project(tmp_path / "p", "fresh", NUMBERS)
    made.ok("build")
    branches = {int(b) for b in ids(made, "branch")}
    assert min(branches) == 101  # of two digits are the real ones
    assert 1 < len(branches) < 20


def test_own_keys_meet_real_ones_and_the_audit_says_so(tmp_path: Path) -> None:
    made = project(tmp_path / "p", "", NUMBERS)
    assert "unique" in made.fails("build")
    made = project(tmp_path / "q", "own", NUMBERS, "")
    made.ok("build")
    assert ids(made)[0] == "1"


def test_other_keys_only_draw_again(tmp_path: Path) -> None:
    made = project(tmp_path / "p", "continue", NUMBERS)
    made.ok("build")
    path = made.root / "models" / "m.yml"
    path.write_text(path.read_text().replace("keys: continue", "keys: fresh"))
    assert "keys continue → fresh" in made.ok("plan")
    made.ok("build")
    assert made.results()["drawn"]["action"] == "sample"


def test_texts_that_do_not_count_cannot_go_on(tmp_path: Path) -> None:
    real = [f"{'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10 % 10]}{'uvw'[i // 100]}" for i in range(300)]
    text = project(tmp_path / "p", "continue", real).fails("build")
    assert "those of 'id' do not count" in text
    assert "ask for keys: fresh" in text
    assert not list((tmp_path / "p" / "target").glob("**/complete.json"))  # said before training


PRIVATE = """
    version: 1
    sources:
      - name: crm
        tables:
          - name: customers
            path: data/people.csv
            primary_key: id
            row_count: 300
            columns:
              - {id}
              - {{name: branch, type: text}}
              - {{name: age, type: integer, nullable: false, bounds: [18, 90]}}
              - {{name: tier, type: categorical, nullable: false, values: [basic, plus, pro]}}
    models:
      - name: drawn
        source: "{{{{ source('crm', 'customers') }}}}"
        generator: independent
        epsilon: 2
        size: 200
        keys: {keys}
        audits: []
"""
BUDGET = "name: shop\nseed: 7\nprivacy:\n  budgets:\n    crm.customers: {epsilon: 3, delta: 1e-5}\n"


def private(root: Path, keys: str, real: list[str], key: str = "type: id") -> Project:
    made = project(root, keys, real)
    (made.root / "models" / "m.yml").unlink()
    sources = PRIVATE.format(keys=keys, id=f"{{name: id, {key}}}")
    return made.write({"synth_project.yml": BUDGET, "models/sources.yml": sources})


def test_under_epsilon_fresh_keys_are_random(tmp_path: Path) -> None:
    made = private(tmp_path / "p", "fresh", NUMBERS)
    made.ok("build")
    found = [int(key) for key in ids(made)]
    assert len(set(found)) == 200
    assert min(found) > 5_000
    assert max(found) < 2**62
    assert sum(found) / 200 == pytest.approx(2**61, rel=0.2)  # four standard errors of a uniform draw


def of_database(made: Project, kind: str) -> Project:
    """The same source in a database, whose types are no rows' business."""
    with duckdb.connect(str(made.root / "data" / "people.duckdb")) as connection:
        file = made.root / "data" / "people.csv"
        connection.execute(
            f"create table people as select row_number() over ()::{kind} as id, branch::varchar as branch, "
            f"age, tier from '{file}'"
        )
    path = made.root / "models" / "sources.yml"
    path.write_text(path.read_text().replace("path: data/people.csv", "connection: db\n        table: people"))
    return made.write({"synth_project.yml": BUDGET + "connections:\n  db: {type: duckdb, path: data/people.duckdb}\n"})


def test_under_epsilon_fresh_texts_are_uuids(tmp_path: Path) -> None:
    made = of_database(private(tmp_path / "p", "fresh", NUMBERS), "varchar")
    made.ok("build")
    assert len(set(ids(made))) == 200
    assert all(len(key) == 36 and key[14] == "4" for key in ids(made))


def test_under_epsilon_small_types_and_texts_have_no_fresh_keys(tmp_path: Path) -> None:
    made = private(tmp_path / "p", "fresh", TEXTS, "type: text")
    assert "no column of 'drawn' is a key" in made.fails("compile", code=2)
    made = of_database(private(tmp_path / "q", "fresh", NUMBERS), "integer")
    assert "'id' is INTEGER, which has few of them" in made.fails("compile", code=2)


def test_under_epsilon_nobody_knows_the_last_key(tmp_path: Path) -> None:
    text = private(tmp_path / "p", "continue", NUMBERS).fails("compile", code=2)
    assert "nobody may know the last 'id'" in text
    assert "ask for keys: fresh" in text


def test_an_sql_model_and_a_table_without_keys_are_told(tmp_path: Path) -> None:
    made = project(tmp_path / "p", "fresh", NUMBERS)
    made.write(
        {
            "models/sources.yml": SOURCE.replace("primary_key: id", "description: none").replace(", type: id", ""),
            "models/q.yml": """
                version: 1
                models:
                  - {name: q, generator: {name: sql, query: "select 1 as a"}, keys: fresh, audits: []}
            """,
        }
    )
    text = made.fails("compile", code=2)
    assert "no column of 'drawn' is a key" in text
    assert "'sql' makes no keys up" in text
    assert "models/q.yml:3" in text
