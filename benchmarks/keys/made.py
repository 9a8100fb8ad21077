"""Tables made with planted keys, in the names that well-known databases give theirs, with columns that are none beside.

A table is a line, which may go on indented: its name and rows, then its columns, each with a kind:

| kind | values |
| --- | --- |
| ``key``, ``key text``, ``key uuid``, ``key sparse`` | one of its own in every row |
| ``to T``, ``to T null``, ``to T orphan`` | a key of T; a tenth missing; three in a hundred of rows that are gone |
| ``part T`` | a key of T that is a part of this table's own |
| ``up T`` | a key of T, its own table: a row above, missing at the top |
| ``step`` | 1, 2, … within the first part of the key, a part of it, too |
| ``int A B``, ``cat N``, ``num``, ``date``, ``text``, ``flag`` | nobody's key |
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from benchmarks.keys.declared import Foreign, Primary

MUSIC = """
Artist 120: ArtistId key, Name text
Album 300: AlbumId key, Title text, ArtistId to Artist
Genre 25: GenreId key, Name text
MediaType 5: MediaTypeId key, Name text
Track 1500: TrackId key, Name text, AlbumId to Album, MediaTypeId to MediaType, GenreId to Genre null,
    Milliseconds int 10000 500000, Bytes int 1000 9000000, UnitPrice num
Playlist 18: PlaylistId key, Name text
PlaylistTrack 900: PlaylistId part Playlist, TrackId part Track
Employee 30: EmployeeId key, LastName text, Title cat 4, ReportsTo up Employee, BirthDate date
Customer 200: CustomerId key, FirstName text, Country cat 12, SupportRepId to Employee
Invoice 800: InvoiceId key, CustomerId to Customer, InvoiceDate date, Total num
InvoiceLine 2200: InvoiceLineId key, InvoiceId to Invoice, TrackId to Track, UnitPrice num, Quantity int 1 3
"""
RENTALS = """
country 60: country_id key, country text
city 300: city_id key, city text, country_id to country
address 500: address_id key, address text, district cat 40, city_id to city, postal_code int 10000 99999
language 6: language_id key, name text
film 400: film_id key, title text, release_year int 1990 2020, language_id to language, rental_duration int 3 7,
    length int 46 185, rating cat 5
actor 150: actor_id key, first_name text, last_name text
film_actor 1600: actor_id part actor, film_id part film, last_update date
store 4: store_id key, address_id to address
customer 350: customer_id key, store_id to store, first_name text, email text, address_id to address, active int 0 1
inventory 1200: inventory_id key, film_id to film, store_id to store
rental 3000: rental_id key, rental_date date, inventory_id to inventory, customer_id to customer, return_date date
payment 2800: payment_id key, customer_id to customer, rental_id to rental null, amount num, payment_date date
"""
STAFF = """
employees 900: emp_no key sparse, birth_date date, first_name text, gender cat 2, hire_date date
departments 9: dept_no key text, dept_name text
dept_emp 1000: emp_no part employees, dept_no part departments, from_date date
salaries 4000: emp_no part employees, from_step step, salary int 38000 150000
"""
STAR = """
DimCustomer 500: CustomerKey key, FirstName text, YearlyIncome int 10000 170000, TotalChildren int 0 5
DimProductCategory 4: ProductCategoryKey key, EnglishName text
DimProduct 200: ProductKey key, ProductName text, ProductCategoryKey to DimProductCategory null,
    SafetyStockLevel int 4 1000
DimStore 40: StoreKey key, StoreName text, EmployeeCount int 1 90
FactSales 5000: SalesOrderNumber key text, CustomerKey to DimCustomer, ProductKey to DimProduct,
    StoreKey to DimStore, OrderQuantity int 1 5, SalesAmount num
"""
CLINIC = """
patients 400: patientUuid key uuid, sex cat 2, born date
practitioners 30: practitionerUuid key uuid, speciality cat 8
encounters 1800: encounterUuid key uuid, patient to patients, practitioner to practitioners null, started date,
    severity int 1 5
observations 5000: encounter to encounters, code cat 30, value num, taken date
"""
LEAGUE = """
teams 24: id key, name text, founded int 1880 1990
players 480: id key, team_id to teams, shirt int 1 99, height int 160 205
games 550: id key, home_team_id to teams, away_team_id to teams, played_on date, home_goals int 0 7,
    away_goals int 0 7
