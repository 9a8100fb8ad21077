"""A generator fitted to several tables at hand, which hang together by keys, without a project: for notebooks."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.api.athand import checked, named, no_epsilon, said_rules, trained
from synthkit.api.keyed import Joined, joined
from synthkit.api.project import Names
from synthkit.api.saving import MODEL, generator_of, said_in, save_model
from synthkit.errors import SynthError, did_you_mean
from synthkit.generators.base import Progress
from synthkit.generators.tables import Key
from synthkit.report.notebook import watching
from synthkit.schema import Schema, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.generators.exact.members import MemberPlan

FORMAT = 1  # of a saved model: raise it when load_tables() could not read what an earlier save() wrote


@dataclass(frozen=True, eq=False, repr=False)
class TrainedTables:
    """A generator that has learnt several tables, and draws tables like them that join. :func:`fit` gives one where it
    is given several tables, and :func:`load_tables`.

    It carries no formal privacy guarantee: rows that it draws may tell of those that it learnt.

    Args:
        generator: its name.
        params: all its parameters, with their defaults.
        schemas: table → its columns, each table after those that its keys name.
        rows: table → the rows that it was learnt from.
        root: the table that the number of rows is of: what others belong to.
        keys: the columns that name rows of other tables.
        evidence: what names and values showed of each key, in a line.
        seed: of the training, and of draws that name no other.
    """

    generator: str
    params: Mapping[str, Any]
    schemas: Mapping[str, Schema]
    rows: Mapping[str, int]
    root: str
    keys: tuple[Key, ...]
    evidence: tuple[str, ...]
    seed: int
    _plans: Mapping[str, MemberPlan]
    _fitted: Any

    def __repr__(self) -> str:
        tables = ", ".join(f"{name} ({rows:,} rows)" for name, rows in self.rows.items())
        keys = ", ".join(f"{k.table}.{'+'.join(k.columns)} → {k.references}" for k in self.keys)
        return f"<TrainedTables {self.generator}: {tables}; {keys or 'no keys'}>"

    def draw(
        self,
        n: int | None = None,
        conditions: Mapping[str, Any] | None = None,
        *,
        at_least: Mapping[str, int] | None = None,
        at_most: Mapping[str, int] | None = None,
        seed: int | None = None,
        progress: Progress | None = None,
    ) -> dict[str, pa.Table]:
        """Tables by name, with ``n`` rows of the root (default: as many as were learnt) and what hangs on them.

        Args:
            conditions: on columns of the root, as :meth:`TrainedModel.draw` takes them, or by table:
                ``{"orders": {"status": {"paid": "80%", "open": "20%"}}}``. How many rows of a table belong to each row
                of the root is a column, too: ``{"count(orders)": {"0": "20%", "1+": "80%"}}``.
            at_least, at_most: table → how many of its rows belong to each row of its owner.
            seed: the same seed gives the same rows; default: the model's own, so name others for other rows.

        Raises:
            SynthError: ``n`` is less than 1, or the conditions name what is not there.
            BuildError: the conditions cannot be met.
        """
        from synthkit.generators.exact.asking import asking, owned_between
        from synthkit.generators.exact.drawing import seed_for
        from synthkit.generators.exact.members import laid_down
        from synthkit.generators.related import draw_related

        rows = self.rows[self.root] if n is None else n
        if rows < 1:
            raise SynthError(f"{rows} rows cannot be drawn", hint="ask for one or more")
        seed = self.seed if seed is None else seed
        asked = asking(
            self._plans,
            self.keys,
            self.root,
            rows,
            conditions=self._by_table(conditions or {}),
            owned=owned_between(at_least or {}, at_most or {}),
        )
        generator = trained(self.generator)
        with (
            tempfile.TemporaryDirectory(prefix="synthkit-draw-") as folder,
            watching(f"{rows:,} rows of {self.root} drawn, and what belongs to them", progress) as told,
        ):
            batches = draw_related(
                generator,
                self._fitted,
                rows,
                conditions=asked.conditions,
                asked=asked.others,
                seed=seed_for(seed, "sample"),
                progress=told,
            )
            drawn = laid_down(batches, self._plans, Path(folder))
            return {
                name: _whole(self._plans[name], table, seed_for(seed, f"fill {name}"), asked.fixed.get(name, ()))
                for name, table in drawn.items()
            }

    def _by_table(self, conditions: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """Conditions by table, of which those that name none are of the root. Raises SynthError."""
        found: dict[str, dict[str, Any]] = {self.root: {}}
        for name, wanted in conditions.items():
            if name in self.schemas[self.root].by_name or name not in self.schemas:
                found[self.root][name] = wanted
            elif not isinstance(wanted, Mapping):
                raise SynthError(f"conditions on {name!r} are by column", hint=f"{{{name!r}: {{COLUMN: {wanted!r}}}}}")
            else:
                found.setdefault(name, {}).update(wanted)
        return dict(found)

    def save(self, path: str | Path) -> Path:
        """Write the model to a folder, whole or not at all; one that holds a model already is replaced.

        Returns the folder. It holds JSON and arrays, nothing that runs when it is read.

        Raises SynthError where something else is there, or it cannot be written.
        """
        from dataclasses import asdict

        said = {
            "params": self.params,
            "tables": {name: plan.to_json() for name, plan in self._plans.items()},
            "schemas": {name: schema.to_json() for name, schema in self.schemas.items()},
            "rows": self.rows,
            "root": self.root,
            "keys": [asdict(key) for key in self.keys],
            "evidence": self.evidence,
            "seed": self.seed,
        }
        return save_model(path, FORMAT, trained(self.generator), self._fitted, said)


def load_tables(path: str | Path) -> TrainedTables:
    """The model that :meth:`TrainedTables.save` wrote.

    Raises SynthError where there is none, or its generator is another one now than it was then.
    """
    from synthkit.generators.exact.members import MemberPlan

    folder = Path(path)
    said = said_in(folder)
    if said is None or "tables" not in said:
        hint = "pass the folder that save() of several tables wrote"
        raise SynthError(f"{folder} holds no saved model of several tables", hint=hint)
    generator = generator_of(folder, said, FORMAT)
    return TrainedTables(
        generator.name,
        said["params"],
        {t: Schema.from_json(schema) for t, schema in said["schemas"].items()},
        said["rows"],
        said["root"],
        tuple(Key(**{**key, "columns": tuple(key["columns"])}) for key in said["keys"]),
        tuple(said["evidence"]),
        said["seed"],
        {t: MemberPlan.from_json(plan) for t, plan in said["tables"].items()},
        generator.load(folder / MODEL),
    )


def fit_together(
    tables: Mapping[str, Any],
    *,
    generator: str | Mapping[str, Any],
    primary_key: Mapping[str, Names],
    keys: Mapping[str, str] | None,
    columns: Mapping[str, Mapping[str, Mapping[str, Any]]],
    rules: Mapping[str, Names],
    options: Mapping[str, Any],
    seed: int,
    device: str,
    epsilon: float | None,
    progress: Progress | None,
) -> TrainedTables:
    """:func:`~synthkit.api.model.fit` of several tables."""
    from synthkit.generators.exact.drawing import seed_for
    from synthkit.generators.exact.members import KeyColumns, plan_member
    from synthkit.generators.exact.units import with_units
    from synthkit.generators.related import fit_tables
    from synthkit.generators.tables import Tables

    name, params = named(generator)
    no_epsilon(epsilon)
    kind = trained(name)
    values = checked(kind, params)
    if not tables:
        raise SynthError("there is no table", hint='pass tables by name: {"customers": customers, "orders": orders}')
    _by_table(tables, {"primary_key": primary_key, "columns": columns, "rules": rules})
    with tempfile.TemporaryDirectory(prefix="synthkit-fit-") as scratch:
        folder = Path(scratch)
        found = joined(tables, folder, primary_key=primary_key, keys=keys, columns=columns, options=options)
        plans, members = {}, {}
        for number, (table, rows) in enumerate(with_units(found.tables, found.keys, folder).items()):
            declared, shown = _rules(rules.get(table), rows.schema)
            own = KeyColumns.in_table(table, rows.schema, found.keys)
            plan, known = plan_member(rows, own, folder / f"read{number}.parquet", declared=declared, found=shown)
            plans[table] = plan
            members[table] = plan.learn(known, folder / f"learnt{number}.parquet")
        together = Tables(members, found.keys, found.root)
        started = seed_for(seed, "fit")
        with watching(f"{name} learnt {len(members)} tables", progress) as told:
            fitted = _fitted(kind, fit_tables, together, values, started, device, told)
    return _trained(name, values, found, seed, plans, fitted)


def _fitted(kind: Any, fit_tables: Any, tables: Any, values: Any, seed: int, device: str, progress: Progress) -> Any:
    """Also one table is learnt as several are: the model draws tables by name."""
    if kind.related is None:
        return fit_tables(kind, tables, values, budget=None, seed=seed, device=device, progress=progress)
    return kind.related.fit(tables, values, budget=None, seed=seed, device=device, progress=progress)


def _trained(name: str, values: Any, found: Joined, seed: int, plans: Mapping[str, Any], fitted: Any) -> TrainedTables:
    schemas = {t: table.schema for t, table in found.tables.items()}
    rows = {t: table.rows for t, table in found.tables.items()}
    dumped = values.model_dump(mode="json")
    return TrainedTables(name, dumped, schemas, rows, found.root, found.keys, found.evidence, seed, plans, fitted)


def _by_table(tables: Mapping[str, Any], said: Mapping[str, Any]) -> None:
    """What is said is said by table. Raises SynthError."""
    for key, given in said.items():
        if not isinstance(given, Mapping):
            raise SynthError(f"{key} of several tables is by table", hint=f"{key}={{TABLE: …}}")
        for table in given:
            if table not in tables:
                raise SynthError(f"{key}: there is no table {table!r}", hint=did_you_mean(table, tables, "a table"))


def _rules(said: Names | None, schema: Schema) -> tuple[dict[str, str], bool]:
    """Rules that are declared of a table, and whether those that its rows show are kept."""
    texts, shown = said_rules(said, schema)
    return dict.fromkeys(texts, "rules"), shown


def _whole(plan: MemberPlan, drawn: Table, seed: int, fixed: Sequence[str]) -> pa.Table:
    """The rows in the table's own columns."""
    import pyarrow as pa

    from synthkit.encoding.fill import pa_schema

    if not drawn.rows:
        return pa_schema(plan.columns.arrow).empty_table()
    return pa.Table.from_batches(list(plan.complete(drawn, seed=seed, fixed=fixed)))
