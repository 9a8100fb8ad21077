"""The table behind a source of a database: through `query:` and views down to where rows are stored.

Under ε each step must give at most one row for each row of the one table below it (:mod:`.projection`);
a view is judged by its definition, as a query is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from synthkit.errors import SynthError
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.cache import recall, remember
from synthkit.sources.location import location
from synthkit.sources.projection import Dialect, Name, NotRowwise, projection
from synthkit.sources.reader import Lookup
from synthkit.sources.readers import connection_of, reader_of
from synthkit.sources.standing import standing

VERSION = 1  # of what is cached
_DEEPEST = 20  # views over views
_HINT = (
    "write columns, functions of one row and a WHERE of one table; or train on the table itself, "
    "and put SQL over the synthetic one, which costs nothing"
)
_WHY = "epsilon protects each row of {source}, so what it reads must give at most one row for each row of one table"


def table_behind(
    spec: SourceTableSpec, *, root: Path, connections: Mapping[str, ConnectionSpec], cache: Path | None
) -> tuple[str, str]:
    """Schema and name of the table whose rows a source of a database has, each at most once.

    Args:
        cache: a folder for results, keyed by how the files stand; a server is asked each time.

    Raises:
        SynthError: it is not one table row by row, with the place of ``query:`` or ``table:``; it cannot be reached.
    """
    chosen = connection_of(spec, connections)
    stands = None if cache is None else standing(spec, root, connections)
    file = None
    if cache is not None and stands is not None:
        said = [VERSION, stands.key, spec.query, spec.table, spec.name, chosen.type]
        file = cache / f"behind-{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]}.json"
        known = recall(file)
        if known is not None and "table" in known:
            return known["schema"], known["table"]
    with reader_of(chosen).catalogue(spec, chosen, root) as lookup:
        try:
            found = _followed(spec, reader_of(chosen).dialect, lookup)
        except NotRowwise as error:
            key = "query" if spec.query is not None else "table"
            message = f"{_WHY.format(source=spec.name)}: {error}"
            raise SynthError(message, location(spec, key if getattr(spec, key) else "name"), _HINT) from None
    if file is not None and stands is not None and stands.settled and standing(spec, root, connections) == stands:
        remember(file, {"schema": found[0], "table": found[1]})
    return found


def _followed(spec: SourceTableSpec, dialect: Dialect, lookup: Lookup) -> tuple[str, str]:
    """Down from the query, or the name, to the table. Raises NotRowwise."""
    step = None
    if spec.query is not None:
        try:
            step = projection(spec.query.strip().rstrip(";"), dialect)
        except NotRowwise as error:
            raise NotRowwise(f"the query has {error}") from None
    name: Name = written(spec) if step is None else step.table
    for _ in range(_DEEPEST):
        found = lookup(name)
        if found is None:
            raise NotRowwise(f"it reads {'.'.join(p for p in name if p)}, which is neither a table nor a view")
        if step is not None:
            try:
                step.of(found.columns, dialect)
            except NotRowwise as error:
                raise NotRowwise(f"it reads {error}") from None
        if found.kind is not None:
            raise NotRowwise(f"{found.name} is {found.kind}")
        if found.definition is None:
            return found.schema, found.name
        try:
            step = projection(found.definition, dialect, found.database)
        except NotRowwise as error:
            raise NotRowwise(f"the view {found.name} has {error}") from None
        name = (step.table[0] or found.schema, step.table[1])
    raise NotRowwise("views over views without an end")


def written(spec: SourceTableSpec) -> Name:
    """``table:``, or the source table's own name, as schema and name."""
    parts = (spec.table or spec.name).split(".")
    return (".".join(parts[:-1]) or None, parts[-1])
