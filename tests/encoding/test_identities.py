"""Made-up people: a row's name, e-mail, address and telephone number are of one person of one country."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from synthkit.encoding.locales import LOCAL, borrowed, lacking, locale_of
from tests.localepage import PAGE, page
from tests.synth import OTHER_HASHES, Project, make_project

COUNTRIES = ["Germany", "FR", "jpn", "Atlantis"]
MODELS = """
    version: 1
    sources:
      - name: crm
        tables:
          - name: people
            path: people.csv
            primary_key: id
            columns:
              - {name: country, type: categorical}
              - {name: first, type: text, pii: first_name by country}
              - {name: last, type: text, pii: last_name by country}
              - {name: full, type: text, pii: name by country}
              - {name: mail, type: text, pii: email by country}
              - {name: zip, type: text, pii: postcode by country}
              - {name: street, type: text, pii: street by country}
              - {name: mobile, type: text, pii: phone in de_DE}
    models:
      - name: fake
        source: "{{ source('crm', 'people') }}"
        generator: {name: circuit, epochs: 1}
        size: 200
        audits: []
"""
HEAD = "id,country,first,last,full,mail,zip,street,mobile\n"
COUNTRY = "- {name: country, type: categorical}"
INDENT = " " * 14


@pytest.fixture
def crm(tmp_path: Path) -> Project:
    rows = "".join(
        f"{i},{COUNTRIES[i % 4]},A{i % 7},B{i % 9},A{i % 7} B{i % 9},a{i}@b.org,{i},S {i},{i}\n" for i in range(200)
    )
    return make_project(
        tmp_path / "crm", {"synth_project.yml": "name: crm\n", "models/m.yml": MODELS, "people.csv": HEAD + rows}
    )


def test_a_row_is_one_person_of_its_country(crm: Project) -> None:
    crm.ok("build")
    rows = crm.query("select * from fake order by id")
    by = {c: [r for r in rows if r["country"] == c] for c in COUNTRIES}
    assert all(len(found) > 20 for found in by.values())
    for row in (*by["Germany"], *by["FR"]):
        assert row["first"] in row["full"]
        assert row["last"] in row["full"]
        user, _, domain = row["mail"].partition("@")
        assert domain.startswith("example.")
        assert user.isascii()
        plain = re.sub("[^a-z]", "", row["last"].lower().replace("ß", "ss"))
        assert plain.isascii()
        if row["last"].isascii():
            assert plain in re.sub("[^a-z]", "", user)
    assert all(re.fullmatch(r"\d{5}", r["zip"]) for r in (*by["Germany"], *by["FR"]))
    for row in by["jpn"]:
        assert re.fullmatch(r"\d{3}-\d{4}", row["zip"])
        assert re.search("[\u3040-\u30ff\u4e00-\u9fff]", row["full"])
        assert row["full"].replace(" ", "") == row["last"] + row["first"]
        assert row["street"] is None  # Faker's Japanese streets are American ones
    assert all(r["full"] is r["mail"] is r["zip"] is None for r in by["Atlantis"])
    assert all(r["mobile"] is not None for r in rows)
    real = {f"a{i}@b.org" for i in range(200)}
    assert not real & {r["mail"] for r in rows}
    before = crm.parquet("fake")[0].read_bytes()
    crm.ok("build", "--full-refresh", env=OTHER_HASHES)
    assert crm.parquet("fake")[0].read_bytes() == before


WRONG = [
    ("phone in de_XX", "Faker has no locale 'de_XX'"),
    ("street in ja_JP", "ja_JP has no street of its own: its street_suffixes are not of it"),
    ("email in am_ET", "am_ET has no email of its own: its "),
    ("ssn in ja_JP", "ja_JP has no ssn of its own: it would be that of en_US"),
    ("iban in en_US", "en_US has no iban of its own: it would be that of en_GB"),
    ("phon in de_DE", "Faker makes no 'phon in de_DE'"),
    ("phone by land", "is made up by 'land', which is no column of it"),
    ("phone by mail", "which is made up itself (pii: email by country) and names no country"),
    ("phone by wrong_8", "which is made up itself (pii: phone by wrong_8) and names no country"),
]


def test_what_a_locale_cannot_give_is_said_before_training(crm: Project) -> None:
    columns = [f"- {{name: wrong_{i}, type: text, pii: {pii}}}" for i, (pii, _) in enumerate(WRONG)]
    columns.append("- {name: id, pii: uuid4 by country}")
    names = "".join(f",wrong_{i}" for i in range(len(WRONG)))
    table = "".join(f"{i},FR" + ",x" * (7 + len(WRONG)) + "\n" for i in range(20))
    models = MODELS.replace(COUNTRY, f"\n{INDENT}".join([COUNTRY, *columns]))
    crm.write({"models/m.yml": models, "people.csv": HEAD.replace("\n", names + "\n") + table})
    text = crm.fails("compile", code=2)
    assert [said for _, said in (*WRONG, ("", "no row lacks a primary key")) if said not in text] == []
    lines = [line.strip() for line in (crm.root / "models/m.yml").read_text("utf-8").splitlines()]
    assert [c for c in columns if f"models/m.yml:{1 + lines.index(c)}:" not in text] == []


def test_of_a_key_that_repeats_nothing_is_made_up_by_a_country(crm: Project) -> None:
    models = MODELS.replace(COUNTRY, f"{COUNTRY}\n{INDENT}- {{name: customer, type: id}}")
    rows = ((i, i // 4, COUNTRIES[i // 4 % 4]) for i in range(200))
    table = "".join(f"{i},{c},{at},A{c},B{c},A{c} B{c},a{c}@b.org,{c},S {c},{c}\n" for i, c, at in rows)
    crm.write({"models/m.yml": models, "people.csv": HEAD.replace("country", "customer,country") + table})
    crm.ok("build")  # that a customer has one name is found in the rows, and not kept
    for row in crm.query("select * from fake where country in ('Germany', 'FR')"):
        assert row["first"] in row["full"]
    told = models.replace("primary_key: id", "primary_key: id\n            rules: [customer -> full]")
    crm.write({"models/m.yml": told})
    text = crm.fails("compile", code=2)
    assert "column 'full' is made up by each row's 'country', and a key has one value" in text
    assert "say a locale, as in pii: name in de_DE" in text
    line = 1 + (crm.root / "models/m.yml").read_text("utf-8").splitlines().index("        rules: [customer -> full]")
    assert f"models/m.yml:{line}:" in text


def test_columns_of_names_agree_without_a_country(crm: Project) -> None:
    crm.write({"models/m.yml": re.sub(r" (by country|in de_DE)", "", MODELS)})
    crm.ok("build")
    for row in crm.query("select * from fake"):
        assert row["full"] == f"{row['first']} {row['last']}"
        assert row["mail"].partition("@")[0] == f"{row['first']}.{row['last']}".lower().replace("'", "")


def test_what_locales_have_of_their_own() -> None:
    assert [k for k in LOCAL if borrowed("de_DE", k) is not None] == ["ssn"]  # Faker has its pension number, rvnr
    assert [at for at in ("en_US", "de_AT", "de_CH", "ja_JP") if borrowed(at, "ssn") is not None] == ["ja_JP"]
    assert [borrowed(at, "iban") for at in ("de_DE", "en_US")] == [None, "it would be that of en_GB"]
    assert lacking("am_ET", "email") is not None
    assert lacking("ja_JP", "credit_card_number") is None
    assert borrowed("en_US", "company") is None
    assert borrowed("ja_JP", "postcode") is None
    assert borrowed("ja_JP", "street_address") is not None
    found = [locale_of(c) for c in ("Germany", "de", "USA", "jpn", "Atlantis", None, 3)]
    assert found == ["de_DE", "de_DE", "en_US", "ja_JP", None, None, None]


def test_the_page_is_what_the_installed_faker_has() -> None:
    assert PAGE.read_text("utf-8") == page()
