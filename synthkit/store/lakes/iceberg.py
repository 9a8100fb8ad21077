"""A target of Iceberg tables, through pyiceberg (Apache-2.0): a publication of a table is one snapshot, and a tag.

```
<warehouse>/tables/<model>/<hash>-<writer>.parquet    the published file, which the snapshot has in place of the last
<warehouse>/tables/<model>/metadata/                   the table's metadata
<warehouse>/catalogue.sqlite                           the catalogue, where no other one is named
```

A commit is one swap in the catalogue, under the condition that nobody else's came first: rows, columns, the tag
``publication-<number>`` and the properties by which a table is known again. Iceberg's files name columns by numbers,
and a published file by names; so a table has a mapping of names, and the tag of a version goes with a column whose type
changes, as readers of the version would find nothing in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import SynthError
from synthkit.extras import refuse_absent
from synthkit.records.receipt import Receipt
from synthkit.store.collecting import divided
from synthkit.store.lakes.icebergfiles import named, replaced
from synthkit.store.lakes.icebergschema import adapted, differs, docs_of, read_wrongly
from synthkit.store.lakes.laketarget import AGAIN, META_FOLDER, META_KEPT, REPLACED, LakeTarget, Standing, Wanted
from synthkit.store.lakes.storage import file_options_of
from synthkit.store.target import Place

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table, Transaction

CATALOGUE = "catalogue.sqlite"
NUMBER = "synth.publication"  # a table's property
TAG = "publication-"
_MAPPING = "schema.name-mapping.default"
_META = "_synth_meta"


class Iceberg(LakeTarget):
    """The Iceberg tables of a namespace of a catalogue, which lie below a folder or an address."""

    kind = "iceberg"
    called = "Iceberg"

    def __init__(self, place: Place) -> None:
        if place.schema is None:
            hint = "write schema: NAME, the namespace in the catalogue"
            raise SynthError("it is not said which schema holds the tables", hint=hint)
        if place.address is not None and place.catalog is None:
            hint = "write catalog: NAME, which pyiceberg is configured for (docs/lakes.md)"
            raise SynthError("an Iceberg lake at an address needs a catalogue", hint=hint)
        super().__init__(place)
        self.namespace = place.schema

    @cached_property
    def _catalogue(self) -> Catalog:
        refuse_absent(f"a target of type {self.kind}", self.kind)
        from pyiceberg.catalog import load_catalog

        options = file_options_of(self.place.address)
        if self.place.catalog is not None:
            return load_catalog(self.place.catalog, **options)
        root = Path(self.place.path).absolute()
        root.mkdir(parents=True, exist_ok=True)
        uri = f"sqlite:///{root / CATALOGUE}?timeout=60"  # seconds that a publisher waits for another's commit
        return load_catalog("synthkit", type="sql", uri=uri, warehouse=root.as_uri())

    def _uri(self, location: str) -> str:
        return location if self.place.address is not None else Path(location).as_uri()

    # what others read

    def look(self, name: str) -> Standing | None:
        from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

        if self.place.catalog is None and not (Path(self.place.path) / CATALOGUE).is_file():
            return None
        try:
            table = self._catalogue.load_table((self.namespace, name))
        except (NoSuchTableError, NoSuchNamespaceError):
            return None
        number = table.properties.get(NUMBER)
        return Standing(table, table.metadata_location, self._files(table), None if number is None else int(number))

    def _files(self, table: Table, snapshot: int | None = None) -> list[str]:
        """The files of rows, and those that take rows away; by default those of now."""
        start = table.location().rstrip("/") + "/"
        tasks = list(table.scan(snapshot_id=snapshot).plan_files())
        found = {one.file_path for task in tasks for one in (task.file, *task.delete_files)}
        return sorted(path.removeprefix(start) for path in found)

    def commit(self, standing: Standing | None, wanted: Wanted, number: int) -> None:
        from pyiceberg.table.update.snapshot import ManageSnapshots

        receipt = wanted.receipt
        properties = {NUMBER: str(number), "comment": receipt.description or ""}
        if standing is None:
            self._catalogue.create_namespace_if_not_exists((self.namespace,))
            with self._catalogue.create_table_transaction(
                (self.namespace, receipt.model),
                docs_of(receipt),
                location=self._uri(self.location(receipt.model)),
                properties=properties,
            ) as transaction:
                mapping = transaction.table_metadata.schema().name_mapping.model_dump_json()
                transaction.set_properties(**{_MAPPING: mapping})
                self._replace(transaction, (), wanted, number)
            return
        table: Table = standing.table
        with table.transaction() as transaction:
            adapted(transaction, receipt)
            transaction.set_properties(**properties)
            self._replace(transaction, [task.file for task in table.scan().plan_files()], wanted, number)
            for name in read_wrongly(transaction.table_metadata, TAG):
                with ManageSnapshots(transaction) as snapshots:
                    snapshots.remove_tag(name)
        with suppress(Exception):  # they are without a tag, and the next collection takes them
            self._expire(receipt.model)

    def _replace(self, transaction: Transaction, old: Sequence[Any], wanted: Wanted, number: int) -> None:
        """Add the published file in place of all others, and a tag of it."""
        from pyiceberg.io.pyarrow import parquet_file_to_data_file
        from pyiceberg.table.update.snapshot import ManageSnapshots

        file = self._uri(self.bucket.url(wanted.named.rows))
        said = {f"synth.{k}": v if isinstance(v, str) else json.dumps(v) for k, v in self.said(wanted, number).items()}
        with transaction.update_snapshot(snapshot_properties=said).overwrite() as snapshot:
            for one in old:
                snapshot.delete_data_file(one)
            metadata = transaction.table_metadata
            snapshot.append_data_file(parquet_file_to_data_file(transaction._table.io, metadata, file))
        published = transaction.table_metadata.current_snapshot_id
        assert published is not None
        with ManageSnapshots(transaction) as snapshots:
            snapshots.create_tag(published, f"{TAG}{number}")

    def withdraw(self, name: str) -> None:
        from pyiceberg.exceptions import NoSuchTableError

        with suppress(NoSuchTableError):  # another build was faster
            self._catalogue.drop_table((self.namespace, name))

    def standing(self) -> set[str]:
        return self._tables(self.namespace)

    def _tables(self, namespace: str) -> set[str]:
        if self.place.catalog is None and not (Path(self.place.path) / CATALOGUE).is_file():
            return set()
        with self.explained(namespace):
            if not self._catalogue.namespace_exists((namespace,)):
                return set()
            return {identifier[-1] for identifier in self._catalogue.list_tables((namespace,))}

    def forbids(self, table: Table, data: Path) -> str | None:  # noqa: ARG002
        if not table.spec().is_unpartitioned():
            return "it is partitioned, and a published file is not"
        needed = [field.name for field in table.schema().fields if field.required]
        return f"{needed[0]} is required there, which no column of a published file is" if needed else None

    def otherwise(self, table: Table, receipt: Receipt) -> Iterator[str]:
        if differs(table.schema(), receipt):
            yield "has other columns, types or descriptions than were published"

    # keep in order

    def held(self, standing: Standing) -> Iterable[str]:
        """Those of others' tags and branches, too."""
        from pyiceberg.table.refs import MAIN_BRANCH

        table: Table = standing.table
        refs = table.refs().items()
        others = {ref.snapshot_id for name, ref in refs if name != MAIN_BRANCH and not name.startswith(TAG)}
        return {*standing.files, *(file for one in others for file in self._files(table, one))}

    def collect(self, keep: int | None, older_than: float | None, *, dry_run: bool) -> Mapping[str, int] | None:
        """Tags and snapshots of versions go before their rows do."""
        if not dry_run:
            forgotten, _ = divided(list(self.log.entries()), keep, older_than)
            for name in sorted(self.standing()):
                with self.explained(name, AGAIN):
                    self._untag(name, {f"{TAG}{entry.number}" for entry in forgotten if name in entry.changed})
                    self._expire(name)
        found = super().collect(keep, older_than, dry_run=dry_run) or {}
        size = self._collect_meta(dry_run=dry_run)
        return {**found, REPLACED: size} if size else found

    def _collect_meta(self, *, dry_run: bool) -> int:
        """Remove files of ``synth_meta`` that were replaced long enough ago; returns their bytes."""
        before, namespace, removed = datetime.now(UTC) - META_KEPT, f"{self.namespace}{_META}", 0
        for name in sorted(self._tables(namespace)):
            with self.explained(f"{namespace}.{name}", AGAIN):
                table = self._catalogue.load_table((namespace, name))
                gone = replaced(table, before)
                if gone and not dry_run:
                    table.maintenance.expire_snapshots().by_ids(gone).commit()
                # First what lies there, then what is named: what is written meanwhile is not among what is looked at.
                objects = {self._uri(self.bucket.url(o.key)): o for o in self.bucket.list(f"{META_FOLDER}/{name}")}
                table = self._catalogue.load_table((namespace, name))
                keep = named(table, gone)
            if table.metadata_location not in objects:
                continue  # its files lie elsewhere, or are called otherwise: nothing here is sure to be its own
            old = [one for uri, one in objects.items() if uri not in keep and one.modified < before]
            if not dry_run:
                self.bucket.delete([one.key for one in old])
            removed += sum(one.size for one in old)
        return removed

    def _untag(self, name: str, gone: set[str]) -> None:
        table = self._catalogue.load_table((self.namespace, name))
        snapshot, refs = table.current_snapshot(), table.refs()
        now = None if snapshot is None else snapshot.snapshot_id
        for tag in sorted(t for t in gone & refs.keys() if refs[t].snapshot_id != now):
            with table.manage_snapshots() as snapshots:
                snapshots.remove_tag(tag)

    def _expire(self, name: str) -> None:
        """Forget snapshots that synthkit made and no tag or branch names any more."""
        table = self._catalogue.load_table((self.namespace, name))
        held = {ref.snapshot_id for ref in table.refs().values()}
        gone = [
            s.snapshot_id
            for s in table.snapshots()
            if s.snapshot_id not in held and s.summary is not None and s.summary.get(NUMBER) is not None
        ]
        if gone:
            table.maintenance.expire_snapshots().by_ids(gone).commit()

    # synth_meta

    def write_meta(self, name: str, table: pa.Table) -> None:
        namespace = (f"{self.namespace}{_META}",)
        self._catalogue.create_namespace_if_not_exists(namespace)
        location = self._uri(self.bucket.url(f"{META_FOLDER}/{name}"))
        told = self._catalogue.create_table_if_not_exists((*namespace, name), table.schema, location=location)
        with told.transaction() as transaction:
            with transaction.update_schema() as schema:
                schema.union_by_name(table.schema)
            # Of a table without rows pyiceberg warns that there were none to overwrite.
            write = transaction.overwrite if any(told.scan().plan_files()) else transaction.append
            write(table)
