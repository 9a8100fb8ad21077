"""A generator fitted to a table at hand, without a project: for notebooks."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from synthkit.api.athand import checked, compares, named, no_epsilon, read, said_rules, trained
from synthkit.api.project import Names, several
from synthkit.api.saving import MODEL, generator_of, said_in, save_model
from synthkit.errors import SynthError
from synthkit.generators.base import Progress
from synthkit.report.notebook import watching
from synthkit.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.api.together import TrainedTables
    from synthkit.encoding.fill import ColumnPlan

FORMAT = 2  # of a saved model: raise it when load() could not read what an earlier save() wrote


@dataclass(frozen=True, eq=False, repr=False)
class TrainedModel:
    """A generator that has learnt a table, and draws rows like it. :func:`fit` and :func:`load_model` give one.

    It carries no formal privacy guarantee: rows that it draws may tell of those that it learnt.

    Args:
        generator: its name.
        params: all its parameters, with their defaults.
        schema: the columns that it draws, in the order of the table.
        rows: that it learnt from; as many are drawn unless :meth:`draw` is told otherwise.
        seed: of the training, and of draws that name no other.
        constraints: comparisons that hold in every row that is drawn.
    """

    generator: str
    params: Mapping[str, Any]
    schema: Schema
    rows: int
    seed: int
    constraints: tuple[str, ...]
    _plan: ColumnPlan
    _fitted: Any

    def __repr__(self) -> str:
        return f"<TrainedModel {self.generator}: {self.rows:,} rows of {', '.join(self.schema.names)}>"

    def draw(
        self,
        n: int | None = None,
        conditions: Mapping[str, Any] | None = None,
        *,
        seed: int | None = None,
        progress: Progress | None = None,
    ) -> pa.Table:
        """``n`` rows (default: as many as were learnt) in the table's columns and Arrow types.

        Args:
            conditions: as in YAML: ``{"tier": "pro"}`` in every row, ``{"tier": {"pro": "50%", "plus": "50%"}}`` in
                exactly these shares; ``"null"`` is the missing value. Shares of several columns multiply.
            seed: the same seed gives the same rows; default: the model's own, so name others for other rows.

        Raises:
            SynthError: ``n`` is less than 1, or the conditions name what is not there.
            BuildError: too few rows satisfy conditions and constraints.

        >>> model.draw(4, {"tier": {"pro": "50%", "plus": "50%"}})["tier"].to_pylist()
        ['pro', 'plus', 'pro', 'plus']
        """
        import pyarrow as pa

        from synthkit.generators.exact.drawing import draw_all
        from synthkit.rules.inequality import parse_inequality

        rows = self.rows if n is None else n
        if rows < 1:
            raise SynthError(f"{rows} rows cannot be drawn", hint="ask for one or more")
        with watching(f"{rows:,} rows drawn by {self.generator}", progress) as told:
            batches = draw_all(
                trained(self.generator),
                self._fitted,
                self._plan,
                rows=rows,
                conditions=conditions or {},
                rules=tuple(parse_inequality(text) for text in self.constraints),
                seed=self.seed if seed is None else seed,
                progress=told,
            )
            return pa.Table.from_batches(batches)

    def save(self, path: str | Path) -> Path:
        """Write the model to a folder, whole or not at all; one that holds a model already is replaced.

        Returns the folder. It holds JSON and arrays, nothing that runs when it is read.

        Raises SynthError where something else is there, or it cannot be written.
        """
        said = {
            "params": self.params,
            "schema": self.schema.to_json(),
            "rows": self.rows,
            "seed": self.seed,
            "constraints": self.constraints,
            "columns": self._plan.to_json(),
        }
        fitted = self._fitted if self._plan.modelled.columns else None
        return save_model(path, FORMAT, trained(self.generator), fitted, said)


def load_model(path: str | Path) -> TrainedModel:
    """The model that :meth:`TrainedModel.save` wrote.

    Raises SynthError where there is none, or its generator is another one now than it was then.
    """
    from synthkit.encoding.fill import ColumnPlan

    folder = Path(path)
    said = said_in(folder)
    if said is None:
        raise SynthError(f"{folder} holds no saved model", hint="pass the folder that save() wrote")
    if "tables" in said:
        raise SynthError(f"{folder} holds a model of several tables", hint="read it by synthkit.load_tables")
    generator = generator_of(folder, said, FORMAT)
    plan = ColumnPlan.from_json(said["columns"])
    fitted = generator.load(folder / MODEL) if plan.modelled.columns else None
    schema, constraints = Schema.from_json(said["schema"]), tuple(said["constraints"])
    return TrainedModel(generator.name, said["params"], schema, said["rows"], said["seed"], constraints, plan, fitted)


@overload
def fit(
    table: dict[str, Any],
    *,
    generator: str | Mapping[str, Any] | None = ...,
    primary_key: Mapping[str, Names] = ...,
    keys: Mapping[str, str] | None = ...,
    columns: Mapping[str, Mapping[str, Any]] | None = ...,
    constraints: Names = ...,
    rules: Mapping[str, Names] | None = ...,
    options: Mapping[str, Any] | None = ...,
    seed: int = ...,
    device: str = ...,
    epsilon: float | None = ...,
    progress: Progress | None = ...,
) -> TrainedTables: ...
@overload
def fit(
    table: Any,
    *,
    generator: str | Mapping[str, Any] | None = ...,
    primary_key: Names = ...,
    keys: None = ...,
    columns: Mapping[str, Mapping[str, Any]] | None = ...,
    constraints: Names = ...,
    rules: Names | None = ...,
    options: Mapping[str, Any] | None = ...,
    seed: int = ...,
    device: str = ...,
    epsilon: float | None = ...,
    progress: Progress | None = ...,
) -> TrainedModel: ...
def fit(
    table: Any,
    *,
    generator: str | Mapping[str, Any] | None = None,
    primary_key: Any = (),
    keys: Mapping[str, str] | None = None,
    columns: Mapping[str, Mapping[str, Any]] | None = None,
    constraints: Any = (),
    rules: Any = None,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "auto",
    epsilon: float | None = None,
    progress: Progress | None = None,
) -> TrainedModel | TrainedTables:
    """Learn a table, or several that hang together by keys, all of their rows, without a project.

    Types are read off the rows as a build reads them, keys and free text are made up as a build does. Nothing is held
    out, audited, published or charged to a ledger: for rows that others shall have, make a project.

    Args:
        table: a pandas or polars data frame, an Arrow table, or the path of CSV, Parquet or JSON-lines files (a glob
            for several). Or several tables by name: ``{"customers": customers, "orders": orders}``. Then
            ``primary_key``, ``columns`` and ``rules`` are by table, too.
        generator: as in YAML, ``"circuit"`` or ``{"name": "ctgan", "epochs": 100}``. Default: ``circuit`` of one table,
            ``conditional`` of several.
        primary_key: columns whose values, together, are unique.
        keys: of several tables, the columns that name rows of others: ``{"orders.customer_id": "customers"}``, of
            several columns ``"returns.order_id, line_no"``. Default: what names and values show; ``model.keys`` says.
        columns: what is to be known of some columns: ``{"email": {"pii": "email"}, "zip": {"type": "categorical"}}``.
        constraints: comparisons that hold in every row: ``["started <= ended"]``.
        rules: what holds between columns otherwise: ``["total = net + tax", "zip -> city"]``. Where nothing is given,
            or ``"found"`` is among them, what the rows show is kept too; ``"none"``: nothing is.
        options: of the files' reader: ``{"delimiter": ";"}``.
        seed: every random choice of the training follows from it.
        device: auto, cpu, cuda or cuda:N.
        epsilon: refused: what is spent of somebody's privacy is counted by a project's ledger.
        progress: is told how far it is. Default: in a notebook a bar, elsewhere nobody.

    Raises:
        SynthError: the generator is not there or cannot learn by itself; the table, its parameters, columns or
            constraints are not as they must be.
        BuildError: the rows cannot be read, break a constraint, or cannot be learnt from.

    >>> import synthkit, pyarrow
    >>> pets = pyarrow.table({"kind": ["cat", "dog", "cat", "dog"] * 10, "legs": [4, 4, 4, 3] * 10})
    >>> pet = synthkit.fit(pets, generator={"name": "circuit", "states": 2, "min_steps": 5, "refinements": 0})
    >>> pet.draw(3, {"kind": "cat"})["kind"].to_pylist()
    ['cat', 'cat', 'cat']
    """
    if isinstance(table, Mapping):
        from synthkit.api.together import fit_together

        if several(constraints):
            raise SynthError("constraints of several tables are written among their rules", hint="rules={TABLE: [...]}")
        return fit_together(
            table,
            generator=generator or "conditional",
            primary_key=primary_key or {},
            keys=keys,
            columns=columns or {},
            rules=rules or {},
            options=options or {},
            seed=seed,
            device=device,
            epsilon=epsilon,
            progress=progress,
        )
    if keys is not None:
        raise SynthError("keys join several tables", hint='pass them by name: fit({"customers": …, "orders": …})')
    from synthkit.encoding.fill import plan_columns
    from synthkit.encoding.grouping import with_tails
    from synthkit.encoding.writtenform import read_view
    from synthkit.generators.exact.constraints import check_real_rows, unchanging
    from synthkit.generators.exact.drawing import seed_for
    from synthkit.generators.exact.ruled import ruled
    from synthkit.generators.related import fit_tables
    from synthkit.generators.tables import Tables

    name, params = named(generator or "circuit")
    no_epsilon(epsilon)
    kind = trained(name)
    values = checked(kind, params)
    with tempfile.TemporaryDirectory(prefix="synthkit-fit-") as folder:
        split = read(table, Path(folder), several(primary_key), columns or {}, options or {})
        said, shown = said_rules(rules, split.train.schema)
        comparisons = (*several(constraints), *(text for text in said if compares(text)))
        compared = dict.fromkeys(_rules(comparisons, split.train.schema), "constraints")
        view = read_view(split.train)
        known = view.learn(split.train, Path(folder) / "read.parquet")
        check_real_rows(compared, known)
        plan = plan_columns(known, view)
        others = {text: "rules" for text in said if not compares(text)}
        plan = ruled(plan, known, others, found=shown, private=False)
        plan = with_tails(plan, known)
        unchanging(tuple(compared), plan)  # before the training, as the drawing would say it after it
        fitted = None
        if plan.modelled.columns:
            from dataclasses import replace

            learnt = replace(plan.learnt.learn(known, Path(folder) / "learnt.parquet"), schema=plan.inner)
            tables, started = Tables.of(learnt), seed_for(seed, "fit")
            with watching(f"{name} learnt {split.rows:,} rows", progress) as told:
                fitted = fit_tables(kind, tables, values, budget=None, seed=started, device=device, progress=told)
    dumped = values.model_dump(mode="json")
    texts = tuple(str(rule) for rule in compared)
    return TrainedModel(name, dumped, split.train.schema, split.rows, seed, texts, plan, fitted)


def _rules(texts: tuple[str, ...], schema: Schema) -> list[Any]:
    """Raises SynthError for a rule that is none, does not fit the columns, or contradicts another."""
    from synthkit.formats.columns import as_read
    from synthkit.rules.inequality import check_inequality, contradiction, parse_inequality

    rules = []
    for text in texts:
        try:
            rule = parse_inequality(text)
        except ValueError as error:
            raise SynthError(str(error.args[0]), hint=str(error.args[-1])) from None
        problem = check_inequality(rule, as_read(schema))
        if problem is not None:
            raise SynthError(f"constraint {text!r}: {problem[0]}", hint=problem[1])
        rules.append(rule)
    clash = contradiction(rules)
    if clash is not None:
        both = " and ".join(f"'{rule}'" for rule in clash)
        raise SynthError(f"only rows with missing values can satisfy {both} at once", hint="drop or mend one of them")
    return list(dict.fromkeys(rules))
