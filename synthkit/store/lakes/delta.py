"""A target of Delta tables, through deltalake (Apache-2.0): a publication of a table is one commit of its log.

```
<warehouse>/tables/<model>/<hash>-<writer>.parquet    the published file, which the commit adds in place of the last
<warehouse>/tables/<model>/_delta_log/                 the table's log
<warehouse>/synth_meta/<table>/                        Delta tables, too
```

Each commit bears the application's transaction ``synthkit`` with the number of the publication (`synth versions`),
and says in ``userMetadata`` by which receipt its rows are known. It is written under the condition that nobody else
has committed since the table was looked at. Delta has no transaction over several tables: those of a family follow
one another, within moments.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.records.receipt import Receipt
from synthkit.store.lakes.constraints import broken
from synthkit.store.lakes.laketarget import AGAIN, META_FOLDER, META_KEPT, REPLACED, LakeTarget, Standing, Wanted
from synthkit.store.lakes.storage import options_of

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable, Schema

APPLICATION = "synthkit"  # of Delta's transaction identifiers
_LOG = "_delta_log"
_ZONELESS = "timestampNtz"  # the feature that a table with points in time without a zone must name


class Delta(LakeTarget):
    """The Delta tables below a folder or an address."""

    kind = "delta"
    called = "Delta"

    def look(self, name: str) -> Standing | None:
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        try:
            table = DeltaTable(self.location(name), storage_options=self._options)
        except TableNotFoundError:
            return None
        return Standing(table, table.version(), _files(table), table.transaction_version(APPLICATION))

    @property
    def _options(self) -> dict[str, str]:
        return options_of(self.place.address)

    def commit(self, standing: Standing | None, wanted: Wanted, number: int) -> None:
        from deltalake import CommitProperties, DeltaTable, Transaction
        from deltalake.exceptions import CommitFailedError
        from deltalake.transaction import AddAction, create_table_with_add_actions

        receipt, location = wanted.receipt, self.location(wanted.receipt.model)
        found = self.bucket.head(wanted.named.rows)
        if found is None:
            raise BuildError(f"{self.bucket.url(wanted.named.rows)} is gone", hint="build the table again")
        modified = int(found.modified.timestamp() * 1000)
        add = AddAction(wanted.file, found.size, {}, modified, True, json.dumps({"numRecords": receipt.rows}))
        properties = CommitProperties(
            custom_metadata={"userMetadata": json.dumps(self.said(wanted, number), ensure_ascii=False)},
            max_commit_retries=0,
            app_transactions=[Transaction(APPLICATION, number)],
        )
        schema = _schema(receipt, None if standing is None else standing.table)
        if standing is None:
            create_table_with_add_actions(
                location,
                schema,
                [add],
                mode="error",
                name=receipt.model,
                description=receipt.description,
                storage_options=self._options,
                commit_properties=properties,
            )
            return
        table: DeltaTable = standing.table
        if _enable(table, schema) and table.version() != int(standing.version) + 1:
            raise CommitFailedError("somebody else committed to it meanwhile")
        table.create_write_transaction([add], "overwrite", schema, commit_properties=properties)
        if (table.metadata().description or "") != (receipt.description or ""):
            described = DeltaTable(location, storage_options=self._options)
            described.alter.set_table_description(receipt.description or "")

    def withdraw(self, name: str) -> None:
        """The log goes from its end: one who is killed leaves a table as it once was, and the next build goes on."""
        while keys := sorted(self.keys(name, _LOG), reverse=True):  # again for what a publisher commits meanwhile
            last = [key for key in keys if ".checkpoint" in key]  # without commits these are read alone
            self.bucket.delete([key for key in keys if key not in last] + last)

    def standing(self) -> set[str]:
        return self.named_by_keys(_LOG)

    def forbids(self, table: Any, data: Path) -> str | None:
        return broken(table, data)

    def otherwise(self, table: Any, receipt: Receipt) -> Iterator[str]:
        if next(iter(table.deletion_vectors()), None):
            yield "is not as it was published: a deletion vector takes rows away"
        if json.loads(_schema(receipt, table).to_json()) != json.loads(table.schema().to_json()):
            yield "has other columns, types or comments than were published"

    # synth_meta

    def write_meta(self, name: str, table: pa.Table) -> None:
        from deltalake import write_deltalake

        location, options = self.bucket.url(f"{META_FOLDER}/{name}"), self._options
        write_deltalake(location, table, mode="overwrite", schema_mode="overwrite", name=name, storage_options=options)

    def collect(self, keep: int | None, older_than: float | None, *, dry_run: bool) -> Mapping[str, int] | None:
        from deltalake import DeltaTable

        found = super().collect(keep, older_than, dry_run=dry_run) or {}
        sizes = {one.key: one.size for one in self.bucket.list(META_FOLDER)}
        gone = 0
        for name in sorted({key.split("/")[1] for key in sizes if f"/{_LOG}/" in key}):
            with self.explained(f"{META_FOLDER}.{name}", AGAIN):
                table = DeltaTable(self.bucket.url(f"{META_FOLDER}/{name}"), storage_options=self._options)
                files = table.vacuum(META_KEPT // timedelta(hours=1), dry_run=dry_run)
            gone += sum(sizes.get(f"{META_FOLDER}/{name}/{file}", 0) for file in files)
        return {**found, REPLACED: gone} if gone else found


def _files(table: DeltaTable) -> list[str]:
    """The data files of a table, as its log names them: in its folder, by name alone."""
    import pyarrow as pa

    return sorted(pa.table(table.get_add_actions(flatten=True))["path"].to_pylist())


def _schema(receipt: Receipt, table: DeltaTable | None) -> Schema:
    """The schema of a receipt's rows, with their descriptions; what others said of the same columns stays."""
    from deltalake import Schema

    from synthkit.store.lakes.metatables import arrow_schema

    said = json.loads(Schema.from_arrow(arrow_schema([(c.name, c.type) for c in receipt.columns])).to_json())
    before = {} if table is None else {f["name"]: f for f in json.loads(table.schema().to_json())["fields"]}
    for field in said["fields"]:
        old = before.get(field["name"])
        if old is not None and old["type"] == field["type"]:
            field["nullable"] = old["nullable"]
            field["metadata"] = {k: v for k, v in old["metadata"].items() if k != "comment"}
        comment = receipt.column_descriptions.get(field["name"])
        if comment:
            field["metadata"]["comment"] = comment
    return Schema.from_json(json.dumps(said))


def _enable(table: DeltaTable, schema: Schema) -> bool:
    """Let a table have points in time without a zone, where it has none yet and now will; whether it did."""
    from deltalake import TableFeatures

    if "timestamp_ntz" not in schema.to_json() or _ZONELESS in (table.protocol().writer_features or ()):
        return False
    table.alter.add_feature(TableFeatures.TimestampWithoutTimezone, allow_protocol_versions_increase=True)
    return True
