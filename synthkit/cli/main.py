"""``synth``: finds the verb, loads its file alone, and turns every error into a sentence and an exit status."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from synthkit import __version__
from synthkit.memory import one_verb

# Verb → what it does, as ``synth --help`` lists it; the verb's module is loaded only when it runs.
VERBS = {
    "init": "Make a project, or describe files as sources of one.",
    "deps": "Install packages of macros and SQL audits.",
    "debug": "Check versions, device, project, targets and sources.",
    "ls": "List models, sources and exposures.",
    "compile": "Check everything that can be checked before training; write target/manifest.json.",
    "plan": "Say what a build would do, and why. Nothing is run.",
    "preview": "Show rows of a model and a verdict, from a small fit.",
    "probe": "Say what files look like before anything is trained.",
    "rules": "Find what holds between the columns of a source or a published table.",
    "test": "Run the unit tests of SQL models, custom audits and macros.",
    "freshness": "Say how old the sources are that declare how old they may be.",
    "build": "Train, sample, audit and publish.",
    "k8s": "Write a build as Kubernetes Jobs, for kubectl apply.",
    "promote": "Publish in one target what another has published and audited.",
    "retry": "Build what the last run left undone, also a killed one.",
    "audit": "Audit again what is published. Nothing is built.",
    "verify": "Check receipts, data, audits, ledger and contracts at HEAD, without real rows.",
    "report": "Write a report of the last run: markdown, junit, github or html.",
    "show": "Show a published table: rows, how it was made, what it is worth.",
    "stats": "Show what builds took: time, memory, money, and how that and the quality went.",
    "ledger": "Show what was spent of whose privacy, and what is left.",
    "versions": "List the versions of a published table, from git's history.",
    "diff": "Compare two versions of a table.",
    "rollback": "Publish an old version of a table again.",
    "push": "Copy published tables to a DVC remote.",
    "pull": "Bring published tables from a DVC remote.",
    "query": "Run SQL over the published tables.",
    "export": "Write published tables as other tools read them.",
    "docs": "Write the project as a site to read, or serve it.",
    "schema": "Print the JSON Schemas of the YAML and result files.",
    "gc": "Remove what nothing needs any more: caches, staged rows, old versions.",
    "clean": "Remove scratch; published tables stay.",
}


class LazyGroup(click.Group):
    """Verbs by name, imported one at a time."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"synthkit.cli.{name}").command
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0]
        if name not in VERBS:
            from synthkit.errors import did_you_mean

            ctx.fail(f"there is no verb {name!r}: {did_you_mean(name, VERBS, 'a verb')}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader of what a verb prints has seen enough. Click would make a failed build (1) of it.
            from synthkit.report.pipe import discard

            discard(sys.stdout)
            ctx.exit(0)
        return done


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="synth", message="%(prog)s %(version)s")
def cli() -> None:
    """Build synthetic tables from YAML: train, audit, publish."""


def main() -> None:
    """Run the command line and exit: 0 all passed, 1 a build or audit failed, 2 anything else."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show an ε must not end a build.
            stream.reconfigure(errors="backslashreplace")
    _say_what_is_called_otherwise_now()
    seen: dict[str, Path] = {}  # where a verb notes the project's root, for the log of an internal error
    try:
        with one_verb():
            code = cli.main(standalone_mode=False, obj=seen)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(1)
    except Exception as error:
        sys.exit(_explained(error, seen.get("root")))
    finally:
        _keep_private(seen.get("root"))


def _say_what_is_called_otherwise_now() -> None:
    """A warning about an earlier name is for whoever uses it: without a line of our code."""
    import warnings

    shown, ours = warnings.showwarning, str(Path(__file__).parents[1])

    def show(message: Any, category: type[Warning], filename: str, *rest: Any) -> None:
        if category is FutureWarning and filename.startswith(ours):
            click.echo(f"warning: {message}", err=True)
        else:
            shown(message, category, filename, *rest)

    warnings.showwarning = show  # type: ignore[assignment]


def _keep_private(root: Path | None) -> None:
    """What a verb left in the scratch folder (rows of sources, figures, logs) is for its owner alone."""
    if root is None or not (root / "target").is_dir():
        return
    from synthkit.files import keep_private
    from synthkit.project.containment import outside

    if outside(root / "target", root) is None:
        keep_private(root / "target")


def _explained(error: Exception, root: Path | None) -> int:
    """Say on stderr what happened, and return the exit status."""
    from synthkit.errors import EXIT_USAGE, ConfigurationError, SynthError
    from synthkit.report.faults import render_error, render_faults
    from synthkit.report.style import wants_colour

    if os.environ.get("SYNTH_DEBUG"):
        raise error
    color = wants_colour(sys.stderr)
    if isinstance(error, ConfigurationError):
        click.echo(render_faults(error.faults, color=color), err=True)
        return error.exit_code
    if isinstance(error, SynthError):
        click.echo(render_error(error, color=color), err=True)
        return error.exit_code
    path = _log_traceback(root)
    if isinstance(error, OSError) and error.filename is not None:
        click.echo(f"error: {error.filename}: {error.strerror}", err=True)
    else:
        click.echo(f"error: internal error: {type(error).__name__}: {error}", err=True)
    click.echo(f"  the traceback is in {path}; SYNTH_DEBUG=1 shows it here", err=True)
    return EXIT_USAGE


def _log_traceback(root: Path | None) -> str:
    """Write the traceback that is being handled to the project's target/logs, or to a temporary file."""
    import tempfile
    import traceback

    text = f"synthkit {__version__}, Python {sys.version}\n{traceback.format_exc()}"
    folders: list[Path | None] = [root / "target" / "logs"] if root is not None else []
    for folder in [*folders, None]:
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", prefix="synth-", suffix=".log", dir=folder, delete=False, encoding="utf-8"
            ) as file:
                file.write(text)
            return file.name
        except OSError:
            continue
    return "no file: none could be written"


if __name__ == "__main__":
    main()
