"""What lies in a target's scratch, and beside its tables, that no build of today's project would use."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from synthkit.compiler import Manifest
from synthkit.files import RETENTION, TEMPORARY, has_living_owner
from synthkit.planning.fingerprint import Fingerprint, Fingerprinter
from synthkit.planning.plan import make_plan
from synthkit.project.addresses import scheme_of
from synthkit.records.receipt import AuditedTable
from synthkit.sources.ingest import parse_share, split_key
from synthkit.sources.remote import cache_of, remote_files
from synthkit.store.staging import HANDED_OUT, SHORT, TRAINED, StagedRows, Staging
from synthkit.store.targets import target_of


@dataclass(frozen=True)
class Unused:
    """A file or folder that may go, and what kind of thing it is."""

    kind: str
    path: Path


def unused_scratch(manifest: Manifest) -> tuple[Unused, ...]:
    """Everything of the manifest's target that can go; it is read, not removed.

    What the published tables, the plan of today and the audited ephemeral tables name stays. Hold the build's lock.

    Raises:
        SynthError: the sources cannot be read, so it is not known which trained models are of today.
    """
    return tuple(_Search(manifest).found())


def temporaries(manifest: Manifest) -> tuple[Unused, ...]:
    """What killed processes left: files and folders under the names of writings that did not end."""
    project = manifest.project
    staging = Staging(project.target_dir)
    places: Iterable[Path] = (
        *target_of(project).folders(),
        project.target_dir,
        *(f for part in (staging.root / "cache", staging.staging, staging.previous) for f in _folders(part)),
    )
    found = {p for f in places if f.is_dir() for p in f.glob(f"{TEMPORARY}*") if not has_living_owner(p)}
    inner = {p for p in found if any(parent in found for parent in p.parents)}
    return tuple(Unused("stale temporaries", p) for p in sorted(found - inner))


def _folders(root: Path) -> Iterator[Path]:
    if root.is_dir():
        yield root
        yield from (p for p in root.rglob("*") if p.is_dir() and not p.is_symlink())


class _Search:
    def __init__(self, manifest: Manifest) -> None:
        project = manifest.project
        self.manifest = manifest
        self.staging = Staging(project.target_dir)
        self.dropped = self.staging.dropped("x").parent
        self.warehouse = target_of(project)
        self.prints: dict[str, Fingerprint] = {a.model: a.fingerprint for a in make_plan(manifest).actions}
        published = self.warehouse.all_published()
        ephemeral = {n: s for n in manifest.models if (s := self.staging.audited(n)) is not None}
        self.states: dict[str, AuditedTable] = {**published, **ephemeral}

    def found(self) -> Iterator[Unused]:
        yield from self._trained()
        yield from self._splits()
        yield from self._staged()
        yield from self._fetched()
        for kind, folder in (("failing rows", self.staging.failures), ("earlier versions", self.staging.previous)):
            yield from (Unused(kind, p) for p in _entries(folder) if p.name not in self.manifest.models)
        for kind, folder in (
            ("pictures", self.staging.profile("x").parent),
            ("answers that no table took", self.dropped),
        ):
            yield from (Unused(kind, p) for p in _entries(folder) if p.stem not in self.manifest.models)
        handed = _entries(self.manifest.project.root / HANDED_OUT)
        yield from (Unused("jobs that were handed out", p) for p in handed if _since(p) > RETENTION)
        yield from (Unused("links to old versions", p) for p in _entries(self.staging.root / "cache" / "versions"))

    def _hashes(self, part: str) -> set[str]:
        """Of today's models and of the tables that are published, as they name folders."""
        known = {getattr(f, part) for f in self.prints.values()}
        known |= {getattr(s.fingerprints, part) for s in self.states.values()}
        return {h[:SHORT] for h in known}

    def _trained(self) -> Iterator[Unused]:
        trains = self._hashes("train")
        for path in _entries(self.staging.models):
            if path.name not in trains:
                yield Unused("trained models", path)
        for path in _entries(self.staging.checkpoints):
            if path.stem not in trains or (self.staging.models / path.stem / TRAINED).exists():
                yield Unused("checkpoints", path)

        for path in _entries(self.staging.surveys):
            train = path.name.partition("-")[0]
            if train not in trains or (self.staging.models / train / TRAINED).exists():
                yield Unused("surveys of columns", path)

    def _splits(self) -> Iterator[Unused]:
        wanted = self._wanted_splits()
        for path in _entries(self.staging.splits):
            inner = [path] if (path / "split.json").exists() else _entries(path)
            yield from (Unused("split sources", p) for p in inner if p not in wanted)

    def _fetched(self) -> Iterator[Unused]:
        """Files of sources in object stores that are not those of now: of an earlier state, or of another source."""
        root = self.manifest.project.root
        specs = [s.spec for s in self.manifest.sources.values() if scheme_of(s.spec.path) is not None]
        wanted = {f for spec in specs for f in remote_files(str(spec.path), root, None).folders}
        yield from (Unused("fetched sources", p) for p in _entries(cache_of(root)) if p not in wanted)

    def _wanted_splits(self) -> set[Path]:
        fingerprinter = Fingerprinter(self.manifest)
        models = self.manifest.models.values()
        wanted = set()
        for id_, source in self.manifest.sources.items():
            shares = {m.holdout for m in models} | {parse_share(self.manifest.holdout_of(id_))}
            folder = self.staging.splits / id_.removeprefix("source:")
            content = fingerprinter.content(id_)
            way = fingerprinter.ownership(source.relation)
            wanted |= {folder / split_key(source.spec, share, content, ownership=way) for share in shares}
        for model in models:
            if model.source is not None and model.source.source is None:
                rows = self._rows(model.source.name)
                if rows is not None:
                    inherited = bool(model.judged_through)
                    wanted.add(self.staging.split(model.source.name, rows, model.holdout, inherited=inherited))
        return wanted

    def _rows(self, name: str) -> StagedRows | None:
        state = self.states.get(name)
        if state is None:
            return None
        return self.staging.staged(name, state.fingerprints.sample) or self.warehouse.rows(name)

    def _staged(self) -> Iterator[Unused]:
        samples = self._hashes("sample")
        made = {s.fingerprints.sample[:SHORT] for s in self.states.values()}
        to_draw = {f.sample[:SHORT] for f in self.prints.values()} - made
        for path in _entries(self.staging.drawing):
            if path.name not in to_draw:  # of a table that is made, a late copy of a job may have left some
                yield Unused("partitions", path)
        for folder in _entries(self.staging.staging):
            if folder.name not in self.manifest.models:
                yield Unused("staged rows", folder)
                continue
            yield from (Unused("staged rows", p) for p in _entries(folder) if p.is_dir() and p.name not in samples)


def _since(folder: Path) -> float:
    """Seconds since anything of a folder was last written."""
    return time.time() - max(p.lstat().st_mtime for p in (folder, *folder.rglob("*")))


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, but for temporaries, which are told apart."""
    return sorted(p for p in folder.iterdir() if not p.name.startswith(TEMPORARY)) if folder.is_dir() else []
