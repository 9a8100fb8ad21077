"""Published tables handed on, from Python: what passed the gate, whole families, in forms that other tools read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.api.project import Names, compile, several
from synthkit.errors import SynthError

if TYPE_CHECKING:
    from synthkit.compiler import Manifest
    from synthkit.exports.contract import ExportedTable, Package
    from synthkit.store.publishedtable import PublishedTable
    from synthkit.store.reader import Reader


@dataclass(frozen=True)
class Exported:
    """What was exported.

    Args:
        path: the folder or file.
        files: all that was written.
        tables: table → its rows, those of a family that nobody named included.
        notes: what a reader should know.
    """

    path: Path
    files: tuple[Path, ...]
    tables: dict[str, int]
    notes: tuple[str, ...] = ()


def export_to(
    out: str | Path, to: str, models: Names = (), project: str | Path = ".", *, target: str | None = None
) -> Exported:
    """Write published tables in a form that other tools read, with data sheet, guarantee and verdicts.

    Args:
        out: a folder, which is replaced as a whole where an export made it; of some formats a file.
        to: the format: csv, parquet, jsonl, excel, huggingface, croissant, odcs, frictionless, dbt, or an installed
            package's.
        models: tables or families, by name; a table of a family brings the whole family. Default: all that is
            published.

    Raises:
        SynthError: nothing is published, a table's bytes are not what its receipt says or its receipt contradicts
            itself, the format has no room for a table, or ``out`` is taken.
    """
    from synthkit.exports.folder import write
    from synthkit.exports.registry import exporter_of

    exporter = exporter_of(to)
    package, notes = _package(several(models), project, target)
    files = write(exporter, package, Path(out))
    return Exported(Path(out), tuple(files), {table.name: table.rows for table in package.tables}, tuple(notes))


def _package(models: Sequence[str], project: str | Path, target: str | None) -> tuple[Package, list[str]]:
    from synthkit.exports.contract import Package
    from synthkit.project.addresses import address_of
    from synthkit.store.reader import open as open_tables

    reader = open_tables(project, target)
    manifest, notes = _manifest(project, target)
    names, added = _whole(reader, models)
    if added:
        notes.append(f"a family is exported whole, with its keys: {', '.join(added)} came along")
    published = reader.all()  # of one instant
    tables = []
    for name in names:
        table = published.get(name) or reader.table(name)
        _refuse_other_bytes(table)
        tables.append(_described(table, manifest))
    joins = {n: tuple(k for k in keys if k.holds and k.references in names) for n, keys in reader.joins().items()}
    tables = [replace(table, keys=joins.get(table.name, ())) for table in tables]
    address = address_of(project)
    if address is not None:
        called, where = address.rstrip("/").rpartition("/")[2], target or "published"
    else:
        from synthkit.store.reader import project_name

        called, where = project_name(project, target)
    families = {t.receipt.family.name for t in tables if t.receipt.family is not None}
    one = families.pop() if len(families) == 1 and all(t.receipt.family is not None for t in tables) else called
    database = reader.warehouse.shown_in()
    database = database if database is not None and database.exists() else None
    return Package(
        name=tables[0].name if len(tables) == 1 else one,
        project=called,
        target=where,
        tables=tuple(tables),
        database=database,
        shown=_shown(reader, names) if database is not None else frozenset(),
    ), notes


def _whole(reader: Reader, models: Sequence[str]) -> tuple[list[str], list[str]]:
    """The tables that are meant, and those of them that nobody named: the rest of their families."""
    receipts = reader.warehouse.all_published()
    families = {r.family.name: list(r.family.members) for r in receipts.values() if r.family is not None}
    if not models:
        if not receipts:
            raise SynthError("nothing is published, so there is nothing to export", hint="run synth build")
        return list(receipts), []
    found: list[str] = []
    added: list[str] = []
    for model in models:
        if model in families:
            found += families[model]
            continue
        receipt = reader.table(model).receipt
        members = [model] if receipt.family is None else list(receipt.family.members)
        found += members
        added += [name for name in members if name not in models]
    return list(dict.fromkeys(found)), list(dict.fromkeys(added))


def _refuse_other_bytes(table: PublishedTable) -> None:
    """Raises SynthError where the rows, or the receipt, are not those that passed the gate."""
    from synthkit.files import sha256_file
    from synthkit.store.warehouse import SUFFIX
    from synthkit.verify.consistent import agrees_with_itself
    from synthkit.verify.receipts import ReceiptFile

    name, receipt, place = table.name, table.receipt, table.path.with_name(f"{table.name}{SUFFIX}")
    hint = f"synth verify says more; synth build --select {name} makes it again"
    if sha256_file(table.path) != receipt.sha256:
        raise SynthError(f"the bytes of {name!r} are not what its receipt says, so it is not exported", hint=hint)
    wrong = next((f for f in agrees_with_itself(ReceiptFile(place, receipt)) if f.level == "error"), None)
    if wrong is not None:
        message = f"the receipt of {name!r} contradicts itself, so it is not exported: {wrong.message}"
        raise SynthError(message, hint=hint)


def _manifest(project: str | Path, target: str | None) -> tuple[Manifest | None, list[str]]:
    """The project as it is today; None where tables are read without one, or it has faults."""
    from synthkit.project.addresses import address_of

    if address_of(project) is not None:
        return None, []
    try:
        return compile(project, target=target, reads="either"), []
    except SynthError as error:
        told = "descriptions, data sheets and what is withheld are those of the receipts"
        return None, [f"{told}, as the project does not compile: {error.message}"]


def _described(table: PublishedTable, manifest: Manifest | None) -> ExportedTable:
    """With what the project says of it today, else with what its receipt does."""
    from synthkit.exports.contract import ExportedTable
    from synthkit.planning.disclosed import public_form
    from synthkit.records.usage import UNSAID, Usage

    receipt = table.receipt
    model = None if manifest is None else manifest.models.get(table.name)
    if manifest is None or model is None:
        words, usage = dict(receipt.column_descriptions), receipt.usage or UNSAID
        return ExportedTable(table.name, table.path, receipt, receipt.description, words, usage)
    words = {c.name: c.description for c in model.schema.columns if c.description}
    usage = Usage.from_json(model.spec.usage.recorded())
    shown = public_form(manifest, model, receipt)
    return ExportedTable(table.name, table.path, shown, model.spec.description, words, usage)


def _shown(reader: Reader, names: Sequence[str]) -> frozenset[str]:
    """The tables that the DuckDB file has under their names."""
    rows = reader.query("select name, materialized from synth_meta.tables").to_pylist()
    held = {row["name"] for row in rows if row["materialized"] in ("table", "view")}
    return frozenset(name for name in names if name in held)
