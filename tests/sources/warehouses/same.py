"""What must come of the 10,000 rows of ``tests/sources/test_file_kinds.py``, wherever a database has them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tests.sources.reading import Reader
from tests.sources.test_file_kinds import SCHEMA, TABLE


def check_same(reader: Reader, **given: Any) -> None:
    """Read them, and hold them against what every kind of file gives."""
    found = reader.read(**given).train.to_arrow()
    found = found.rename_columns([name.lower() for name in found.column_names]).sort_by("id").select(SCHEMA.names)
    assert [t for t in found.schema.types if not pa.types.is_decimal(t)] == [
        t for t in SCHEMA.types if not pa.types.is_decimal(t)
    ]
    assert found.schema.field("amount").type == pa.decimal128(12, 2)
    assert found.cast(SCHEMA).equals(TABLE)
