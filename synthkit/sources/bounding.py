"""The rows that a private model may read: in their declared types, a bounded number of each privacy unit.

Both steps look at one unit's rows alone, so that what one unit adds or removes stays within ``max_rows_per_unit`` rows:
a value is cast (one that does not fit becomes missing), and of a unit's rows those with the least salted hash are kept.
Which rows these are depends on no other unit. Rows whose unit is missing count as one unit.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from synthkit.errors import BuildError
from synthkit.schema import Schema, Table
from synthkit.sources.files import file_literal
from synthkit.sources.relation import connected
from synthkit.sources.split import private_folder
from synthkit.sources.types import quote, text

SALT = "synthkit unit 1"


def bounded_table(table: Table, schema: Schema, *, max_rows_per_unit: int, directory: Path) -> Table:
    """The training rows under ``schema``, at rest beside them.

    Args:
        table: the training rows as they were read.
        schema: what is declared of them (:func:`synthkit.privacy.knowledge.declared_schema`).
        max_rows_per_unit: rows kept of each value of the schema's privacy unit; ignored where a row is the unit.

    Raises:
        BuildError: the rows cannot be written.
    """
    import duckdb

    key = json.dumps([SALT, schema.undescribed().to_json(), max_rows_per_unit], sort_keys=True, default=str)
    folder = directory / f"bounded-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    file = folder / "train.parquet"
    if not file.exists():
        with private_folder(folder) as making, connected(making / "scratch") as connection:
            source = ", ".join(file_literal(p) for p in table.paths)
            query = _query(table.schema, schema, f"read_parquet([{source}])", max_rows_per_unit)
            try:
                connection.execute(f"COPY ({query}) TO {text(str(making / 'train.parquet'))} (FORMAT parquet)")
            except duckdb.Error as error:
                raise BuildError(f"the rows cannot be bounded: {str(error).splitlines()[0]}") from None
    import pyarrow.parquet as pq

    return Table(schema, (file,), pq.read_metadata(file).num_rows)


def _query(found: Schema, schema: Schema, source: str, most: int) -> str:
    columns = ", ".join(
        quote(c.name) if found.by_name[c.name].sql_type == c.sql_type else
        f"TRY_CAST({quote(c.name)} AS {c.sql_type}) AS {quote(c.name)}"
        for c in schema.columns
    )  # fmt: skip
    unit = schema.privacy_unit
    if unit is None:
        return f"SELECT {columns} FROM {source}"
    parts = ", ".join(f"coalesce('v' || CAST({quote(n)} AS VARCHAR), 'n')" for n in found.names)
    order = f"md5(concat_ws(chr(31), {text(SALT)}, {parts}))"
    ranked = f"row_number() OVER (PARTITION BY {quote(unit)} ORDER BY {order}) <= {most}"
    return f"SELECT {columns} FROM (SELECT * FROM {source} QUALIFY {ranked})"
