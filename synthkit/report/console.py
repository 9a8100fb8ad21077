"""What a person sees during a build: bars on a terminal, plain lines in a pipe, JSON lines on request."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Protocol, Self, cast

from synthkit.events import (
    AuditFinished,
    Event,
    ModelFinished,
    ModelProgress,
    ModelStarted,
    Note,
    RunFinished,
    RunStarted,
)
from synthkit.records.audit import AuditRecord
from synthkit.records.record import as_json
from synthkit.report.closing import Line, audit_line, closing_lines
from synthkit.report.pipe import Forgiving
from synthkit.report.style import COLOURS, MARKS, NOTICED, plural, seconds
from synthkit.results import ModelResult

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.progress import Progress, TaskID

EVERY = 10.0  # seconds between two lines about one training, in a pipe
NAME_WIDTH = 46


class BuildConsole(AbstractContextManager["BuildConsole"], Protocol):
    """Listens to a build."""

    def listen(self, event: Event) -> None: ...
    def warn(self, message: str) -> None: ...
    def left_out(self, model: str, why: str) -> None: ...


def make_console(log_format: str, quiet: bool, out: IO[str]) -> BuildConsole:
    """JSON lines, bars or plain lines, by what was asked for and where it goes."""
    stream = cast(IO[str], Forgiving(out))
    return JsonConsole(stream, quiet) if log_format == "json" else TextConsole(stream, quiet)


class JsonConsole(AbstractContextManager["JsonConsole"]):
    """One JSON object per event, with the time in UTC; with ``quiet`` only warnings and what went wrong."""

    def __init__(self, out: IO[str], quiet: bool = False) -> None:
        self.out, self.quiet = out, quiet

    def __exit__(self, *_error: object) -> None:
        self.out.flush()

    def listen(self, event: Event) -> None:
        if self.quiet and not _wrong(event):
            return
        self.write(type(event).__name__, _as_json(event))

    def warn(self, message: str) -> None:
        self.write("Note", {"message": message, "level": "warn"})

    def left_out(self, model: str, why: str) -> None:
        if not self.quiet:
            self.write("Note", {"message": f"left out {model}: {why}", "level": "info"})

    def write(self, kind: str, data: Mapping[str, object]) -> None:
        """A line: an event of this kind, now."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.out.write(json.dumps({"time": now, "event": kind, **data}, default=str, ensure_ascii=False) + "\n")
        self.out.flush()


def _as_json(event: Event) -> Mapping[str, object]:
    """An event's fields; a finished run as ``run_results.json`` holds it, with its status."""
    from dataclasses import asdict

    if isinstance(event, RunFinished):
        return {"results": event.results.to_json()}
    fields: Mapping[str, object] = as_json(asdict(event))
    return fields


def _wrong(event: Event) -> bool:
    """Whether an event is of something that did not go well."""
    if isinstance(event, Note):
        return event.level == "warn"
    if isinstance(event, AuditFinished):
        return not event.record.passes
    if isinstance(event, ModelFinished):
        return event.result.failed
    return isinstance(event, RunFinished) and event.results.failed


