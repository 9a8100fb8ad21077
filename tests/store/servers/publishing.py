"""Tables to publish to a database, with keys and descriptions, and who publishes them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from synthkit.records.audit import AuditRecord
from synthkit.store.parquet import write_parquet
from synthkit.store.target import PassingAudit, Publication, Target
from tests.receipts import audited

REFERENCES = AuditRecord(name="references", value=1.0, ci=None, threshold="min 1", severity="error", status="pass")
FAMILY = {"name": "shop", "members": ["customers", "orders"]}
KEY = {"columns": ["customer_id"], "references": "source:shop.customers", "owner": True}


def publication(folder: Path, name: str, table: pa.Table, types: Mapping[str, str], **said: Any) -> Publication:
    """A table that passed its audits."""
    staged = folder / f"{name}-{os.urandom(4).hex()}.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    hashes = write_parquet(table.to_batches(), table.schema, staged, {}).hashes
    columns = [{"name": n, "type": t} for n, t in types.items()]
    schema = {"columns": [{"name": n, "type": "text", "sql_type": t} for n, t in types.items()]}
    schema |= {"primary_key": said.pop("primary_key", [])}
    audits = said.pop("audits", [REFERENCES])
    known = audited(
        model=name, rows=table.num_rows, schema=schema, columns=columns, audits=[a.to_json() for a in audits], **said
    )
    return Publication(name, staged, PassingAudit.of(audits), known, hashes)


def family(folder: Path, rows: int, mark: int | None = None) -> list[Publication]:
    """Customers, and orders of theirs: ``rows`` of each, and in each row a ``mark`` of the publication."""
    mark = rows if mark is None else mark
    drawn = {"family": FAMILY, "generator": {"name": "conditional", "params": {}, "version": 1}}
    customers = pa.table(
        {
            "customer_id": pa.array(range(rows), pa.int64()),
            "name": pa.array([f'Ann, "{n}"' if n % 3 else None for n in range(rows)], pa.string()),
            "mark": pa.array([mark] * rows, pa.int64()),
        }
    )
    orders = pa.table(
        {
            "order_id": pa.array(range(rows), pa.int64()),
            "customer_id": pa.array([n // 2 for n in range(rows)], pa.int64()),
            "mark": pa.array([mark] * rows, pa.int64()),
        }
    )
    types = {"customer_id": "BIGINT", "name": "VARCHAR", "mark": "BIGINT"}
    said = {"description": "Who buys: it's synthetic", "column_descriptions": {"name": "of the customer"}}
    first = publication(
        folder,
        "customers",
        customers,
        types,
        primary_key=["customer_id"],
        source="source:shop.customers",
        keys=[],
        **said,
        **drawn,
    )
    types = {"order_id": "BIGINT", "customer_id": "BIGINT", "mark": "BIGINT"}
    second = publication(
        folder, "orders", orders, types, primary_key=["order_id"], source="source:shop.orders", keys=[KEY], **drawn
    )
    return [first, second]


def killed_after(
    steps: int, counted: Callable[[Callable[[], None]], None], target: Target, what: list[Publication]
) -> bool:
    """Publish in a process of its own that is killed before its nth statement; whether it was.

    Args:
        counted: is given a function to be called before each statement of the process.
    """
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
        return os.WIFSIGNALED(status)
    try:
        left = [steps]

        def step() -> None:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        counted(step)
        target.publish_all(what)
        os._exit(0)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(3)
