"""From what happens in a build to OpenLineage events: one run for the build, and one below it for every model's run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import DatasetFacet, RunFacet, error_message_run, parent_run, set_producer
from openlineage.client.uuid import generate_static_uuid

from synthkit.compiler import Manifest, ModelNode
from synthkit.errors import SynthError
from synthkit.events import Event, ModelFinished, ModelStarted
from synthkit.openlineage import facets
from synthkit.openlineage.naming import name_of, namespace_of
from synthkit.openlineage.sending import Sender
from synthkit.planning.disclosed import public_form, source_columns
from synthkit.planning.plan import Action
from synthkit.planning.state import state_of
from synthkit.privacy.disclosure import UNSAID, public_result
from synthkit.project.projectfile import LineageSpec
from synthkit.project.types import Relation
from synthkit.results import ModelResult, RunResults
from synthkit.runners.jobs import STOPPED
from synthkit.store.staging import Staging
from synthkit.store.targets import target_of
from synthkit.store.versions.git import git_state, origin, prefix


class Reporter:
    """Makes the events of one run and hands them to a sender."""

    def __init__(self, manifest: Manifest, spec: LineageSpec, run_id: str, command: str) -> None:
        set_producer(facets.PRODUCER)
        project = manifest.project
        self.manifest, self.run_id, self.command = manifest, run_id, command
        self.actions: Mapping[str, Action] = {}
        self._namespace = namespace_of(project)
        self._target = target_of(project)
        self._staging = Staging(project.target_dir)
        self._began = datetime.now(UTC)
        self._source = _repository(manifest)
        self._running: dict[str, list[InputDataset]] = {}
        self._started = self._done = False
        # A hyphen is in no model's name, so no model is this job.
        self._job = Job(
            self._namespace,
            f"{project.spec.name}.synth-{command}",
            facets.job_facets(command.upper(), project.spec.description, self._at("synth_project.yml")),
        )
        self._sender = Sender(spec, project.root)

    # -- the build ---------------------------------------------------------------------------------

    def planned(self, actions: Mapping[str, Action]) -> None:
        """The run begins. Told only now, as a build that is killed while it plans could not tell its end."""
        self.actions = actions
        self._start_run()

    def _start_run(self) -> None:
        self._started = True
        self._send(RunState.START, self._run(None), self._job, at=self._began)

    def ended(self, run: RunResults) -> None:
        """The end of the run, and of models that were cut off."""
        for model in list(self._running):
            self._end(model, RunState.ABORT, {})
        state = RunState.ABORT if run.interrupted else RunState.FAIL if run.failed else RunState.COMPLETE
        more: dict[str, RunFacet] = {}
        if run.interrupted:
            more["errorMessage"] = _error("interrupted: nothing more was started, and what ran was ended")
        elif run.failed:
            more["errorMessage"] = _error("did not pass: " + ", ".join(r.model for r in run.results if r.failed))
        self._done = True
        self._send(state, self._run(None, more), self._job)

    def broke(self, error: BaseException) -> None:
        """The build ended by an error of its own. An unforeseen one may quote anything, so only its kind is told."""
        if self._done:
            return
        if not self._started:
            self._start_run()
        for model in list(self._running):
            self._end(model, RunState.ABORT, {})
        text = error.message if isinstance(error, SynthError) else type(error).__name__
        state = RunState.FAIL if isinstance(error, Exception) else RunState.ABORT
        self._done = True
        self._send(state, self._run(None, {"errorMessage": _error(text)}), self._job)

    def close(self) -> str | None:
        """Send what is left; the warning where something was lost."""
        return self._sender.close()

    # -- models ------------------------------------------------------------------------------------

    def listen(self, event: Event) -> None:
        if isinstance(event, ModelStarted):
            self._start(event.model)
        elif isinstance(event, ModelFinished):
            self._finished(event.result)

    def _start(self, name: str) -> None:
        inputs = self._inputs(self.manifest.models[name])
        self._running[name] = inputs
        self._send(RunState.START, self._run(name), self._job_of(name), inputs, [self._output(name)])

    def _finished(self, result: ModelResult) -> None:
        """What was only found to be up to date, or was skipped, did not run."""
        if result.model not in self._running:
            if not result.failed:
                return
            self._start(result.model)  # it failed before it was begun: its source is too old, say
        aborted = result.status == "error" and result.message.startswith(STOPPED)
        shown = public_result(result)
        more: dict[str, RunFacet] = {}
        kinds = self._audit_kinds(shown)
        if shown.audits:
            more["test"] = facets.tests(shown.audits, kinds)
        if not result.failed:
            self._end(result.model, RunState.COMPLETE, more, self._published(shown, kinds))
            return
        message = self._quotable(result.model, shown)
        more["errorMessage"] = _error(STOPPED if aborted else message)
        judged = {"dataQualityAssertions": facets.assertions(shown.audits, kinds)} if shown.audits else {}
        output = self._output(result.model, judged)
        self._end(result.model, RunState.ABORT if aborted else RunState.FAIL, more, output)

    def _end(self, name: str, state: RunState, more: dict[str, RunFacet], output: OutputDataset | None = None) -> None:
        inputs = self._running.pop(name)
        self._send(state, self._run(name, more), self._job_of(name), inputs, [output or self._output(name)])

    def _published(self, result: ModelResult, kinds: list[str]) -> OutputDataset:
        """The table as its receipt has it, which holds of a private table what may be published, and no more."""
        model = self.manifest.models[result.model]
        state = state_of(self._target, self._staging, model)
        if state is None:
            return self._output(result.model)
        receipt = public_form(self.manifest, model, state)
        table, written = facets.published(receipt)
        described: dict[str, Any] = {**table}
        if result.audits:
            described["dataQualityAssertions"] = facets.assertions(result.audits, kinds)
        output = self._output(result.model, described)
        output.outputFacets = dict(written)
        return output

    def _audit_kinds(self, result: ModelResult) -> list[str]:
        bound = self.manifest.models[result.model].audits
        if len(bound) != len(result.audits):
            return [r.name for r in result.audits]
        return [b.audit or "custom_sql" for b in bound]

    def _quotable(self, name: str, shown: ModelResult) -> str:
        """An error's text may quote a row, so none is told of a model over a source that is marked sensitive."""
        model, tables = self.manifest.models[name], self.manifest.sources
        sources = {r.id for r in model.parents if r.source is not None} | set(model.lineage.sources)
        private = any(tables[s].spec.sensitive for s in sources if s in tables)
        return UNSAID if private and shown.status == "error" else shown.message

    # -- parts of an event -------------------------------------------------------------------------

    def _inputs(self, model: ModelNode) -> list[InputDataset]:
        """What the rows are made from; tables that audits alone compare with are none of it."""
        action = self.actions[model.name]
        contents: Mapping[str, str] = action.fingerprint.inputs.sources
        columns = source_columns(self.manifest, model)
        found = []
        for relation in dict.fromkeys(model.reads):
            described: dict[str, DatasetFacet] = {}
            version = contents.get(relation.id) if relation.source is not None else self._version(relation)
            if version is not None:
                described["version"] = facets.version(version)
            if relation.id in columns:
                described["schema"] = facets.schema_of(columns[relation.id])
            found.append(InputDataset(*name_of(self.manifest, relation), facets=described))
        return found

    def _version(self, relation: Relation) -> str | None:
        state = state_of(self._target, self._staging, self.manifest.models[relation.name])
        return None if state is None else state.version

    def _output(self, name: str, more: Mapping[str, Any] | None = None) -> OutputDataset:
        model = self.manifest.models[name]
        described: dict[str, Any] = {"datasetType": facets.kind_of(model.spec.materialized), **(more or {})}
        return OutputDataset(*name_of(self.manifest, Relation(name)), facets=described)

    def _run(self, model: str | None, more: Mapping[str, RunFacet] | None = None) -> Run:
        found: dict[str, RunFacet] = {"processing_engine": facets.engine(), **(more or {})}
        action = None if model is None else self.actions[model]
        found["synthkit_run"] = facets.SynthkitRunFacet(
            run=self.run_id,
            command=self.command,
            target=self.manifest.project.target_name,
            action=None if action is None else action.kind,
            reason=None if action is None else action.reason,
            fingerprints=None if action is None else action.fingerprint.hashes(),
        )
        if model is not None:
            found["parent"] = parent_run.ParentRunFacet(
                run=parent_run.Run(self._id(None)), job=parent_run.Job(self._namespace, self._job.name)
            )
        return Run(self._id(model), found)

    def _id(self, model: str | None) -> str:
        """The same for all events of a run, so made from its id; a model's name has no slash."""
        return str(generate_static_uuid(self._began, f"{self.run_id}/{model or ''}".encode()))

    def _job_of(self, name: str) -> Job:
        model = self.manifest.models[name]
        found = facets.job_facets("MODEL", model.spec.description, self._at(model.path))
        uses = model.uses.get(("query",))
        if model.sql is not None and not (uses is not None and uses.env_vars):  # it would hold their values
            found["sql"] = facets.query(model.sql)
        return Job(self._namespace, f"{self.manifest.project.spec.name}.{name}", found)

    def _at(self, path: str) -> dict[str, str] | None:
        """Where in the repository a file of the project is."""
        if self._source is None:
            return None
        url, version, prefix = self._source
        return {"url": url, "path": f"{prefix}{path}", "version": version}

    def _send(
        self,
        state: RunState,
        run: Run,
        job: Job,
        inputs: list[InputDataset] | None = None,
        outputs: list[OutputDataset] | None = None,
        at: datetime | None = None,
    ) -> None:
        time = (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = RunEvent(eventType=state, eventTime=time, run=run, job=job, inputs=inputs or [], outputs=outputs or [])
        self._sender.send(event)


def _error(message: str) -> RunFacet:
    return error_message_run.ErrorMessageRunFacet(message, "Python")


def _repository(manifest: Manifest) -> tuple[str, str, str] | None:
    """The remote's address without a password that may be in it, the commit, and the project's folder in it."""
    root = manifest.project.root
    state = git_state(root)
    url = origin(root)
    if state is None or not url:
        return None
    parts = urlsplit(url)
    if parts.scheme and "@" in parts.netloc:
        url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return url, state.commit, prefix(root)
