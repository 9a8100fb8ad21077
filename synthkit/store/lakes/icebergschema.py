"""Schemas of Iceberg tables: those of published files, and how a table comes from one to the next."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from synthkit.records.receipt import Receipt
from synthkit.store.lakes.metatables import arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.schema import Schema
    from pyiceberg.table import Transaction
    from pyiceberg.table.metadata import TableMetadata


def docs_of(receipt: Receipt) -> pa.Schema:
    """The Arrow schema of a receipt's rows, with their descriptions as pyiceberg takes them."""
    import pyarrow as pa

    said = receipt.column_descriptions
    found = arrow_schema([(c.name, c.type) for c in receipt.columns])
    return pa.schema([f.with_metadata({b"doc": str(said[f.name]).encode()}) if said.get(f.name) else f for f in found])


def _wanted(receipt: Receipt) -> Schema:
    """The schema, with numbers of its own."""
    from pyiceberg.catalog import Catalog

    return Catalog._convert_schema_if_needed(docs_of(receipt))


def differs(schema: Schema, receipt: Receipt) -> bool:
    """Whether a table has other columns, types or descriptions than a receipt."""
    found, wanted = _shapes(schema), _shapes(_wanted(receipt))
    return found != wanted or list(found) != list(wanted)


def _shapes(schema: Schema) -> dict[str, tuple[str, str]]:
    """Column → its type without numbers of fields, and its description."""
    return {f.name: (_shape(f.field_type), f.doc or "") for f in schema.fields}


def _shape(kind: Any) -> str:
    """A type in words, whatever numbers its fields have."""
    if hasattr(kind, "fields"):
        return f"struct<{', '.join(f'{f.name}: {_shape(f.field_type)}' for f in kind.fields)}>"
    if hasattr(kind, "element_type"):
        return f"list<{_shape(kind.element_type)}>"
    if hasattr(kind, "key_type"):
        return f"map<{_shape(kind.key_type)}, {_shape(kind.value_type)}>"
    return str(kind)


def adapted(transaction: Transaction, receipt: Receipt) -> None:
    """Give a table the columns of a receipt: one whose type changes is another column of that name."""
    now, wanted = transaction.table_metadata.schema(), _wanted(receipt)
    have, want = _shapes(now), _shapes(wanted)
    if have == want and list(have) == list(want):
        return
    gone = [name for name in have if name not in want or have[name][0] != want[name][0]]
    if gone:
        with transaction.update_schema(allow_incompatible_changes=True) as update:
            for name in gone:
                update.delete_column((name,))
    with transaction.update_schema(allow_incompatible_changes=True) as update:
        for field in wanted.fields:
            if field.name in gone or field.name not in have:
                update.add_column((field.name,), field.field_type, doc=field.doc)
            elif have[field.name][1] != want[field.name][1]:
                update.update_column((field.name,), doc=field.doc or "")
    order = list(want)
    if [f.name for f in transaction.table_metadata.schema().fields] != order:
        with transaction.update_schema(allow_incompatible_changes=True) as update:
            update.move_first((order[0],))
            for before, name in pairwise(order):
                update.move_after((name,), (before,))


def read_wrongly(metadata: TableMetadata, start: str) -> Iterator[str]:
    """The tags, of those whose names have a ``start``, of snapshots with a column that the mapping of names lost."""
    mapping = metadata.name_mapping()
    known = set() if mapping is None else {field.field_id for field in mapping.root}
    schemas = {schema.schema_id: schema for schema in metadata.schemas}
    for name, ref in list(metadata.refs.items()):
        snapshot = metadata.snapshot_by_id(ref.snapshot_id)
        if not name.startswith(start) or snapshot is None or snapshot.schema_id is None:
            continue
        if any(field.field_id not in known for field in schemas[snapshot.schema_id].fields):
            yield name
