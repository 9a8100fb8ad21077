"""What tables look like before anything is trained, from Python: types, forms, keys, rules, what would be made up."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from synthkit.api.athand import written
from synthkit.errors import SynthError, did_you_mean
from synthkit.extras import TRAIN, refuse_absent

if TYPE_CHECKING:
    from synthkit.project.types import SourceTableSpec
    from synthkit.scaffold.looking import Look
    from synthkit.sources.keys.seen import Keys, Reference

Options = Mapping[str, Any] | Sequence[str]


@dataclass(frozen=True)
class ProbedColumn:
    """What a column was taken for.

    Args:
        type: number, category, date, text, id and so on, as ``type:`` of a column in YAML.
        sql_type: as its values are stored.
        format: the written form that its values have, as ``format:``; None where they have none.
        pii: the kind of personal data that its name says it is, as ``pii:``.
        taken_for, why, becomes: the same in words: what it was taken for, what shows it, what a training makes of it.
        learnt: whether a generator learns it; keys, free text and personal data are made up.
        nulls, distinct: rows without a value, and different values.
    """

    name: str
    type: str
    sql_type: str
    format: str | None
    pii: str | None
    taken_for: str
    why: str
    becomes: str
    learnt: bool
    nulls: int
    distinct: int


@dataclass(frozen=True)
class ProbedKey:
    """Columns of a table that name rows of another, or may do so.

    Args:
        evidence: what the rows show of it, in words.
        owner: whether a row belongs to the one that it names, as lines do to their order.
        doubtful: names or values suggest it, and the other contradicts; it is not believed.
    """

    table: str
    columns: tuple[str, ...]
    references: str
    evidence: str
    owner: bool = False
    doubtful: bool = False


@dataclass(frozen=True)
class ProbedTable:
    """What a table looks like before anything is trained.

    It tells of the rows (how many values, which rules): it is for whoever may see them.

    Args:
        primary_key: columns that name a row; empty where none does.
        entity: the column that says whose rows follow one another, and ``order_by`` the one that says how.
        rules: what holds in every row, as ``rules:`` of a source table takes it.
        targets: columns that somebody may want to predict, with the reason.
    """

    name: str
    rows: int
    columns: tuple[ProbedColumn, ...]
    primary_key: tuple[str, ...] = ()
    entity: str | None = None
    order_by: str | None = None
    rules: tuple[str, ...] = ()
    targets: Mapping[str, str] = field(default_factory=dict)

    @property
    def learnt(self) -> tuple[str, ...]:
        """The columns that a generator would learn."""
        return tuple(c.name for c in self.columns if c.learnt)

    @property
    def made_up(self) -> tuple[str, ...]:
        """The columns that would be made up: other keys, other words, other people."""
        return tuple(c.name for c in self.columns if not c.learnt)

    @property
    def suggested(self) -> dict[str, Any]:
        """What :func:`~synthkit.api.model.fit` does not see by itself, as arguments of it."""
        pii = {c.name: {"pii": c.pii} for c in self.columns if c.pii is not None and c.name not in self.primary_key}
        return {"primary_key": list(self.primary_key), "columns": pii}

    def __getitem__(self, column: str) -> ProbedColumn:
        """A column by its name. Raises SynthError where there is none."""
        for found in self.columns:
            if found.name == column:
                return found
        names = [c.name for c in self.columns]
        raise SynthError(f"{self.name} has no column {column!r}", hint=did_you_mean(column, names, "a column"))

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "learnt": list(self.learnt), "made_up": list(self.made_up)}

    def to_json(self) -> str:
        return _json(self.to_dict())

    def facts(self) -> list[tuple[str, str]]:
        """What is known of it besides its columns, in words."""
        found = [
            ("rows", f"{self.rows:,}"),
            ("primary key", ", ".join(self.primary_key) or "none was recognised"),
            ("would be made up", ", ".join(self.made_up) or "nothing"),
        ]
        if self.entity is not None:
            found.append(("rows follow one another", f"those of one {self.entity} by {self.order_by}"))
        found += [("may be predicted", f"{column}: {why}") for column, why in self.targets.items()]
        return [*found, ("rules that hold in every row", "; ".join(self.rules) or "none was recognised")]

    def __str__(self) -> str:
        rows = [("column", "taken for", "why", "what happens to it")]
        rows += [(c.name, c.taken_for, c.why, c.becomes) for c in self.columns]
        return "\n".join([self.name, *(f"{name}: {text}" for name, text in self.facts()), "", *_aligned(rows)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from synthkit.store.htmlcard import card_of

        head = ("column", "taken for", "why", "what happens to it", "type", "without a value")
        rows = [(c.name, c.taken_for, c.why, c.becomes, c.sql_type, f"{c.nulls:,}") for c in self.columns]
        return card_of(self.name, self.facts(), {"Columns": (head, rows)})


@dataclass(frozen=True)
class ProbedTables:
    """What several tables look like, and how they hang together.

    Args:
        tables: by name.
        keys: columns that name rows of other tables, those that are doubtful last.
    """

    tables: Mapping[str, ProbedTable]
    keys: tuple[ProbedKey, ...] = ()

    def __getitem__(self, table: str) -> ProbedTable:
        """A table by its name. Raises SynthError where there is none."""
        if table not in self.tables:
            raise SynthError(f"there is no table {table!r}", hint=did_you_mean(table, self.tables, "a table"))
        return self.tables[table]

    @property
    def suggested(self) -> dict[str, Any]:
        """As of one table, by table, with the keys between them."""
        each = {name: table.suggested for name, table in self.tables.items()}
        keys = {f"{k.table}.{', '.join(k.columns)}": k.references for k in self.keys if not k.doubtful}
        return {
            "primary_key": {name: said["primary_key"] for name, said in each.items() if said["primary_key"]},
            "columns": {name: said["columns"] for name, said in each.items() if said["columns"]},
            "keys": keys,
        }

    def to_dict(self) -> dict[str, Any]:
        tables = {name: table.to_dict() for name, table in self.tables.items()}
        return {"tables": tables, "keys": [asdict(key) for key in self.keys]}

    def to_json(self) -> str:
        return _json(self.to_dict())

    def __str__(self) -> str:
        rows = [("table", "columns", "names a row of", "taken for", "evidence"), *map(_key_row, self.keys)]
        keys = _aligned(rows) if self.keys else ["no keys between the tables were recognised"]
        return "\n\n".join([*map(str, self.tables.values()), "\n".join(keys)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from synthkit.store.htmlcard import card_of

        head = ("table", "columns", "names a row of", "taken for", "evidence")
        keys = (
            card_of("Keys", [], {"Keys between the tables": (head, [*map(_key_row, self.keys)])}) if self.keys else ""
        )
        return "".join(table._repr_html_() for table in self.tables.values()) + keys


@overload
def probe(table: dict[str, Any] | tuple[Path, ...], *, options: Options = ...) -> ProbedTables: ...
@overload
def probe(table: Any, *, name: str | None = ..., options: Options = ...) -> ProbedTable: ...
def probe(table: Any, *, name: str | None = None, options: Options = ()) -> ProbedTable | ProbedTables:
    """Look at a table, or at several, as ``synth init`` does, before anything is trained. Nothing is kept or written.

    Args:
        table: a pandas or polars data frame, an Arrow table, or the path of a file that can be read. Or several tables
            by name, ``{"customers": customers, "orders": orders}``, or a tuple of paths, which are named as the files
            are; the keys between them are then looked for, too.
        name: of the one table, in what is printed; default: that of its file.
        options: of the files' reader: ``{"delimiter": ";"}``, or ``["delimiter=;"]``.

    Returns:
        Of one table its ``.columns``, ``.primary_key``, ``.rules``, ``.targets``, ``.learnt`` and ``.made_up``; of
        several, ``.tables`` and ``.keys``. Both have ``.to_dict()``, ``.to_json()``, ``.suggested`` for
        :func:`~synthkit.api.model.fit`, and are shown as tables by a notebook.

    Raises:
        SynthError: it is no table, or cannot be read; two files have one name; the extra ``train`` is not installed.

    >>> import synthkit, pyarrow
    >>> emails = [f"c{i}@example.org" for i in range(60)]
    >>> shop = pyarrow.table({"customer_id": range(60), "email": emails, "tier": ["basic", "plus"] * 30})
    >>> seen = synthkit.probe(shop)
    >>> seen.primary_key, seen.learnt, seen.made_up
    (('customer_id',), ('tier',), ('customer_id', 'email'))
    >>> seen.suggested
    {'primary_key': ['customer_id'], 'columns': {'email': {'pii': 'email'}}}
    """
    import duckdb

    from synthkit.scaffold.looking import look
    from synthkit.sources.keys.find import find_keys

    refuse_absent("what looks at tables", TRAIN)
    tables = _tables(table, name)
    with tempfile.TemporaryDirectory(prefix="synthkit-probe-") as scratch, duckdb.connect(":memory:") as connection:
        read = {}
        for number, (own, rows) in enumerate(tables.items()):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            spec = _spec(own, rows, folder, options)
            read[own] = look(connection, spec, root=Path.cwd(), scratch=folder, connections={})
        keys = find_keys(connection, {own: seen.seen for own, seen in read.items()})
        found = {own: _probed(own, seen, keys) for own, seen in read.items()}
    if not isinstance(table, Mapping | tuple):
        return next(iter(found.values()))
    believed = [_key(one) for one in keys.foreign]
    return ProbedTables(found, (*believed, *(_key(one, doubtful=True) for one in keys.doubtful)))


def _tables(table: Any, name: str | None) -> dict[str, Any]:
    """Name → table. Raises SynthError where there is none, or two have one name."""
    from synthkit.scaffold.given import identifier

    if isinstance(table, Mapping):
        found = {str(own): rows for own, rows in table.items()}
    elif isinstance(table, tuple):
        found = {identifier(Path(path).stem): path for path in table}
        if len(found) < len(table):
            hint = "rename one, or pass them by name from Python: {'a': path, 'b': path}"
            raise SynthError("two of the files have one name", hint=hint)
    else:
        found = {name or (identifier(Path(table).stem) if isinstance(table, str | Path) else "table"): table}
    if not found:
        raise SynthError("there is no table to look at", hint="pass one, or several by name")
    return found


def _spec(name: str, table: Any, folder: Path, options: Options) -> SourceTableSpec:
    from synthkit.project.types import SourceTableSpec
    from synthkit.scaffold.options import options_of

    if not isinstance(table, str | Path):
        return SourceTableSpec(name=name, path=str(written(table, folder)))
    path = Path(table).absolute()
    given = options if isinstance(options, Mapping) else options_of(options, path) if options else {}
    return SourceTableSpec(name=name, path=str(path), options=dict(given))


def _probed(name: str, seen: Look, keys: Keys) -> ProbedTable:
    from synthkit.scaffold.ruled import proposed_rules
    from synthkit.scaffold.takenfor import column_said
    from synthkit.scaffold.targets import candidates

    key = keys.primary.get(name, ())
    references = {c for one in keys.of(name) for c in one.columns}
    ids = {*references, *(key if len(key) == 1 else ()), *filter(None, [keys.entity.get(name)])}
    columns = []
    for column in seen.schema.columns:
        said = column_said(column, seen, key)
        if column.name in references and column.name not in key:
            said = ("key of another table", said[1], "made up: it names rows of the made-up table")
        elif column.name == keys.entity.get(name):
            said = ("whose rows follow one another", said[1], "made up: other keys")
        profile = seen.profiles[column.name]
        pii = None if column.name in ids else seen.pii.get(column.name)
        learnt = column.modelled and pii is None and column.name not in ids
        form = (column.name, column.type, column.sql_type, column.format, pii)
        columns.append(ProbedColumn(*form, *said, learnt, profile.nulls, profile.distinct))
    own = seen.target()
    maybe = {own: "its name"} if own else {}
    maybe = maybe or {one.column: one.why for one in candidates(seen.train, seen.profiles, {*key, *seen.pii})}
    return ProbedTable(
        name=name,
        rows=seen.rows,
        columns=tuple(columns),
        primary_key=tuple(key),
        entity=keys.entity.get(name),
        order_by=keys.order.get(name),
        rules=proposed_rules(seen.train, {*ids, *key, *seen.pii}),
        targets=maybe,
    )


def _key(one: Reference, *, doubtful: bool = False) -> ProbedKey:
    return ProbedKey(one.table, one.columns, one.references, one.evidence(), one.owner, doubtful)


def _key_row(key: ProbedKey) -> tuple[str, str, str, str, str]:
    meaning = "no key: doubtful" if key.doubtful else "its owner" if key.owner else "looked up"
    return key.table, ", ".join(key.columns), key.references, meaning, key.evidence


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]) for row in rows]


def _json(value: Any) -> str:
    import json

    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
