"""Read what builds left on disk, and keep of it what may be published."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from synthkit import __version__
from synthkit.audits.profile import FORMAT
from synthkit.audits.profile.profile import Profile
from synthkit.building.runrecord import now
from synthkit.compiler import Manifest, ModelNode
from synthkit.errors import shortened
from synthkit.files import parsed_json
from synthkit.planning.disclosed import Pictures, pictures_of, public_form, tells_time, withheld_audits
from synthkit.planning.state import state_of
from synthkit.privacy.disclosure import public_audits
from synthkit.records.audit import AuditRecord
from synthkit.records.consumption import ConsumptionEntry
from synthkit.records.history import HistoryEntry
from synthkit.records.receipt import AuditedTable, Receipt
from synthkit.report.files import public
from synthkit.report.site.declared import DeclaredProject
from synthkit.report.site.inputs import Pictured, SiteInput
from synthkit.report.site.kept import KeptPictures, keep, kept_file
from synthkit.results import ModelResult, RunResults
from synthkit.sql.filescan import parquet_scan
from synthkit.stats.kept import read
from synthkit.store.staging import Staging
from synthkit.store.targets import target_of

Part = Literal["train", "sample"]
FIRST_ROWS = 10  # of a table, on its page
MOST_VERSIONS = 100  # of a table's history


def gather(manifest: Manifest) -> SiteInput:
    """Everything that the site of a compiled project shows. Reads small files, and the first rows of published tables:
    no source's rows, no models' weights."""
    project = manifest.project
    staging = Staging(project.target_dir)
    run = _last_run(manifest)
    receipts = _receipts(manifest, staging)
    return SiteInput(
        name=project.spec.name,
        description=project.spec.description or "",
        manifest=DeclaredProject.from_json(json.loads(json.dumps(manifest.to_json(), default=str))),
        generated_at=now(),
        version=__version__,
        run=run,
        receipts=receipts,
        sql={name: m.sql for name, m in manifest.models.items() if m.sql is not None},
        profiles={name: _pictured(manifest, m, staging, run, receipts) for name, m in manifest.models.items()},
        trainings=_trainings(manifest, staging, run, receipts),
        history=_history(manifest),
        took=_took(manifest),
        rows=_first_rows(manifest, receipts),
        show_real=project.spec.reports.show_real,
    )


def keep_pictures(manifest: Manifest) -> KeptPictures:
    """Keep the pictures of published tables beside their receipts, as far as they may be shown today."""
    staging = Staging(manifest.project.target_dir)
    receipts = _receipts(manifest, staging)
    taken = {name: _pictured(manifest, m, staging, None, receipts) for name, m in manifest.models.items()}
    return keep(manifest, taken, receipts)


def _last_run(manifest: Manifest) -> RunResults | None:
    try:
        run = RunResults.read(manifest.project.target_dir / "run_results.json")
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return public(replace(run, results=tuple(_as_declared(manifest, r) for r in run.results)))


def _as_declared(manifest: Manifest, result: ModelResult) -> ModelResult:
    """The result under today's declarations: what was found before a model got its ε tells no more than afterwards."""
    model = manifest.models.get(result.model)
    if model is None:
        return result
    withheld = set(withheld_audits(manifest, model)) | set(result.withheld)
    disclosure = max(result.disclosure, model.disclosure, key=("open", "guarded", "private").index)
    result = replace(result, withheld=tuple(sorted(withheld)), disclosure=disclosure)
    if pictures_of(manifest, model) == "none":
        return replace(result, audits=_verdicts_alone(result.audits))
    return result


def _verdicts_alone(records: Sequence[AuditRecord]) -> tuple[AuditRecord, ...]:
    """Of a table whose rows are real ones that may not be shown: its audits' messages quote them."""
    return public_audits(records, {r.name for r in records})


def _receipts(manifest: Manifest, staging: Staging) -> dict[str, AuditedTable]:
    """Receipts of the models that the project still has, as they may be published today."""
    project = manifest.project
    found: dict[str, AuditedTable] = {}
    warehouse = target_of(project)
    for name, model in manifest.models.items():
        receipt = state_of(warehouse, staging, model)
        if receipt is None and not model.spec.ephemeral:
            receipt = warehouse.receipt(name)  # a clone has it, and no rows
        if receipt is None:
            continue
        shown = public_form(manifest, model, receipt)
        if pictures_of(manifest, model) == "none":
            shown = shown.having(audits=_verdicts_alone(shown.audits))
        found[name] = shown
    return found


def _first_rows(manifest: Manifest, receipts: Mapping[str, AuditedTable]) -> dict[str, list[tuple[str | None, ...]]]:
    """Of tables that people may see: what real rows may not be pictured of shows none of them either."""
    import duckdb

    warehouse = target_of(manifest.project)
    found: dict[str, list[tuple[str | None, ...]]] = {}
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, receipt in receipts.items():
            if not isinstance(receipt, Receipt) or receipt.contains_real_rows:
                continue
            if pictures_of(manifest, manifest.models[name]) == "none":
                continue
            scan = parquet_scan(warehouse.file(receipt))
            try:
                asked = connection.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {scan} LIMIT {FIRST_ROWS}")
                found[name] = [tuple(None if v is None else shortened(str(v), 60) for v in r) for r in asked.fetchall()]
            except duckdb.Error:
                continue  # the file is no Parquet: synth verify says so
    return found


