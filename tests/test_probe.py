"""`synthkit.probe`: what tables look like before anything is trained, as data, as a card, and as what `fit` takes."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest

import synthkit
from synthkit.errors import SynthError
from tests.synth import customers, write_csv


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> synthkit.ProbedTable:
    path = tmp_path_factory.mktemp("probe") / "customers.csv"
    write_csv(path, customers(200))
    return synthkit.probe(path, name="customers")


def shop() -> dict[str, pa.Table]:
    dice = random.Random(5)
    people = pa.table({"person_id": range(80), "email": [f"p{i}@example.org" for i in range(80)]})
    owners = [dice.randrange(80) for _ in range(240)]
    net = [dice.randrange(1, 99) for _ in range(240)]
    tax = [dice.randrange(9) for _ in range(240)]
    both = [a + b for a, b in zip(net, tax, strict=True)]
    orders = pa.table({"order_id": range(240), "person_id": owners, "net": net, "tax": tax, "gross": both})
    return {"people": people, "orders": orders}


def test_a_table_is_seen_as_init_sees_it(seen: synthkit.ProbedTable) -> None:
    assert seen.rows == 200
    assert seen.primary_key == ("customer_id",)
    assert seen["customer_id"].taken_for == "key"
    assert (seen["age"].type, seen["joined"].type, seen["tier"].type) == ("integer", "date", "categorical")
    assert {"age", "tier", "joined"} <= set(seen.learnt)
    assert "customer_id" in seen.made_up
    assert {*seen.learnt, *seen.made_up} == {c.name for c in seen.columns}
    assert "churned" in seen.targets


def test_it_is_data(seen: synthkit.ProbedTable) -> None:
    found = json.loads(seen.to_json())
    assert found["rows"] == seen.rows
    assert [c["name"] for c in found["columns"]] == [c.name for c in seen.columns]
    assert found["made_up"] == list(seen.made_up)
    with pytest.raises(SynthError, match="no column 'agee'") as caught:
        seen["agee"]
    assert "age" in str(caught.value.hint)


class Cells(HTMLParser):
    """The text of every cell, and every tag."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.cells.append(data)


def test_a_notebook_shows_a_card_in_which_no_name_is_markup() -> None:
    bad = "<script>x</script>"
    found = synthkit.probe(pa.table({bad: [f"{i} words of it" for i in range(50)], "n": range(50)}), name=bad)
    read = Cells()
    read.feed(found._repr_html_())
    assert read.tags == {"div", "p", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert read.cells.count(bad) >= 2
    assert found[bad].becomes in read.cells


def test_keys_between_tables_rules_and_what_fit_is_told() -> None:
    tables = shop()
    found = synthkit.probe(tables)
    [key] = found.keys
    assert (key.table, key.columns, key.references, key.owner, key.doubtful) == (
        "orders", ("person_id",), "people", True, False,
    )  # fmt: skip
    assert found["orders"].rules == ("gross = net + tax",)
    assert found["people"]["email"].pii == "email"
    assert "person_id" in found["orders"].made_up
    assert found.suggested == {
        "primary_key": {"people": ["person_id"], "orders": ["order_id"]},
        "columns": {"people": {"email": {"pii": "email"}}},
        "keys": {"orders.person_id": "people"},
    }
    assert json.loads(found.to_json())["keys"][0]["references"] == "people"
    assert "its owner" in str(found)
    people = synthkit.fit(tables["people"], **found["people"].suggested).draw(30, seed=2)
    assert not {*people["email"].to_pylist()} & {*tables["people"]["email"].to_pylist()}


def test_whose_rows_follow_one_another_is_made_up_and_said_to_be() -> None:
    cities, days = range(40), range(12)
    of = [c for c in cities for _ in days]
    found = synthkit.probe(
        pa.table(
            {
                "city": [f"town {c}" for c in of],
                **{f"n{k}": [f"{(c * k) % 7}" for c in of] for k in (1, 2, 3)},
                "day": [date(2024, 1, 1) + timedelta(d) for _ in cities for d in days],
                "sales": [(7 * c + 3 * d) % 11 for c in cities for d in days],
            }
        )
    )
    assert (found.entity, found.order_by) == ("city", "day")
    assert not found["city"].learnt
    assert found["city"].becomes.startswith("made up")


def test_nothing_is_left_behind_and_what_is_no_table_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = pa.table({"a": [1, 2, 3]})
    assert synthkit.probe(table).primary_key in ((), ("a",))
    named = str(tmp_path / "a/b")  # which is no place for its rows
    assert synthkit.probe({named: table})[named].rows == 3
    assert list(tmp_path.iterdir()) == []
    for wrong, message in ((3, "a int is no table"), ({}, "no table to look at"), ("none.csv", "none.csv")):
        with pytest.raises(SynthError, match=message):
            synthkit.probe(wrong)
