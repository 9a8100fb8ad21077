"""Published tables from Python: their rows, what they are worth, and whether anybody makes them any more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from synthkit.errors import SynthError

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.records.joins import Join
    from synthkit.store.publishedtable import PublishedTable

Style = Literal["alpaca", "messages", "sharegpt", "prompt-completion"]


def query(sql: str, project: str | Path = ".", *, target: str | None = None, version: str | None = None) -> pa.Table:
    """The rows of a query over the published tables and ``synth_meta``; several statements give the last one's.

    Args:
        project: its folder, or one inside it.
        target: whose tables; by default the project's default target.
        version: a commit, branch or tag: the tables as they were published then.

    Raises:
        SynthError: nothing is published, or the SQL does not work or does more than read.
    """
    from synthkit.store.reader import open as open_tables

    return open_tables(project, target, version=version).query(sql)


def show(model: str, project: str | Path = ".", *, target: str | None = None) -> PublishedTable:
    """A published table: ``.receipt`` says how it was made and what its audits found, ``.to_pandas()`` gives its rows.

    Raises:
        SynthError: nothing is published as ``model``.
    """
    from synthkit.store.reader import open as open_tables

    return open_tables(project, target).table(model)


def joined(model: str, project: str | Path = ".", *, target: str | None = None) -> tuple[Join, ...]:
    """The keys of a published table that lead to published tables, also to those that it will not join.

    Raises:
        SynthError: nothing is published there.
    """
    from synthkit.store.reader import open as open_tables

    return open_tables(project, target).joins().get(model, ())


def export(
    model: str,
    project: str | Path = ".",
    *,
    target: str | None = None,
    style: Style = "messages",
    system: str = "",
    instruction: str = "instruction",
    response: str = "response",
    input: str = "input",
) -> Iterator[str]:
    """A published instruction table as the JSON lines that fine-tuning tools read, each with its newline.

    Args:
        style: what the training tool reads.
        system: a system prompt for every row.
        instruction, response, input: the columns with the instructions, the responses and, if there is one, the inputs.

    Raises:
        SynthError: nothing is published as ``model``, or it has no such columns.
    """
    from synthkit.instruct.export import TextColumns, lines

    table = show(model, project, target=target)
    roles = TextColumns(instruction, response, input).found_in(table.schema.names)
    return lines(_batches(table.path, list(roles.values())), roles, style, system)


def _batches(path: Path, columns: list[str]) -> Iterator[Any]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=4096, columns=columns)


def orphaned(names: Iterable[str], project: str | Path = ".", *, target: str | None = None) -> str | None:
    """One sentence about those of the published tables that no model makes any more; None where that is not known."""
    from synthkit.project.addresses import address_of
    from synthkit.project.project import find_project_root, load_project
    from synthkit.store.unclaimed import told, unclaimed

    found = list(names)
    if address_of(project) is not None:
        return None  # which models there are is not said there
    try:
        root = find_project_root(Path(project))
        if set(found) <= _compiled_names(root):
            return None
        loaded = load_project(root, target=target)
    except SynthError:
        return None  # whoever only reads needs no valid project
    return None if loaded.faults else told(unclaimed(found, loaded))


def orphaned_in(sql: str, project: str | Path = ".", *, target: str | None = None) -> str | None:
    """:func:`orphaned`, of the published tables that a query names."""
    from synthkit.store.reader import open as open_tables

    names = open_tables(project, target).tables()
    return orphaned([n for n in names if names_table(sql, n)], project, target=target)


def names_table(sql: str, name: str) -> bool:
    """Whether the name stands in the SQL, as DuckDB compares names; in a comment or a string, too."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE) is not None


def _compiled_names(root: Path) -> set[str]:
    """The models that publish a table as the last build or compilation noted them: to load a project takes longer."""
    try:
        models = json.loads((root / "target" / "manifest.json").read_text("utf-8"))["models"]
        return {name for name, model in models.items() if model["materialized"] != "ephemeral"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()