def _sample(name: str, run: RunResults | None, receipts: Mapping[str, AuditedTable], kind: Part) -> str | None:
    """The hash of the rows (or of the training) that the page tells of: of the last run, else of what is published."""
    for result in run.results if run is not None else ():
        if result.model == name and result.audits:
            return result.fingerprints.get(kind)
    receipt = receipts.get(name)
    return None if receipt is None else getattr(receipt.fingerprints, kind)


# -- pictures ------------------------------------------------------------------------------------------


def _pictured(
    manifest: Manifest,
    model: ModelNode,
    staging: Staging,
    run: RunResults | None,
    receipts: Mapping[str, AuditedTable],
) -> Pictured:
    allowed = pictures_of(manifest, model)
    if allowed == "none":
        return Pictured(note=_why(manifest, model, "the table holds real rows, so no picture of it is shown"))
    again = f"synth audit --select {model.name} takes them"
    sample = _sample(model.name, run, receipts, "sample")
    said = _on_disk(sample, staging.profile(model.name), kept_file(manifest.project, model.name))
    if said is None:
        if not model.audits:
            return Pictured(note="pictures are taken when a table is audited, and this one has no audits")
        return Pictured(note=f"no pictures are on disk: {again}")
    if "reason" in said:
        return Pictured(note=str(said["reason"]))
    profile = _profile(said)
    if profile is None:
        return Pictured(note=f"the pictures on disk are of another version of synthkit: {again} anew")
    real = profile.rows.real is not None
    if real and allowed != "all":  # taken before they were forbidden: their bins, too, come from the real rows
        return Pictured(note=f"the pictures on disk hold real rows, which may no longer be shown: {again} without")
    note = ""
    if profile.sample != sample:
        note = f"these pictures are of other rows than the figures above: {again} anew"
    elif not real and model.source is not None:
        note = _note(manifest, model, allowed)
    return Pictured(profile, note)


def _on_disk(sample: str | None, *files: Path) -> Mapping[str, Any] | None:
    """The last audit's pictures, or those that were kept: of the rows that are meant, else the first that there are."""
    found = []
    for file in files:
        try:
            said = parsed_json(file.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(said, Mapping):
            found.append(said)
    of_these = [said for said in found if said.get("sample") == sample]
    return next(iter([*of_these, *found]), None)


def _profile(said: Any) -> Profile | None:
    """None of a file that another version wrote."""
    try:
        return Profile.from_json(said) if said.get("format") == FORMAT else None
    except ValueError:
        return None


def _note(manifest: Manifest, model: ModelNode, allowed: Pictures) -> str:
    if allowed == "synthetic":
        return _why(manifest, model, "only synthetic rows are pictured")
    return f"the last audit had no real rows to compare with: synth audit --select {model.name} looks again"


def _why(manifest: Manifest, model: ModelNode, what: str) -> str:
    if not manifest.project.spec.reports.show_real:
        return f"{what}: the project says reports: {{show_real: false}}"
    if model.spec.epsilon is not None:
        return f"{what}: the table is differentially private"
    if model.disclosure == "guarded":
        return f"{what}: the source is marked sensitive"
    return f"{what}: a privacy budget, or a table with epsilon, protects the people in the real ones"


# -- what was kept of trainings and earlier runs -------------------------------------------------------


def _trainings(
    manifest: Manifest, staging: Staging, run: RunResults | None, receipts: Mapping[str, AuditedTable]
) -> dict[str, list[dict[str, float]]]:
    """Losses and judgements by step: figures of real rows, so those over protected ones are not looked for."""
    found = {}
    for name, model in manifest.models.items():
        train = _sample(name, run, receipts, "train")
        if model.disclosure != "open" or train is None:
            continue
        for file in sorted((staging.model_dir(train) / "model").glob("*.json")):
            looks = _looks(file)
            if looks:
                found[name] = looks
    return found


def _looks(file: Path) -> list[dict[str, float]]:
    try:
        data = parsed_json(file.read_text("utf-8"))
        training = data["training"]
        looks = [dict(look) for look in training["looks"]]
        kept = int(training["kept"])
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [look | {"kept": i == kept} for i, look in enumerate(looks)]


def _history(manifest: Manifest) -> dict[str, list[HistoryEntry]]:
    found: dict[str, list[HistoryEntry]] = {}
    try:
        lines = (manifest.project.target_dir / "history.jsonl").read_text("utf-8").splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            entry = HistoryEntry.from_json(parsed_json(line))
        except ValueError:
            continue  # the last line of a killed run
        model = manifest.models.get(entry.model)
        if model is None:
            continue
        # An entry from before the model got its ε, or of real rows, holds figures that may not be shown (any more).
        told = entry.disclosure != "open" or entry.epsilon is not None
        before = model.disclosure != "open" and not told
        if not before and pictures_of(manifest, model) != "none":
            found.setdefault(model.name, []).append(entry)
    return {name: entries[-MOST_VERSIONS:] for name, entries in found.items()}


def _took(manifest: Manifest) -> dict[str, list[ConsumptionEntry]]:
    """What runs took; of no table whose rows are protected, as time and memory tell how many these are."""
    found: dict[str, list[ConsumptionEntry]] = {}
    for entry in read(manifest.project.target_dir).used:
        model = manifest.models.get(entry.model)
        if model is not None and tells_time(manifest, model) and entry.status in ("pass", "warn", "fail"):
            found.setdefault(model.name, []).append(entry)
    return {name: entries[-MOST_VERSIONS:] for name, entries in found.items()}
