"""``synth``: finds the verb, loads its file alone, and turns every error into a sentence and an exit status."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from synthkit import __version__

# Verb → what it does, as ``synth --help`` lists it; the verb's module is loaded only when it runs.
VERBS = {
    "init": "Make a project, or describe files as sources of one.",
    "debug": "Check versions, device, project, targets and sources.",
    "ls": "List models, sources and exposures.",
    "compile": "Check everything that can be checked before training; write target/manifest.json.",
    "plan": "Say what a build would do, and why. Nothing is run.",
    "build": "Train, sample, audit and publish.",
    "audit": "Audit again what is published. Nothing is built.",
    "show": "Show a published table: rows, how it was made, what it is worth.",
    "query": "Run SQL over the published tables.",
    "schema": "Print the JSON Schemas of the YAML and result files.",
    "clean": "Remove scratch; published tables stay.",
}
LATER = frozenset({"diff", "verify", "versions", "rollback", "retry", "ledger", "docs", "gc", "push", "pull"})


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
        if name in LATER:
            ctx.fail(f"'synth {name}' is not part of synthkit {__version__} yet.")
        if name not in VERBS:
            from synthkit.errors import did_you_mean

            ctx.fail(f"there is no verb {name!r}: {did_you_mean(name, VERBS, 'a verb')}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="synth", message="%(prog)s %(version)s")
def cli() -> None:
    """Build synthetic tables from YAML: train, audit, publish."""


def main() -> None:
    """Run the command line and exit: 0 all passed, 1 a build or audit failed, 2 anything else."""
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of a pipe has seen enough; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        sys.exit(_explained(error))


def _explained(error: Exception) -> int:
    from synthkit.errors import EXIT_USAGE, ConfigurationError, SynthError
    from synthkit.report.faults import render_error, render_faults

    if os.environ.get("SYNTH_DEBUG"):
        raise error
    if isinstance(error, ConfigurationError):
        click.echo(render_faults(error.faults, color=sys.stderr.isatty()), err=True)
        return error.exit_code
    if isinstance(error, SynthError):
        click.echo(render_error(error, color=sys.stderr.isatty()), err=True)
        return error.exit_code
    path = _log_traceback()
    click.echo(f"error: internal error: {type(error).__name__}: {error}", err=True)
    click.echo(f"  the traceback is in {path}; SYNTH_DEBUG=1 shows it here", err=True)
    return EXIT_USAGE


def _log_traceback() -> str:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="synth-", suffix=".log", delete=False, encoding="utf-8") as file:
        file.write(traceback.format_exc())
    return file.name


if __name__ == "__main__":
    main()
