"""A target in PostgreSQL: each publication is one transaction, from the rows to the receipts.

The rows are loaded into new tables, which nobody else sees; at the end these take the names of the old ones
(:mod:`.replacing`), and the log its next entry. A process that is killed leaves nothing: the server takes it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError, SynthError
from synthkit.records.receipt import Receipt
from synthkit.sql.quoting import quote
from synthkit.store.publications import Entry, Named
from synthkit.store.servers.databasetarget import DatabaseTarget
from synthkit.store.servers.postgres import storage
from synthkit.store.servers.postgres.connection import Server, server_of
from synthkit.store.servers.postgres.drift import drifted
from synthkit.store.servers.postgres.loading import analyse, columns_of, describe, load
from synthkit.store.servers.postgres.meta import tell, tell_all, told
from synthkit.store.servers.postgres.replacing import replace
from synthkit.store.servers.postgres.standing import Relation, comments, missing, relations
from synthkit.store.target import Sealed, TableInfo

if TYPE_CHECKING:
    from synthkit.records.history import RunEntry
    from synthkit.sql.serveraddress import ServerAddress
    from synthkit.store.servers.postgres.connection import Connection


class Postgres(DatabaseTarget):
    """The tables of a schema."""

    kind = "postgres"
    scheme = "postgresql"
    storage = storage
    server: Server

    @staticmethod
    def connect(address: ServerAddress) -> Server:
        return server_of(address)

    # read

    def standing(self, receipts: Mapping[str, Receipt]) -> set[str]:
        there = relations(self.server)
        return {n for n, r in receipts.items() if n in there and _stands(there[n], r)}

    def relations(self) -> set[str]:
        return {*relations(self.server)}

    def drifted(self, receipt: Receipt, *, full: bool) -> Iterator[str]:
        return drifted(self.server, receipt, self.file, full=full)

    # publish

    def put_all(self, tables: Mapping[str, tuple[Path, Sealed]]) -> dict[str, Receipt]:
        """See :meth:`synthkit.store.target.Target.put_all`: the transaction's end publishes the tables."""
        storage.install(self.server)
        base = self.base_of(tables)
        new = self.sealed(tables, base)
        with self._publication(new.changes, base) as (connection, turn):
            loaded = [load(connection, self.server.schema, r, new.files[n]) for n, r in new.shown.items()]
            for one in loaded:
                said = new.receipts[one.name]
                relation = f"{quote(self.server.schema)}.{quote(one.new)}"
                describe(connection, relation, said.description, said.column_descriptions)
            turn()
            for name, receipt in new.receipts.items():
                storage.add_file(connection, self.server, receipt.sha256, new.files[name])
                storage.add_receipt(connection, self.server, new.changes[name].receipt, new.texts[name])
            replace(connection, self.server, loaded, new.hidden, new.joins)
            tell(connection, self.server, new.receipts)
        return self.was_published(new)

    @contextmanager
    def _publication(
        self, changes: Mapping[str, Named | None], base: Mapping[str, str | None]
    ) -> Iterator[tuple[Connection, Callable[[], None]]]:
        """A transaction that adds an entry to the log, with a function that waits for its turn.

        Raises:
            OvertakenError: another publisher changed one of the tables.
        """
        entry = Entry(0)

        def turn() -> None:
            nonlocal entry
            storage.take_turn(connection, self.server)
            now = storage.newest(connection, self.server) or Entry(0)
            self.refuse_overtaken(now, changes, base)
            entry = now.then(changes, datetime.now(UTC).isoformat(timespec="milliseconds"))
            storage.add_entry(connection, self.server, entry)

        try:
            with self.server.transaction() as connection:
                yield connection, turn
        except BuildError:
            # Where the answer to its end was lost, the log says whether it took place.
            if not entry.number or not self._took_place(entry):
                raise
        with self.known.lock:
            self.changed(changes)

    def _took_place(self, entry: Entry) -> bool:
        with suppress(BuildError), self.server.transaction() as connection:
            storage.take_turn(connection, self.server)  # the server may still be about to end ours: it holds the turn
            return any(there.writer == entry.writer for there in self.entries())
        return False

    def remove(self, name: str) -> None:
        """Withdraw a table. Its rows go with the versions that are no longer kept (``synth gc``)."""
        base = self.base_of([name])
        if base[name] is not None:
            with self._publication({name: None}, base) as (connection, turn):
                turn()
                replace(connection, self.server, [], [name], {})
        self.receipt_path(name).unlink(missing_ok=True)

    def size(self, name: str) -> int:
        found = self.server.rows(
            "SELECT pg_total_relation_size(to_regclass(%s))", [f"{quote(self.server.schema)}.{quote(name)}"]
        )
        return int(found[0][0] or 0)

    # keep in order

    def ready(self) -> str:
        rights = self.server.rows(
            "SELECT getdatabaseencoding(), has_database_privilege(current_database(), 'CREATE'),"
            " (SELECT bool_and(has_schema_privilege(oid, 'CREATE')) FROM pg_namespace WHERE nspname IN (%s, %s)),"
            " (SELECT count(*) FROM pg_namespace WHERE nspname IN (%s, %s))",
            [self.server.schema, self.server.meta] * 2,
        )
        encoding, creates, there, schemas = rights[0]
        if encoding != "UTF8":
            raise SynthError(f"{self.where}: the database is {encoding}", hint="publish to one that is UTF8")
        if not creates and schemas < 2:
            hint = f"GRANT CREATE ON DATABASE, or make them for it: {self.server.schema}, {self.server.meta}"
            raise SynthError(f"{self.where}: its user may not make schemas", hint=hint)
        if there is False:
            raise SynthError(f"{self.where}: its user may not make tables there", hint="GRANT CREATE ON SCHEMA")
        many = len(self.entry().tables)
        return f"{self.where} answers" + (f", {many} tables are published there" if many else "")

    def told(self) -> str:
        return told(self.server)

    def show(
        self,
        shown: Mapping[str, TableInfo],
        infos: Mapping[str, TableInfo],
        runs: Sequence[RunEntry],
        receipts: Mapping[str, Receipt],
        inputs: str,
    ) -> None:
        there = relations(self.server)
        with self.server.transaction() as connection:
            storage.take_turn(connection, self.server)
            new = [n for n in shown if n not in there]
            loaded = [load(connection, self.server.schema, receipts[n], self.file(receipts[n])) for n in new]
            old = [n for n in receipts if n in infos and n not in shown and n in there]
            replace(connection, self.server, loaded, old, {})
            said = comments(connection, self.server.schema)
            for name, info in shown.items():
                relation = f"{quote(self.server.schema)}.{quote(name)}"
                columns = {c.name: info.column_descriptions.get(c.name) for c in receipts[name].columns}
                describe(connection, relation, info.description, columns, said.get(name))
            analyse(connection, self.server.schema, [*shown])
            tell_all(connection, self.server, receipts, infos, runs, inputs)


def _stands(found: Relation, receipt: Receipt) -> bool:
    """Whether the schema has a table of a receipt's columns."""
    return found.kind == "r" and missing(found.columns, columns_of(receipt)) is None
