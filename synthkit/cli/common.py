"""Options that several verbs share, and the way from them to a compiled project."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from synthkit.compiler import Manifest

F = TypeVar("F", bound=Callable[..., Any])


def _chain(*decorators: Callable[[Any], Any]) -> Callable[[F], F]:
    def apply(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


project_dir_option = click.option(
    "--project-dir",
    type=click.Path(path_type=Path),
    envvar="SYNTH_PROJECT_DIR",
    help="The project (default: here or above); for who only reads also an address, s3://….",
)
reader_options = _chain(
    project_dir_option,
    click.option("-t", "--target", envvar="SYNTH_TARGET", help="The target to work on (default: the project's)."),
)
vars_option = click.option("--vars", "variables", envvar="SYNTH_VARS", help="Variables as YAML: '{epochs: 10}'.")
project_options = _chain(reader_options, vars_option)
selected_options = _chain(
    click.option("-s", "--select", multiple=True, help="What to take: name, +name+, tag:x, path:x, source:x, …"),
    click.option("--exclude", multiple=True, help="What to leave out, in the same syntax."),
)
selection_options = _chain(
    selected_options,
    click.option(
        "--state",
        metavar="DIR",
        type=click.Path(path_type=Path),
        envvar="SYNTH_STATE",
        help="What state: compares with: another branch's manifest.json and receipts.",
    ),
)
log_options = _chain(
    click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        envvar="SYNTH_LOG_FORMAT",
        help="Lines for people or JSON.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Print only what went wrong."),
)
base_option = click.option(
    "--base", metavar="REF", envvar="SYNTH_BASE", help="Compare with this commit or branch: origin/main."
)
report_option = click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FORMAT=PATH",
    help="Also write a report: markdown=…, junit=…, html=…; github annotates a pull request.",
)
fail_on_option = click.option(
    "--fail-on",
    type=click.Choice(["inconclusive", "made_up"]),
    multiple=True,
    help="Exit 1 also where an audit cannot tell, or a column is made up. What passed is published all the same.",
)
full_option = click.option(
    "--full",
    is_flag=True,
    envvar="SYNTH_FULL",
    help="Hash also sources whose files keep their size and time.",
)
runner_option = click.option(
    "--runner", metavar="NAME", envvar="SYNTH_RUNNER", help="Where jobs run: local, ray, … (default: the target's)."
)
build_options = _chain(
    click.option(
        "--threads",
        type=click.IntRange(min=1),
        envvar="SYNTH_THREADS",
        help="Models built at once (default: the project's, or cores).",
    ),
    click.option("--seed", type=int, envvar="SYNTH_SEED", help="The project's seed for this run."),
    click.option("--device", envvar="SYNTH_DEVICE", help="auto, cpu, cuda or cuda:N."),
    runner_option,
    click.option("--fail-fast", is_flag=True, envvar="SYNTH_FAIL_FAST", help="Stop at the first failure."),
    click.option(
        "--lock-wait",
        type=click.FloatRange(min=0),
        default=0.0,
        envvar="SYNTH_LOCK_WAIT",
        help="Seconds to wait for another build to end.",
    ),
)


def place(project_dir: Path | None) -> Path:
    """Where to look for the project. Its folder is noted, for what a verb leaves there and for the log of an error."""
    found = project_dir or Path()
    context = click.get_current_context(silent=True)
    if context is not None and isinstance(context.obj, dict):
        from synthkit.api.project import find
        from synthkit.errors import SynthError

        try:
            context.obj["root"] = find(found)
        except SynthError:
            return found  # the verb says so
    return found


def compiled(
    project_dir: Path | None, target: str | None = None, variables: str | None = None, **given: Any
) -> Manifest:
    """The compiled project; faults end the command. Of a source that cannot be read here it is said."""
    from synthkit.api.project import compile as compile_project
    from synthkit.api.project import variables as parsed

    manifest = compile_project(place(project_dir), target=target, vars=parsed(variables), **given)
    for source, why in manifest.absent.items():
        click.echo(f"note: {source.removeprefix('source:')} cannot be read here, receipts tell of it: {why}", err=True)
    return manifest


def on_terminal() -> bool:
    return sys.stdout.isatty()


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
