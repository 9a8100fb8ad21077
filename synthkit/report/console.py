"""What a person sees during a build: bars on a terminal, plain lines in a pipe, JSON lines on request."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, Self

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
from synthkit.report.advice import advice
from synthkit.report.style import COLOURS, MARKS, measured, plural, seconds
from synthkit.results import ModelResult, RunResults

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.progress import Progress, TaskID

VERBS = {"train": "train", "sample": "sample", "query": "query", "audit": "audit", "reuse": "reuse"}


class BuildConsole(AbstractContextManager["BuildConsole"], Protocol):
    """Listens to a build."""

    def listen(self, event: Event) -> None: ...
    def warn(self, message: str) -> None: ...
    def left_out(self, model: str, why: str) -> None: ...


def make_console(log_format: str, quiet: bool, out: IO[str], root: Path) -> BuildConsole:
    """JSON lines, bars or plain lines, by what was asked for and where it goes."""
    if log_format == "json":
        return JsonConsole(out)
    return TextConsole(out, quiet, root)


class JsonConsole(AbstractContextManager["JsonConsole"]):
    """One JSON object per event, with the time in UTC."""

    def __init__(self, out: IO[str]) -> None:
        self.out = out

    def __exit__(self, *_error: object) -> None:
        self.out.flush()

    def listen(self, event: Event) -> None:
        from dataclasses import asdict

        self._write(type(event).__name__, asdict(event))

    def warn(self, message: str) -> None:
        self._write("Note", {"message": message, "level": "warn"})

    def left_out(self, model: str, why: str) -> None:
        self._write("Note", {"message": f"left out {model}: {why}", "level": "info"})

    def _write(self, kind: str, data: Mapping[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.out.write(json.dumps({"time": now, "event": kind, **data}, default=str, ensure_ascii=False) + "\n")
        self.out.flush()


class TextConsole(AbstractContextManager["TextConsole"]):
    """Lines for people; on a terminal also a bar per running model."""

    def __init__(self, out: IO[str], quiet: bool, root: Path) -> None:
        from rich.console import Console as RichConsole

        self.quiet, self.root = quiet, root
        self.console: RichConsole = RichConsole(file=out, highlight=False, soft_wrap=True, emoji=False)
        self.live = self.console.is_terminal and not quiet
        self.progress: Progress | None = None
        self.tasks: dict[str, TaskID] = {}
        self.numbers: dict[str, tuple[int, int]] = {}
        self.started = time.monotonic()
        self.said: dict[str, float] = {}

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
            self._say(f"building {plural(event.models, 'model')} into target {event.target}, {event.threads} at a time")
        elif isinstance(event, ModelStarted):
            self._model_started(event)
        elif isinstance(event, ModelProgress):
            self._model_progress(event)
        elif isinstance(event, AuditFinished):
            self._audit_finished(event)
        elif isinstance(event, ModelFinished):
            self._model_finished(event.result)
        elif isinstance(event, Note):
            self.warn(event.message) if event.level == "warn" else self._say(event.message)
        elif isinstance(event, RunFinished):
            self._run_finished(event.results)

    def warn(self, message: str) -> None:
        self.console.print(_text(("warning: ", "yellow"), (message, None)))

    def left_out(self, model: str, why: str) -> None:
        self._say(f"left out {model}: {why}")

    # -- events ------------------------------------------------------------------------------------

    def _model_started(self, event: ModelStarted) -> None:
        self.numbers[event.model] = (event.index, event.total)
        if self.progress is not None:
            self.tasks[event.model] = self.progress.add_task(event.model, total=None, note=event.reason)
        else:
            self._say(f"{self._number(event.model)} {VERBS[event.action]:<6} {event.model}: {event.reason}")

    def _model_progress(self, event: ModelProgress) -> None:
        if self.progress is not None and event.model in self.tasks:
            note = f"{event.phase} {event.done:,}/{event.total:,} {event.unit} {event.note}"
            self.progress.update(self.tasks[event.model], completed=event.done, total=event.total or None, note=note)
        elif self.progress is None and not self.quiet and event.phase == "train" and event.done:
            self._train_line(event)

    def _train_line(self, event: ModelProgress) -> None:
        """In a pipe: a line every ten seconds of training, with the time that is left."""
        now = time.monotonic()
        first = self.said.setdefault(f"{event.model} first", now)
        if now - self.said.get(event.model, first) < 10 or event.done >= event.total:
            return
        self.said[event.model] = now
        left = seconds((now - first) / event.done * (event.total - event.done))
        step = f"{event.done:,} of {event.total:,} {event.unit}"
        self._say(f"{self._number(event.model)}        {event.model}: {step}, {left} left  {event.note}")

    def _audit_finished(self, event: AuditFinished) -> None:
        if event.record["status"] in ("warn", "inconclusive", "fail", "error"):
            self._audit(event.model, event.record)

    def _audit(self, model: str, record: Mapping[str, Any]) -> None:
        status = str(record["status"])
        column = f" on {record['column']}" if record.get("column") else ""
        head = _text(
            (f"      {MARKS[status]:<5} ", COLOURS[status]),
            (f"{model}: {record['name']}{column}: {measured(record)}", None),
        )
        self.console.print(head)
        if record.get("message"):
            self.console.print(_text((f"            {record['message']}", None)))
        if status == "fail":
            self.console.print(_text((f"            try: {advice(record)}", None)))

    def _model_finished(self, result: ModelResult) -> None:
        if self.progress is not None and result.model in self.tasks:
            self.progress.remove_task(self.tasks.pop(result.model))
        if self.quiet and not result.failed:
            return
        spent = sum(result.seconds.values())
        facts = []
        if result.status == "reused":
            facts.append("nothing changed")
        else:
            facts += [seconds(spent)] if spent else []
        if result.rows is not None:
            facts.append(plural(result.rows, "row"))
        if result.audits and result.status != "reused":
            facts.append(_audit_count(result))
        facts += [result.message] if result.message and result.status not in ("reused",) else []
        dots = "." * max(3, 46 - len(result.model))
        number_ = self._number(result.model)
        self.console.print(
            _text(
                (f"{number_} {result.model} {dots} ", None),
                (MARKS[result.status], COLOURS[result.status]),
                (f" {', '.join(facts)}", None),
            )
        )

    def _run_finished(self, run: RunResults) -> None:
        if self.progress is not None:
            self.progress.stop()
            self.progress = None
        if self.quiet and not run.failed:
            return
        counts = run.counts()
        words = {"reused": "unchanged", "pass": "passed", "warn": "passed with warnings", "fail": "failed"}
        text = ", ".join(f"{n} {words.get(s, s)}" for s, n in counts.items()) or "nothing to do"
        took = seconds(time.monotonic() - self.started)
        if run.interrupted:
            self.console.print(_text(("interrupted", "red"), (": what was published before is as it was", None)))
        self.console.print(
            _text(("FAILED" if run.failed else "done", "red" if run.failed else "green"), (f": {text} in {took}", None))
        )
        if run.failed:
            self.console.print("the details are in target/run_results.json")

    # -- small things ------------------------------------------------------------------------------

    def _number(self, model: str) -> str:
        if model not in self.numbers:
            return "[–]"
        index, total = self.numbers[model]
        return f"[{index}/{total}]"

    def _say(self, text: str) -> None:
        if not self.quiet:
            self.console.print(_text((text, None)))


def _audit_count(result: ModelResult) -> str:
    passed = sum(1 for a in result.audits if a["status"] == "pass")
    text = f"{passed} of {plural(len(result.audits), 'audit')} passed"
    for status in ("warn", "inconclusive", "skipped"):
        count = sum(1 for a in result.audits if a["status"] == status)
        text += f", {count} {MARKS[status]}" if count else ""
    return text


def _bars(console: RichConsole) -> Progress:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[note]}", markup=False),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _text(*parts: tuple[str, str | None]) -> Any:
    """Styled text in which no bracket is taken for markup."""
    from rich.text import Text

    return Text.assemble(*((t, s or "") for t, s in parts))
