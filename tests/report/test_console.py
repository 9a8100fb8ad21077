"""What a build says: plain lines in a pipe, JSON lines on request, bars on a terminal; and how it closes."""

from __future__ import annotations

import io
import json
import os
import time
from datetime import datetime

import pytest

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
from synthkit.report.closing import closing_lines
from synthkit.report.console import TextConsole, make_console
from synthkit.results import RunResults
from tests.report.runs import ERROR, EVERYTHING, FAILED, FINE, KS, PASSED, REUSED, SKIPPED, UNTOLD, WARNED, run


def events(results: RunResults = EVERYTHING) -> list[Event]:
    """What a build of these results would say."""
    said: list[Event] = [RunStarted("r", len(results.results), 2, "dev")]
    for index, result in enumerate(results.results, 1):
        if result.action != "reuse":
            said.append(ModelStarted(result.model, result.action, "never built", index, len(results.results)))
            said.append(ModelProgress(result.model, "train", 1, 2, "epochs", "loss 0.5"))
        said += [AuditFinished(result.model, a) for a in result.audits if result.action != "reuse"]
        said.append(ModelFinished(result, index, len(results.results)))
    return [*said, Note("waited for a lock"), Note("odd", "warn"), RunFinished(results)]


def spoken(said: list[Event], log_format: str = "text", quiet: bool = False) -> str:
    out = io.StringIO()
    with make_console(log_format, quiet, out) as console:
        for event in said:
            console.listen(event)
    return out.getvalue()


def test_plain_lines() -> None:
    lines = spoken(events(FINE)).splitlines()
    assert lines[:6] == [
        "2 models into target dev, 2 at a time",
        "[1/2] train  customers: never built",
        "      can't tell customers: chi_square: 0.2 [0, 0.4] against max 0.1",
        "            too few rows",
        "[1/2] train  customers ..................................... ok 12.3 s, 5,000 rows,"
        " 1 of 2 audits passed, 1 can't tell",
        "[–] reuse  same .......................................... unchanged 1 row",
    ]
    assert lines[6:8] == ["waited for a lock", "warning: odd"]
    assert lines[8].startswith("done: 1 passed, 1 unchanged in 0.")
    assert len(lines) == 9


def test_a_pipe_gets_no_control_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as CI systems set it
    text = spoken(events())
    assert "\x1b" not in text
    assert "\r" not in text


def test_the_closing_names_audit_column_value_threshold_and_what_to_try() -> None:
    text = spoken(events())
    closing = text[text.index("FAIL churn") :]
    assert closing.splitlines()[:4] == [
        "FAIL churn (models/churn.yml): not published: 2 of 3 audits did not pass",
        "  FAIL  ks on age: 0.182 [0.16, 0.204] against max 0.1, floor 0.03",
        "        'age' differs most",
        "        try: train longer, try another generator, or declare the column's type; compare with the floor first",
    ]
    assert "  ERROR no_minors: no value" in closing
    assert "[space]" in closing  # brackets are no markup
    assert closing.splitlines()[-1].startswith(
        "FAILED: 1 passed, 1 passed with warnings, 1 unchanged, 1 failed, 1 error, 1 skipped in "
    )


def test_failures_close_the_report_after_warnings() -> None:
    models = [
        p[1][0].split()[0].rstrip(":")
        for p in closing_lines(EVERYTHING, 1.0)
        if len(p) == 2 and p[0][0] in ("warn", "FAIL", "ERROR")
    ]
    assert models == ["orders", "churn", "big"]


def test_what_went_well_is_closed_in_one_line() -> None:
    assert ["".join(t for t, _ in line) for line in closing_lines(FINE, 125.0)] == [
        "done: 1 passed, 1 unchanged in 2 min 05 s; 1 of 3 audits can't tell"
    ]
    assert ["".join(t for t, _ in line) for line in closing_lines(run(), 0.0)] == ["done: nothing to do in 0.0 s"]


def test_an_interrupted_run_is_not_done() -> None:
    lines = ["".join(t for t, _ in line) for line in closing_lines(run(PASSED, interrupted=True), 1.0)]
    assert lines[-2].startswith("interrupted")
    assert lines[-1].startswith("FAILED")


def test_quiet_is_silent_when_all_is_well_and_complete_when_not() -> None:
    fine = [e for e in events(FINE) if not isinstance(e, Note)]
    assert spoken(fine, quiet=True) == ""
    text = spoken(events(), quiet=True)
    assert "ks on age: 0.182" in text
    assert "the disk is full" in text
    assert "orders" not in text  # it only warned
    assert "waited" not in text
    assert "warning: odd" in text


