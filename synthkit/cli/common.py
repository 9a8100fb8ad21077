"""Options that several verbs share, and the way from them to a compiled project."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from synthkit.compiler import Manifest
    from synthkit.project.project import Project
    from synthkit.store.published import Versions

F = TypeVar("F", bound=Callable[..., Any])
# Where the columns of the real tables come from: the sources themselves; the receipts of what was published, so that no
# source is opened; or the receipts where a source is not here, as in a clone without the data.
Reads = Literal["sources", "receipts", "either"]


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
    help="The project (default: here or above).",
)
reader_options = _chain(
    project_dir_option,
    click.option("-t", "--target", envvar="SYNTH_TARGET", help="The target to work on (default: the project's)."),
)
project_options = _chain(
    reader_options,
    click.option("--vars", "variables", envvar="SYNTH_VARS", help="Variables as YAML: '{epochs: 10}'."),
)
selection_options = _chain(
    click.option("-s", "--select", multiple=True, help="What to take: name, +name+, tag:x, path:x, source:x, …"),
    click.option("--exclude", multiple=True, help="What to leave out, in the same syntax."),
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
    type=click.Choice(["inconclusive"]),
    help="Exit 1 also where an audit cannot tell. What passed is published all the same; on_inconclusive: fail blocks.",
)
full_option = click.option(
    "--full",
    is_flag=True,
    envvar="SYNTH_FULL",
    help="Hash also sources whose files keep their size and time.",
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
    click.option("--fail-fast", is_flag=True, envvar="SYNTH_FAIL_FAST", help="Stop at the first failure."),
    click.option(
        "--lock-wait",
        type=click.FloatRange(min=0),
        default=0.0,
        envvar="SYNTH_LOCK_WAIT",
        help="Seconds to wait for another build to end.",
    ),
)


def project_root(project_dir: Path | None) -> Path:
    """The project's folder; noted for the log of an error that nobody foresaw."""
    from synthkit.project.project import find_project_root

    root = find_project_root(project_dir or Path.cwd())
    context = click.get_current_context(silent=True)
    if context is not None and isinstance(context.obj, dict):
        context.obj["root"] = root
    return root


def load(
    project_dir: Path | None,
    target: str | None = None,
    variables: str | None = None,
    **given: Any,
) -> Project:
    """Find and load the project that the options name."""
    from synthkit.project.project import load_project

    root = project_root(project_dir)
    return load_project(root, target=target, vars=parse_vars(variables), **given)


def compiled(
    project_dir: Path | None,
    target: str | None = None,
    variables: str | None = None,
    *,
    full: bool = False,
    reads: Reads = "sources",
    **given: Any,
) -> Manifest:
    """Load and compile the project; faults end the command.

    Args:
        full: forget what was learnt of the sources, which is known by their files' size and time.
        reads: where the sources' columns come from, see :data:`Reads`; of a source that is not here it is said.
    """
    from synthkit.compiler import compile_project
    from synthkit.files import own_folder, remove

    project = load(project_dir, target, variables, **given)
    own_folder(project.root / "target")  # before anything is learnt of a source
    if full:
        for learnt in (project.content_cache, project.describe_cache):
            remove(learnt)
    if reads == "sources":
        return compile_project(project)
    from synthkit.verify.receipts import columns_in

    manifest = compile_project(project, columns_in(project.warehouse_dir), opens=reads == "either")
    for source, why in manifest.absent.items():
        click.echo(f"note: {source.removeprefix('source:')} cannot be read here, receipts tell of it: {why}", err=True)
    return manifest


def kept_versions(project_dir: Path | None, target: str | None) -> Versions:
    """The versions of the tables of a project. Raises SynthError where versions are off."""
    from synthkit.store.published import Versions
    from synthkit.store.reader import warehouse_of

    return Versions.of(warehouse_of(project_dir or Path(), target)[1])


def parse_vars(text: str | None) -> Mapping[str, Any]:
    """``--vars`` as a mapping. Raises click.BadParameter."""
    if not text:
        return {}
    from synthkit.project.yamlfile import Document, parse_text

    document = parse_text(text, Document(Path("--vars")))
    if document.faults:
        raise click.BadParameter(document.faults[0].message, param_hint="--vars")
    if not isinstance(document.value, dict):
        raise click.BadParameter("write a mapping: --vars '{epochs: 10}'", param_hint="--vars")
    return document.value


def on_terminal() -> bool:
    return sys.stdout.isatty()


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
