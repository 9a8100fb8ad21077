"""Keys between tables: planted ones are found, chance is not believed, what is declared comes first."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.keys.made import SCHEMAS, made
from synthkit.sources.keys.seen import Declared
from tests.sources.keys.looking import Columns, doubted, found, shop, told

DICE = random.Random(7)


def test_a_shop(tmp_path: Path) -> None:
    keys = found(tmp_path, shop())
    assert keys.primary == {
        "customers": ("customer_id",),
        "orders": ("order_id",),
        "products": ("product_id",),
        "lines": ("order_id", "line_no"),
    }
    assert told(keys) == {
        "orders.customer_id -> customers",
        "lines.order_id -> orders",
        "lines.product_id -> products",
    }
    assert {(r.table, r.references) for r in keys.foreign if r.owner} == {("orders", "customers"), ("lines", "orders")}
    assert keys.order == {"orders": "ordered_at", "lines": "line_no"}
    assert not keys.doubtful  # ratings and quantities are all numbers of a range: names do not speak for them


def test_evidence_tells_what_is_missing(tmp_path: Path) -> None:
    tables = shop()
    whose = list(tables["orders"]["customer_id"])
    whose[:6], whose[6:9] = [None] * 6, [900, 901, 902]
    tables["orders"] = {**tables["orders"], "customer_id": whose}
    (one,) = [r for r in found(tmp_path, tables).foreign if r.table == "orders"]
    assert (one.nulls, one.orphans, one.rows) == (6, 3, 294)
    assert one.evidence().startswith("291 of 294 rows, ")
    assert "6 nulls" in one.evidence()


def test_numbers_of_a_range_are_no_keys_without_a_name(tmp_path: Path) -> None:
    """Each of a hundred small numbers is a customer's: it says nothing."""
    tables = shop()
    tables["scores"] = {"score_id": range(500, 700), "points": [DICE.randint(1, 80) for _ in range(200)]}
    tables["ratings"] = {"rating_id": range(900, 1100), "agent_id": [DICE.randint(1, 25) for _ in range(200)]}
    keys = found(tmp_path, tables)
    assert not {t for t in told(keys) if t.startswith(("scores", "ratings"))}
    assert {t for t in doubted(keys) if t.startswith("ratings")} == {"ratings.agent_id -> products"}


def test_values_alone_are_believed_where_chance_is_not(tmp_path: Path) -> None:
    codes = [f"{DICE.randrange(36**5):05x}".upper() for _ in range(200)]
    sparse = DICE.sample(range(10**6, 10**7), 100)
    keys = found(
        tmp_path,
        {
            "airfields": {"icao": codes, "height": [DICE.random() for _ in codes]},
            "wells": {"id": sparse, "depth": [DICE.random() for _ in sparse]},
            "trips": {"start": DICE.choices(codes, k=500), "goal": DICE.choices(codes[:50], k=500)},
            "samples": {"taken_from": DICE.choices(sparse, k=300), "salt": [DICE.random() for _ in range(300)]},
        },
    )
    assert told(keys) == {"trips.start -> airfields", "trips.goal -> airfields", "samples.taken_from -> wells"}
    assert all(r.chance < 1e-6 for r in keys.foreign)


def test_names_alone_are_not(tmp_path: Path) -> None:
    tables = shop()
    tables["orders"] = {**tables["orders"], "customer_id": range(5000, 5300)}
    keys = found(tmp_path, tables)
    assert "orders.customer_id -> customers" not in told(keys)


def test_a_hierarchy_refers_to_its_own_table(tmp_path: Path) -> None:
    above = [None, *(DICE.randint(1, i) for i in range(1, 60))]
    keys = found(tmp_path, {"staff": {"id": range(1, 61), "manager_id": above, "floor": [i % 5 for i in range(60)]}})
    assert told(keys) == {"staff.manager_id -> staff"}
    assert not any(r.owner for r in keys.foreign)


def test_a_table_of_two_tables_keys_has_both_as_its_own(tmp_path: Path) -> None:
    pairs = sorted({(DICE.randint(1, 40), DICE.randint(1, 60)) for _ in range(600)})
    keys = found(
        tmp_path,
        {
            "actors": {"actor_id": range(1, 41), "name": [f"a{i}" for i in range(40)]},
            "films": {"film_id": range(1, 61), "title": [f"f{i}" for i in range(60)]},
            "film_actor": {"actor_id": [a for a, _ in pairs], "film_id": [f for _, f in pairs]},
        },
    )
    assert keys.primary["film_actor"] == ("actor_id", "film_id")
    assert told(keys) == {"film_actor.actor_id -> actors", "film_actor.film_id -> films"}


def test_a_key_of_several_columns_is_referred_to_whole(tmp_path: Path) -> None:
    tables = shop()
    lines = list(zip(tables["lines"]["order_id"], tables["lines"]["line_no"], strict=True))
    at = [DICE.randrange(len(lines)) for _ in range(200)]
    tables["returns"] = {
        "return_id": range(7000, 7200),
        "order_id": [lines[i][0] for i in at],
        "line_no": [lines[i][1] for i in at],
    }
    keys = found(tmp_path, tables)
    # That the order is there follows: it is told once.
    assert {t for t in told(keys) if t.startswith("returns")} == {"returns.order_id,line_no -> lines"}


def test_frames_hold_numbers_with_gaps_as_doubles(tmp_path: Path) -> None:
    tables = shop()
    whose = pa.array([None if i % 9 == 0 else float(v) for i, v in enumerate(tables["orders"]["customer_id"])])
    tables["orders"] = {**tables["orders"], "customer_id": whose}
    assert "orders.customer_id -> customers" in told(found(tmp_path, tables))