def test_json_lines_are_one_object_per_event_with_the_time_in_utc() -> None:
    said = events()
    lines = [json.loads(line) for line in spoken(said, "json").splitlines()]
    assert [line["event"] for line in lines] == [type(e).__name__ for e in said]
    for line in lines:
        offset = datetime.fromisoformat(line["time"]).utcoffset()
        assert offset is not None
        assert offset.total_seconds() == 0
    assert lines[-1]["results"] == json.loads(json.dumps(EVERYTHING.to_json()))


def test_quiet_json_lines_hold_what_went_wrong() -> None:
    kinds = [json.loads(line)["event"] for line in spoken(events(), "json", quiet=True).splitlines()]
    # ks and no_minors; churn and big; the warning; the end
    assert kinds == ["AuditFinished", "AuditFinished", "ModelFinished", "ModelFinished", "Note", "RunFinished"]
    fine = [e for e in events(FINE) if not isinstance(e, Note)]
    assert spoken(fine, "json", quiet=True) == ""


def test_left_out_models_and_warnings() -> None:
    out = io.StringIO()
    console = make_console("text", False, out)
    console.warn("about [this]")
    console.left_out("m", "enabled is false")
    assert out.getvalue().splitlines() == ["warning: about [this]", "left out m: enabled is false"]
    out = io.StringIO()
    make_console("json", False, out).left_out("m", "enabled is false")
    assert json.loads(out.getvalue())["message"] == "left out m: enabled is false"


def test_long_training_in_a_pipe_tells_how_long_it_still_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    said: list[Event] = [ModelStarted("m", "train", "never built", 1, 1)]
    said += [ModelProgress("m", "train", done, 100, "epochs", "loss 1.5") for done in range(1, 8)]
    lines = [line for line in spoken(said).splitlines() if "left" in line]
    # Events come every 4 s, lines no oftener than every 10 s: at the 4th event (12 s after the first) and the 7th.
    assert lines == [
        "[1/1] train  m: 4 of 100 epochs, 4 min 48 s left  loss 1.5",
        "[1/1] train  m: 7 of 100 epochs, 5 min 19 s left  loss 1.5",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_per_running_model_and_then_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    console = TextConsole(out)
    with console:
        for event in events(run(PASSED, FAILED)):
            if isinstance(event, ModelProgress):
                console.listen(event)
                assert console.progress is not None
                task = console.progress.tasks[0]
                assert (task.completed, task.total) == (1, 2)
                assert "epochs" in str(task.fields["note"])
                assert "loss 0.5" in str(task.fields["note"])
                console.progress.refresh()
            else:
                console.listen(event)
    text = out.getvalue()
    assert "train 1/2 epochs loss 0.5" in text
    assert "\x1b[31mFAIL" in text
    assert text.index("train 1/2 epochs") < text.index("12.3 s, 5,000 rows")


def test_no_color_and_dumb_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    with TextConsole(out) as console:
        console.listen(ModelFinished(FAILED, 1, 1))
    assert "\x1b[31m" not in out.getvalue()
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()
    with TextConsole(out) as console:
        for event in events():
            console.listen(event)
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_reader_that_goes_away_does_not_end_the_build(log_format: str) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as out, make_console(log_format, False, out) as console:
        console.listen(RunStarted("r", 1, 1, "dev"))
        os.close(reading)
        for event in events():
            console.listen(event)


@pytest.mark.parametrize(
    ("result", "facts"),
    [
        (PASSED, "ok 12.3 s, 5,000 rows, 1 of 2 audits passed, 1 can't tell"),
        (FAILED, "FAIL 100 rows, 1 of 3 audits passed"),
        (SKIPPED, "skipped churn did not pass"),
        (ERROR, "ERROR the disk is full"),
        (REUSED, "unchanged 1 row"),
    ],
    ids=lambda r: getattr(r, "model", ""),
)
def test_the_line_of_a_model(result: object, facts: str) -> None:
    assert spoken([ModelFinished(result, 1, 1)]).rstrip().endswith(f".. {facts}")  # type: ignore[arg-type]


def test_only_audits_worth_reading_are_told() -> None:
    passed = KS.having(status="pass")
    assert spoken([AuditFinished("m", passed)]) == ""
    assert spoken([AuditFinished("m", WARNED)]).startswith("      warn  m: row_count: 12,345 against min 20000")
    assert "too few rows" in spoken([AuditFinished("m", UNTOLD)])
