"""`synth init`: a project that builds at once, and YAML by looking at a file."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import jsonschema
import pytest

from synthkit.project.yamlfile import Document, parse_text
from tests.synth import Project, customers, run_synth, write_csv


def synth(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_synth(folder, *arguments)


@pytest.mark.slow
def test_a_new_project_builds_at_once(tmp_path: Path) -> None:
    assert synth(tmp_path, "init", "my-shop").returncode == 0
    project = Project(tmp_path / "my-shop")
    project.ok("build")
    assert {r["status"] for r in project.results().values()} == {"pass"}
    assert len(project.query("select * from churn_by_tier")) == 3


def test_its_yaml_fits_the_schemas_it_points_to(tmp_path: Path) -> None:
    synth(tmp_path, "init", "shop")
    root = tmp_path / "shop"
    for file, schema in (
        ("synth_project.yml", "project"),
        ("models/sources.yml", "models"),
        ("models/customers.yml", "models"),
    ):
        text = (root / file).read_text()
        assert f"{schema}.schema.json" in text.splitlines()[0]
        value = parse_text(text, Document(root / file)).value
        jsonschema.validate(value, json.loads((root / ".synth" / "schemas" / f"{schema}.schema.json").read_text()))


def test_it_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "precious.txt").write_text("keep")
    done = synth(tmp_path, "init", "shop")
    assert done.returncode == 2
    assert "not empty" in done.stderr


@pytest.mark.slow
def test_from_a_file(tmp_path: Path) -> None:
    write_csv(tmp_path / "Kunden 2024.csv", customers(900))
    done = synth(tmp_path, "init", "shop", "--from", "Kunden 2024.csv", "--copy")
    assert done.returncode == 0, done.stderr
    assert "primary key: customer_id" in done.stdout
    assert "to be predicted (tstr): churned" in done.stdout
    project = Project(tmp_path / "shop")
    text = (project.root / "models" / "kunden_2024.yml").read_text()
    assert "{name: customer_id, type: id}" in text
    assert "{name: joined, type: date}" in text
    project.ok("build")
    assert project.results()["synthetic_kunden_2024"]["rows"] == 900


def test_from_adds_to_a_project_but_not_twice(shop: Project) -> None:
    write_csv(shop.root / "more.csv", customers(50))
    shop.ok("init", "--from", "more.csv", "--source", "extra")
    shop.ok("compile")
    assert "extra.more" in shop.ok("ls")
    assert "is there already" in shop.fails("init", "--from", "more.csv", code=2)
    assert "no column 'nope'" in shop.fails("init", "--from", "data/customers.csv", "--target-column", "nope", code=2)


def test_of_a_file_that_cannot_be_read_the_fault_is_written(tmp_path: Path) -> None:
    """It is no half project: the other file is described, the fault stands where it is to be set right, and is one."""
    write_csv(tmp_path / "good.csv", customers(50))
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n3,4,5\n")
    done = synth(tmp_path, "init", "shop", "--from", "good.csv", "--from", "bad.csv", "--copy")
    assert done.returncode == 1
    assert "line 3" in done.stderr
    project = Project(tmp_path / "shop")
    text = (project.root / "models/bad.yml").read_text()
    assert text.splitlines()[0] == "# NOT READ YET: data/bad.csv, line 3: 3 fields where the header has 2"
    assert "{name: customer_id, type: id}" in (project.root / "models/good.yml").read_text()
    assert "bad.csv, line 3" in project.fails("compile", code=2)
    (project.root / "data/bad.csv").write_text("a,b\n1,2\n3,4\n")
    project.ok("compile")


def test_options_are_taken_and_written(tmp_path: Path) -> None:
    (tmp_path / "leute.csv").write_bytes("name;größe;n\nJürgen;1,5;-\nÄnne;2,5;7\n".encode("latin-1"))
    first = synth(tmp_path, "init", "shop", "--from", "leute.csv")
    assert first.returncode == 1
    assert "is not UTF-8" in first.stderr
    project = Project(tmp_path / "shop")
    text = (project.root / "models/leute.yml").read_text()
    assert "fix: say which encoding it has: options: {encoding: latin-1}" in text
    assert "        # options: {encoding: latin-1}" in text
    given = ("--option", "encoding=latin-1", "--option", "delimiter=;", "--option", "decimal_separator=,")
    nulls = ("--option", "nullstr=-", "--option", "nullstr=NA")
    assert "models/leute.yml" in project.ok("init", "--from", "../leute.csv", *given, *nulls)
    text = (project.root / "models/leute.yml").read_text()
    assert 'options: {encoding: latin-1, delimiter: ";", decimal_separator: ",", nullstr: ["-", NA]}' in text
    assert '{name: "größe", type: float}' in text
    assert '{name: "n", type: integer}' in text
    project.ok("compile")
    again = project.fails("init", "--from", "../leute.csv", *given, *nulls, code=2)
    assert "is there already" in again  # what was read is nobody's to write over


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("encodin=latin-1", "did you mean 'encoding'?"),
        ("skip=two", "write a whole number"),
        ("header=maybe", "write true or false"),
        ("encoding", "there is no value"),
        ("encoding=latin-11", "there is no encoding 'latin-11'"),
    ],
)
def test_an_option_that_there_is_not_is_named(tmp_path: Path, option: str, message: str) -> None:
    write_csv(tmp_path / "people.csv", customers(20))
    done = synth(tmp_path, "init", "shop", "--from", "people.csv", "--option", option)
    assert message in done.stderr
    assert done.returncode in (1, 2)


def test_an_option_needs_a_file(tmp_path: Path) -> None:
    assert "give them with --from" in synth(tmp_path, "init", "x", "--option", "skip=1").stderr


def test_copying_overwrites_no_other_file(shop: Project) -> None:
    write_csv(shop.root / "elsewhere" / "customers.csv", customers(50, seed=2))
    before = (shop.root / "data" / "customers.csv").read_bytes()
    text = shop.fails("init", "--from", "elsewhere/customers.csv", "--copy", code=2)
    assert "is there already" in text
    assert (shop.root / "data" / "customers.csv").read_bytes() == before


def test_two_files_of_one_name(shop: Project) -> None:
    write_csv(shop.root / "a" / "more.csv", customers(50))
    write_csv(shop.root / "b" / "more.csv", customers(50))
    assert "'more'" in shop.fails("init", "--from", "a/more.csv", "--from", "b/more.csv", code=2)
    assert not (shop.root / "models" / "more.yml").exists()


def test_what_is_proposed_compiles_whatever_the_columns_are_called(shop: Project) -> None:
    names = ["select", "yes", "null", "a: b", "x, y", "{z}", "größe", 'say "hi"', "# no", "1st", "-", "email"]
    rows = [{n: f"{n[:1]}{i % 4}" for n in names} for i in range(60)]
    write_csv(shop.root / "odd names!.csv", rows)
    said = shop.ok("init", "--from", "odd names!.csv", "--source", "extra")
    assert "NOTE: bounds: and values: are left out on purpose" in said
    shop.ok("compile")
    manifest = json.loads((shop.root / "target" / "manifest.json").read_text())
    schema = manifest["models"]["synthetic_odd_names"]["schema"]
    assert [c["name"] for c in schema["columns"]] == names
    assert {c["name"]: c["pii"] for c in schema["columns"]}["email"] == "email"
    text = (shop.root / "models" / "odd_names.yml").read_text()
    fits = json.loads((shop.root / ".synth" / "schemas" / "models.schema.json").read_text())
    jsonschema.validate(parse_text(text, Document(Path("x.yml"))).value, fits)


def test_the_tables_of_a_new_project_are_the_same_everywhere() -> None:
    from synthkit.scaffold.scaffold import customers_csv

    text = customers_csv(400)
    assert text == customers_csv(400)
    assert len(text.splitlines()) == 401
    leavers = sum(line.endswith(",yes") for line in text.splitlines())
    assert 60 <= leavers <= 160  # a target worth predicting: neither rare nor a coin


def test_bounds_are_read_off_the_rows_only_on_request_and_loudly(tmp_path: Path) -> None:
    write_csv(tmp_path / "people.csv", customers(300))
    plain = synth(tmp_path, "init", "quiet", "--from", "people.csv")
    assert "are left out on purpose" in plain.stdout
    text = (tmp_path / "quiet/models/people.yml").read_text()
    assert "bounds:" not in text
    assert "values:" not in text

    done = synth(tmp_path, "init", "loud", "--from", "people.csv", "--propose-bounds")
    assert done.returncode == 0, done.stderr
    drafted = [line for line in (tmp_path / "loud/models/people.yml").read_text().splitlines() if "- {name: " in line]
    proposed = [line for line in drafted if "READ OFF" in line]
    assert (
        f"WARNING: bounds:, values: or nullable: of {len(proposed)} columns were read off the rows, which is not private"
        in (done.stdout)
    )
    assert all(("bounds:" in line or "values:" in line) and line.endswith(", replace") for line in proposed)
    full = {line.partition("name: ")[2].partition(",")[0] for line in proposed if "nullable: false" in line}
    assert full == {"age", "spend", "tier", "joined", "churned"}  # visits are missing here and there
    assert not any("bounds" in line or "values" in line for line in drafted if "customer_id" in line)
    whole = (tmp_path / "loud/models/people.yml").read_text()
    assert whole.index("# NOT PRIVATE") < whole.index(proposed[0])
    ages = [row["age"] for row in customers(300)]
    assert f"bounds: [{min(ages)}, {max(ages)}]" in whole
    assert 'values: ["no", "yes"]' in whole
    Project(tmp_path / "loud").ok("compile")


def test_proposing_bounds_needs_files(tmp_path: Path) -> None:
    assert "give them with --from" in synth(tmp_path, "init", "x", "--propose-bounds").stderr


def test_odd_columns_are_proposed_as_yaml_that_means_the_same(tmp_path: Path) -> None:
    """Codes and words that YAML would take for something else, infinite numbers, dates, a column of nulls, an address."""
    rows = [
        {
            "flag": ["yes", "no", "null", 'a "b": c'][i % 4],
            "size": ["inf", "1.5", "-2"][i % 3],
            "on": f"2024-01-{i % 28 + 1:02}",
            "nothing": "",
            "year": 2013,
            "email": f"p{i % 5}@example.org",
        }
        for i in range(120)
    ]
    write_csv(tmp_path / "odd.csv", rows)
    assert synth(tmp_path, "init", "p", "--from", "odd.csv", "--propose-bounds").returncode == 0
    file = tmp_path / "p/models/odd.yml"
    value = parse_text(file.read_text(), Document(file)).value
    columns = {c["name"]: c for c in value["sources"][0]["tables"][0]["columns"]}
    assert columns["flag"]["values"] == ['a "b": c', "no", "null", "yes"]
    assert columns["on"]["bounds"] == ["2024-01-01", "2024-01-28"]
    assert columns["year"]["bounds"] == [2013, 2013]
    assert "bounds" not in columns["size"]
    assert "values" not in columns["nothing"]
    assert "values" not in columns["email"]
    Project(tmp_path / "p").ok("compile")


def test_a_described_file_is_held_to_the_default_set(tmp_path: Path) -> None:
    """Whoever starts with `init` is not held to less than whoever writes a model without audits."""
    write_csv(tmp_path / "people.csv", customers(600))
    assert synth(tmp_path, "init", "p", "--from", "people.csv").returncode == 0
    file = tmp_path / "p/models/people.yml"
    first, _, own = file.read_text().partition("    audits:\n")
    asked = audits_of(tmp_path / "p")["synthetic_people"]
    assert [line.split(":")[0].strip() for line in own.splitlines()[1:]] == ["- not_null", "- tstr"]
    file.write_text(first)
    default = audits_of(tmp_path / "p")["synthetic_people"]
    assert {"exact_match", "membership_inference", "detection"} <= {a["audit"] for a in default}
    assert asked[: len(default)] == default
    assert [a["audit"] for a in asked[len(default) :]] == ["not_null", "tstr"]


def test_a_new_project_is_held_to_the_default_set(tmp_path: Path) -> None:
    assert synth(tmp_path, "init", "shop").returncode == 0
    asked = {a["audit"] for a in audits_of(tmp_path / "shop")["synthetic_customers"]}
    assert {"exact_match", "membership_inference", "detection", "column_pairs", "row_count", "unique"} <= asked


def audits_of(root: Path) -> dict[str, list[dict[str, object]]]:
    """Model → its bound audits, but for where they stand."""
    Project(root).ok("compile")
    models = json.loads((root / "target" / "manifest.json").read_text())["models"]
    return {n: [{k: v for k, v in a.items() if k != "location"} for a in m["audits"]] for n, m in models.items()}


def test_what_each_column_was_taken_for_is_printed_and_written(tmp_path: Path) -> None:
    rng = random.Random(2)
    places = [f"{kind} {number}" for kind in ("Elm", "Oak") for number in range(60)]
    rows = [
        {
            "unitid": i // 2,
            "year": 2000 + i % 2,
            "Street": rng.choice(["Pave", "Grvl"]),
            "place": rng.choice(places),
            "sold": f"{rng.randint(1, 12)}/{rng.randint(1, 28)}/{rng.randint(1990, 2020)} 0:00:00" if i else "unknown",
            "note": f"{rng.random()} {i}",
            "price": round(rng.lognormvariate(10, 1), 2),
        }
        for i in range(1_200)
    ]
    write_csv(tmp_path / "houses.csv", rows)
    done = synth(tmp_path, "init", "p", "--from", "houses.csv")
    table = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ") and line.split()}
    assert "what happens to it" in table["column"]
    for name, said in {
        "unitid": "id ",
        "Street": "category",
        "place": "rare values in groups",
        "sold": "date %-m/%-d/%Y 0:00:00",
        "note": "MADE UP",
    }.items():
        assert said in table[name], table[name]
    assert "primary key: unitid, year" in done.stdout
    assert "to be predicted (tstr): price" in done.stdout
    text = (tmp_path / "p/models/houses.yml").read_text()
    for line in (
        "primary_key: [unitid, year]",
        "{name: Street, type: categorical}",
        "{name: place, type: categorical, rare: similar}",
        '{name: sold, format: "%-m/%-d/%Y 0:00:00"}',
        "{name: note, type: text}",
    ):
        assert line in text, text
    Project(tmp_path / "p").ok("compile")
