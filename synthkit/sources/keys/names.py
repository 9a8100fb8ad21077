"""What the name of a column says of the table that it refers to: words, their singulars, abbreviations and roles.

| column | refers to | because | score |
| --- | --- | --- | ---: |
| orders.customer_id | customers (key customer_id) | it bears the key's name | 1 |
| payments.order_id | raw_orders (key id) | it is the table's name and the word id | 1 |
| games.home_team_id | teams | a role before the table's name | .8 |
| employees.reports_to | employees | it is the word for a superior row of its own table | .8 |
| orders.ship_via | shippers | both begin alike | .6 |
| staff.dept_no | departments | an abbreviation | .6 |
| orders.user_id | customers | words for the same people | .5 |
| orders.agent_id | anything | the word id alone: it refers to something | .2 |
"""

from __future__ import annotations

import re

BY_KEY = 1.0
BY_ROLE = 0.8
ALIKE = 0.6
SAME_PEOPLE = 0.5
SOMETHING = 0.2

KEY_WORDS = frozenset(
    {"id", "ids", "key", "code", "no", "nr", "num", "number", "uuid", "guid", "fk", "pk", "ref", "sk"}
)
_JOINED = frozenset(
    {"unitid", "rowid", "caseid", "userid", "custid", "orderid", "itemid", "empid", "deptid", "pid", "uid"}
)
_GENERIC = KEY_WORDS | {"name", "date", "title", "label", "value", "type", "index", "row", "abbr", "symbol"}
_PREFIXES = frozenset({"raw", "stg", "dim", "fact", "fct", "src", "tbl", "t", "tb", "d", "f", "vw", "v", "base", "dbo"})
_ROLES = frozenset({"of", "by", "from", "to", "via", "in", "at", "for", "the", "with"})
_SUPERIOR = frozenset(
    [
        "parent",
        "manager",
        "supervisor",
        "boss",
        "superior",
        "superordinate",
        "leader",
        "mentor",
        "predecessor",
        "previous",
        "prev",
        "next",
        "successor",
        "ancestor",
        "mother",
        "father",
        "dam",
        "sire",
        "spouse",
        "referrer",
    ]
)
_SUPERIOR_PHRASES = (
    ("reports", "to"),
    ("reply", "to"),
    ("referred", "by"),
    ("part", "of"),
    ("replaces",),
    ("child", "of"),
)
_CLIENTS = frozenset({"user", "customer", "client", "account", "member", "person", "buyer", "subscriber", "guest"})
_PATIENTS = frozenset({"patient", "subject", "participant", "case"})
_EMPLOYED = frozenset({"employee", "staff", "worker", "agent", "salesperson", "salesman", "seller", "rep"})
_POSTS = frozenset({"manager", "head", "chief", "supervisor", "boss", "director", "officer", "leader", "clerk"})
_SERVING = frozenset({"doctor", "physician", "nurse", "teacher", "instructor", "professor", "lecturer", "adviser"})
_SERVED = frozenset({"student", "pupil", "passenger", "player", "driver", "rider", "borrower", "donor", "voter"})
_OTHERS = frozenset({"tenant", "resident", "citizen", "policyholder", "applicant", "candidate", "volunteer", "visitor"})
STAFF = _EMPLOYED | _POSTS | _SERVING
PEOPLE = (_CLIENTS | _PATIENTS | STAFF | _SERVED | _OTHERS) - {"account", "case"}
_ALIKE = (
    _CLIENTS,
    _EMPLOYED,
    frozenset({"item", "product", "article", "sku", "good"}),
    _PATIENTS,
    frozenset({"vendor", "supplier", "provider"}),
    frozenset({"shop", "store", "outlet", "branch"}),
    frozenset({"film", "movie"}),
)
_FEWEST_ALIKE, _FEWEST_ABBREVIATED = 4, 3  # letters
_MANY = frozenset({"n", "nb", "no", "num", "nr", "number", "total", "count", "cnt"})  # before a plural


def words(name: str) -> tuple[str, ...]:
    """The words of a name, in small letters.

    >>> words("raw_OrderLines2"), words("playerID")
    (('raw', 'order', 'lines2'), ('player', 'id'))
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(w for w in re.split(r"[\W_]+", spaced.lower()) if w)


def singular(word: str) -> str:
    """The singular of an English noun, well enough for comparing.

    >>> [singular(w) for w in ("orders", "categories", "addresses", "boxes", "status", "people", "class")]
    ['order', 'category', 'address', 'box', 'status', 'person', 'class']
    """
    if word == "people":
        return "person"
    if word == "children":
        return "child"
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(ss|x|ch|sh|z)es$", word):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def table_words(table: str) -> tuple[str, ...]:
    """The words of a table's name, without ``raw_``, ``dim_`` and the like, each in the singular.

    >>> table_words("stg_sales_orders")
    ('sale', 'order')
    """
    found = list(words(table.split(".")[-1]))
    while len(found) > 1 and found[0] in _PREFIXES:
        found.pop(0)
    return tuple(singular(w) for w in found)


def key_like(column: str) -> bool:
    """Whether a column's name ends as those of keys do."""
    found = words(column)
    return bool(found) and (found[-1] in KEY_WORDS or found[-1] in _JOINED)


