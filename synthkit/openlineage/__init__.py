"""Builds as OpenLineage events, where ``lineage:`` in ``synth_project.yml`` says so.

Events of a build come in; OpenLineage's events go out, and nothing of its client (an extra) is loaded unless they are
wanted. Imports nothing of ``telemetry`` or what follows it.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from synthkit.compiler import Manifest
from synthkit.events import Event, Listener, Note
from synthkit.planning.plan import Plan
from synthkit.results import RunResults

if TYPE_CHECKING:
    from synthkit.openlineage.reporter import Reporter

__all__ = ["Lineage"]


class Lineage:
    """Around a build: its start, its models through :meth:`listen`, and its end, however it ends.

    Whatever goes wrong in here is a warning, said once when the build ends: lineage never fails a build.
    """

    def __init__(self, manifest: Manifest, run_id: str, command: str, warn: Listener) -> None:
        self._manifest, self._run_id, self._command, self._warn = manifest, run_id, command, warn
        self._reporter: Reporter | None = None
        self._broken: str | None = None

    def __enter__(self) -> Self:
        spec = self._manifest.project.spec.lineage
        if spec is not None and spec.enabled:
            try:
                from synthkit.openlineage.reporter import Reporter

                self._reporter = Reporter(self._manifest, spec, self._run_id, self._command)
            except Exception as error:
                self._break(error)
        return self

    def planned(self, plan: Plan) -> None:
        if self._reporter is not None:
            try:
                self._reporter.planned({a.model: a for a in plan.actions})
            except Exception as error:
                self._break(error)

    def listen(self, event: Event) -> None:
        if self._reporter is not None:
            try:
                self._reporter.listen(event)
            except Exception as error:
                self._break(error)

    def ended(self, run: RunResults) -> None:
        if self._reporter is not None:
            try:
                self._reporter.ended(run)
            except Exception as error:
                self._break(error)

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _at: TracebackType | None
    ) -> None:
        if self._reporter is None:
            warning = self._broken
        else:
            try:
                if error is not None:
                    self._reporter.broke(error)
            except Exception as second:
                self._break(second)
            warning = self._reporter.close() or self._broken
        if warning is not None:
            self._warn(Note(warning, "warn"))

    def _break(self, error: Exception) -> None:
        self._broken = self._broken or f"lineage: an event could not be made: {type(error).__name__}: {error}"
