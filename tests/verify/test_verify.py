"""`synth verify` finds each kind of thing that must not be merged, by the command line, without the data."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import duckdb
import pytest

from synthkit.records.receipt import Receipt
from synthkit.store.versions.pointer import pointer_text
from tests.verify.shop import Shop, synth, verify

Capture = pytest.CaptureFixture[str]


def only(shop: Shop, capsys: Capture, *arguments: str, level: str = "error") -> dict[str, Any]:
    """The one finding of a level, which has a place, and if it is an error a fix."""
    answer = verify(shop, capsys, *arguments)
    found = [f for f in answer.findings if f["level"] == level]
    assert len(found) == 1, answer.text
    assert (shop.root / found[0]["file"]).exists()
    assert found[0]["line"] >= 1
    assert found[0]["column"] >= 1
    assert found[0]["hint"] or level != "error"
    return found[0]


def among(shop: Shop, capsys: Capture, text: str) -> dict[str, Any]:
    """The one error with these words, of several about a receipt that contradicts itself as well."""
    (found,) = [f for f in verify(shop, capsys).findings if f["level"] == "error" and text in f["message"]]
    return found


def test_what_was_built_is_verified_without_data_and_without_heavy_packages(shop: Shop) -> None:
    code = (
        "import sys, synthkit.cli.main as m\n"
        f"try: m.cli.main(['verify', '--full', '--base', 'main', '--project-dir', {str(shop.root)!r}], standalone_mode=False)\n"
        "except SystemExit as e: assert not e.code, e.code\n"
        "bad = [n for n in ('torch', 'sdv', 'sklearn', 'scipy', 'pandas', 'pyarrow', 'faker', 'dvc') if n in sys.modules]\n"
        "assert not bad, bad"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "verified against main: 5 models\n"
    assert not (shop.root / "privacy" / ".hash_key").exists() or shop.git("status", "--porcelain") == ""


def test_nothing_is_written_beside_scratch(shop: Shop, capsys: Capture) -> None:
    assert verify(shop, capsys).code == 0
    assert shop.git("status", "--porcelain") == ""


def test_reformatting_and_other_variables_change_nothing(shop: Shop, capsys: Capture) -> None:
    shop.tables("- name: customers\n", "- description: as they are\n    name: customers\n")
    shop.replace("synth_project.yml", "vars: {adult: 18}", "vars:\n  other: 3\n  adult: 18  # as before")
    assert verify(shop, capsys).findings == ()


# -- receipts ------------------------------------------------------------------------------------------


def test_a_model_that_was_never_built(shop: Shop, capsys: Capture) -> None:
    shop.receipt("busy").unlink()
    found = only(shop, capsys)
    assert (found["kind"], found["model"], found["file"]) == ("receipt", "busy", "models/tables.yml")
    assert "never built" in found["message"]
    assert "synth build --select busy" in found["hint"]


def test_a_new_model_over_an_unknown_source_is_no_riddle(shop: Shop, capsys: Capture) -> None:
    shop.write(
        {
            "models/new.yml": """
                version: 1
                sources: [{name: hr, tables: [{name: jobs, path: data/jobs.csv}]}]
                models:
                  - {name: jobs, source: "{{ source('hr', 'jobs') }}", generator: circuit}
                  - {name: few_jobs, generator: {name: sql, query: "select * from {{ ref('jobs') }}"}}
            """
        }
    )
    answer = verify(shop, capsys)
    assert [f["message"] for f in answer.findings] == [
        "'jobs' was never built: it has no receipt",
        "'few_jobs' was never built: it has no receipt",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<<<<<<< HEAD\n{}\n", "not JSON (line 1)"),
        ("[]", "not a JSON object"),
        ("{}", "lacks audits, bytes"),
    ],
)
def test_a_receipt_that_is_none(shop: Shop, capsys: Capture, content: str, reason: str) -> None:
    shop.receipt("busy").write_text(content, "utf-8")
    found = only(shop, capsys)
    assert reason in found["message"]
    assert found["file"] == "warehouse/dev/busy.receipt.json"


def test_the_receipt_of_another_model_is_none(shop: Shop, capsys: Capture) -> None:
    shop.receipt("busy").write_bytes(shop.receipt("by_tier").read_bytes())
    assert "it is the receipt of 'by_tier'" in only(shop, capsys)["message"]


def test_a_table_that_nobody_makes_any_more(shop: Shop, capsys: Capture) -> None:
    shop.tables("- name: busy\n", "- name: busy\n    enabled: false\n")
    found = only(shop, capsys, level="warning")
    assert "still published, but its model is disabled" in found["message"]


# -- the YAML ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "model", "line"),
    [
        ("size: 60", "size: 70", "fake", "sample hash changed: size 60 → 70"),
        ("epsilon: 1\n", "epsilon: 2\n", "fake", "train hash changed: epsilon 1.0 → 2.0"),
        ("where n > 1", "where n > 2", "busy", "train hash changed: query "),
        ("from {{ ref('by_tier') }} where", "from {{ ref('by_tier') }}, {{ ref('customers') }} where", "busy", "train hash changed: upstream model 'customers' added: "),
    ],
)  # fmt: skip
def test_a_changed_model_is_not_what_was_built(
    shop: Shop, capsys: Capture, old: str, new: str, model: str, line: str
) -> None:
    if "customers') }} where" in new:
        new = new.replace("{{ ref('customers') }}", "(select 1 as one from {{ ref('customers') }} limit 1)")
    shop.tables(old, new)
    (found,) = [f for f in verify(shop, capsys).findings if f["kind"] == "fingerprint"]
    assert found["model"] == model
    assert any(line in d for d in found["details"]), found
    assert f"synth build --select {model}+" in found["hint"]
    assert found["file"] == "models/tables.yml"


def test_a_changed_variable_is_found_where_an_ephemeral_model_uses_it(shop: Shop, capsys: Capture) -> None:
    shop.replace("synth_project.yml", "adult: 18", "adult: 21")
    assert only(shop, capsys)["model"] == "adults"


def test_a_changed_seed_and_a_changed_declaration(shop: Shop, capsys: Capture) -> None:
    shop.replace("synth_project.yml", "seed: 7", "seed: 8")
    answer = verify(shop, capsys)
    assert {f["model"] for f in answer.findings} == {"customers", "adults", "by_tier", "busy", "fake"}
    shop.replace("synth_project.yml", "seed: 8", "seed: 7")
    shop.replace("models/sources.yml", "bounds: [18, 90]", "bounds: [18, 99]")
    answer = verify(shop, capsys)
    assert {f["model"] for f in answer.findings} == {"customers", "fake"}


def test_rows_of_an_older_table_upstream(shop: Shop, capsys: Capture) -> None:
    """by_tier is published anew, busy is not: its rows are of a table that is gone."""
    shop.forge("by_tier", lambda r: r["fingerprints"].update(sample="0" * 64))
    found = {f["model"]: f["details"] for f in verify(shop, capsys).findings}
    assert found.keys() == {"by_tier", "busy"}
    assert found["busy"][0].startswith("train hash changed: upstream model 'by_tier' ")


def test_a_receipt_whose_hashes_are_not_of_its_inputs(shop: Shop, capsys: Capture) -> None:
    shop.forge("busy", lambda r: r["fingerprints"].update(train="0" * 64))
    assert "contradicts itself" in only(shop, capsys)["message"]


# -- the rows ------------------------------------------------------------------------------------------


def test_rows_of_another_size_or_another_content(shop: Shop, capsys: Capture) -> None:
    path = shop.parquet("busy")[0]
    whole = path.read_bytes()
    path.write_bytes(whole + b"x")
    found = only(shop, capsys)
    assert f"{len(whole) + 1:,} bytes, not {len(whole):,}" in found["message"]
    path.write_bytes(whole[:5] + bytes([whole[5] ^ 1]) + whole[6:])
    assert verify(shop, capsys).code == 0  # size and footer say little
    assert "SHA-256" in only(shop, capsys, "--full")["message"]


@pytest.mark.parametrize("arguments", [(), ("--full",)])
@pytest.mark.parametrize("longer", [b"", b"x"])
def test_a_byte_that_no_text_has_in_what_a_file_notes_of_itself(
    shop: Shop, capsys: Capture, arguments: tuple[str, ...], longer: bytes
) -> None:
    path = shop.parquet("busy")[0]
    whole, mark = path.read_bytes(), Receipt.from_json(json.loads(shop.receipt("busy").read_text("utf-8")))
    noted = mark.fingerprints.sample.encode()
    assert whole.count(noted) == 1
    path.write_bytes(whole.replace(noted, noted[:3] + b"\xff" + noted[4:]) + longer)
    other = shop.parquet("by_tier")[0]
    other.write_bytes(other.read_bytes() + b"x")
    found = {f["model"]: f["message"] for f in verify(shop, capsys, *arguments).findings if f["level"] == "error"}
    said = f"{len(whole) + 1:,} bytes" if longer else "SHA-256" if arguments else "is marked synthkit.fingerprint"
    assert said in found["busy"]
    assert set(found) == {"busy", "by_tier"}, found


def test_a_pointer_stands_for_rows_that_are_not_here(shop: Shop, capsys: Capture) -> None:
    path = shop.parquet("busy")[0]
    size = path.stat().st_size
    path.unlink()
    assert "neither" in only(shop, capsys)["message"]
    shop.forge("busy", lambda r: r.update(md5="d" * 32))

    def point(text: str) -> None:
        (shop.root / "warehouse" / "dev" / "busy.dvc").write_text(text, "utf-8")

    right = pointer_text(Receipt.from_json(json.loads(shop.receipt("busy").read_text("utf-8"))))
    point(right)
    assert verify(shop, capsys).code == 0
    point(right.replace("d" * 32, "e" * 32))
    assert "stands for other rows than its receipt: md5 eeeeeeee" in only(shop, capsys)["message"]
    point(right.replace(f"size: {size}", f"size: {size + 1}"))
    assert "bytes, its receipt for" in only(shop, capsys)["message"]
    point(right.replace("path: busy/", "path: ../"))
    assert "would be checked out as ../" in only(shop, capsys)["message"]
    point("outs: {}\n")
    assert "pointer of 'busy' is broken" in only(shop, capsys)["message"]


def test_a_receipt_that_names_a_file_elsewhere(shop: Shop, capsys: Capture) -> None:
    shop.forge("busy", lambda r: r.update(file="../../../../etc/passwd"))
    assert among(shop, capsys, "outside the warehouse")["line"] > 1


# -- the ledger ----------------------------------------------------------------------------------------


def test_an_edited_ledger(shop: Shop, capsys: Capture) -> None:
    shop.replace("privacy/ledger.jsonl", '"epsilon":1.0', '"epsilon":0.1')
    answer = verify(shop, capsys)
    assert [(f["kind"], f["file"], f["line"]) for f in answer.findings] == [("ledger", "privacy/ledger.jsonl", 1)]
    assert "was changed after it was written" in answer.errors[0]


def test_a_ledger_that_lost_its_end(shop: Shop, capsys: Capture) -> None:
    shop.ledger.write_bytes(b"")
    answer = verify(shop, capsys, "--base", "main")
    assert any("'fake' descends from the training" in e for e in answer.errors)
    assert any("lacks 1 entry of main" in e for e in answer.errors)


def test_a_lowered_budget(shop: Shop, capsys: Capture) -> None:
    shop.replace("synth_project.yml", "epsilon: 3", "epsilon: 0.5")
    found = only(shop, capsys)
    assert (found["kind"], found["file"]) == ("budget", "synth_project.yml")
    assert "may be" in found["message"]


@pytest.mark.parametrize("key", ["epsilon", "delta", "mechanisms"])
def test_a_receipt_that_claims_less_than_was_charged(shop: Shop, capsys: Capture, key: str) -> None:
    def claim(receipt: dict[str, Any]) -> None:
        holder = receipt if key != "mechanisms" else receipt["privacy"]
        holder[key] = [] if key == "mechanisms" else 1e-9

    shop.forge("fake", claim)
    among(shop, capsys, f"claims another {key} than privacy/ledger.jsonl:1")


def test_an_exposure_that_allows_less_than_the_rows_reveal(shop: Shop, capsys: Capture) -> None:
    shop.tables(
        "depends_on: [\"{{ ref('by_tier') }}\"]}",
        "depends_on: [\"{{ ref('by_tier') }}\"]}\n"
        "  - {name: strict, owner: {name: a}, privacy: {max_epsilon: 1}, depends_on: [\"{{ ref('fake') }}\"]}",
    )
    assert verify(shop, capsys).code == 0
    shop.forge("fake", lambda r: r["guarantees"][0].update(epsilon=1.7))  # rows of two trainings, say
    among(shop, capsys, "exposure 'strict' allows ε = 1 of crm.customers, but as built 'fake' reveals ε = 1.7")


# -- readers -------------------------------------------------------------------------------------------


def test_a_removed_column_that_an_exposure_reads(shop: Shop, capsys: Capture) -> None:
    shop.tables("count(*) as n, sum(visits) as visits from", "count(*) as n from")
    answer = verify(shop, capsys, "--base", "main")
    found, told = [f for f in answer.findings if f["kind"] == "contract"]
    assert (told["level"], told["message"]) == ("note", "columns of 'by_tier' against main: 1 dropped")
    assert "a breaking change of 'by_tier' against main" in found["message"]
    assert "exposure 'dashboard' of team@example.org reads 'visits', which is removed" in found["message"]
    assert found["level"] == "error"
    answer = verify(shop, capsys, "--base", "main", "--allow-breaking")
    assert [f["level"] for f in answer.findings if f["kind"] == "contract"] == ["warning", "note"]
    assert [f for f in verify(shop, capsys).findings if f["kind"] == "contract"] == []  # there is no base


def test_a_retyped_column_breaks_the_models_that_name_it(shop: Shop, capsys: Capture) -> None:
    shop.tables("count(*) as n,", "count(*)::double as n,")
    answer = verify(shop, capsys, "--base", "main")
    wrong = [f for f in answer.findings if f["kind"] == "contract" and f["level"] == "error"]
    found = {f["message"].split(": ", 1)[1] for f in wrong}
    assert found == {
        "exposure 'dashboard' of team@example.org reads 'n', now DOUBLE (before: BIGINT)",
        "model 'busy' reads 'n', now DOUBLE (before: BIGINT)",
    }


def test_a_new_column_breaks_nobody(shop: Shop, capsys: Capture) -> None:
    shop.tables("select tier, count(*) as n,", "select 1 as one, tier, count(*) as n,")
    findings = verify(shop, capsys, "--base", "main").findings
    assert [(f["kind"], f["level"]) for f in findings] == [("fingerprint", "error"), ("contract", "note")]
    assert findings[1]["details"] == ["one (INTEGER) is added"]


# -- how it is said ------------------------------------------------------------------------------------


def test_text_names_place_and_fix(shop: Shop, capsys: Capture) -> None:
    shop.tables("size: 60", "size: 70")
    code, out, _ = synth(capsys, "verify", "--project-dir", str(shop.root))
    assert code == 1
    assert "models/tables.yml:" in out
    assert ": error: 'fake' was drawn otherwise than the YAML says now" in out
    assert "sample hash changed: size 60 → 70" in out
    assert "  fix: synth build --select fake+" in out
    assert out.splitlines()[-1].startswith("NOT verified: 5 models, ")
    assert synth(capsys, "verify", "--project-dir", str(shop.root), "--quiet")[1].count("error") >= 1


def test_faults_and_unknown_commits_are_usage_errors(shop: Shop, capsys: Capture) -> None:
    code, _, err = synth(capsys, "verify", "--project-dir", str(shop.root), "--base", "nowhere")
    assert (code, "git knows no commit 'nowhere'" in err, "fetch" in err) == (2, True, True)
    shop.tables("size: 60", "sice: 60")
    code, _, err = synth(capsys, "verify", "--project-dir", str(shop.root))
    assert (code, "did you mean 'size'?" in err) == (2, True)


def test_reports_of_a_review(shop: Shop, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.tables("size: 60", "size: 70")
    summary = shop.root.parent / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    folder = shop.root.parent / "reports"
    kinds = [f"--report={k}={folder / k}" for k in ("markdown", "html", "junit")]
    answer = verify(shop, capsys, "--base", "main", "--report", "github", *kinds)
    assert answer.code == 1
    assert "::error file=models/tables.yml,line=" in answer.text
    assert summary.read_text("utf-8") == (folder / "markdown").read_text("utf-8")
    assert summary.read_text("utf-8").startswith("## synthkit: not to be merged\n")
    assert summary.read_text("utf-8").endswith("<!-- synthkit:verify target=dev -->\n")
    assert "No table differs from `main`." in summary.read_text("utf-8")
    assert (folder / "html").read_text("utf-8").startswith("<!doctype html>")
    assert 'failures="1"' in (folder / "junit").read_text("utf-8")


def test_json_lines_are_json(shop: Shop, capsys: Capture) -> None:
    shop.receipt("busy").unlink()
    answer = verify(shop, capsys)
    assert json.dumps(answer.last)
    assert (answer.last["errors"], answer.last["models"]) == (1, 5)


def test_the_footers_of_all_tables_are_read_by_one_duckdb(
    shop: Shop, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To open one for each took most of the time of a project of a thousand tables. A file that is none stops no other."""
    opened: list[str] = []
    connect = duckdb.connect

    def counting(database: str = ":memory:", **given: Any) -> duckdb.DuckDBPyConnection:
        caller = sys._getframe(1).f_globals["__name__"]
        opened.append(caller)
        return connect(database, **given)

    monkeypatch.setattr(duckdb, "connect", counting)
    first, *_ = sorted((shop.root / "warehouse").rglob("*.parquet"))
    first.write_bytes(b"x" * first.stat().st_size)  # of the size that the receipt says
    found = [f["message"] for f in verify(shop, capsys).findings if f["level"] == "error"]
    assert len([m for m in found if "is no Parquet file" in m]) == len(found) == 1
    assert opened.count("synthkit.verify.footers") == 1
