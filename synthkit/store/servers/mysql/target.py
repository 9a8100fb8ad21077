"""A target in MySQL or MariaDB, whose statements that define tables end any transaction.

So new tables, and the log's next entry, are made in ``<schema>_synth_meta``; one RENAME TABLE (:mod:`.replacing`)
publishes all of them, and takes the old ones away. What a killed process left there is removed by the next.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError, SynthError
from synthkit.records.receipt import Receipt
from synthkit.sql.mysql import same_type
from synthkit.sql.quoting import backticked, literal
from synthkit.store.publications import Entry, Named
from synthkit.store.servers.databasetarget import DatabaseTarget
from synthkit.store.servers.mysql import storage
from synthkit.store.servers.mysql.connection import Server, rows, server_of
from synthkit.store.servers.mysql.loading import Loaded, collation, columns_of, fill, keyed_columns, load
from synthkit.store.servers.mysql.meta import tell, tell_all, told
from synthkit.store.servers.mysql.replacing import (
    NEW,
    add_indexes,
    add_keys,
    drop,
    left_behind,
    lock_of,
    rename,
)
from synthkit.store.target import Sealed, TableInfo

if TYPE_CHECKING:
    from synthkit.records.history import RunEntry
    from synthkit.records.joins import Join
    from synthkit.sql.serveraddress import ServerAddress
    from synthkit.store.servers.mysql.connection import Connection


class Mysql(DatabaseTarget):
    """The tables of a database of a server, which MySQL calls a schema as well."""

    kind = "mysql"
    scheme = "mysql"
    storage = storage
    server: Server

    @staticmethod
    def connect(address: ServerAddress) -> Server:
        return server_of(address)

    # read

    def standing(self, receipts: Mapping[str, Receipt]) -> set[str]:
        there = self._columns()
        return {n for n, r in receipts.items() if n in there and _fits(there[n], r)}

    def relations(self) -> set[str]:
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
        return {str(name) for (name,) in self.server.rows(query, [self.address.schema])}

    def _columns(self) -> dict[str, list[tuple[str, str]]]:
        """The tables, not views, of the schema with their columns."""
        query = (
            "SELECT table_name, column_name, column_type FROM information_schema.columns JOIN information_schema.tables"
            " USING (table_schema, table_name) WHERE table_schema = %s AND table_type = 'BASE TABLE'"
            " ORDER BY table_name, ordinal_position"
        )
        found: dict[str, list[tuple[str, str]]] = {}
        for table, column, sql_type in self.server.rows(query, [self.address.schema]):
            found.setdefault(str(table), []).append((str(column), str(sql_type)))
        return found

    def drifted(self, receipt: Receipt, *, full: bool) -> Iterator[str]:
        name, shown = receipt.model, f"{self.address.schema}.{receipt.model}"
        relation = f"{self.server.schema}.{backticked(name)}"
        with self.server.session() as connection:
            ((count,),) = rows(connection, f"SELECT COUNT(*) FROM {relation}")
            if count != receipt.rows:
                yield f"{shown} has {count:,} rows, and its receipt {receipt.rows:,}"
                return
            if not full:
                return
            columns = ", ".join(f"{backticked(n)} {t} NULL" for n, t in columns_of(receipt))
            made = f"CREATE TEMPORARY TABLE {self.server.schema}.synth_published ({columns})"
            rows(connection, f"{made} CHARACTER SET utf8mb4 COLLATE {collation(connection)}")
            fill(connection, f"{self.server.schema}.synth_published", receipt, self.file(receipt))
            names = ", ".join(backticked(c.name) for c in receipt.columns)
            here, there = f"SELECT {names} FROM {relation}", f"SELECT {names} FROM {self.server.schema}.synth_published"
            ((strange,),) = rows(connection, f"SELECT COUNT(*) FROM ({here} EXCEPT ALL {there}) AS d")
            ((gone,),) = rows(connection, f"SELECT COUNT(*) FROM ({there} EXCEPT ALL {here}) AS d")
        if strange or gone:
            yield f"{shown} is not as it was published: rows that are not its own: {strange:,}, missing: {gone:,}"

    # publish

    def put_all(self, tables: Mapping[str, tuple[Path, Sealed]]) -> dict[str, Receipt]:
        """See :meth:`synthkit.store.target.Target.put_all`: a RENAME TABLE publishes the tables."""
        storage.install(self.server)
        base = self.base_of(tables)
        new = self.sealed(tables, base)
        with self._publisher() as (connection, token):
            keyed = keyed_columns(new.shown, new.files, new.joins)
            loaded = [
                load(connection, self.server, f"{NEW}{token}_{number}", r, new.files[n], keyed[n])
                for number, (n, r) in enumerate(new.shown.items())
            ]
            self._publish(connection, token, new.changes, base, loaded, new.hidden, new.joins, new.texts, new.files)
            with suppress(Exception):  # they are published: the end of the build says the rest
                tell(connection, self.server, new.receipts)
        return self.was_published(new)

    def _publish(
        self,
        connection: Connection,
        token: str,
        changes: Mapping[str, Named | None],
        base: Mapping[str, str | None],
        loaded: Sequence[Loaded] = (),
        withdrawn: Sequence[str] = (),
        joins: Mapping[str, Sequence[Join]] = {},
        texts: Mapping[str, str] = {},
        files: Mapping[str, Path] = {},
    ) -> None:
        """Add keys and an entry, and rename all of it into its place. Raises BuildError; nothing is published then."""
        server = self.server
        add_keys(connection, server, loaded, joins)
        add_indexes(connection, server, loaded)
        with storage.turn(connection, server):
            drop(connection, server, left_behind(connection, server))
            now = storage.newest(connection, server) or Entry(0)
            self.refuse_overtaken(now, changes, base)
            entry = now.then(changes, datetime.now(UTC).isoformat(timespec="milliseconds"))
            for name, text in texts.items():
                named = changes[name]
                assert named is not None
                storage.add_file(connection, server, named.rows, files[name])
                rows(connection, f"REPLACE INTO {server.meta}.receipts VALUES (%s, %s)", [named.receipt, text])
            storage.add_entry(connection, server, entry)
            current = f"{NEW}{token}_current"
            rows(connection, f"CREATE TABLE {server.meta}.{current} LIKE {server.meta}.current")
            rows(connection, f"INSERT INTO {server.meta}.{current} VALUES (%s)", [entry.to_bytes().decode()])
            try:
                old = rename(connection, server, loaded, withdrawn, token, current)
            except Exception:
                if connection.open or not self._took_place(entry):  # the answer alone may be lost, with the connection
                    raise
                old = []
            with self.known.lock:
                self.changed(changes)
            with suppress(Exception):  # the next publisher does it
                drop(connection, server, old)

    def _took_place(self, entry: Entry) -> bool:
        # The server may still be at ours, which holds the turn.
        with suppress(BuildError), self.server.session() as connection, storage.turn(connection, self.server):
            return any(there.writer == entry.writer for there in self.entries())
        return False

    @contextmanager
    def _publisher(self) -> Iterator[tuple[Connection, str]]:
        """A connection, and a token for the names of this publisher's own tables, which go with it."""
        token = uuid.uuid4().hex[:12]
        with self.server.session() as connection:
            rows(connection, "SELECT GET_LOCK(%s, 0)", [lock_of(token)])
            try:
                yield connection, token
            finally:
                with suppress(Exception):  # or the next publisher does it
                    rows(connection, "SELECT RELEASE_LOCK(%s)", [lock_of(token)])
                    drop(connection, self.server, [n for n in left_behind(connection, self.server) if token in n])

    def remove(self, name: str) -> None:
        """Withdraw a table. Its rows go with the versions that are no longer kept (``synth gc``)."""
        base = self.base_of([name])
        if base[name] is not None:
            with self._publisher() as (connection, token):
                self._publish(connection, token, {name: None}, base, withdrawn=[name])
        self.receipt_path(name).unlink(missing_ok=True)

    def size(self, name: str) -> int:
        query = "SELECT data_length + index_length FROM information_schema.tables"
        query += " WHERE table_schema = %s AND table_name = %s"
        found = self.server.rows(query, [self.address.schema, name])
        return int(found[0][0] or 0) if found else 0

    # keep in order

    def mend(self) -> None:
        super().mend()
        if storage.installed(self.server):
            with self.server.session() as connection, storage.turn(connection, self.server):
                drop(connection, self.server, left_behind(connection, self.server))

    def ready(self) -> str:
        entry = self.entry()
        if not storage.installed(self.server):
            there = {n for (n,) in self.server.rows("SELECT schema_name FROM information_schema.schemata")}
            lacking = [n for n in (str(self.address.schema), self.address.meta) if n not in there]
            rights = " ".join(str(g) for (g,) in self.server.rows("SHOW GRANTS"))
            if lacking and "ALL PRIVILEGES" not in rights and "CREATE" not in rights:
                hint = f"let somebody make them, and grant it all on them: {', '.join(lacking)}"
                raise SynthError(f"{self.where}: its user may not make databases", hint=hint)
        many = len(entry.tables)
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
        there = self.relations()
        with self._publisher() as (connection, token):
            new = {n: receipts[n] for n in shown if n not in there}
            files = {n: self.file(r) for n, r in new.items()}
            keyed = keyed_columns(new, files, {})
            loaded = [
                load(connection, self.server, f"{NEW}{token}_{number}", r, files[n], keyed[n])
                for number, (n, r) in enumerate(new.items())
            ]
            old = [n for n in receipts if n in infos and n not in shown and n in there]
            if loaded or old:
                self._publish(connection, token, {}, {}, loaded, old)
            query = "SELECT table_name, table_comment FROM information_schema.tables WHERE table_schema = %s"
            said = dict(rows(connection, query, [self.address.schema]))
            for name, info in shown.items():
                text = (info.description or "")[:2048]
                if said.get(name) != text:  # who reads the table would hold it up
                    relation = f"{self.server.schema}.{backticked(name)}"
                    rows(connection, f"ALTER TABLE {relation} COMMENT = {literal(text)}")
            tell_all(connection, self.server, receipts, infos, runs, inputs)


def _fits(found: Sequence[tuple[str, str]], receipt: Receipt) -> bool:
    """Whether columns are those of a receipt; a text of a key is shorter than others."""
    plain, keyed = columns_of(receipt), columns_of(receipt, {c.name for c in receipt.columns})
    if [n for n, _ in found] != [n for n, _ in plain]:
        return False
    return all(same_type(t, p[1]) or same_type(t, k[1]) for (_, t), p, k in zip(found, plain, keyed, strict=True))
