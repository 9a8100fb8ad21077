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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.privacy.guarantee import in_words
from synthkit.records.receipt import Receipt
from synthkit.store.lakes.constraints import broken
from synthkit.store.lakes.laketarget import META_FOLDER, LakeTarget, Wanted
from synthkit.store.lakes.storage import options_of
from synthkit.store.publications import ROWS, receipt_key

if TYPE_CHECKING:
    from deltalake import DeltaTable, Schema

APPLICATION = "synthkit"  # of Delta's transaction identifiers
_LOG = "_delta_log"
_ZONELESS = "timestampNtz"  # the feature that a table with points in time without a zone must name
_TRIES = 5  # of synth_meta, which other builds write as well
_VACUUMED = 7 * 24  # hours after which files of synth_meta that were replaced go: Delta's own default


class Delta(LakeTarget):
    """The Delta tables below a folder or an address."""

    kind = "delta"
    called = "Delta"

    def _table(self, name: str) -> DeltaTable | None:
        """The table at its newest version. Raises BuildError."""
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError, TableNotFoundError

        try:
            return DeltaTable(self.location(name), storage_options=self._options)
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as error:
            raise self.failed(name, error) from None

    @property
    def _options(self) -> dict[str, str]:
        return options_of(self.place.address)

    # what others read

    def bring(self, name: str) -> None:
        from deltalake.exceptions import DeltaError

        version = None
        while True:
            table = self._table(name)
            # Asked for after the table was: whoever published since commits after the version that is known here.
            wanted = self.wanted(name)
            if wanted is None or (table is not None and not self._behind(table, wanted)):
                return
            try:
                self._commit(table, wanted)
                return
            except (DeltaError, OSError) as error:
                found = -1 if table is None else table.version()
                if version == found:  # nobody else was faster
                    raise self.failed(name, error) from None
                version = found

    def _behind(self, table: DeltaTable, wanted: Wanted) -> bool:
        """Whether a table's rows are those of an earlier publication: not where others changed those of this one."""
        if _files(table) == [wanted.file]:
            return False
        known = table.transaction_version(APPLICATION)
        if known is None:
            raise BuildError(
                f"{self.location(wanted.receipt.model)} is a Delta table that synthkit did not make",
                hint="move it away, or rename the model",
            )
        return int(known) < self.log.changed(wanted.receipt.model)

    def _commit(self, table: DeltaTable | None, wanted: Wanted) -> None:
        from deltalake import CommitProperties, DeltaTable, Transaction
        from deltalake.transaction import AddAction, create_table_with_add_actions

        receipt, location = wanted.receipt, self.location(wanted.receipt.model)
        found = self.bucket.head(wanted.named.rows)
        if found is None:
            raise BuildError(f"{self.bucket.url(wanted.named.rows)} is gone", hint="build the table again")
        modified = int(found.modified.timestamp() * 1000)
        add = AddAction(wanted.file, found.size, {}, modified, True, json.dumps({"numRecords": receipt.rows}))
        properties = CommitProperties(
            custom_metadata={"userMetadata": json.dumps(_said(wanted), ensure_ascii=False)},
            max_commit_retries=0,
            app_transactions=[Transaction(APPLICATION, wanted.number)],
        )
        schema = _schema(receipt, table)
        if table is None:
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
        _enable(table, schema)
        table.create_write_transaction([add], "overwrite", schema, commit_properties=properties)
        if (table.metadata().description or "") != (receipt.description or ""):
            described = DeltaTable(location, storage_options=self._options)
            described.alter.set_table_description(receipt.description or "")

    def withdraw(self, name: str) -> None:
        """The log goes from its beginning, without which nothing of it is read."""
        keys = self.keys(name, _LOG)
        self.bucket.delete([k for k in keys if not k.endswith(".json")] + [k for k in keys if k.endswith(".json")])

    def standing(self) -> set[str]:
        return self.named_by_keys(_LOG)

    def is_ours(self, name: str) -> bool:
        table = self._table(name)
        return table is not None and table.transaction_version(APPLICATION) is not None

    def used(self) -> set[str]:
        tables = {name: self._table(name) for name in self.standing()}
        return {f"{ROWS}/{n}/{file}" for n, table in tables.items() if table is not None for file in _files(table)}

    def refuse_misfit(self, name: str, data: Path) -> None:
        table = self._table(name)
        if table is not None:
            reason = broken(table, data)
            if reason is not None:
                hint = "change the table there, or what the model makes"
                raise BuildError(f"{self.location(name)} does not take the new rows: {reason}", hint=hint)

    def differs(self, wanted: Wanted) -> Iterator[str]:
        name, location = wanted.receipt.model, self.location(wanted.receipt.model)
        table = self._table(name)
        if table is None:
            yield f"{location} is no Delta table any more"
            return
        if _files(table) != [wanted.file]:
            number = table.transaction_version(APPLICATION)
            behind = self._behind(table, wanted)
            yield (
                f"{location} has the rows of publication {number}, and what is published is newer"
                if behind
                else f"{location} is not as it was published: others wrote to it (version {table.version()})"
            )
        elif next(iter(table.deletion_vectors()), None):
            yield f"{location} is not as it was published: a deletion vector takes rows away"
        if json.loads(_schema(wanted.receipt, table).to_json()) != json.loads(table.schema().to_json()):
            yield f"{location} has other columns, types or comments than were published"

    # synth_meta

    def tell(self, tables: Mapping[str, Sequence[Sequence[object]]]) -> None:
        from deltalake import write_deltalake
        from deltalake.exceptions import DeltaError

        from synthkit.store.lakes.metatables import arrow_table

        for name, rows in tables.items():
            location, table = self.bucket.url(f"{META_FOLDER}/{name}"), arrow_table(name, rows)
            for attempt in range(_TRIES):
                try:
                    write_deltalake(
                        location,
                        table,
                        mode="overwrite",
                        schema_mode="overwrite",
                        name=name,
                        storage_options=self._options,
                    )
                    break
                except (DeltaError, OSError) as error:
                    if attempt == _TRIES - 1:
                        raise self.failed(name, error) from None

    def collect(self, keep: int | None, older_than: float | None, *, dry_run: bool) -> Mapping[str, int] | None:
        from deltalake import DeltaTable

        found = super().collect(keep, older_than, dry_run=dry_run)
        for name in {one.key.split("/")[1] for one in self.bucket.list(META_FOLDER) if f"/{_LOG}/" in one.key}:
            DeltaTable(self.bucket.url(f"{META_FOLDER}/{name}"), storage_options=self._options).vacuum(
                _VACUUMED, dry_run=dry_run
            )
        return found


def _files(table: DeltaTable) -> list[str]:
    """The data files of a table, as its log names them: in its folder, by name alone."""
    import pyarrow as pa

    return sorted(pa.table(table.get_add_actions(flatten=True))["path"].to_pylist())


def _said(wanted: Wanted) -> dict[str, Any]:
    receipt = wanted.receipt
    return {
        "synthetic": True,
        "publication": wanted.number,
        "run_id": receipt.run_id,
        "receipt": receipt_key(receipt.model, wanted.named.receipt),
        "sha256": receipt.sha256,
        "privacy": in_words(receipt),
    }


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


def _enable(table: DeltaTable, schema: Schema) -> None:
    """Let a table have points in time without a zone, where it has none yet and now will."""
    from deltalake import TableFeatures

    if "timestamp_ntz" in schema.to_json() and _ZONELESS not in (table.protocol().writer_features or ()):
        table.alter.add_feature(TableFeatures.TimestampWithoutTimezone, allow_protocol_versions_increase=True)