goals 1400: id key, game_id to games, scorer_id int 1 480, minute int 1 90
"""
FORUM = """
users 300: id key sparse, name text, age int 13 90, reputation int 1 20000
posts 1200: id key sparse, owner_user_id to users orphan, parent_id up posts, created date, score int 0 60
comments 3000: id key sparse, post_id to posts orphan, user_id to users null, text text
votes 4000: id key, post_id to posts, vote_type int 1 15
"""
SHIPPING = """
warehouses 12: code key text, city cat 10, staff int 5 80
shipments 900: shipment_no key sparse, origin to warehouses, destination to warehouses, weight num, sent date
parcels 2500: shipment_no part shipments, parcel_no step, width int 10 90, depth int 10 90
scans 6000: scan_id key, shipment_no to2 parcels, scanned date
"""
STRANGERS = """
books 400: isbn key sparse, pages int 60 900, year int 1950 2024, price num
stations 60: station key text, altitude int 0 2500
houses 500: id key, rooms int 1 9, area int 30 300, year int 1900 2020, price int 50000 900000
survey 700: respondent key, q1 int 1 5, q2 int 1 5, q3 int 1 5, age int 18 90, children int 0 4
"""
SCHEMAS = {
    "music": MUSIC, "rentals": RENTALS, "staff": STAFF, "star": STAR, "clinic": CLINIC, "league": LEAGUE,
    "forum": FORUM, "shipping": SHIPPING, "strangers": STRANGERS,
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """Tables, and the keys that were planted in them."""

    tables: dict[str, pa.Table]
    primary: Primary
    foreign: Foreign


def made(text: str, seed: int) -> Made:
    """The tables that the lines describe."""
    dice = random.Random(seed)
    tables: dict[str, pa.Table] = {}
    primary: Primary = {}
    foreign: Foreign = set()
    for line in text.strip().replace("\n    ", " ").splitlines():
        head, _, body = line.partition(": ")
        name, rows = head.split()[0], int(head.split()[1])
        columns = [(c.split()[0], c.split()[1:]) for c in body.split(", ")]
        found: dict[str, list[object]] = {}
        for column, kind in columns:
            found[column] = _values(dice, kind, rows, tables, primary, column, name)
            if kind[0] in ("to", "part", "up"):
                foreign.add((name, (column,), kind[1]))
            if kind[0] == "up":
                own = found[next(c for c, k in columns if k[0] == "key")]
                found[column] = [None if i < 3 else own[dice.randrange(i)] for i in range(rows)]
        parts = tuple(c for c, kind in columns if kind[0] in ("part", "step"))
        if parts:
            found = _distinct(found, parts, [kind[0] for c, kind in columns if c in parts])
        _name_together(dice, name, columns, found, tables, primary, foreign)
        primary[name] = parts or tuple(c for c, kind in columns if kind[0] == "key")
        tables[name] = pa.table(found)
    return Made(tables, {t: k for t, k in primary.items() if k}, foreign)


def _name_together(
    dice: random.Random,
    name: str,
    columns: list[tuple[str, list[str]]],
    found: dict[str, list[object]],
    tables: dict[str, pa.Table],
    primary: Primary,
    foreign: Foreign,
) -> None:
    """A key of several columns: ``to2 T`` stands for all of them, under T's names."""
    for column, kind in columns:
        if kind[0] != "to2":
            continue
        rows = len(found.pop(column))
        parent, key = tables[kind[1]], primary[kind[1]]
        at = [dice.randrange(parent.num_rows) for _ in range(rows)]
        for part in key:
            values = parent.column(part).to_pylist()
            found[part] = [values[i] for i in at]
        foreign.add((name, key, kind[1]))


def _distinct(found: dict[str, list[object]], parts: tuple[str, ...], kinds: list[str]) -> dict[str, list[object]]:
    """Rows whose key is no other's; steps are counted within the first part."""
    if "step" in kinds:
        first, step = parts[0], parts[kinds.index("step")]
        order = sorted(range(len(found[first])), key=lambda i: str(found[first][i]))
        found = {c: [values[i] for i in order] for c, values in found.items()}
        counts: dict[object, int] = {}
        for i, value in enumerate(found[first]):
            counts[value] = counts.get(value, 0) + 1
            found[step][i] = counts[value]
    seen: set[tuple[object, ...]] = set()
    keep = []
    for i in range(len(found[parts[0]])):
        key = tuple(found[p][i] for p in parts)
        if key not in seen:
            seen.add(key)
            keep.append(i)
    return {c: [values[i] for i in keep] for c, values in found.items()}


def _values(
    dice: random.Random,
    kind: list[str],
    rows: int,
    tables: dict[str, pa.Table],
    primary: Primary,
    column: str,
    table: str,
) -> list[object]:
    word, rest = kind[0], kind[1:]
    if word == "key":
        return _key(dice, rest[0] if rest else "dense", rows, table)
    if word in ("to", "part"):
        parent = tables[rest[0]].column(primary[rest[0]][0]).to_pylist()
        weights = [1 / (1 + i % 17) for i in range(len(parent))]
        values: list[object] = list(dice.choices(parent, weights, k=rows))
        if "null" in rest:
            values = [None if dice.random() < 0.1 else v for v in values]
        if "orphan" in rest:
            values = [dice.randrange(10**7, 10**8) if dice.random() < 0.03 else v for v in values]
        return values
    if word == "int":
        return [dice.randint(int(rest[0]), int(rest[1])) for _ in range(rows)]
    if word == "cat":
        return [f"{column} {dice.randrange(int(rest[0]))}" for _ in range(rows)]
    if word == "num":
        return [round(dice.lognormvariate(3, 1), 2) for _ in range(rows)]
    if word == "date":
        return [date(2020, 1, 1) + timedelta(days=dice.randrange(1500)) for _ in range(rows)]
    if word == "text":
        return [f"{column[:3]} {dice.randrange(rows * 40)} {dice.choice('abcdefgh')}" for _ in range(rows)]
    return [None] * rows  # up and step, filled in afterwards, and to2


def _key(dice: random.Random, kind: str, rows: int, table: str) -> list[object]:
    if kind == "text":
        return [f"{table[:2].upper()}{i:04}" for i in dice.sample(range(10_000), rows)]
    if kind == "uuid":
        return [str(uuid.UUID(int=dice.getrandbits(128), version=4)) for _ in range(rows)]
    if kind == "sparse":
        return sorted(dice.sample(range(10_000, 10_000_000), rows))
    return list(range(1, rows + 1))