def says(column: str, table: str, key: str, *, own: bool) -> tuple[float, str]:
    """How far the names say that a column refers to a table by its key, and how, in words.

    Args:
        own: whether it is a column of that very table, which a hierarchy's refers to and another hardly.
    """
    said, named, parent = words(column), words(key), table_words(table)
    stem = _stem(said)
    if own:
        return _superior(said, parent)
    generic = set(named) <= _GENERIC
    if said == named and not generic:
        return BY_KEY, f"it bears the key's name {key}"
    if _counts(said):
        return 0.0, "its name says how many there are"
    if stem and _same(stem, parent):
        return BY_KEY, f"it is named after {table}"
    if not generic and len(said) > len(named) and said[-len(named) :] == named:
        return BY_ROLE, f"its name ends in the key's, {key}"
    if len(said) > len(named) and generic and len(named) == 1 and named[0] not in KEY_WORDS and said[-1] == named[0]:
        return ALIKE, f"its name ends in the key's, {key}"
    if stem and (_ends(stem, parent) or _ends(parent, stem)):
        return BY_ROLE, f"its name ends in that of {table}"
    if stem and parent and _alike(stem[0], parent[-1]):
        return ALIKE, f"its name begins as that of {table}"
    if stem and parent and _mean_the_same(stem[-1], parent[-1]):
        return SAME_PEOPLE, f"{stem[-1]} and {table} mean the same"
    return (SOMETHING, "it is named like a key") if key_like(column) else (0.0, "its name says nothing")


def of_people(table: str) -> bool:
    """Whether a table's name says that each of its rows is a person."""
    return bool(PEOPLE & {*table_words(table)[-1:]})


def of_staff(table: str) -> bool:
    """Whether a table's name says that its rows are those who work there, and serve others."""
    return bool(STAFF & {*table_words(table)[-1:]})


def is_its_own(table: str, column: str) -> bool:
    """Whether a column's name is that of its table's own key: ``id``, ``customer_id`` of customers."""
    said = words(column)
    stem = _stem(said)
    return set(said) <= _GENERIC or (bool(stem) and _same(stem, table_words(table)))


def _superior(said: tuple[str, ...], own: tuple[str, ...]) -> tuple[float, str]:
    """A word for a row above, perhaps before the table's own name; before another (``manager_staff_id`` of a store) it
    says less than that one does."""
    phrase = next((p for p in _SUPERIOR_PHRASES if said[: len(p)] == p or said[-len(p) :] == p), ())
    if not phrase and not set(said) & _SUPERIOR:
        return 0.0, "its name says nothing"
    rest = _stem(tuple(w for w in said if w not in _SUPERIOR and w not in phrase))
    of_own = not rest or (
        own and (rest[-1] == own[-1] or _alike(rest[-1], own[-1]) or _mean_the_same(rest[-1], own[-1]))
    )
    return (BY_ROLE if of_own else ALIKE), "its name is that of another row of the same table"


def _counts(said: tuple[str, ...]) -> bool:
    """Whether a name counts rows, and names none: n_orders, order_count, number_of_lines."""
    plural = len(said) > 1 and singular(said[-1]) != said[-1]
    return len(said) > 1 and (said[-1] in ("count", "cnt") or (plural and said[0] in _MANY))


def _mean_the_same(one: str, other: str) -> bool:
    post = one in _POSTS and other in _EMPLOYED  # the manager of a department is one of the employees
    return post or any(one in group and other in group for group in _ALIKE)


def _stem(said: tuple[str, ...]) -> tuple[str, ...]:
    """The words without those that say key, in the singular."""
    found = [w for w in said if w not in KEY_WORDS and w not in _ROLES]
    return tuple(singular(w) for w in found)


def _same(stem: tuple[str, ...], parent: tuple[str, ...]) -> bool:
    return "".join(stem) == "".join(parent)


def _ends(long: tuple[str, ...], short: tuple[str, ...]) -> bool:
    return 0 < len(short) < len(long) and long[-len(short) :] == short


def _alike(one: str, other: str) -> bool:
    """Whether one is the beginning of the other, or its letters in their order with the same first and last."""
    short, long = sorted((one, other), key=len)
    if len(short) >= _FEWEST_ALIKE and long.startswith(short):
        return True
    if len(short) < _FEWEST_ABBREVIATED or short[0] != long[0]:
        return False
    if long.startswith(short):
        return len(short) >= _FEWEST_ABBREVIATED
    letters = iter(long)
    return short[-1] == long[-1] and all(letter in letters for letter in short)
