"""Builds as OpenTelemetry traces and metrics, and as a file for Prometheus, where ``telemetry:`` says so.

Events of a build come in; spans and figures go out, as much of them as may be published, and nothing of the SDK (an
extra) is loaded unless they are wanted. Imports nothing of ``building`` or what follows it.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from synthkit.compiler import Manifest
from synthkit.events import Event, Listener, Note
from synthkit.results import RunResults

if TYPE_CHECKING:
    from synthkit.telemetry.tracing import Tracing

__all__ = ["Telemetry"]


class Telemetry:
    """Around a build: its start, its models through :meth:`listen`, and its end, however it ends.

    Whatever goes wrong in here is a warning, said once when the build ends: telemetry never fails a build.
    """

    def __init__(self, manifest: Manifest, run_id: str, command: str, warn: Listener) -> None:
        self._manifest, self._run_id, self._command, self._warn = manifest, run_id, command, warn
        spec = manifest.project.spec.telemetry
        self._spec = spec if spec is not None and spec.enabled else None
        self._tracing: Tracing | None = None
        self._broken: str | None = None

    def __enter__(self) -> Self:
        if self._spec is not None and self._spec.url is not None:
            try:
                from synthkit.telemetry.tracing import Tracing

                self._tracing = Tracing(self._manifest, self._spec, self._run_id, self._command)
            except Exception as error:
                self._break(error)
        return self

    def listen(self, event: Event) -> None:
        if self._tracing is not None:
            try:
                self._tracing.listen(event)
            except Exception as error:
                self._break(error)

    def ended(self, run: RunResults) -> None:
        try:
            if self._tracing is not None:
                self._tracing.ended(run)
        except Exception as error:
            self._break(error)
        try:
            if self._spec is not None and self._spec.prometheus is not None:
                from synthkit.telemetry.prometheus import write

                write(self._manifest, run, self._manifest.project.root / self._spec.prometheus)
        except Exception as error:
            self._break(error)

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _at: TracebackType | None
    ) -> None:
        warning = self._broken
        if self._tracing is not None:
            try:
                if error is not None:
                    self._tracing.broke(error)
                warning = self._tracing.close() or self._broken
            except Exception as second:
                self._break(second)
                warning = self._broken
        if warning is not None:
            self._warn(Note(warning, "warn"))

    def _break(self, error: Exception) -> None:
        self._broken = self._broken or f"telemetry: it could not be told: {type(error).__name__}: {error}"
