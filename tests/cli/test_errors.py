"""What a failure looks like from outside: a sentence on stderr, an exit status, never a bare traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from synthkit.cli.main import main
from tests.synth import SYNTH, Project, run_synth

BREAKING = """
import synthkit.compiler, sys
def broken(*_, **__):
    raise {error}
synthkit.compiler.compile_project = broken
sys.argv = ["synth", "ls"]
from synthkit.cli.main import main
main()
"""


def breaking(project: Project, error: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`synth ls` with a fault in synthkit itself."""
    return subprocess.run(
        [sys.executable, "-c", BREAKING.format(error=error)],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **env},
    )


def test_an_internal_error_is_one_sentence_and_a_log(shop: Project) -> None:
    done = breaking(shop, "ZeroDivisionError('by nothing')")
    assert done.returncode == 2
    assert "internal error: ZeroDivisionError: by nothing" in done.stderr
    assert "Traceback" not in done.stderr
    logs = list((shop.root / "target" / "logs").glob("*.log"))
    assert len(logs) == 1
    assert str(logs[0]) in done.stderr
    assert "Traceback" in logs[0].read_text()
    assert "in broken" in logs[0].read_text()


def test_synth_debug_shows_the_traceback(shop: Project) -> None:
    done = breaking(shop, "ZeroDivisionError", SYNTH_DEBUG="1")
    assert "Traceback" in done.stderr
    assert done.returncode != 0


def test_a_file_that_cannot_be_read_is_named(shop: Project) -> None:
    done = breaking(shop, "PermissionError(13, 'Permission denied', 'secret.yml')")
    assert done.returncode == 2
    assert "error: secret.yml: Permission denied" in done.stderr
    assert "internal error" not in done.stderr


def test_an_internal_error_where_no_log_can_be_written_goes_to_a_temporary_file(shop: Project) -> None:
    (shop.root / "target").write_text("in the way")
    done = breaking(shop, "ZeroDivisionError('by nothing')")
    assert done.returncode == 2
    path = Path(done.stderr.split("the traceback is in ")[1].split(";")[0])
    assert "in broken" in path.read_text()
    path.unlink()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "--thread", "2"], "No such option"),
        (["build", "--threads", "0"], "--threads"),
        (["build", "--lock-wait", "-1"], "--lock-wait"),
        (["plan", "--vars", "{a: "], "--vars"),
        (["plan", "--target", "prd"], "there is no target 'prd'"),
        (["query"], "pass the SQL"),
        (["schema"], "run_results"),
        (["show"], "Missing argument 'MODEL'"),
        (["init"], "synth init NAME"),
        (["ls", "nonsense"], "unexpected extra argument"),
    ],
)
def test_usage_errors_exit_2_and_say_which(
    shop: Project,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(shop.root)
    monkeypatch.setattr(sys, "argv", ["synth", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_faults_go_to_stderr_and_nothing_to_stdout(shop: Project) -> None:
    shop.write({"models/bad.yml": "modles: []\n"})
    done = shop.synth("build")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "models/bad.yml:1:1: error:" in done.stderr
    assert "  fix: did you mean 'models'?" in done.stderr
    assert done.stderr.endswith("1 fault in 1 file; nothing was run\n")
    assert "\x1b" not in done.stderr


def test_the_environment_sets_options_and_the_command_line_wins(shop: Project) -> None:
    shop.write({"synth_project.yml": "name: shop\ntargets: {dev: {}, prod: {}}\n"})
    shop.ok("build", env={"SYNTH_TARGET": "prod", "SYNTH_LOG_FORMAT": "json", "SYNTH_THREADS": "1"})
    assert (shop.root / "warehouse" / "prod").is_dir()
    assert not (shop.root / "warehouse" / "dev").exists()
    shop.ok("build", "--target", "dev", env={"SYNTH_TARGET": "prod"})
    assert (shop.root / "warehouse" / "dev").is_dir()


def test_a_project_is_found_from_below_and_by_option(shop: Project) -> None:
    for arguments, folder in ((["ls"], shop.root / "models"), (["ls", "--project-dir", str(shop.root)], "/")):
        done = run_synth(folder, *arguments)
        assert done.stdout.split() == ["source:crm.customers", "customers", "by_tier"], done.stderr


def test_output_that_cannot_be_encoded_does_not_end_the_command(shop: Project) -> None:
    latin = {"PYTHONIOENCODING": "latin-1"}  # which has no long dash
    shop.ok("build")
    assert "[\\u2013] reuse  customers" in shop.ok("build", env=latin)


@pytest.mark.parametrize("fine", [True, False])
def test_a_build_into_a_closed_pipe_ends_with_the_builds_own_status(shop: Project, fine: bool) -> None:
    if not fine:
        path = shop.root / "models" / "customers.yml"
        path.write_text(path.read_text().replace("audits: []", "audits: [{row_count: {min: 10}}]"))
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*SYNTH, "build"], cwd=shop.root, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert done.returncode == (0 if fine else 1), done.stderr
    assert done.stderr == ""
    assert shop.results()["by_tier"]["status"] == ("pass" if fine else "fail")


def test_a_closed_pipe_is_no_failure_of_a_query(built_shop: Project) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*SYNTH, "query", "select * from range(300000)"],
        cwd=built_shop.root,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 0, done.stderr
    assert "BrokenPipe" not in done.stderr


def test_ctrl_c_outside_a_build_says_interrupted(shop: Project) -> None:
    done = breaking(shop, "KeyboardInterrupt")
    assert done.returncode == 1
    assert done.stderr.strip() == "interrupted"