class TextConsole(AbstractContextManager["TextConsole"]):
    """Lines for people; on a terminal also a bar per running model."""

    def __init__(self, out: IO[str], quiet: bool = False) -> None:
        from rich.console import Console as RichConsole

        # Whether it is a terminal is asked of the stream: rich would also believe FORCE_COLOR, which CI systems set.
        terminal = out.isatty()
        self.console: RichConsole = RichConsole(
            file=out, highlight=False, soft_wrap=True, emoji=False, force_terminal=terminal
        )
        self.quiet = quiet
        self.live = terminal and not quiet and not self.console.is_dumb_terminal
        self.progress: Progress | None = None
        self.tasks: dict[str, TaskID] = {}
        self.numbers: dict[str, tuple[int, int]] = {}
        self.started = time.monotonic()
        self.trained: dict[str, tuple[float, float]] = {}  # model → when its training began, and was last told of

    def __enter__(self) -> Self:
        if self.live:
            self.progress = _bars(self.console)
            self.progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self.progress is not None:
            self.progress.stop()

    def listen(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._run_started(event)
        elif isinstance(event, ModelStarted):
            self._model_started(event)
        elif isinstance(event, ModelProgress):
            self._model_progress(event)
        elif isinstance(event, AuditFinished):
            self._audit_finished(event.model, event.record)
        elif isinstance(event, ModelFinished):
            self._model_finished(event.result)
        elif isinstance(event, Note):
            self.warn(event.message) if event.level == "warn" else self._say(event.message)
        elif isinstance(event, RunFinished):
            self._run_finished(event)

    def warn(self, message: str) -> None:
        self._print((("warning: ", "yellow"), (message, None)))

    def left_out(self, model: str, why: str) -> None:
        self._say(f"left out {model}: {why}")

    # -- events ------------------------------------------------------------------------------------

    def _run_started(self, event: RunStarted) -> None:
        self._say(f"{plural(event.models, 'model')} into target {event.target}, {event.threads} at a time")

    def _model_started(self, event: ModelStarted) -> None:
        self.numbers[event.model] = (event.index, event.total)
        if self.progress is not None:
            self.tasks[event.model] = self.progress.add_task(event.model, total=None, note=event.reason)
        else:
            self._say(f"{self._number(event.model)} {event.action:<6} {event.model}: {event.reason}")

    def _model_progress(self, event: ModelProgress) -> None:
        if self.progress is not None and event.model in self.tasks:
            note = f"{event.phase} {event.done:,}/{event.total:,} {event.unit} {event.note}"
            self.progress.update(self.tasks[event.model], completed=event.done, total=event.total or None, note=note)
        elif self.progress is None and not self.quiet and event.phase == "train" and event.done:
            self._train_line(event)

    def _train_line(self, event: ModelProgress) -> None:
        """In a pipe: a line every ten seconds of training, with the time that is left."""
        now = time.monotonic()
        began, told = self.trained.setdefault(event.model, (now, now))
        if now - told < EVERY or event.done >= event.total:
            return
        self.trained[event.model] = (began, now)
        left = seconds((now - began) / event.done * (event.total - event.done))
        step = f"{event.done:,} of {event.total:,} {event.unit}"
        self._say(f"{self._number(event.model)} train  {event.model}: {step}, {left} left  {event.note}".rstrip())

    def _audit_finished(self, model: str, record: AuditRecord) -> None:
        """What did not pass, at once; why and what to try comes with the closing lines."""
        if record.status not in NOTICED or (self.quiet and record.passes):
            return
        self._print((("      ", None), *audit_line(model, record)))
        if record.status == "inconclusive" and record.message:
            self._say(f"            {record.message}")

    def _model_finished(self, result: ModelResult) -> None:
        if self.progress is not None and result.model in self.tasks:
            self.progress.remove_task(self.tasks.pop(result.model))
        if self.quiet and not result.failed:
            return
        dots = "." * max(3, NAME_WIDTH - len(result.model))
        self._print(
            (
                (f"{self._number(result.model)} {result.action:<6} {result.model} {dots} ", None),
                (MARKS[result.status], COLOURS[result.status]),
                (_facts(result), None),
            )
        )

    def _run_finished(self, event: RunFinished) -> None:
        if self.progress is not None:
            self.progress.stop()
            self.progress = None
        for line in closing_lines(event.results, time.monotonic() - self.started, self.quiet):
            self._print(line)

    # -- small things ------------------------------------------------------------------------------

    def _number(self, model: str) -> str:
        if model not in self.numbers:
            return "[–]"
        index, total = self.numbers[model]
        return f"[{index}/{total}]"

    def _say(self, text: str) -> None:
        if not self.quiet:
            self._print(((text, None),))

    def _print(self, line: Line) -> None:
        from rich.text import Text

        # As Text, in which no bracket is taken for markup.
        self.console.print(Text.assemble(*((text, colour or "") for text, colour in line)))


def _facts(result: ModelResult) -> str:
    """`` 12.3 s, 5,000 rows, 4 of 4 audits passed``."""
    facts = []
    spent = sum(result.seconds.values())
    if spent:
        facts.append(seconds(spent))
    if result.rows is not None:
        facts.append(plural(result.rows, "row"))
    if result.audits and result.status != "reused":
        facts.append(_audit_count(result))
    if result.message and result.status != "reused" and not (result.failed and result.audits):
        facts.append(result.message.removeprefix("skipped: ").splitlines()[0])  # of audits, the closing lines tell
    return f" {', '.join(facts)}" if facts else ""


def _audit_count(result: ModelResult) -> str:
    passed = sum(1 for a in result.audits if a.status == "pass")
    text = f"{passed} of {plural(len(result.audits), 'audit')} passed"
    for status in ("warn", "inconclusive", "skipped"):
        count = sum(1 for a in result.audits if a.status == status)
        text += f", {count} {MARKS[status]}" if count else ""
    return text


def _bars(console: RichConsole) -> Progress:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[note]}", markup=False),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
