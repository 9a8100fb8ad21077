"""What happens during a build, as values: a listener turns them into bars, lines or JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from synthkit.records.audit import AuditRecord
from synthkit.results import ActionKind, ModelResult, RunResults


@dataclass(frozen=True)
class RunStarted:
    run_id: str
    models: int
    threads: int
    target: str


@dataclass(frozen=True)
class ModelStarted:
    model: str
    action: ActionKind
    reason: str
    index: int  # from 1
    total: int


@dataclass(frozen=True)
class ModelProgress:
    """``done`` of ``total`` ``unit`` (epochs, rows, audits) in a phase (load, train, sample, audit, publish)."""

    model: str
    phase: str
    done: int
    total: int
    unit: str
    note: str = ""


@dataclass(frozen=True)
class AuditFinished:
    model: str
    record: AuditRecord


@dataclass(frozen=True)
class ModelFinished:
    result: ModelResult
    index: int
    total: int


@dataclass(frozen=True)
class Note:
    """Something a person should read: a lock waited for, a model left out, a warning."""

    message: str
    level: Literal["info", "warn"] = "info"


@dataclass(frozen=True)
class RunFinished:
    results: RunResults


Event = RunStarted | ModelStarted | ModelProgress | AuditFinished | ModelFinished | Note | RunFinished
Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """A listener that does nothing."""
