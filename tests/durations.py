"""What each test costs, in CPU seconds of its process, its children and the commands that it forked.

CPU time, as the wall clock depends on what else the machine does. The figures are kept in pytest's cache between runs
(``.pytest_cache/v/synthkit/cpu_seconds``), and the costliest are printed at the end of each.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.synth import FORKS

PRINTED = 50
LEAST = 0.5  # seconds: below it nothing is to be gained


def _used() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime + FORKS.cpu_seconds


class Durations:
    """Measures in each process that runs tests; adds up and prints in the one that the user started."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._before = 0.0
        self._found: dict[str, float] = {}
        self._started = time.monotonic()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        self._before = _used()
        yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[Any]:
        report = yield
        now = _used()
        report.cpu_seconds, self._before = now - self._before, now  # an attribute crosses to xdist's main process
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        used = getattr(report, "cpu_seconds", 0.0)
        self._found[report.nodeid] = self._found.get(report.nodeid, 0.0) + used

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if getattr(self._config, "cache", None) is not None:  # -p no:cacheprovider
            kept = self._config.cache.get("synthkit/cpu_seconds", {})
            known = {**kept, **{name: round(seconds, 3) for name, seconds in self._found.items()}}
            self._config.cache.set("synthkit/cpu_seconds", known)
        slowest = sorted(((s, name) for name, s in self._found.items() if s >= LEAST), reverse=True)[:PRINTED]
        if not slowest:
            return
        total, wall = sum(self._found.values()), time.monotonic() - self._started
        terminalreporter.write_sep("=", f"{total:.0f} s of CPU in {wall:.0f} s; the costliest tests")
        for seconds, name in slowest:
            terminalreporter.write_line(f"{seconds:8.1f} s  {name}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Durations(config), "synthkit-durations")