def test_one_table_is_the_others_part(tmp_path: Path) -> None:
    """A key that both have is the one's whose name it bears, whatever the order of the tables."""
    details = {"customer_id": DICE.sample(range(1, 81), 50), "bonus": [DICE.random() for _ in range(50)]}
    tables: dict[str, Columns] = {"a_details": details, **shop()}
    keys = found(tmp_path, tables)
    assert "a_details.customer_id -> customers" in told(keys)
    assert not {t for t in told(keys) if t.endswith("a_details")}
    (one,) = [r for r in keys.foreign if r.table == "a_details"]
    assert one.one_to_one


def test_what_is_declared_is_not_guessed(tmp_path: Path) -> None:
    tables = shop()
    declared = Declared({"customers": ("age",)}, (("orders", ("rating",), "products", ("product_id",)),))
    keys = found(tmp_path, tables, declared)
    assert keys.primary["customers"] == ("age",)
    rated = next(r for r in keys.foreign if r.columns == ("rating",))
    assert (rated.references, rated.declared, rated.orphans) == ("products", True, 0)


def test_a_circle_of_declared_keys_has_no_root_and_no_end(tmp_path: Path) -> None:
    tables: dict[str, Columns] = {
        "a": {"a_id": range(1, 41), "b_id": DICE.sample(range(1, 41), 40)},
        "b": {"b_id": range(1, 41), "a_id": DICE.sample(range(1, 41), 40)},
    }
    both = (("a", ("b_id",), "b", ()), ("b", ("a_id",), "a", ()))
    keys = found(tmp_path, tables, Declared({"a": ("a_id",), "b": ("b_id",)}, both))
    assert told(keys) == {"a.b_id -> b", "b.a_id -> a"}
    assert sum(r.owner for r in keys.foreign) <= 1


def test_what_people_have_is_theirs(tmp_path: Path) -> None:
    """A rental is the customer's, though each names a copy of a film, a clerk and a shop, too; a customer's address
    owns no customer, and neither does the shop."""
    rentals = range(1, 401)
    tables: dict[str, Columns] = {
        "films": {"film_id": range(1, 61), "length": [DICE.randint(60, 200) for _ in range(60)]},
        "copies": {"copy_id": range(1, 181), "film_id": [1 + i % 60 for i in range(180)]},
        "addresses": {"address_id": range(1, 91), "town": [f"T{i % 7}" for i in range(90)]},
        "clerks": {"clerk_id": range(1, 41), "age": [DICE.randint(18, 60) for _ in range(40)]},
        "customers": {"customer_id": range(1, 91), "address_id": DICE.sample(range(1, 91), 90)},
        "rentals": {
            "rental_id": rentals,
            "copy_id": [DICE.randint(1, 180) for _ in rentals],
            "customer_id": [DICE.randint(1, 90) for _ in rentals],
            "clerk_id": [DICE.randint(1, 40) for _ in rentals],
        },
        "payments": {"payment_id": rentals, "rental_id": rentals, "clerk_id": [DICE.randint(1, 40) for _ in rentals]},
    }
    owned = {(r.table, r.references) for r in found(tmp_path, tables).foreign if r.owner}
    assert owned == {("rentals", "customers"), ("payments", "rentals")}


def test_a_circle_is_cut_at_the_short_list(tmp_path: Path) -> None:
    """Departments have a head, employees a department: eight heads are matched last, not three hundred departments."""
    heads = DICE.sample(range(7001, 7301), 8)
    tables: dict[str, Columns] = {
        "departments": {"dept_no": [f"D{i}" for i in range(8)], "head_no": heads},
        "employees": {
            "emp_no": range(7001, 7301),
            "dept_no": [f"D{i % 8}" for i in range(300)],
            "pay": [DICE.randint(20, 90) for _ in range(300)],
        },
    }
    both = (("employees", ("dept_no",), "departments", ()), ("departments", ("head_no",), "employees", ()))
    for declared in (Declared(), Declared({}, both), Declared({}, both[::-1])):
        cut = {(r.table, r.cut) for r in found(tmp_path, tables, declared).foreign}
        assert cut == {("employees", False), ("departments", True)}


def test_an_entity_of_a_table_by_itself(tmp_path: Path) -> None:
    visits = [(who, day) for who in range(1, 41) for day in sorted(DICE.sample(range(2000), DICE.randint(2, 9)))]
    table: Columns = {
        "id": [who for who, _ in visits],
        "day": [day for _, day in visits],
        "sex": [("f", "m")[who % 2] for who, _ in visits],
        "level": [DICE.random() for _ in visits],
    }
    keys = found(tmp_path, {"visits": table})
    assert (keys.entity, keys.order) == ({"visits": "id"}, {"visits": "day"})
    mixed = list(range(len(visits)))
    DICE.shuffle(mixed)
    keys = found(tmp_path, {"visits": {c: [values[i] for i in mixed] for c, values in table.items()}})
    assert not keys.entity  # nothing tells that the rows follow one another


@pytest.mark.parametrize("name", ["music", "star", "strangers"])
def test_planted_keys(tmp_path: Path, name: str) -> None:
    planted = made(SCHEMAS[name], 11)
    tables = {t: dict(zip(rows.column_names, rows.columns, strict=True)) for t, rows in planted.tables.items()}
    keys = found(tmp_path, tables)
    assert {(r.table, r.columns, r.references) for r in keys.foreign} == planted.foreign
    if name != "strangers":
        assert {t: set(k) for t, k in keys.primary.items()} == {t: set(k) for t, k in planted.primary.items()}
