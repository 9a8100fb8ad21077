"""Versions of published tables from Python: listed, compared, published again, sent and brought."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.api.project import Names, compile, compiled, load, several
from synthkit.errors import ConfigurationError, SynthError, install
from synthkit.extras import TRAIN, absent

if TYPE_CHECKING:
    from synthkit.compiler import Manifest
    from synthkit.planning.compare import Difference
    from synthkit.records.receipt import Receipt
    from synthkit.results import RunResults
    from synthkit.store.logged import LoggedVersions
    from synthkit.store.published import Versions
    from synthkit.store.versions.history import Version


@dataclass(frozen=True)
class History:
    """The versions of one table, the newest first; ``outdated``: what it was made from other rows of than are there."""

    versions: tuple[Version, ...]
    outdated: tuple[str, ...]


@dataclass(frozen=True)
class RolledBack:
    """An old version that is published again.

    Args:
        receipt: its receipt now, and the file's name.
        below: the tables that are made from other rows now, for people; empty where none is.
        outdated: the tables of whose rows of today it was not made itself.
        warnings: what went wrong with the DuckDB file.
        together: the other tables of its family, which are published again as they were then, too.
    """

    receipt: Receipt
    file: str
    below: str
    outdated: tuple[str, ...]
    warnings: tuple[str, ...]
    together: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pushed:
    """``files`` of ``tables`` are on the remote, ``sent`` of them were not there before."""

    files: int
    tables: int
    sent: int


@dataclass(frozen=True)
class Pulled:
    """``brought`` of ``tables`` were missing and are here now; ``warnings``: what went wrong with the DuckDB file."""

    brought: int
    tables: int
    warnings: tuple[str, ...]


def versions(model: str, project: str | Path = ".", *, target: str | None = None) -> History:
    """The versions of a published table, from git's history; of one in an object store from its log.

    Raises:
        SynthError: there never was one of that name, or versions are off (no git and DVC repository).
    """
    from synthkit.store.readers import made_from_other_rows

    kept = _kept(project, target)
    found = tuple(kept.of_table(model))
    return History(found, made_from_other_rows(kept.warehouse.all_published()).get(model, ()))


def diff(
    model: str | None = None,
    before: str | None = None,
    after: str | None = None,
    project: str | Path = ".",
    *,
    target: str | None = None,
) -> dict[str, Difference]:
    """Compare two versions of a table, or of all: by name, what was made otherwise, columns, rows, audits, ε.

    Args:
        model: None for all tables that both sides have.
        before, after: commits, branches, tags or run ids; by default what git has at HEAD (in an object store the
            version before), and what is published here.

    Raises:
        SynthError: see :func:`versions`; or there is no such version.
    """
    kept = _kept(project, target)
    found = {}
    for name in [model] if model else kept.warehouse.names():
        pair = _pair(kept, name, before, after, alone=model is not None)
        if pair is not None:
            found[name] = _compared(kept, *pair)
    return found


def rollback(
    model: str,
    version: str,
    project: str | Path | Manifest = ".",
    *,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> RolledBack:
    """Publish an old version of a table again: Parquet, receipt, pointer and DuckDB file.

    Nothing is trained and no privacy is spent. The YAML stays as it is, so the next build makes the table anew unless
    it is reverted too. The tables of a family are published again together, as they were then.

    Args:
        version: a commit, branch, tag, or the id of a run.
        say: is told what is waited for.

    Raises:
        SynthError: see :func:`versions`; the version's audits did not pass; or a build holds the project's lock.
    """
    from synthkit.building.publish import refresh_database
    from synthkit.building.runrecord import now
    from synthkit.store.lock import ProjectLock
    from synthkit.store.readers import made_from_other_rows, told
    from synthkit.store.signing import signer

    manifest = compiled(project, target=target, vars=vars, reads="receipts")
    root = manifest.project.root
    with ProjectLock(manifest.project.target_dir / "lock", wait=0).held(say):
        kept = _kept(root, manifest.project.target_name)
        wanted = kept.with_family(model, kept.named(model, version))
        receipts = kept.restore(wanted, now(), signer(root))
        warnings = tuple(refresh_database(manifest))
    other = made_from_other_rows(kept.warehouse.all_published())
    file, together = kept.warehouse.receipt_path(model).name, tuple(n for n in wanted if n != model)
    below = ", ".join(dict.fromkeys(t for name in wanted if (t := told(other, name))))
    return RolledBack(receipts[model], file, below, other.get(model, ()), warnings, together)


def push(
    models: Names = (),
    project: str | Path = ".",
    *,
    target: str | None = None,
    remote: str | None = None,
    all_versions: bool = False,
) -> Pushed:
    """Copy published tables to a DVC remote, those of a family with each other.

    Args:
        models: all by default.
        remote: of DVC; by default its default remote.
        all_versions: also what older commits published.
    """
    from synthkit.store.readers import with_families

    kept = _kept_by_git(project, target)
    names = list(several(models)) or kept.warehouse.names()
    objects = kept.objects(with_families(kept.receipts(), names), all_versions=all_versions)
    wanted = [md5 for each in objects.values() for md5 in each]
    sent = kept.repository.push(wanted, remote)
    return Pushed(len(set(wanted)), len(objects), sent)


def pull(
    models: Names = (),
    project: str | Path = ".",
    *,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
    remote: str | None = None,
) -> Pulled:
    """Bring the tables whose receipts git has from a DVC remote, and make the DuckDB file; see :func:`push`."""
    from synthkit.building.publish import refresh_database, refresh_from_receipts
    from synthkit.store.readers import with_families

    loaded = load(project, target=target, vars=vars)
    kept = _kept_by_git(project, target)
    names = with_families(kept.receipts(), list(several(models)) or kept.warehouse.names())
    brought = kept.pull(names, remote)
    try:
        warnings = refresh_database(compile(project, target=target, vars=vars, reads="receipts"))
    except ConfigurationError as error:  # the tables are here all the same
        warnings = [f"{error.message}: synth compile lists them; tables are described as their receipts have it"]
        warnings += refresh_from_receipts(loaded, {})
    return Pulled(brought, len(names), tuple(warnings))


def refuse_no_git(manifest: Manifest) -> None:
    """Raises SynthError, before anything is trained, where :func:`commit` could not commit."""
    from synthkit.store.targets import target_of
    from synthkit.store.versions.gitdir import git_directory

    root = manifest.project.root
    if git_directory(root) is None:
        raise SynthError(f"--commit: {root} is in no git repository", hint="git init, or build without --commit")
    why = target_of(manifest.project).unversioned()
    if why is not None:
        raise SynthError(f"--commit: {why}", hint="build without --commit")


def commit(manifest: Manifest, run: RunResults, message: str | None = None) -> str | None:
    """Commit receipts, pointers and the ledger of what a run published to git; None where all is committed already.

    Raises:
        SynthError: git refuses, with its reason; or the run failed.
    """
    from synthkit.store.published import commit_published
    from synthkit.store.targets import target_of
    from synthkit.store.warehouse import Warehouse

    if run.failed:
        raise SynthError("nothing was committed, as the build failed")
    project = manifest.project
    published = [r.model for r in run.results if r.materialized != "ephemeral"]
    target = target_of(project)
    if not isinstance(target, Warehouse):
        raise SynthError(f"nothing was committed: {target.unversioned()}")
    return commit_published(project.root, target, published, message, run.run_id)


def _kept(project: str | Path, target: str | None) -> Versions | LoggedVersions:
    """The versions of the tables of a project. Raises SynthError where versions are off."""
    from synthkit.store.published import Versions
    from synthkit.store.reader import warehouse_of

    return Versions.of(warehouse_of(project, target)[1])


def _kept_by_git(project: str | Path, target: str | None) -> Versions:
    """:func:`_kept`, of a target whose rows DVC keeps."""
    from synthkit.store.published import Versions
    from synthkit.store.reader import warehouse_of

    return Versions.by_git(warehouse_of(project, target)[1])


def _pair(
    kept: Versions | LoggedVersions, name: str, before: str | None, after: str | None, *, alone: bool
) -> tuple[Receipt, Receipt] | None:
    """The receipts to compare; None for a table that only one side has, where others are compared too."""
    try:
        old = (kept.before(name) if before is None else kept.named(name, before)).receipt
        if after is not None:
            return old, kept.named(name, after).receipt
        current = kept.warehouse.published(name)
        if current is None:
            raise SynthError(f"{name!r} is not published here", hint="run synth build or synth pull")
    except SynthError:
        if alone:
            raise
        return None
    return old, current


def _compared(kept: Versions | LoggedVersions, old: Receipt, new: Receipt) -> Difference:
    from synthkit.planning.compare import compare
    from synthkit.store.published import Versions

    if old.sha256 == new.sha256:
        return compare(old, new, None)
    wanted = (TRAIN, "dvc") if isinstance(kept, Versions) else (TRAIN,)
    lacking = [found for extra in wanted if (found := absent("comparing values", extra))]
    if lacking:
        return compare(old, new, None, f"{lacking[0].message}: {install(','.join(wanted))}")
    return compare(old, new, (kept.file(old), kept.file(new)))
