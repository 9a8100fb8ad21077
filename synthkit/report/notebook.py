"""Bars in a notebook: one output that is replaced in place, by IPython's own display and nothing besides.

A bar of the terminal writes over its line, of which a notebook keeps every state; so here is a small table of HTML,
with its text for who shows none. Where no kernel runs (a script, a terminal, a job), nothing is shown.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from typing import Any

from synthkit.events import (
    Event,
    Listener,
    ModelFinished,
    ModelProgress,
    ModelStarted,
    Note,
    RunFinished,
    RunStarted,
    ignore,
)
from synthkit.generators.base import Progress, silent
from synthkit.report.style import MARKS, plural, seconds

EVERY = 0.2  # seconds between two drawings of what only moved on
_CELL = "padding:.1em .7em;text-align:left"


def in_notebook() -> bool:
    """Whether a kernel runs this, which shows what is displayed."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and getattr(shell, "kernel", None) is not None


@dataclass
class Bar:
    """A line of the table; ``total`` 0: nobody knows how long it takes."""

    name: str
    done: int = 0
    total: int = 0
    note: str = ""
    over: bool = False


@dataclass
class Bars:
    """What is displayed, and displayed again."""

    title: str
    bars: dict[str, Bar] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    _drawn: float = 0.0
    _shown: Any = None

    def draw(self, *, now: bool = False) -> None:
        """Show how far it is; of what only moved on, at most every :data:`EVERY` seconds."""
        if not now and time.monotonic() - self._drawn < EVERY:
            return
        self._drawn = time.monotonic()
        if self._shown is None:
            self._shown = import_module("IPython.display").display(self, display_id=True)
        else:
            self._shown.update(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}

    def text(self) -> str:
        lines = [self.title, *map(_line, self.bars.values()), *self.said]
        return "\n".join(lines)

    def html(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="{_CELL};font-weight:normal">{escape(b.name)}</th>'
            f'<td style="{_CELL}">{_bar(b, b.name or self.title)}</td><td style="{_CELL}">{escape(b.note)}</td></tr>'
            for b in self.bars.values()
        )
        table = f'<table style="border-collapse:collapse"><tbody>{rows}</tbody></table>' if rows else ""
        said = "".join(f"<div>{escape(text)}</div>" for text in self.said)
        return f"<div><div>{escape(self.title)}</div>{table}{said}</div>"


def _line(bar: Bar) -> str:
    name = f"{bar.name}: " if bar.name else ""
    share = f"{bar.done / bar.total:.0%} " if bar.total and not bar.over else ""
    return f"{name}{share}{bar.note}"


def _bar(bar: Bar, label: str) -> str:
    if bar.over:
        return ""
    where = f' value="{min(bar.done, bar.total)}" max="{bar.total}"' if bar.total else ""
    return f'<progress{where} aria-label="{escape(label)}"></progress>'


class BuildBars:
    """Listens to a build: a bar for each model at work, a line for each that is done, and what must be read."""

    def __init__(self) -> None:
        self.shown = Bars("")
        self._began = time.monotonic()

    def listen(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self.shown.title = f"{plural(event.models, 'model')} into target {event.target}"
        elif isinstance(event, ModelStarted):
            self.shown.bars[event.model] = Bar(event.model, note=f"{event.action}: {event.reason}")
        elif isinstance(event, ModelProgress):
            self._moved(event)
            return
        elif isinstance(event, ModelFinished):
            self._finished(event)
        elif isinstance(event, Note):
            if event.level == "warn":
                self.shown.said.append(f"warning: {event.message}")
        elif isinstance(event, RunFinished):
            counted = ", ".join(f"{count} {MARKS[status]}" for status, count in event.results.counts().items())
            self.shown.title = f"{counted or 'nothing to do'} in {seconds(time.monotonic() - self._began)}"
        else:
            return
        self.shown.draw(now=True)

    def _moved(self, event: ModelProgress) -> None:
        bar = self.shown.bars.setdefault(event.model, Bar(event.model))
        bar.done, bar.total = event.done, event.total
        bar.note = f"{event.phase} {event.done:,}/{event.total:,} {event.unit} {event.note}".rstrip()
        self.shown.draw()

    def _finished(self, event: ModelFinished) -> None:
        result = event.result
        facts = [MARKS[result.status]]
        if result.rows is not None:
            facts.append(plural(result.rows, "row"))
        if result.failed and result.message:
            facts.append(result.message.splitlines()[0])
        self.shown.bars[result.model] = Bar(result.model, note=", ".join(facts), over=True)


def listening(listener: Listener | None) -> Listener:
    """The one that is given; else bars in a notebook, and nothing elsewhere."""
    if listener is not None:
        return listener
    return BuildBars().listen if in_notebook() else ignore


@contextmanager
def watching(title: str, progress: Progress | None) -> Iterator[Progress]:
    """The progress that is given; else a bar in a notebook, and nothing elsewhere."""
    if progress is not None or not in_notebook():
        yield progress or silent
        return
    bars, began = Bars(title), time.monotonic()
    bar = bars.bars[""] = Bar("")

    def moved(done: int, total: int, unit: str, note: str = "") -> None:
        bar.done, bar.total, bar.note = done, total, f"{done:,}/{total:,} {unit} {note}".rstrip()
        bars.draw()

    bars.draw(now=True)
    try:
        yield moved
    except BaseException:
        bars.bars.clear()
        bars.title = f"{title}: stopped after {seconds(time.monotonic() - began)}"
        bars.draw(now=True)
        raise
    bars.bars.clear()
    bars.title = f"{title}: {seconds(time.monotonic() - began)}"
    bars.draw(now=True)
