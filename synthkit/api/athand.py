"""A table at hand, and the generator that is to learn it: read and checked as a build does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.api.project import Names, several
from synthkit.errors import BuildError, SynthError, did_you_mean
from synthkit.extras import TRAIN, refuse_absent
from synthkit.generators.base import Trained
from synthkit.schema import Schema

if TYPE_CHECKING:
    from synthkit.sources.split import Split


def no_epsilon(epsilon: float | None) -> None:
    """Raises SynthError where one is asked for."""
    if epsilon is not None:
        raise SynthError(
            "epsilon needs a project: its ledger counts what is spent of whose privacy",
            hint="synth init makes a project; write epsilon: on its model",
        )


def trained(name: str) -> Trained:
    """The generator of that name. Raises SynthError where there is none that learns by itself."""
    from synthkit.generators import registry

    return registry.trained(name)


def named(generator: str | Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """A generator as in YAML: its name, and its parameters."""
    if isinstance(generator, str):
        return generator, {}
    if not isinstance(generator.get("name"), str):
        raise SynthError("the generator has no name", hint='write generator="NAME" or {"name": "NAME", …parameters}')
    return generator["name"], {k: v for k, v in generator.items() if k != "name"}


def checked(generator: Trained, params: Mapping[str, Any]) -> Any:
    """The parameters, with their defaults. Raises SynthError for one that the generator does not take, and where its
    extra is not installed."""
    from pydantic import ValidationError

    from synthkit.project.faults import parameter_faults
    from synthkit.project.types import UNPLACED

    try:
        values = generator.params.model_validate(dict(params))
    except ValidationError as error:
        faults = parameter_faults(error, generator.params, UNPLACED, (), f"generator {generator.name}")
        raise SynthError(faults[0].message, hint=faults[0].hint) from None
    refuse_lacking(generator, values)
    return values


def refuse_lacking(generator: Trained, params: Any) -> None:
    """Raises SynthError where what the generator, or the way of rows to it and back, needs is not installed."""
    for extra in (*generator.extras(params), TRAIN):
        refuse_absent(f"the generator {generator.name!r}", extra)


def read(
    table: Any,
    folder: Path,
    key: tuple[str, ...],
    columns: Mapping[str, Mapping[str, Any]],
    options: Mapping[str, Any],
    *,
    name: str = "table",
    **more: Any,
) -> Split:
    """The table's rows as a build reads a source's, none of them held out.

    Args:
        name: what errors call it.
        more: keys of a source table.
    """
    from pydantic import ValidationError

    from synthkit.project.faults import parameter_faults
    from synthkit.project.types import UNPLACED, SourceTableSpec
    from synthkit.sources.fingerprint import content_hash
    from synthkit.sources.ingest import ingest

    path = Path(table).absolute() if isinstance(table, str | Path) else written(table, folder)
    said = {
        "name": name,
        "path": str(path),
        "primary_key": key,
        "columns": tuple({"name": c, **known} for c, known in columns.items()),
        "options": dict(options),
        **more,
    }
    try:
        spec = SourceTableSpec.model_validate(said)
    except ValidationError as error:
        faults = parameter_faults(error, SourceTableSpec, UNPLACED, (), "the table")
        raise SynthError(faults[0].message, hint=faults[0].hint) from None
    root = Path.cwd()
    content = content_hash(spec, root=root, connections={}, cache=None)
    split = ingest(spec, root=root, connections={}, holdout=0.0, directory=folder / "rows", source_hash=content)
    what = "the table" if name == "table" else f"the table {name!r}"
    for column in (*key, *columns):
        if column not in split.train.schema.by_name:
            hint = did_you_mean(column, split.train.schema.names, "a column")
            raise SynthError(f"{what} has no column {column!r}", hint=hint)
    for column, many in split.infinite.items():
        what = f"column {column!r} holds {many:,} infinite value{'s' * (many > 1)}"
        raise BuildError(what, hint="replace them: no generator can learn infinity")
    return split


def written(table: Any, folder: Path) -> Path:
    """A table at hand as Parquet. Raises SynthError where it is none, or its values have no types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "table.parquet"
    try:
        if isinstance(table, pa.Table):
            arrow = table
        elif hasattr(table, "iloc"):  # pandas, whose index is no column
            arrow = pa.Table.from_pandas(table, preserve_index=False)
        elif hasattr(table, "__arrow_c_stream__"):  # polars, DuckDB and others
            arrow = pa.table(table)
        else:
            kind = type(table).__name__
            raise SynthError(f"a {kind} is no table", hint="pass a data frame, an Arrow table, or the path of a file")
        pq.write_table(arrow.replace_schema_metadata(None), path)
    except pa.ArrowException as error:
        raise SynthError(f"the table cannot be read: {error}", hint="give each column one type") from None
    return path


def said_rules(rules: Names | None, schema: Schema) -> tuple[tuple[str, ...], bool]:
    """The texts of rules that fit the columns, and whether found ones are wanted. Raises SynthError."""
    from synthkit.compiler.rules import FOUND, NONE, check_rule
    from synthkit.formats.columns import as_read
    from synthkit.rules.language import parse_rule
    from synthkit.rules.tokens import RuleError

    if rules is None:
        return (), True
    texts = several(rules)
    found = []
    for text in texts:
        if text in (FOUND, NONE):
            continue
        try:
            rule = parse_rule(text)
        except RuleError as error:
            raise SynthError(f"rule {text!r}: {error.message}", hint=error.hint) from None
        problem = None if compares(text) else check_rule(rule, as_read(schema))
        if problem is not None:
            raise SynthError(f"rule {text!r}: {problem[0]}", hint=problem[1])
        found.append(str(rule))
    return tuple(found), FOUND in texts


def compares(text: str) -> bool:
    """Whether a rule is a comparison, which drawn rows are held to one by one."""
    from synthkit.rules.inequality import Inequality
    from synthkit.rules.language import parse_rule

    return isinstance(parse_rule(text), Inequality)
