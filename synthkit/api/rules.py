"""The rules that hold in a table: a source's training rows, a published table, or rows at hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from synthkit.api.project import compile
from synthkit.errors import SynthError, did_you_mean
from synthkit.extras import TRAIN, refuse_absent
from synthkit.rules.find.evidence import Found
from synthkit.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.compiler import Manifest, SourceNode

MOST_ROWS = 1_000_000  # that are looked at


def find_rules(
    table: str | pa.Table,
    project: str | Path | Manifest = ".",
    *,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
) -> tuple[Found, ...]:
    """What holds between the columns of a table, in every row or in all but a few, with its evidence.

    Args:
        table: ``"group.table"`` for a source's training rows, a model's name for its published table, or rows at hand.
        project: its folder, or one inside it, or what :func:`~synthkit.api.project.compile` gave; not looked at where
            rows are given.
        target, vars: see :func:`~synthkit.api.project.compile`.

    Returns:
        Each with ``.rule`` (``str(found.rule)`` is what ``rules:`` takes), ``.evidence`` and ``.exact``. What computes
        a column in nine of ten rows, or more, ends with ``mostly``.

    Raises:
        SynthError: there is no such table, or a model keeps a privacy budget of its rows: then a rule that was read off
            them would tell of them.

    >>> import random
    >>> import pyarrow as pa
    >>> dice = random.Random(7)
    >>> net, tax = ([dice.randrange(most) for _ in range(500)] for most in (100, 20))
    >>> bills = pa.table({"net": net, "tax": tax, "gross": [a + b for a, b in zip(net, tax)]})
    >>> [str(found.rule) for found in find_rules(bills)]
    ['gross = net + tax']
    """
    from synthkit.rules.find.search import find_rules as search

    refuse_absent("what finds rules", TRAIN)
    if not isinstance(table, str):
        return search(table, mostly=True)
    manifest = compile(project, target=target, vars=vars) if isinstance(project, str | Path) else project
    sources = {f"{node.relation.source}.{node.relation.name}": node for node in manifest.sources.values()}
    if table in sources:
        return search(_training_rows(manifest, sources[table]), mostly=True)
    if table in manifest.models:
        from synthkit.store.reader import open as open_warehouse

        published = open_warehouse(manifest.project.root, target).table(table)
        receipt = published.receipt
        rows = _as_read(Table(receipt.table_schema.as_schema(), (published.path,), receipt.rows))
        return search(rows, mostly=True)
    names = [*sources, *manifest.models]
    raise SynthError(
        f"there is no source and no model {table!r}", hint=did_you_mean(table, names, "a source or a model")
    )


def _training_rows(manifest: Manifest, node: SourceNode) -> pa.Table:
    """At most a million of them, read for this alone: what is held out stays unseen."""
    from synthkit.planning.fingerprint import Fingerprinter
    from synthkit.project.holdout import holdout_of
    from synthkit.sources.ingest import ingest, parse_share

    private = [m.spec.name for m in manifest.models.values() if m.budget is not None and node.id in m.lineage.sources]
    if private:
        raise SynthError(
            f"{private[0]!r} keeps a privacy budget of {node.relation.name!r}, and a rule found in its rows would tell "
            "of them without paying",
            hint="declare under rules: what anyone may know",
        )
    project = manifest.project
    share, _ = holdout_of(project.spec, node.spec)
    connections = project.spec.connections
    fingerprinter = Fingerprinter(manifest)
    with TemporaryDirectory() as scratch:
        split = ingest(
            node.spec,
            root=project.root,
            connections=connections,
            holdout=parse_share(share),
            directory=Path(scratch),
            source_hash=fingerprinter.content(node.id),
            ownership=fingerprinter.ownership(node.relation),
        )
        return _as_read(split.train)


def _as_read(table: Table) -> pa.Table:
    """A million rows at most, columns in a written form as what they mean."""
    from synthkit.encoding.writtenform import read_view

    with TemporaryDirectory() as scratch:
        known = read_view(table, "form").learn(table, Path(scratch) / "read.parquet")
        return known.first(MOST_ROWS)
